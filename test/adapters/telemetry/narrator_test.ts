// The words: every line that operators search for, to the letter, and what each observation says.
import { describe, expect, test } from "vitest";
import type {
  BusIncident,
  CycleReport,
  JournalRecord,
  Observation,
  OperatorAnswer,
} from "../../../actors/ports.ts";
import { createNarrator, LINES } from "../../../adapters/telemetry/mod.ts";
import type { PurgePolicy, Rejection } from "../../../machines/mod.ts";
import { BONK, INVALID_SIZE, POLICY, Story, symbolOf, transition } from "./story.ts";

const said = new Set<unknown>();
const noting =
  (narrator: ReturnType<typeof createNarrator>): ReturnType<typeof createNarrator> =>
  (observation) => {
    const lines = narrator(observation);
    for (const { fields } of lines) said.add(fields["line"]);
    return lines;
  };
const clock = { now: 0 };
const now = (): number => clock.now;
const narrate = noting(createNarrator({ detailedErrors: true, now }));
const say = (observation: Observation): string[] => narrate(observation).map(({ msg }) => msg);
const tell = (record: JournalRecord): string[] => say(transition(record));
const levels = (observation: Observation): string[] => narrate(observation).map(({ level }) => level);
const of = (cls: Rejection["class"], code: string): Rejection => ({
  ...INVALID_SIZE,
  class: cls,
  code,
  message: "no",
});
const AT = "2025-11-11T22:00:00.000Z";

/** The emoji are spelled as code points, so that no editor can change them here and there alike. */
describe("the lines that operators of the Python original search for", () => {
  test("a failed attempt: the refusal, the failure, the record, in this order", () => {
    const story = new Story();
    const failed = story.fail();
    const id = failed.event.type === "order.rejected" ? failed.event.client_order_id : "";
    expect(tell(failed)).toEqual([
      `ORDER_REJECT BONK-USD SELL client_id=${id} | Order placement failed: API error | error=INVALID_ORDER_CONFIGURATION | message=Invalid order size | preview_failure=PREVIEW_INVALID_BASE_SIZE`,
      "\u26a0\ufe0f Purge sell failed for BONK-USD",
      "\u{1f4dd} Tracked purge failure: count=1, balance=889587.0, value=$9.48",
    ]);
    expect(levels(transition(failed))).toEqual(["error", "warn", "info"]);
  });

  test("a refusal carries the whole answer as fields", () => {
    const [line] = narrate(transition(new Story().fail()));
    expect(line?.fields).toMatchObject({
      line: "order_reject",
      symbol: "BONK-USD",
      code: "INVALID_ORDER_CONFIGURATION",
      class: "symbol",
      preview_failure: "PREVIEW_INVALID_BASE_SIZE",
      raw_response: INVALID_SIZE.raw_response,
    });
  });

  test("a refusal without a preview failure ends in an empty one", () => {
    const story = new Story();
    story.request();
    story.quote();
    const [line] = tell(story.reject({ ...INVALID_SIZE, preview_failure: null }));
    expect(line).toMatch(/ \| message=Invalid order size \| preview_failure=$/);
  });

  test("with detailed errors off a refusal ends after the message, and keeps the body to itself", () => {
    const short = noting(createNarrator({ detailedErrors: false, now }));
    const failed = new Story().fail();
    const id = failed.event.type === "order.rejected" ? failed.event.client_order_id : "";
    const lines = short(transition(failed));
    expect(lines[0]?.msg).toBe(
      `ORDER_REJECT BONK-USD SELL client_id=${id} | Order placement failed: API error | error=INVALID_ORDER_CONFIGURATION | message=Invalid order size`,
    );
    expect(JSON.stringify(lines)).not.toMatch(/raw_response|preview/i);
  });

  test("the third failure in a row says how long the symbol rests", () => {
    const story = new Story();
    story.fail();
    story.fail();
    expect(tell(story.fail()).slice(1)).toEqual([
      "\u26a0\ufe0f Purge sell failed for BONK-USD",
      "\u{1f4dd} Tracked purge failure: count=3, balance=889587.0, value=$9.48",
      "Resting BONK-USD for 1h after 3 failures, until 2025-11-11T23:00:00.000Z",
    ]);
    expect(tell(story.deadline())).toEqual(["Rest of BONK-USD is over, due at the next cycle"]);
  });

  test("a sale: complete first, then the cleared record", () => {
    const lines = narrate(transition(new Story().sell())).filter(({ level }) => level !== "debug");
    expect(lines.map(({ msg }) => msg)).toEqual([
      "\u2705 TWAP liquidation complete",
      "\u2705 Purge success for BONK-USD, cleared failure tracking",
    ]);
    expect(lines[0]?.fields).toMatchObject({ sold_size: "450000", sold_value: "4.8" });
  });

  test.each([
    [3, 60, 42, "3 recent failures, backoff 1h, 42min remaining"],
    [4, 120, 65, "4 recent failures, backoff 2h, 1h5min remaining"],
    [5, 240, 120, "5 recent failures, backoff 4h, 2h remaining"],
    [3, 60, 0.5, "3 recent failures, backoff 1h, <1min remaining"],
  ])("%i failures and %i minutes of backoff with %d left", (failures, backoff, remaining, words) => {
    const skip = { why: "backoff", failures, backoffMs: backoff * 60_000, remainingMs: remaining * 60_000 };
    const line = say({ kind: "purge.skipped", symbol: BONK, skip: { ...skip, why: "backoff" } });
    expect(line).toEqual([`\u23f8\ufe0f  Skipping purge for BONK-USD: ${words}`]);
  });

  test.each([
    ["2025-11-11T20:00:00.000Z", "2h"],
    ["2025-11-11T19:14:00.000Z", "2h"],
    ["2025-11-11T21:18:00.000Z", "42min"],
    ["2025-11-11T21:59:30.000Z", "<1min"],
    ["2025-11-11T22:00:05.000Z", "<1min"],
  ])("a retry after a failure at %s was last tried %s ago", (lastFailedAt, ago) => {
    expect(say({ kind: "purge.retrying", symbol: BONK, failures: 3, lastFailedAt, at: AT })).toEqual([
      `\u{1f504} Retrying purge for BONK-USD: backoff expired (3 failures, last ${ago} ago)`,
    ]);
  });
});

