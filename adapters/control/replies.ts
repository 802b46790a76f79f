// What the control service tells, as plain data: the state of a run, page by page, and one symbol.
import type { CycleReport, SymbolStatus } from "../../actors/ports.ts";
import type { Timestamp, TradingSymbol, VenueState } from "../../machines/mod.ts";
import {
  type CycleBody,
  ERROR_STATUS,
  type ErrorReply,
  type StatusReply,
  type SymbolBody,
} from "./schemas.ts";

/** What the service knows of the run it speaks for. */
export interface Overview {
  readonly startedAt: Timestamp;
  readonly connected: boolean;
  readonly venue: VenueState | null;
  readonly lastCycle: CycleReport | null;
  readonly symbols: readonly SymbolStatus[];
}

export type Redact = (text: string) => string;

/** Who suspended a symbol and why; null when nobody has. */
export type SuspendedFor = (symbol: TradingSymbol) => string | null;

/** One symbol with everything that the exchange said of it, less the secrets. */
export function symbolBody(
  status: SymbolStatus,
  redact: Redact,
  suspendedFor: SuspendedFor | undefined,
): SymbolBody {
  const { lastRejection, lastError } = status;
  const clean = (text: string, most: number): string => redact(text).slice(0, most);
  const cleanOrNull = (text: string | null, most: number): string | null =>
    text === null ? null : clean(text, most);
  return {
    symbol: status.symbol,
    state: status.state,
    ...(suspendedFor === undefined ? {} : { suspended_for: cleanOrNull(suspendedFor(status.symbol), 4_000) }),
    failures: status.failures,
    attempts: status.attempts,
    last_rejection:
      lastRejection === null
        ? null
        : {
            class: lastRejection.class,
            classified: lastRejection.classified,
            code: clean(lastRejection.code, 500),
            message: clean(lastRejection.message, 500),
            details: cleanOrNull(lastRejection.details, 500),
            preview_failure: cleanOrNull(lastRejection.preview_failure, 500),
            raw_response: cleanOrNull(lastRejection.raw_response, 16_384),
          },
    last_error: cleanOrNull(lastError, 4_000),
    next_try_at: status.nextTryAt,
    sold_size: status.soldSize,
    sold_value_usd: status.soldValueUsd,
    residual_usd: status.residualUsd,
    updated_at: status.updatedAt,
  };
}

export interface PageOptions {
  readonly limit: number;
  readonly after: string | null;
  /** Bytes that the symbols of one page may take. */
  readonly room: number;
  readonly redact: Redact;
  readonly suspendedFor: SuspendedFor | undefined;
}

/** A page of symbols in alphabetical order, and where the next one begins. At least one symbol is on it. */
export function page(
  statuses: readonly SymbolStatus[],
  { limit, after, room, redact, suspendedFor }: PageOptions,
): Pick<StatusReply, "total" | "symbols" | "next"> {
  const following = statuses
    .filter(({ symbol }) => after === null || symbol > after)
    .toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1));
  const symbols: SymbolBody[] = [];
  let taken = 0;
  for (const status of following.slice(0, limit)) {
    const body = symbolBody(withoutRaw(status), redact, suspendedFor);
    // JSON is the larger of the two encodings.
    taken += Buffer.byteLength(JSON.stringify(body)) + 1;
    if (taken > room && symbols.length > 0) break;
    symbols.push(body);
  }
  const last = symbols.at(-1);
  const next = last !== undefined && symbols.length < following.length ? last.symbol : null;
  return { total: statuses.length, symbols, next };
}

export function cycleBody(report: CycleReport, redact: Redact): CycleBody {
  return {
    cycle: report.cycle,
    at: report.at,
    duration_ms: report.durationMs,
    positions: report.positions,
    candidates: report.candidates.length,
    started: report.started.length,
    skipped: report.skipped.length,
    held_back: report.heldBack === null ? null : redact(report.heldBack).slice(0, 4_000),
  };
}

/** What goes into `Nats-Service-Error-Code`. */
export function statusOf({ code }: ErrorReply): number {
  return ERROR_STATUS[code];
}

/** A raw response may be 16 KiB: a page of those would hold a few symbols only. */
function withoutRaw(status: SymbolStatus): SymbolStatus {
  const { lastRejection } = status;
  return lastRejection === null
    ? status
    : { ...status, lastRejection: { ...lastRejection, raw_response: null } };
}
