// Seeds that once broke a promise. Each is run for ever, with as many minutes of trouble as it had then.

export interface KeptSeed {
  readonly seed: number;
  /** Of trouble. */
  readonly minutes: number;
  /** What was wrong in the program, in a sentence. */
  readonly found: string;
}

export const KEPT_SEEDS: readonly KeptSeed[] = [
  {
    seed: 72,
    minutes: 30,
    found:
      "a jittered cycle left parts of milliseconds on the clock, and the paper exchange could not store its requests",
  },
  {
    seed: 209,
    minutes: 30,
    found:
      "after a restart an order that was at the exchange was called rejected for a rate limit, and filled unseen",
  },
  {
    seed: 54_293,
    minutes: 3,
    found:
      "a late request arrived while the process was dead, and an old answer that came again said that there was no order",
  },
  {
    seed: 40_071,
    minutes: 3,
    found:
      "somebody set the clock while a request was on its way, and the order was given up a minute later that was none",
  },
];
