// The state of a run as one JSON document: `GET /status`, and `purgatory status --json` for a running process.
import type { SymbolStatus } from "../../actors/ports.ts";
import type { Verdict } from "./condition.ts";
import { redact } from "./redaction.ts";
import type { Tracker } from "./tracker.ts";

export interface StatusInput {
  readonly tracker: Tracker;
  /** What runs: version, mode, ledger, start time, grants. */
  readonly about: Readonly<Record<string, unknown>>;
  readonly readiness: Verdict;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Plain data with `snake_case` names, free of secrets. */
export function statusDocument({ tracker, about, readiness, now }: StatusInput): unknown {
  const summary = tracker.summary();
  return {
    at: new Date(now).toISOString(),
    ...Object.fromEntries(Object.entries(about).map(([key, value]) => [key, redact(value)])),
    ready: readiness.ok,
    not_ready_because: readiness.reasons,
    holdings_read_at: tracker.holdingsReadAt,
    venue: redact(tracker.venue),
    summary: {
      cycles: summary.cycles,
      cycles_held_back: summary.cyclesHeldBack,
      attempts: summary.attempts,
      retries: summary.retries,
      successes: summary.successes,
      failures: summary.failures,
      interruptions: summary.interruptions,
      skips: summary.skips,
      orders_placed: summary.ordersPlaced,
      orders_rejected: summary.ordersRejected,
      restarts: summary.restarts,
      dead_letters: summary.deadLetters,
      sold_value_usd: summary.soldValueUsd,
    },
    symbols: tracker.symbols().map(symbolDocument),
  };
}

/** One symbol as it goes over the wire. */
export function symbolDocument(status: SymbolStatus): unknown {
  return {
    symbol: status.symbol,
    state: status.state,
    failures: status.failures,
    attempts: status.attempts,
    last_rejection: redact(status.lastRejection),
    last_error: redact(status.lastError),
    next_try_at: status.nextTryAt,
    sold_size: status.soldSize,
    sold_value_usd: status.soldValueUsd,
    residual_usd: status.residualUsd,
    updated_at: status.updatedAt,
  };
}
