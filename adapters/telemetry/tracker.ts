// What every symbol looks like now, and what a run has come to: for `status`, the live table and the summary.
import type { CycleReport, JournalRecord, Observation, SymbolStatus } from "../../actors/ports.ts";
import {
  add,
  type PurgeContext,
  type Rejection,
  subtract,
  type Timestamp,
  type VenueState,
} from "../../machines/mod.ts";
import { endedAttempt, isPlacedAgain, memoryOf, refusedOrder, startedAttempt } from "./symbol_memory.ts";

/** What happened since this process started. */
export interface RunSummary {
  readonly cycles: number;
  readonly cyclesHeldBack: number;
  readonly attempts: number;
  readonly retries: number;
  readonly successes: number;
  readonly failures: number;
  readonly interruptions: number;
  readonly skips: number;
  readonly ordersPlaced: number;
  readonly ordersRejected: number;
  readonly restarts: number;
  readonly deadLetters: number;
  /** Sold in this run, not in the ledger as a whole. A decimal. */
  readonly soldValueUsd: string;
}

export interface Tracker {
  observe(observation: Observation): void;
  /** In order of symbol. */
  symbols(): readonly SymbolStatus[];
  symbol(symbol: string): SymbolStatus | undefined;
  summary(): RunSummary;
  /** Null until the venue breaker has said anything. */
  readonly venue: VenueState | null;
  /** Null before the first. */
  readonly lastCycle: CycleReport | null;
  /** False until the bus was opened. */
  readonly connected: boolean;
  /** When a cycle last saw the account's positions; null before. */
  readonly holdingsReadAt: Timestamp | null;
  /** Supervisors that gave up and were not started again since. */
  readonly escalated: readonly string[];
}

type Counts = { -readonly [Name in keyof Omit<RunSummary, "soldValueUsd">]: number };

/** Keeps the latest of everything. Memory grows with the number of symbols, not with time. */
export function createTracker(): Tracker {
  const statuses = new Map<string, SymbolStatus>();
  const sales = new Sales();
  const escalated = new Set<string>();
  const counts = noCounts();
  let venue: VenueState | null = null;
  let holdingsReadAt: Timestamp | null = null;
  let lastCycle: CycleReport | null = null;
  let connected = false;

  const observe = (observation: Observation): void => {
    count(counts, observation);
    switch (observation.kind) {
      case "transition": {
        const { record, recovered } = observation;
        statuses.set(record.symbol, statusAfter(record, statuses.get(record.symbol), recovered));
        sales.follow(record, recovered);
        return;
      }
      case "connection":
        connected = observation.connected;
        return;
      case "cycle.completed":
        lastCycle = observation.report;
        // A cycle that was held back before it saw a position may have been held back for want of holdings.
        if (observation.report.heldBack === null || observation.report.positions > 0) {
          holdingsReadAt = observation.report.at;
        }
        return;
      case "venue":
        venue = observation.venue;
        return;
      case "child":
        if (observation.what === "escalated") escalated.add(observation.supervisor);
        if (observation.what === "restarted") escalated.delete(observation.child);
        return;
      default:
        return;
    }
  };
  return {
    observe,
    symbols: () => [...statuses.values()].sort((a, b) => (a.symbol < b.symbol ? -1 : 1)),
    symbol: (symbol) => statuses.get(symbol),
    summary: () => ({ ...counts, soldValueUsd: sales.total() }),
    get venue() {
      return venue;
    },
    get lastCycle() {
      return lastCycle;
    },
    get connected() {
      return connected;
    },
    get holdingsReadAt() {
      return holdingsReadAt;
    },
    get escalated() {
      return [...escalated];
    },
  };
}

function noCounts(): Counts {
  return {
    cycles: 0,
    cyclesHeldBack: 0,
    attempts: 0,
    retries: 0,
    successes: 0,
    failures: 0,
    interruptions: 0,
    skips: 0,
    ordersPlaced: 0,
    ordersRejected: 0,
    restarts: 0,
    deadLetters: 0,
  };
}

function count(counts: Counts, observation: Observation): void {
  switch (observation.kind) {
    case "transition":
      if (!observation.recovered) countTransition(counts, observation.record);
      return;
    case "cycle.completed":
      counts.cycles += 1;
      if (observation.report.heldBack !== null) counts.cyclesHeldBack += 1;
      return;
    case "purge.skipped":
      counts.skips += 1;
      return;
    case "dead_letter":
      counts.deadLetters += 1;
      return;
    case "child":
      if (observation.what === "restarted") counts.restarts += 1;
      return;
    default:
      return;
  }
}

function countTransition(counts: Counts, record: JournalRecord): void {
  if (startedAttempt(record)) {
    counts.attempts += 1;
    if (record.state.startsWith("retrying")) counts.retries += 1;
  }
  if (!isPlacedAgain(record)) {
    counts.ordersPlaced += record.commands.filter(({ type }) => type === "order.place").length;
  }
  if (refusedOrder(record) !== null) counts.ordersRejected += 1;
  const kind = endedAttempt(record)?.kind;
  if (kind === "sold") counts.successes += 1;
  if (kind === "stuck") counts.failures += 1;
  if (kind === "interrupted") counts.interruptions += 1;
}

function statusAfter(
  record: JournalRecord,
  before: SymbolStatus | undefined,
  recovered: boolean,
): SymbolStatus {
  const { symbol, state, at } = record;
  const memory = memoryOf(record);
  if (memory === null) return { ...(before ?? blank(record)), state, updatedAt: at };
  return {
    symbol,
    state,
    failures: memory.failures,
    attempts: memory.attempts,
    lastRejection: lastRejection(record, memory, recovered ? undefined : before),
    lastError: memory.last_failure?.error ?? null,
    nextTryAt: memory.retry_at,
    soldSize: memory.sold_size,
    soldValueUsd: memory.sold_value,
    residualUsd: memory.residual_usd,
    updatedAt: at,
  };
}

/** The latest refusal since the last success. */
function lastRejection(
  record: JournalRecord,
  memory: PurgeContext,
  before: SymbolStatus | undefined,
): Rejection | null {
  const outcome = endedAttempt(record);
  if (outcome?.kind === "sold") return null;
  const now = refusedOrder(record)?.rejection ?? outcome?.rejection;
  if (now !== undefined && now !== null) return now;
  if (before !== undefined) return before.lastRejection;
  return memory.last_failure?.rejection ?? null;
}

function blank({ symbol, state, at }: JournalRecord): SymbolStatus {
  return {
    symbol,
    state,
    failures: 0,
    attempts: 0,
    lastRejection: null,
    lastError: null,
    nextTryAt: null,
    soldSize: "0",
    soldValueUsd: "0",
    residualUsd: null,
    updatedAt: at,
  };
}

/** What was sold since the start: what a ledger says now, less what it said when first seen. */
class Sales {
  readonly #now = new Map<string, string>();
  #total = "0";

  follow(record: JournalRecord, recovered: boolean): void {
    const sold = memoryOf(record)?.sold_value;
    if (sold === undefined) return;
    const before = this.#now.get(record.symbol) ?? (recovered ? sold : "0");
    this.#now.set(record.symbol, sold);
    this.#total = add(this.#total, subtract(sold, before));
  }

  total(): string {
    return this.#total;
  }
}
