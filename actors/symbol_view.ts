// What the cycle needs to know of a symbol, out of its machine's last durable snapshot.
import { dotted, type PurgeSnapshot } from "../machines/mod.ts";
import type { SymbolView } from "./cycle.ts";

export function viewOf({ value, context }: PurgeSnapshot): SymbolView {
  const { failures, last_failure, retry_at, backoff_ms, suspension, attempt } = context;
  return {
    state: dotted(value),
    isBusy: attempt !== null,
    failures,
    lastFailedAt: last_failure?.failed_at ?? null,
    retryAt: retry_at,
    backoffMs: backoff_ms,
    suspendedFor: suspension === null ? null : `${suspension.kind} by ${suspension.by}: ${suspension.reason}`,
  };
}
