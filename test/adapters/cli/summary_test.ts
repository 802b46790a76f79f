// What a run says at its end, to people and to programs.
import { expect, test } from "vitest";
import type { Observation, SymbolStatus } from "../../../actors/ports.ts";
import { loadSummary } from "../../../adapters/cli/mod.ts";
import { createTracker, type RunSummary, statusDocument } from "../../../adapters/telemetry/mod.ts";
import { Schema } from "effect";
import { TradingSymbol } from "../../../machines/mod.ts";
import { Story, transition } from "../telemetry/story.ts";

const { summaryDocument, summaryLines } = await loadSummary();

const STARTED = Date.parse("2025-11-11T00:00:00.000Z");
const ENDED = Date.parse("2025-11-11T11:40:30.250Z");
const NOTHING: RunSummary = {
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
  soldValueUsd: "0",
};

function status(symbol: string, state: string, rest: Partial<SymbolStatus> = {}): SymbolStatus {
  return {
    symbol: Schema.decodeUnknownSync(TradingSymbol)(symbol),
    state,
    failures: 0,
    attempts: 0,
    lastRejection: null,
    lastError: null,
    nextTryAt: null,
    soldSize: "0",
    soldValueUsd: "0",
    residualUsd: null,
    updatedAt: "2025-11-11T11:00:00.000Z",
    ...rest,
  };
}

function lines(input: {
  readonly summary?: Partial<RunSummary>;
  readonly statuses?: readonly SymbolStatus[];
  readonly endedAt?: number;
  readonly end?: string;
}): readonly string[] {
  const { summary = {}, statuses = [], endedAt = ENDED, end = "stopped in good order" } = input;
  return summaryLines({ summary: { ...NOTHING, ...summary }, statuses, startedAt: STARTED, endedAt, end });
}
const line = (name: string, input: Parameters<typeof lines>[0]): string | undefined =>
  lines(input)
    .find((text) => text.trimStart().startsWith(name))
    ?.trimStart();
const outcome = (one: SymbolStatus): string | undefined => line(one.symbol, { statuses: [one] });

const BONK = status("BONK-USD", "backoff.waiting", {
  failures: 4,
  attempts: 4,
  lastError:
    "Order placement failed: API error | error=INVALID_ORDER_CONFIGURATION | message=Invalid order size",
  nextTryAt: "2025-11-11T12:00:00.000Z",
  residualUsd: "9.48299742",
});
const SEI = status("SEI-USD", "cleared", {
  attempts: 1,
  soldSize: "36.2",
  soldValueUsd: "5.66168",
  residualUsd: "0.0313",
});

test("a summary counts what happened, then says what became of each symbol", () => {
  const summary: RunSummary = {
    cycles: 700,
    cyclesHeldBack: 2,
    attempts: 6,
    retries: 3,
    successes: 1,
    failures: 4,
    interruptions: 1,
    skips: 680,
    ordersPlaced: 14,
    ordersRejected: 4,
    restarts: 1,
    deadLetters: 0,
    soldValueUsd: "5.66168",
  };
  expect(lines({ summary, statuses: [BONK, SEI] })).toEqual([
    "Summary",
    "  ended     stopped in good order",
    "  time      11h 40min, from 2025-11-11 00:00:00Z to 2025-11-11 11:40:30Z",
    "  cycles    700, 2 of them held back",
    "  attempts  6, 3 of them retries: 1 sold, 4 failed, 1 interrupted",
    "  orders    14 placed, 4 rejected",
    "  sold      $5.66",
    "  skipped   680 candidates",
    "  trouble   1 restart, 0 dead letters",
    "  BONK-USD  backoff.waiting  nothing sold in 4 attempts, $9.48 left, 4 failures in a row, next try 2025-11-11 12:00:00Z: Order placement failed: API error | error=INVALID_ORDER_CONFIGURATION | message=Invalid order size",
    "  SEI-USD   cleared          sold 36.2 for $5.66 in 1 attempt, $0.03 left",
  ]);
});

test("a run that did nothing has a summary without symbols", () => {
  expect(lines({ endedAt: STARTED }).slice(1, 5)).toEqual([
    "  ended     stopped in good order",
    "  time      under 1s, from 2025-11-11 00:00:00Z to 2025-11-11 00:00:00Z",
    "  cycles    0",
    "  attempts  0: 0 sold, 0 failed, 0 interrupted",
  ]);
  expect(lines({})).toHaveLength(9);
});

