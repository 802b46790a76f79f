// What a run came to, told at its end: lines for people, one document for programs.
import type { SymbolStatus } from "../../actors/ports.ts";
import { toFixedUsd } from "../../machines/mod.ts";
import type { RunSummary } from "../telemetry/mod.ts";

export interface SummaryInput {
  readonly summary: RunSummary;
  readonly statuses: readonly SymbolStatus[];
  /** Epoch milliseconds of the run's own clock, which may be a fast one. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** How the run ended, in one line: a supervisor's last words. */
  readonly end: string;
}

/** The summary as lines without line breaks: what was counted, then each symbol with what became of it. */
export function summaryLines({
  summary,
  statuses,
  startedAt,
  endedAt,
  end,
}: SummaryInput): readonly string[] {
  const { cycles, cyclesHeldBack, attempts, retries } = summary;
  const counts: readonly (readonly [string, string])[] = [
    ["ended", oneLine(end)],
    ["time", `${span(endedAt - startedAt)}, from ${second(startedAt)} to ${second(endedAt)}`],
    ["cycles", `${cycles}${cyclesHeldBack === 0 ? "" : `, ${cyclesHeldBack} of them held back`}`],
    [
      "attempts",
      `${attempts}${retries === 0 ? "" : `, ${retries} of them ${retries === 1 ? "a retry" : "retries"}`}: ` +
        `${summary.successes} sold, ${summary.failures} failed, ${summary.interruptions} interrupted`,
    ],
    ["orders", `${summary.ordersPlaced} placed, ${summary.ordersRejected} rejected`],
    ["sold", `$${toFixedUsd(summary.soldValueUsd, 2)}`],
    ["skipped", counted(summary.skips, "candidate")],
    ["trouble", `${counted(summary.restarts, "restart")}, ${counted(summary.deadLetters, "dead letter")}`],
  ];
  const nameWidth = widest(statuses.map(({ symbol }) => symbol));
  const stateWidth = widest(statuses.map(({ state }) => state));
  return [
    "Summary",
    ...counts.map(([name, value]) => `  ${name.padEnd(8)}  ${value}`),
    ...statuses.map(
      (status) =>
        `  ${status.symbol.padEnd(nameWidth)}  ${status.state.padEnd(stateWidth)}  ${outcome(status, endedAt)}`,
    ),
  ];
}

/** The same as plain data with `snake_case` names. `type` tells it from the log lines it may stand among. */
export function summaryDocument({ summary, statuses, startedAt, endedAt, end }: SummaryInput): unknown {
  return {
    type: "run.summary",
    end,
    started_at: new Date(startedAt).toISOString(),
    ended_at: new Date(endedAt).toISOString(),
    duration_ms: endedAt - startedAt,
    summary: snakeCased(summary),
    symbols: statuses.map(snakeCased),
  };
}

const SECOND_MS = 1_000;
const UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", SECOND_MS],
];
const MAX_ERROR_CHARS = 200;

/** What became of a symbol, in a few words. */
function outcome(status: SymbolStatus, endedAt: number): string {
  const { failures, lastError, nextTryAt, residualUsd } = status;
  const tried = counted(status.attempts, "attempt");
  const sold =
    status.soldSize === "0"
      ? `nothing sold in ${tried}`
      : `sold ${status.soldSize} for $${toFixedUsd(status.soldValueUsd, 2)} in ${tried}`;
  const parts = [status.attempts === 0 && status.soldSize === "0" ? "no attempt" : sold];
  if (residualUsd !== null) parts.push(`$${toFixedUsd(residualUsd, 2)} left`);
  if (failures > 0) parts.push(`${counted(failures, "failure")} in a row`);
  const tryAt = nextTryAt === null ? null : Date.parse(nextTryAt);
  if (tryAt !== null) parts.push(tryAt > endedAt ? `next try ${second(tryAt)}` : "next try due");
  const text = parts.join(", ");
  return failures > 0 && lastError !== null ? `${text}: ${cut(oneLine(lastError))}` : text;
}

/** `1 attempt`, `2 attempts`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** The two largest units: `7h 2min`. */
function span(ms: number): string {
  const largest = UNITS.findIndex(([, unitMs]) => ms >= unitMs);
  if (largest === -1) return "under 1s";
  const parts: string[] = [];
  let rest = ms;
  for (const [name, unitMs] of UNITS.slice(largest, largest + 2)) {
    const count = Math.floor(rest / unitMs);
    if (count > 0) parts.push(`${count}${name}`);
    rest -= count * unitMs;
  }
  return parts.join(" ");
}

/** `2025-11-11 23:00:05Z` */
function second(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")}Z`;
}

/** Foreign words on one line, unable to play tricks on a terminal. */
function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim();
}

function cut(text: string): string {
  return text.length <= MAX_ERROR_CHARS ? text : `${text.slice(0, MAX_ERROR_CHARS).toWellFormed()}…`;
}

function widest(texts: readonly string[]): number {
  return texts.reduce((width, { length }) => Math.max(width, length), 0);
}

function snakeCased(record: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [
      name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`),
      value,
    ]),
  );
}