describe("what is not a failure is not called one", () => {
  const isFailure = (lines: readonly string[]) => lines.some((line) => line.includes("Purge sell failed"));

  test("an interrupted retry rests in `failed` again, through the venue's fault", () => {
    const story = new Story();
    story.fail();
    story.request();
    story.quote();
    const interrupted = story.reject(of("venue", "HTTP_503"));
    expect(interrupted.path).toContain("failed");
    expect(isFailure(tell(interrupted))).toBe(false);
    expect(tell(interrupted)).toContain(
      "Purge of BONK-USD interrupted (venue), not counted as a failure: HTTP_503: no",
    );
  });

  test("nor is a symbol that an operator brings back from a suspension", () => {
    const story = new Story();
    story.fail();
    story.operator("pause");
    const resumed = story.operator("resume");
    expect(resumed.path).toEqual(["failed"]);
    expect(tell(resumed)).toEqual(["Operator ana: resume BONK-USD, now failed: delisting"]);
  });

  test("nor is an imported record", () => {
    const imported = new Story().tell({
      type: "failure.imported",
      failure_count: 3,
      last_failed_at: "2025-11-11T21:30:00.000Z",
      last_error: "Purge failed after 0 other liquidations",
      balance: "889587.0",
      value_usd: "9.48",
      policy: POLICY,
    });
    expect(imported.path[0]).toBe("failed");
    expect(tell(imported)).toEqual([
      "Imported failure record of BONK-USD: count=3, last failed at 2025-11-11T21:30:00.000Z",
      "Resting BONK-USD for 1h after 3 failures, until 2025-11-11T22:30:00.000Z",
    ]);
  });

  test.each([
    ["account", "PERMISSION_DENIED"],
    ["transport", "TIMEOUT"],
  ] as const)("an attempt interrupted by the %s names it", (cls, code) => {
    const story = new Story();
    story.request();
    story.quote();
    expect(tell(story.reject(of(cls, code)))).toContain(
      `Purge of BONK-USD interrupted (${cls}), not counted as a failure: ${code}: no`,
    );
  });

  test("an operator who pauses an attempt ends it, and it says who", () => {
    const story = new Story();
    story.request();
    expect(tell(story.operator("pause"))).toEqual([
      "Operator ana: pause BONK-USD, now suspended: delisting",
      "Purge of BONK-USD interrupted (operator), not counted as a failure: OPERATOR: pause by ana: delisting",
    ]);
  });

  test("nothing to sell is nobody's fault, and no warning", () => {
    const story = new Story();
    story.request();
    const nothing = story.quote("0");
    expect(tell(nothing).at(-1)).toMatch(/^Purge of BONK-USD interrupted \(nobody\)/);
    expect(levels(transition(nothing)).at(-1)).toBe("info");
  });

  test("with failure tracking turned off, an earlier record is not told again as this failure's", () => {
    const story = new Story();
    story.fail();
    story.wait(60_000).request({ failure_tracking: false });
    story.quote();
    const untracked = story.reject();
    expect(untracked.state).toBe("failed");
    expect(tell(untracked).slice(1)).toEqual([
      "\u26a0\ufe0f Purge sell failed for BONK-USD",
      "Failure of BONK-USD not recorded: failure tracking is off",
    ]);
  });

  test("with failure tracking off a failure is told, and that it is not recorded", () => {
    const off: Partial<PurgePolicy> = { failure_tracking: false };
    expect(tell(new Story(off).fail()).slice(1)).toEqual([
      "\u26a0\ufe0f Purge sell failed for BONK-USD",
      "Failure of BONK-USD not recorded: failure tracking is off",
    ]);
  });
});