test.each([
  [999, "under 1s"],
  [1_000, "1s"],
  [59_999, "59s"],
  [90_000, "1min 30s"],
  [3_600_000, "1h"],
  [3_659_999, "1h"],
  [7_260_000, "2h 1min"],
  [86_400_000, "1d"],
  [90_061_000, "1d 1h"],
  [86_460_000, "1d"],
])("a run of %i ms lasted %s", (ms, text) => {
  expect(line("time", { endedAt: STARTED + ms })).toMatch(new RegExp(`^time {6}${text}, from`));
});

test("one of a kind is told in the singular", () => {
  const summary = { attempts: 1, retries: 1, skips: 1, deadLetters: 1 };
  expect(line("attempts", { summary })).toBe(
    "attempts  1, 1 of them a retry: 0 sold, 0 failed, 0 interrupted",
  );
  expect(line("skipped", { summary })).toBe("skipped   1 candidate");
  expect(line("trouble", { summary })).toBe("trouble   0 restarts, 1 dead letter");
});

test("a symbol that was never tried says so", () => {
  expect(outcome(status("WLFI-USD", "suspended"))).toBe("WLFI-USD  suspended  no attempt");
});

test("an attempt that the end cut short shows what it has sold so far", () => {
  const half = { attempts: 1, soldSize: "20", soldValueUsd: "2.86" };
  expect(outcome(status("WLFI-USD", "purging.resting", half))).toBe(
    "WLFI-USD  purging.resting  sold 20 for $2.86 in 1 attempt",
  );
});

test("a rest that was over when the run ended is not told as a time to come", () => {
  expect(outcome({ ...BONK, lastError: null, nextTryAt: "2025-11-11T11:40:30.250Z" })).toMatch(
    /next try due$/,
  );
});

test("an error that was made good is not told again", () => {
  expect(outcome({ ...SEI, lastError: "Invalid order size" })).not.toContain("Invalid order size");
});

test("foreign words stay on their line, move no cursor and end somewhere", () => {
  const hostile = `\u001b[2J first\r\nsecond \u202ereversed ${"x".repeat(1_000)}`;
  const text = outcome({ ...BONK, lastError: hostile }) ?? "";
  expect(text).toMatch(/: \[2J first second reversed x+…$/);
  expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(text.length).toBeLessThan(400);
});

test("the end is told whole, however long its chain of causes is", () => {
  const end = `supervisor "root" gave up: ${'child "journal" ended; because '.repeat(20)}disk full`;
  expect(line("ended", { end })).toBe(`ended     ${end}`);
});

test("the document says the same in the words of the status document, and can be told from log lines", () => {
  const story = new Story();
  story.fail();
  story.fail();
  story.fail();
  const tracker = createTracker();
  for (const record of story.records) tracker.observe(transition(record));
  tracker.observe({ kind: "dead_letter", symbol: null, reason: "unreadable" } satisfies Observation);
  const about = { tracker, about: {}, readiness: { ok: true, reasons: [] }, now: ENDED };
  expect(
    summaryDocument({
      summary: tracker.summary(),
      statuses: tracker.symbols(),
      startedAt: STARTED,
      endedAt: ENDED,
      end: "killed",
    }),
  ).toEqual({
    type: "run.summary",
    end: "killed",
    started_at: "2025-11-11T00:00:00.000Z",
    ended_at: "2025-11-11T11:40:30.250Z",
    duration_ms: 42_030_250,
    summary: pick(statusDocument(about), "summary"),
    symbols: pick(statusDocument(about), "symbols"),
  });
  expect(pick(statusDocument(about), "summary")).toMatchObject({ failures: 3, dead_letters: 1 });
});

test("the document is one line of JSON even when the words in it are not", () => {
  const input = {
    summary: NOTHING,
    statuses: [{ ...BONK, lastError: "a\nb" }],
    startedAt: STARTED,
    endedAt: ENDED,
  };
  const text = JSON.stringify(summaryDocument({ ...input, end: "first\nsecond" }));
  expect(text).not.toContain("\n");
  expect(JSON.parse(text)).toMatchObject({ end: "first\nsecond", symbols: [{ last_error: "a\nb" }] });
});

function pick(document: unknown, name: string): unknown {
  return typeof document === "object" && document !== null ? Reflect.get(document, name) : undefined;
}
