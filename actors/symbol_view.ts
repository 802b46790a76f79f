// What the cycle needs to know of a symbol, out of its machine's last durable snapshot.
import { dotted, type PurgeSnapshot, type WindDown } from "../machines/mod.ts";
import type { SymbolView } from "./cycle.ts";

export interface DetailedView extends SymbolView {
  /** Why the attempt under way is being ended; null when it is not, or there is none. */
  readonly endsFor: { readonly kind: WindDown["kind"]; readonly by: string; readonly reason: string } | null;
  /** Banned, as opposed to paused or poisoned. */
  readonly isBanned: boolean;
}

export function viewOf({ value, context }: PurgeSnapshot): DetailedView {
  const { failures, last_failure, retry_at, backoff_ms, suspension, attempt } = context;
  return {
    state: dotted(value),
    isBusy: attempt !== null,
    failures,
    lastFailedAt: last_failure?.failed_at ?? null,
    retryAt: retry_at,
    backoffMs: backoff_ms,
    suspendedFor: suspension === null ? null : `${suspension.kind} by ${suspension.by}: ${suspension.reason}`,
    endsFor: attempt?.wind_down ?? null,
    isBanned: suspension?.kind === "ban",
  };
}
