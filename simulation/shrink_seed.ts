// Makes a broken seed short: the fewest faults with which the same promise is still broken. Delta debugging over names of
// faults, each of which can be called off without changing the luck of any other.
import type { Struck } from "./faults.ts";
import { type SimulateOptions, type Simulated, simulate } from "./simulate.ts";

export interface ShrunkSeed {
  /** The faults that are left, in order. */
  readonly struck: readonly Struck[];
  /** Those that are called off: with them, `simulate` does the same again. */
  readonly calledOff: ReadonlySet<string>;
  readonly simulated: Simulated;
  readonly runs: number;
  /** No fault can be left out. False where `maxRuns`, or the end of patience, came first. */
  readonly isMinimal: boolean;
}

export interface ShrinkSeedOptions extends Pick<SimulateOptions, "seed" | "troubleMs"> {
  readonly maxRuns: number;
  /** Aborted, it is content with what it has by then. */
  readonly signal?: AbortSignal;
  /** Told after every run: faults that are left, and runs so far. */
  readonly onRun?: (left: number, runs: number) => void;
}

/** Null when the seed breaks no promise, or `signal` was aborted before it did. */
export async function shrinkSeed(options: ShrinkSeedOptions): Promise<ShrunkSeed | null> {
  const { seed, troubleMs, maxRuns, signal, onRun = () => {} } = options;
  const isEnough = (): boolean => runs >= maxRuns || signal?.aborted === true;
  const whole = await simulate({ seed, troubleMs, signal });
  if (whole.violation === null) return null;
  const { invariant } = whole.violation;
  let calledOff: ReadonlySet<string> = new Set();
  let best = whole;
  let runs = 1;
  let chunk = Math.ceil(whole.struck.length / 2);
  for (let isMinimal = whole.struck.length === 0; ; ) {
    if (isMinimal || isEnough()) return { struck: best.struck, calledOff, simulated: best, runs, isMinimal };
    let hasShrunk = false;
    for (let from = 0; from < best.struck.length && !isEnough(); ) {
      const fewer = new Set([...calledOff, ...best.struck.slice(from, from + chunk).map(({ id }) => id)]);
      const simulated = await simulate({ seed, troubleMs, calledOff: fewer, signal });
      runs += 1;
      onRun(best.struck.length, runs);
      // With fewer faults others may come up that did not before: only what is really shorter is a step forward.
      if (simulated.violation?.invariant !== invariant || simulated.struck.length >= best.struck.length) {
        from += chunk;
        continue;
      }
      calledOff = fewer;
      best = simulated;
      hasShrunk = true;
    }
    isMinimal = chunk === 1 && !hasShrunk && !isEnough();
    chunk = Math.max(1, Math.floor(chunk / 2));
  }
}
