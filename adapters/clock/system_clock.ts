// The clock of real time: one timer of the system, however many are waiting.
import type { Cancel, Clock } from "../../actors/ports.ts";
import { TimerQueue } from "./timer_queue.ts";

/** What the system offers: a wall clock that anybody may set, and one and waits that do not care. */
export interface SystemTimers {
  /** Epoch milliseconds. */
  now(): number;
  /** Milliseconds, by a clock that nobody sets. */
  steady(): number;
  after(ms: number, fire: () => void): Cancel;
}

const NODE: SystemTimers = {
  now: () => Date.now(),
  steady: () => performance.now(),
  after(ms, fire) {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};

/** Node fires at once when asked to wait longer than 2^31 - 1 ms, so long waits are cut into pieces. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** Real time. `close` forgets all timers, so that the process may end. */
export function systemClock({ now, steady, after }: SystemTimers = NODE): Clock & { close(): void } {
  const timers = new TimerQueue();
  let armed: Cancel | null = null;
  let armedFor = Number.POSITIVE_INFINITY;
  let closed = false;

  const arm = (): void => {
    const at = timers.nextAt();
    if (closed || at === null || (armed !== null && armedFor <= at)) return;
    armed?.();
    armedFor = at;
    armed = after(Math.min(Math.max(at - now(), 0), LONGEST_WAIT_MS), wake);
  };
  const wake = (): void => {
    armed = null;
    armedFor = Number.POSITIVE_INFINITY;
    try {
      for (let fire = timers.takeDue(now()); fire !== null; fire = timers.takeDue(now())) fire();
    } finally {
      arm();
    }
  };

  return {
    now,
    steady,
    schedule(at, fire) {
      const cancel = timers.add(at, fire);
      arm();
      return cancel;
    },
    hold: () => () => {},
    close() {
      closed = true;
      armed?.();
    },
  };
}
