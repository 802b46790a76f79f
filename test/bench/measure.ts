// What is made of many measurements: medians, percentiles, and how far they lie apart.

/** The value that `share` of `values` do not exceed, by nearest rank. @param share above 0, at most 1 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** One number of several rounds. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

/** Takes the time between two counts of the same thing: what comes before the first is warm-up. */
export class Stopwatch {
  readonly #from: number;
  readonly #to: number;
  readonly #done = Promise.withResolvers<void>();
  #count = 0;
  #since = Number.NaN;
  #countAtSince = 0;

  constructor(from: number, to: number) {
    this.#from = from;
    this.#to = to;
  }

  count(more: number): void {
    const before = this.#count;
    this.#count += more;
    if (before < this.#from && this.#count >= this.#from) {
      this.#since = performance.now();
      this.#countAtSince = this.#count;
    }
    if (before < this.#to && this.#count >= this.#to) this.#done.resolve();
  }

  get counted(): number {
    return this.#count;
  }

  /** Resolves when the last one has been counted; rejects after `timeoutMs`. */
  async done(timeoutMs: number): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new Error(`${this.#count} of ${this.#to} after ${timeoutMs} ms`));
    }, timeoutMs);
    await Promise.race([this.#done.promise, late.promise]).finally(() => clearTimeout(timer));
  }

  /** A second, from the first count to now. */
  rate(): number {
    return (this.#to - this.#countAtSince) / ((performance.now() - this.#since) / 1_000);
  }
}
