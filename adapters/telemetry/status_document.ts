// The state of a run as one JSON document: `GET /status`, and `purgatory status --json` for a running process.
import type { CycleReport, SymbolStatus } from "../../actors/ports.ts";
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
    bus_connected: tracker.connected,
    venue: redact(tracker.venue),
    last_cycle: cycleDocument(tracker.lastCycle),
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

function cycleDocument(report: CycleReport | null): unknown {
  if (report === null) return null;
  return {
    cycle: report.cycle,
    at: report.at,
    duration_ms: report.durationMs,
    positions: report.positions,
    candidates: report.candidates.length,
    started: report.started.length,
    skipped: report.skipped.length,
    held_back: redact(report.heldBack),
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
