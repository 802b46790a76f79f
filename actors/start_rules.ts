// Whether an attempt may be started on a candidate now; asked by the cycle for all of them, and by an operator for one.
import type { Timestamp, VenueState } from "../machines/mod.ts";
import type { Candidate } from "./eligibility.ts";
import type { OperatorRefusal, Skip } from "./ports.ts";

/** What the cycle needs to know of a symbol, from its last durable record. */
export interface SymbolView {
  readonly state: string;
  /** An attempt is under way. */
  readonly isBusy: boolean;
  readonly failures: number;
  readonly lastFailedAt: Timestamp | null;
  readonly retryAt: Timestamp | null;
  readonly backoffMs: number;
  readonly suspendedFor: string | null;
}

/** What stands outside of the symbol, now. */
export interface StartConditions {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly bans: ReadonlyMap<string, string>;
  readonly isDryRun: boolean;
  /** The breaker, while it is open. */
  readonly openVenue: VenueState | null;
  readonly started: number;
  readonly maxPerCycle: number;
}

/** Why no attempt is started; null when one may be. */
export function whySkip(
  { symbol, valueUsd }: Pick<Candidate, "symbol" | "valueUsd">,
  view: SymbolView | null,
  { now, bans, isDryRun, openVenue, started, maxPerCycle }: StartConditions,
): Skip | null {
  const ban = bans.get(symbol);
  if (ban !== undefined) return { why: "suspended", detail: `banned in universe.yaml: ${ban}` };
  const state = view?.state ?? "idle";
  if (state === "suspended") return { why: "suspended", detail: view?.suspendedFor ?? "" };
  if (state === "backoff.waiting" && view !== null) {
    const remainingMs = Math.max(0, Date.parse(view.retryAt ?? "") - now);
    return { why: "backoff", failures: view.failures, backoffMs: view.backoffMs, remainingMs };
  }
  if (state !== "idle" && state !== "failed" && state !== "backoff.due") {
    return { why: "busy", detail: state };
  }
  if (isDryRun) return { why: "dry_run", detail: `would sell ${symbol}, worth $${valueUsd}` };
  if (openVenue !== null) {
    const { cause, reason, until } = openVenue;
    return { why: "venue", detail: `${cause}: ${reason}, until ${until ?? "it says otherwise"}` };
  }
  if (started >= maxPerCycle) {
    return { why: "limit", detail: `max_liquidations_per_cycle ${maxPerCycle} attempts started` };
  }
  return null;
}

/** The same, to an operator. */
export function refusalOf(
  skip: Skip,
  symbol: string,
): { readonly code: OperatorRefusal; readonly message: string } {
  switch (skip.why) {
    case "backoff": {
      const minutes = Math.ceil(skip.remainingMs / 60_000);
      const message = `${symbol} rests ${minutes} min more after ${skip.failures} failures; reset ends that`;
      return { code: "in_backoff", message };
    }
    case "suspended":
      return { code: "suspended", message: `${symbol} is suspended: ${skip.detail}` };
    case "busy":
      return { code: "busy", message: `${symbol} is ${skip.detail}: an attempt is under way already` };
    case "limit":
      return { code: "limit", message: `${skip.detail} in this cycle; try again in the next` };
    case "venue":
      return { code: "venue", message: `no order is placed now: ${skip.detail}` };
    case "dry_run":
      return { code: "dry_run", message: `a dry run sells nothing: ${skip.detail}` };
  }
}