describe("an attempt, step by step", () => {
  test("from the request to a partly filled slice that is cancelled", () => {
    const story = new Story();
    story.request();
    story.quote();
    story.accept();
    story.update("open", 1);
    story.update("open", 2, ["100000", "1.067", "0.004"]);
    story.deadline();
    story.update("cancelled", 3, ["120000", "1.2804", "0.005"]);
    expect(story.records.flatMap(tell)).toEqual([
      "Purge started for BONK-USD: attempt 1, balance=889587.0, value=$9.48, ineligible",
      "Quote for BONK-USD: bid 0.00001066, ask 0.00001068, available 889587",
      "Slice 1 of BONK-USD placed: 468603 at 0.00001067, post_only",
      "Order of BONK-USD accepted: x-1",
      "Order of BONK-USD is open, nothing sold yet",
      "Slice of BONK-USD partly filled: 100000 sold for $1.07 so far",
      "Cancelling the order of BONK-USD",
      "Slice of BONK-USD cancelled: 120000 sold for $1.28",
    ]);
  });

  test("a filled slice names its fee", () => {
    const story = new Story();
    story.request();
    story.quote();
    expect(tell(story.update("filled", 1, ["468603", "5", "0.0213"]))).toEqual([
      "Slice of BONK-USD filled: 468603 sold for $5.00, fee $0.02",
    ]);
  });

  test("an order that the exchange ends as failed is a refusal", () => {
    const story = new Story();
    story.request();
    story.quote();
    story.accept();
    const ended = story.update("failed", 1, undefined, undefined, INVALID_SIZE);
    expect(tell(ended)[0]).toMatch(/^ORDER_REJECT BONK-USD SELL client_id=\S+ \| Order placement failed/);
  });

  test("a refusal that a new price will mend is no error", () => {
    const story = new Story();
    story.request();
    story.quote();
    const requoted = story.reject(of("requote", "INVALID_LIMIT_PRICE_POST_ONLY"));
    expect(levels(transition(requoted))).toEqual(["info"]);
  });

  test("a refusal that comes twice is told once", () => {
    const story = new Story();
    story.request();
    story.quote();
    const client_order_id = story.orderId;
    story.reject();
    const again = story.tell({ type: "order.rejected", client_order_id, rejection: INVALID_SIZE });
    expect(tell(again)).toEqual(["Nothing new for BONK-USD: order.rejected"]);
    expect(levels(transition(again))).toEqual(["debug"]);
  });

  test("a late fill and a stale report are told apart", () => {
    const story = new Story();
    story.request();
    story.quote();
    const first = story.orderId;
    story.update("cancelled", 2, ["100", "0.001", "0"]);
    expect(tell(story.update("cancelled", 3, ["700", "0.0075", "0"], first))).toEqual([
      "Late word on an earlier order of BONK-USD: 700 sold for $0.01 in all",
    ]);
    expect(tell(story.update("open", 1, ["50", "0.0005", "0"], first))).toEqual([
      "Nothing new for BONK-USD: order.update",
    ]);
  });

  test("an order that the exchange does not know is asked for, and sent again under its id", () => {
    const story = new Story();
    story.request();
    story.quote();
    const unknown = (outcome: "undetermined" | "not_found", message: string) =>
      tell(story.tell({ type: "order.unknown", client_order_id: story.orderId, outcome, message }));
    expect(unknown("undetermined", "timeout")).toEqual([
      "Outcome of an order of BONK-USD is undetermined: timeout",
      "Asking the exchange for the order of BONK-USD",
    ]);
    expect(unknown("not_found", "never heard of it")).toEqual([
      "Outcome of an order of BONK-USD is not_found: never heard of it",
      "Slice 1 of BONK-USD sent again under the same id: the exchange does not know it",
    ]);
  });

  test("a market that cannot be read says why", () => {
    const story = new Story();
    const asked = story.request().commands[0];
    if (asked?.type !== "market.refresh") throw new Error("expected a question to the market");
    const { request_id } = asked;
    const rejection = of("venue", "HTTP_503");
    expect(tell(story.tell({ type: "market.unavailable", request_id, rejection }))).toEqual([
      "No quote for BONK-USD: HTTP_503: no",
      "Purge of BONK-USD interrupted (venue), not counted as a failure: HTTP_503: no",
    ]);
  });

  test("a poisoned symbol is an error", () => {
    const poisoned = new Story().tell({ type: "symbol.poisoned", reason: "crashed 3 times" });
    expect(tell(poisoned)).toEqual(["Suspended BONK-USD (poison by supervisor): crashed 3 times"]);
    expect(levels(transition(poisoned))).toEqual(["error"]);
  });

  test("a cleared position that is back says so", () => {
    const story = new Story();
    story.sell();
    expect(tell(story.tell({ type: "position.held", balance: "500000", value_usd: "5.33" }))).toEqual([
      "Holding BONK-USD again: balance=500000.0, value=$5.33",
    ]);
  });
});

