// Time that runs faster than real, and stands still while there is work to do: hours of backoff in seconds, with the
// same order of events whatever the speed of the machine.
import type { Clock } from "../../actors/ports.ts";
import { TimerQueue } from "./timer_queue.ts";
import { HoldCount } from "./virtual_clock.ts";

/** Node fires at once when asked to wait longer. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** A clock for paper runs.
 *
 * Between two deadlines, time runs `speed` times faster than real; with `"max"` it jumps from one to the next. While
 * anything is held (`hold`) it stands still, so a slow disk never eats a slice's time.
 *
 * @param start epoch milliseconds of the first instant
 */
export function pacedClock(start: number, speed: number | "max"): Clock & { close(): void } {
  if (speed !== "max" && !(speed > 0 && Number.isFinite(speed))) {
    throw new RangeError(`speed is ${speed}; expected a number above 0, or "max"`);
  }
  const timers = new TimerQueue();
  const held = new HoldCount();
  let now = start;
  let closed = false;
  /** Real and virtual time at which the present wait began; null while time stands still. */
  let waiting: { readonly since: number; readonly until: number } | null = null;
  let interrupt: (() => void) | null = null;

  const current = (): number => {
    if (waiting === null || speed === "max") return now;
    return Math.min(now + (performance.now() - waiting.since) * speed, waiting.until);
  };
  const wait = (until: number): Promise<void> => {
    waiting = { since: performance.now(), until };
    const ms = speed === "max" ? LONGEST_WAIT_MS : Math.min((until - now) / speed, LONGEST_WAIT_MS);
    return new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    }).finally(() => {
      now = Math.floor(current());
      waiting = null;
      interrupt = null;
    });
  };
  const run = async (): Promise<void> => {
    while (!closed) {
      await held.settle();
      if (closed) return;
      const at = timers.nextAt();
      if (at === null || (at > now && speed !== "max")) await wait(at ?? Number.POSITIVE_INFINITY);
      else now = Math.max(now, at);
      if (held.count === 0) timers.takeDue(now)?.();
    }
  };
  void run();

  return {
    now: () => Math.floor(current()),
    steady: () => Math.floor(current()),
    schedule(at, fire) {
      const cancel = timers.add(at, fire);
      if (waiting !== null && at < waiting.until) interrupt?.();
      return cancel;
    },
    hold() {
      const release = held.take();
      interrupt?.();
      return release;
    },
    close() {
      closed = true;
      interrupt?.();
    },
  };
}
