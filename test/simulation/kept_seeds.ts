// Seeds that once broke a promise. Each is run for ever, with as many minutes of trouble as it had then.

export interface KeptSeed {
  readonly seed: number;
  /** Of trouble. */
  readonly minutes: number;
  /** What was wrong in the program, in a sentence. */
  readonly found: string;
}

export const KEPT_SEEDS: readonly KeptSeed[] = [];
