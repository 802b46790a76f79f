// What needs the bus at a start is tried again while the server goes and comes: a start must not depend on that moment.
import { setTimeout as sleep } from "node:timers/promises";

/** How long a lost connection is borne, from the first try. */
const PATIENCE_MS = 20_000;
const AGAIN_MS = 250;

/** Tries `work` until it succeeds, fails for another reason than the connection, or the time is over. Rejects with what the
 * last try said. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (const since = performance.now(); ; ) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || performance.now() - since > PATIENCE_MS) throw error;
      await sleep(AGAIN_MS);
    }
  }
}

const CLIENT_ERRORS: ReadonlySet<string> = new Set(["ConnectionError", "TimeoutError"]);

/** Of the bus and of the control service; and the client's own, when the connection is lost under a request. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const reason = "reason" in error ? error.reason : null;
  return reason === "disconnected" || reason === "timeout" || CLIENT_ERRORS.has(error.name);
}
