// The clock of real time: one Node timer, however many are waiting.
import type { Clock } from "../../actors/ports.ts";
import { TimerQueue } from "./timer_queue.ts";

/** Node fires at once when asked to wait longer than 2^31 - 1 ms, so long waits are cut into pieces. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** Real time. `close` forgets all timers, so that the process may end. */
export function systemClock(): Clock & { close(): void } {
  const timers = new TimerQueue();
  let armed: NodeJS.Timeout | null = null;
  let armedFor = Number.POSITIVE_INFINITY;
  let closed = false;

  const arm = (): void => {
    const at = timers.nextAt();
    if (closed || at === null || (armed !== null && armedFor <= at)) return;
    if (armed !== null) clearTimeout(armed);
    armedFor = at;
    armed = setTimeout(wake, Math.min(Math.max(at - Date.now(), 0), LONGEST_WAIT_MS));
  };
  const wake = (): void => {
    armed = null;
    armedFor = Number.POSITIVE_INFINITY;
    try {
      for (let fire = timers.takeDue(Date.now()); fire !== null; fire = timers.takeDue(Date.now())) fire();
    } finally {
      arm();
    }
  };

  return {
    now: () => Date.now(),
    schedule(at, fire) {
      const cancel = timers.add(at, fire);
      arm();
      return cancel;
    },
    hold: () => () => {},
    close() {
      closed = true;
      if (armed !== null) clearTimeout(armed);
    },
  };
}
