// Time that passes only when it is told to: for tests and simulation.
import type { Clock } from "../../actors/ports.ts";
import { TimerQueue } from "./timer_queue.ts";

export interface VirtualClock extends Clock {
  /** Fires everything due in the next `ms`, deadline by deadline, letting the work that each one starts come to rest. */
  advance(ms: number): Promise<void>;
  /** The same, without waiting for asynchronous work. */
  advanceSync(ms: number): void;
  /** Waits until nothing is held and queued callbacks have run. */
  settle(): Promise<void>;
  nextAt(): number | null;
  readonly holds: number;
}

/** @param start epoch milliseconds at which time stands still; the default is a Tuesday night in November 2025. */
export function virtualClock(start = Date.parse("2025-11-11T22:00:00.000Z")): VirtualClock {
  const timers = new TimerQueue();
  const held = new HoldCount();
  let now = start;

  const step = (target: number): boolean => {
    const at = timers.nextAt();
    if (at === null || at > target) return false;
    now = Math.max(now, at);
    timers.takeDue(now)?.();
    return true;
  };
  return {
    now: () => now,
    steady: () => now,
    schedule: (at, fire) => timers.add(at, fire),
    hold: () => held.take(),
    async advance(ms) {
      const target = now + ms;
      await held.settle();
      while (step(target)) await held.settle();
      now = target;
    },
    advanceSync(ms) {
      const target = now + ms;
      while (step(target));
      now = target;
    },
    settle: () => held.settle(),
    nextAt: () => timers.nextAt(),
    get holds() {
      return held.count;
    },
  };
}

/** Turns of the event loop without a hold after which work is taken to have come to rest. Effect's scheduler and
 * promise chains between two actors need two or three. */
const QUIET_TURNS = 5;

/** Counts work in flight, and waits for it to end. */
export class HoldCount {
  count = 0;
  #changes = 0;
  #released: (() => void)[] = [];

  take(): () => void {
    this.count += 1;
    this.#changes += 1;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.count -= 1;
      this.#changes += 1;
      if (this.count === 0) for (const wake of this.#released.splice(0)) wake();
    };
  }

  /** Resolves after `QUIET_TURNS` turns in a row in which nothing was held, taken or released. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; ) {
      if (this.count > 0) await new Promise<void>((resolve) => this.#released.push(resolve));
      const before = this.#changes;
      await new Promise<void>((resolve) => setImmediate(resolve));
      quiet = this.count === 0 && this.#changes === before ? quiet + 1 : 0;
    }
  }
}
