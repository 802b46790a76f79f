// How long a symbol rests after failures in a row.
import type { PurgePolicy, Timestamp } from "./vocabulary.ts";

type BackoffPolicy = PurgePolicy["backoff"];

/** The last instant that `Timestamp` can write. */
const LATEST_MS = Date.parse("9999-12-31T23:59:59.999Z");

/** How long a symbol rests after `failures` failed attempts in a row, in whole milliseconds.
 *
 * Returns 0 until `policy.after_failures` is reached, then `base · factor^n`, never more than `policy.max_ms`. With a
 * `jitterSeed` the wait is lengthened by up to `policy.jitter_pct` percent, by an amount that depends on the seed and on
 * `failures` only: a replay waits exactly as long as the run did.
 *
 * @param jitterSeed what tells this symbol from the others, such as `<ledger>/<symbol>`; none means no jitter
 */
export function backoffMs(failures: number, policy: BackoffPolicy, jitterSeed?: string): number {
  if (!policy.enabled || failures < 1 || failures < policy.after_failures || policy.base_ms === 0) return 0;
  const growth = policy.factor ** (failures - policy.after_failures);
  const restMs = Math.min(policy.base_ms * growth, policy.max_ms);
  const share = jitterSeed === undefined ? 0 : hashFraction(`${jitterSeed}/${failures}`);
  return Math.floor(restMs * (1 + (share * policy.jitter_pct) / 100));
}

/** When a symbol whose attempt failed at `failedAt` may be tried again; null when it need not wait. */
export function retryAt(
  failedAt: Timestamp,
  failures: number,
  policy: BackoffPolicy,
  jitterSeed?: string,
): Timestamp | null {
  const restMs = backoffMs(failures, policy, jitterSeed);
  if (restMs === 0) return null;
  return new Date(Math.min(Date.parse(failedAt) + restMs, LATEST_MS)).toISOString();
}

/** FNV-1a with MurmurHash3's finish, as a number from 0 up to but not including 1. Spreads neighbours such as `…/3` and `…/4`. */
function hashFraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
