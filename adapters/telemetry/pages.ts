// What a run shows over HTTP, put together from what telemetry keeps.
import type { Timestamp } from "../../machines/mod.ts";
import { health, readiness, type Verdict } from "./condition.ts";
import type { Metrics } from "./metrics.ts";
import { statusDocument } from "./status_document.ts";
import type { Telemetry } from "./telemetry.ts";

export interface RunPages {
  metrics(): ReturnType<Metrics["read"]>;
  health(): Verdict;
  readiness(): Verdict;
  status(): unknown;
}

export interface RunPagesInput {
  readonly telemetry: Pick<Telemetry, "tracker" | "metrics">;
  /** Whether the journal is open and the bus connected, at this moment. */
  readonly condition: () => { readonly isJournalOpen: boolean; readonly isBusConnected: boolean };
  /** Milliseconds; see `readiness`. */
  readonly maxHoldingsAgeMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** What runs: version, mode, grants. */
  readonly about: Readonly<Record<string, unknown>>;
}

export function runPages({ telemetry, condition, maxHoldingsAgeMs, now, about }: RunPagesInput): RunPages {
  const { tracker, metrics } = telemetry;
  const ready = (): Verdict => {
    const holdingsReadAt: Timestamp | null = tracker.holdingsReadAt;
    return readiness({ ...condition(), holdingsReadAt, maxHoldingsAgeMs, now: now() });
  };
  return {
    metrics: () => metrics.read(),
    health: () => health(tracker),
    readiness: ready,
    status: () => statusDocument({ tracker, about, readiness: ready(), now: now() }),
  };
}
