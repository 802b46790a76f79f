// How many restarts a supervisor may spend in how much time.

/** Counts restarts over a sliding window, as OTP does: per supervisor, not per child. */
export class RestartIntensity {
  readonly #maxRestarts: number;
  readonly #periodMs: number;
  #times: number[] = [];

  constructor(maxRestarts: number, periodMs: number) {
    this.#maxRestarts = maxRestarts;
    this.#periodMs = periodMs;
  }

  /** Notes one more restart at `now` and tells whether that is still within bounds.
   *
   * A restart exactly `periodMs` ago counts. One from the future, left by a clock that was set back, is taken to be
   * of now, or it would count for as long as the clock was off.
   */
  allows(now: number): boolean {
    this.#times = this.#times.map((at) => Math.min(at, now)).filter((at) => at >= now - this.#periodMs);
    this.#times.push(now);
    return this.#times.length <= this.#maxRestarts;
  }
}