test("a recovered symbol is one line, whatever its last record was", () => {
  const story = new Story();
  story.fail();
  story.fail();
  const last = story.fail();
  expect(say(transition(last, true))).toEqual([
    "Recovered BONK-USD in backoff.waiting: 3 failures, next try 2025-11-11T23:00:00.000Z",
  ]);
});

test("a record of an unknown shape is told as far as it can be", () => {
  const record = { ...new Story().fail(), snapshot: { version: 99 } };
  expect(tell(record)).toHaveLength(1);
  expect(say(transition(record, true))).toEqual([
    "Recovered BONK-USD in failed: 0 failures, next try at the next cycle",
  ]);
});

describe("around the symbols", () => {
  const report: CycleReport = {
    cycle: 12,
    at: AT,
    durationMs: 8,
    positions: 9,
    candidates: [BONK, symbolOf("SEI-USD")],
    started: [symbolOf("SEI-USD")],
    skipped: [{ symbol: BONK, skip: { why: "busy", detail: "purging.resting" } }],
    heldBack: null,
  };
  const venue = (state: "open" | "half_open" | "closed"): Observation => ({
    kind: "venue",
    venue: {
      type: "venue.state",
      at: AT,
      state,
      cause: state === "closed" ? null : "venue",
      reason: state === "closed" ? null : "HTTP_503 on 3 symbols",
      until: state === "open" ? "2025-11-11T22:01:00.000Z" : null,
    },
  });
  const bus = (what: BusIncident): Observation => ({
    kind: "bus",
    what,
    message: "purge.v1.results.BONK-USD",
  });
  const operator = (answer: OperatorAnswer): Observation => ({
    kind: "operator",
    request: { action: "pause", symbol: BONK, by: "ana (cli)", reason: "delisting" },
    answer,
  });
  const child = (
    what: Extract<Observation, { kind: "child" }>["what"],
    reason: string | null,
  ): Observation => ({
    kind: "child",
    supervisor: "root",
    child: "gateway",
    what,
    reason,
  });

  test.each<[Observation, string, string[]]>([
    [
      { kind: "cycle.completed", report },
      "info",
      ["Cycle 12: 9 positions, 2 candidates, 1 started, 1 skipped"],
    ],
    [
      { kind: "cycle.completed", report: { ...report, candidates: [], started: [], skipped: [] } },
      "debug",
      ["Cycle 12: 9 positions, 0 candidates, 0 started, 0 skipped"],
    ],
    [
      { kind: "cycle.completed", report: { ...report, heldBack: "the universe is empty" } },
      "warn",
      ["Cycle 12 held back: the universe is empty"],
    ],
    [
      { kind: "purge.skipped", symbol: BONK, skip: { why: "limit", detail: "2 attempts started" } },
      "info",
      ["Not purging BONK-USD in this cycle (limit): 2 attempts started"],
    ],
    [
      { kind: "purge.skipped", symbol: BONK, skip: { why: "busy", detail: "purging.resting" } },
      "debug",
      ["Not purging BONK-USD in this cycle (busy): purging.resting"],
    ],
    [
      venue("open"),
      "error",
      [
        "Venue breaker open (venue): HTTP_503 on 3 symbols; no order is placed until 2025-11-11T22:01:00.000Z",
      ],
    ],
    [venue("half_open"), "info", ["Venue breaker half open: one order is tried"]],
    [venue("closed"), "info", ["Venue breaker closed"]],
    [{ kind: "connection", connected: true }, "info", ["Bus connected"]],
    [
      { kind: "connection", connected: false },
      "warn",
      ["Bus connection lost; no order is placed until it is back"],
    ],
    [
      { kind: "dead_letter", symbol: BONK, reason: "unknown version 9" },
      "error",
      ["Dead letter for BONK-USD: unknown version 9"],
    ],
    [
      { kind: "dead_letter", symbol: null, reason: "not JSON" },
      "error",
      ["Dead letter for no symbol: not JSON"],
    ],
    [bus("redelivered"), "debug", ["Bus, redelivered: purge.v1.results.BONK-USD"]],
    [bus("duplicate"), "debug", ["Bus, duplicate: purge.v1.results.BONK-USD"]],
    [bus("resent"), "debug", ["Bus, resent: purge.v1.results.BONK-USD"]],
    [bus("heartbeat_missed"), "warn", ["Bus, heartbeat_missed: purge.v1.results.BONK-USD"]],
    [bus("slow_consumer"), "warn", ["Bus, slow_consumer: purge.v1.results.BONK-USD"]],
    [bus("stale_connection"), "warn", ["Bus, stale_connection: purge.v1.results.BONK-USD"]],
    [bus("lame_duck"), "warn", ["Bus, lame_duck: purge.v1.results.BONK-USD"]],
    [bus("error"), "warn", ["Bus, error: purge.v1.results.BONK-USD"]],
    [
      operator({ ok: true, changed: true, seq: 42, state: "suspended" }),
      "info",
      ["Operator request by ana (cli): pause BONK-USD (delisting): done, now suspended, record 42"],
    ],
    [
      operator({ ok: true, changed: false, seq: null, state: "suspended" }),
      "info",
      ["Operator request by ana (cli): pause BONK-USD (delisting): nothing to change, it is suspended"],
    ],
    [
      operator({ ok: false, code: "unknown_symbol", message: "check the spelling" }),
      "warn",
      [
        "Operator request by ana (cli): pause BONK-USD (delisting): refused (unknown_symbol): check the spelling",
      ],
    ],
    [
      { kind: "holdings.refused", source: "screener", reason: "sequence 7 is not above 9" },
      "warn",
      ["Holdings from screener refused: sequence 7 is not above 9"],
    ],
    [
      { kind: "gateway.retry", symbol: null, attempt: 2, message: "timeout" },
      "warn",
      ["Gateway retries the account (try 2): timeout"],
    ],
    [
      { kind: "commit", records: 64, durationMs: 1_200.4, pending: 120 },
      "warn",
      ["Journal is slow: 64 records took 1200 ms, 120 waiting"],
    ],
    [child("started", null), "debug", ["Started gateway under root"]],
    [child("exited", null), "debug", ["gateway under root exited"]],
    [child("exited", "normal"), "debug", ["gateway under root exited: normal"]],
    [child("exited", "shutdown"), "debug", ["gateway under root exited: shutdown"]],
    [child("exited", "shutdown: done"), "debug", ["gateway under root exited: shutdown: done"]],
    [child("exited", "killed"), "warn", ["gateway under root exited: killed"]],
    [child("restarted", null), "warn", ["Restarted gateway under root"]],
    [child("escalated", null), "error", ["root gave up because of gateway"]],
    [child("exited", "crash: boom"), "warn", ["gateway under root exited: crash: boom"]],
    [child("restarted", "crash: boom"), "warn", ["Restarted gateway under root: crash: boom"]],
    [
      child("abandoned", "did not stop in 5000 ms"),
      "error",
      ["Abandoned gateway under root: did not stop in 5000 ms"],
    ],
    [child("escalated", "crash: boom"), "error", ["root gave up because of gateway: crash: boom"]],
    [child("set_aside", "poison"), "error", ["Set aside gateway under root: poison"]],
    [{ kind: "note", level: "warn", message: "mind the gap", data: { a: 1 } }, "warn", ["mind the gap"]],
  ])("%j", (observation, level, lines) => {
    expect(say(observation)).toEqual(lines);
    expect(levels(observation)).toEqual([level]);
  });

  test("a request is told with all that was asked and answered, in fields to search by", () => {
    const asked = { by: "ana (cli)", action: "pause", symbol: BONK, reason: "delisting" };
    const [done] = narrate(operator({ ok: true, changed: true, seq: 42, state: "suspended" }));
    expect(done?.fields).toEqual({
      line: "operator_answered",
      ...asked,
      ok: true,
      changed: true,
      seq: 42,
      state: "suspended",
    });
    const [no] = narrate(operator({ ok: false, code: "busy", message: "an attempt is under way" }));
    const refusal = { ok: false, code: "busy", message: "an attempt is under way" };
    expect(no?.fields).toEqual({ line: "operator_refused", ...asked, ...refusal });
  });

  test("every request is told, however many there are", () => {
    const request = operator({ ok: false, code: "busy", message: "" });
    const lines = Array.from({ length: 100 }, () => say(request)).flat();
    expect(lines).toHaveLength(100);
  });

  test.each([
    ["trouble on the bus", bus("slow_consumer"), bus("error")],
    [
      "refused holdings",
      { kind: "holdings.refused", source: "a", reason: "sequence 1" },
      { kind: "holdings.refused", source: "a", reason: "stale" },
    ],
  ] as const)(
    "%s that repeats is told five times a minute; another kind has its own five",
    (_, one, other) => {
      clock.now += 60_000;
      const lines = Array.from({ length: 20 }, () => say(one)).flat();
      expect(lines).toHaveLength(5);
      expect(lines[3]).not.toContain("only counted");
      expect(lines[4]).toMatch(/ \(more of this kind within the minute are only counted\)$/);
      expect(say(other)).toHaveLength(1);
      clock.now += 59_999;
      expect(say(one)).toEqual([]);
      clock.now += 1;
      expect(say(one)).toEqual([lines[0]]);
    },
  );

  test("a quick commit and a queue's depth are for the metrics, not for the log", () => {
    expect(say({ kind: "commit", records: 1, durationMs: 3, pending: 0 })).toEqual([]);
    expect(say({ kind: "queue", name: "results", depth: 7 })).toEqual([]);
  });
});

test("words from outside cannot write a line of their own, or drive a terminal", () => {
  const story = new Story();
  story.request();
  story.quote();
  const message = `bad\n\u2705 Purge success for BONK-USD\r\u001b[2J\u202edrawkcab`;
  for (const line of tell(story.reject({ ...INVALID_SIZE, message }))) {
    expect(line).not.toMatch(/[\p{Cc}\u2028\u2029\u202e]/u);
  }
  const [note] = say({ kind: "note", level: "info", message: "x".repeat(10_000) });
  expect(note?.length).toBeLessThan(2_100);
});

test("a dollar sign, a brace or a blank's name in a word is only a word", () => {
  const reason = "<symbol> $& {reason} $1";
  expect(say({ kind: "dead_letter", symbol: BONK, reason })).toEqual([`Dead letter for BONK-USD: ${reason}`]);
});

test("every line of the table was said above", () => {
  expect([...said].sort()).toEqual(Object.keys(LINES).sort());
});
