// The metrics as a scraper sees them, read back from the exposition text.
import { describe, expect, test } from "vitest";
import type { CycleReport, Observation, OperatorAction, OperatorAnswer } from "../../../actors/ports.ts";
import { judgePublished } from "../../../actors/published_holdings.ts";
import { createMetrics, METRICS } from "../../../adapters/telemetry/mod.ts";
import type { HoldingsPublished, Rejection } from "../../../machines/mod.ts";
import { parseExposition } from "./exposition.ts";
import { BONK, INVALID_SIZE, Story, symbolOf, transition } from "./story.ts";

const AT = "2025-11-11T22:00:00.000Z";
const symbol = "BONK-USD";

function metered() {
  const metrics = createMetrics({ version: "0.1.0", node: "26.10.0", mode: "paper" });
  const see = (...observations: Observation[]) => {
    for (const observation of observations) metrics.observe(observation);
  };
  const live = (story: Story) => see(...story.records.map((record) => transition(record)));
  return { see, live, read: async () => parseExposition((await metrics.read()).body), metrics };
}

test("the type of the answer is Prometheus's text format", async () => {
  const { contentType } = await metered().metrics.read();
  expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
});

test("what is exposed is what the table says: names, types and helps", async () => {
  const { types, helps } = await metered().read();
  const shapes = Object.values(METRICS);
  expect([...types].sort()).toEqual(shapes.map(({ name, type }) => [name, type]).sort());
  expect([...helps].sort()).toEqual(shapes.map(({ name, help }) => [name, help]).sort());
});

test("names follow Prometheus's conventions", () => {
  for (const { name, type } of Object.values(METRICS)) {
    expect(name).toMatch(/^(trader|purgatory)_[a-z_]+$/);
    expect(name.endsWith("_total")).toBe(type === "counter");
    if (type === "histogram") expect(name).toMatch(/_seconds$/);
  }
});

test("before anything happened: counters that alerts use are zero, gauges that were never set are absent", async () => {
  const { value, samples } = await metered().read();
  expect(value("trader_risk_rejections_total", { reason: "purge_failed" })).toBe(0);
  expect(value("purgatory_skips_total", { why: "backoff" })).toBe(0);
  expect(value("purgatory_dead_letters_total")).toBe(0);
  expect(value("purgatory_venue_state", { state: "closed" })).toBe(1);
  expect(value("purgatory_build_info", { version: "0.1.0", node: "26.10.0", mode: "paper" })).toBe(1);
  const names = samples.map(({ name }) => name);
  expect(names).not.toContain("purgatory_bus_connected");
  expect(names).not.toContain("purgatory_last_cycle_timestamp_seconds");
});

describe("a symbol", () => {
  test("three failures, a rest, and a sale", async () => {
    const { live, read } = metered();
    const story = new Story();
    story.fail();
    story.fail();
    story.fail();
    live(story);
    const resting = await read();
    expect(resting.value("trader_risk_rejections_total", { reason: "purge_failed" })).toBe(3);
    const code = "INVALID_ORDER_CONFIGURATION";
    expect(resting.value("trader_orders_rejected_total", { symbol, code, class: "symbol" })).toBe(3);
    expect(resting.value("purgatory_failures_total", { symbol })).toBe(3);
    expect(resting.value("purgatory_consecutive_failures", { symbol })).toBe(3);
    expect(resting.value("purgatory_attempts_total", { symbol })).toBe(3);
    expect(resting.value("purgatory_retries_total", { symbol })).toBe(2);
    expect(resting.value("purgatory_orders_placed_total", { symbol, kind: "post_only" })).toBe(3);
    expect(resting.value("purgatory_symbol_state", { symbol, state: "backoff.waiting" })).toBe(1);
    expect(resting.value("purgatory_next_try_timestamp_seconds", { symbol })).toBe(
      Date.parse("2025-11-11T23:00:00.000Z") / 1000,
    );
  });

  test("a sale ends the run of failures, and the value sold is exact enough", async () => {
    const { live, read } = metered();
    const story = new Story();
    story.fail();
    story.sell();
    live(story);
    const sold = await read();
    expect(sold.value("purgatory_successes_total", { symbol })).toBe(1);
    expect(sold.value("purgatory_consecutive_failures", { symbol })).toBe(0);
    expect(sold.value("purgatory_sold_value_usd", { symbol })).toBe(4.8);
    expect(sold.value("purgatory_residual_usd", { symbol })).toBeCloseTo(4.685_997_42, 8);
    expect(sold.value("purgatory_next_try_timestamp_seconds", { symbol })).toBeUndefined();
  });

  test("is in one state at a time", async () => {
    const { see, read } = metered();
    const story = new Story();
    story.fail();
    story.sell();
    for (const record of story.records) {
      see(transition(record));
      const states = (await read()).samples.filter(({ name }) => name === "purgatory_symbol_state");
      expect(states).toHaveLength(1);
      expect(states[0]?.labels["state"]).toBe(record.state.split(".")[0]);
    }
  });

  test("an interruption is counted by whose fault it was, and is no failure", async () => {
    const { live, read } = metered();
    const story = new Story();
    story.fail();
    story.request();
    story.quote();
    story.reject({ ...INVALID_SIZE, class: "venue", code: "HTTP_503" });
    story.request();
    story.operator("abort");
    live(story);
    const { value } = await read();
    expect(value("purgatory_interruptions_total", { symbol, fault: "venue" })).toBe(1);
    expect(value("purgatory_interruptions_total", { symbol, fault: "operator" })).toBe(1);
    expect(value("purgatory_failures_total", { symbol })).toBe(1);
    expect(value("trader_risk_rejections_total", { reason: "purge_failed" })).toBe(1);
  });

  test("a refusal that comes twice, and an order sent again, count once", async () => {
    const { live, read } = metered();
    const story = new Story();
    story.request();
    story.quote();
    const lost = { type: "order.unknown", outcome: "not_found", message: "" } as const;
    story.tell({ ...lost, client_order_id: story.orderId, outcome: "undetermined" });
    story.tell({ ...lost, client_order_id: story.orderId });
    const client_order_id = story.orderId;
    story.reject();
    story.tell({ type: "order.rejected", client_order_id, rejection: INVALID_SIZE });
    live(story);
    const { value } = await read();
    expect(value("purgatory_orders_placed_total", { symbol, kind: "post_only" })).toBe(1);
    const code = "INVALID_ORDER_CONFIGURATION";
    expect(value("trader_orders_rejected_total", { symbol, code, class: "symbol" })).toBe(1);
  });

  test("an order that the exchange ends as failed is a refusal as well", async () => {
    const { live, read } = metered();
    const story = new Story();
    story.request();
    story.quote();
    story.accept();
    story.update("failed", 1, undefined, undefined, { ...INVALID_SIZE, code: "HALTED" });
    live(story);
    const { value } = await read();
    expect(value("trader_orders_rejected_total", { symbol, code: "HALTED", class: "symbol" })).toBe(1);
  });
});

test("recovery rebuilds the gauges and counts nothing, however often an actor is restarted", async () => {
  const { see, live, read } = metered();
  const story = new Story();
  story.fail();
  story.fail();
  const last = story.fail();
  see(transition(last, true));
  const recovered = await read();
  expect(recovered.value("purgatory_symbol_state", { symbol, state: "backoff.waiting" })).toBe(1);
  expect(recovered.value("purgatory_consecutive_failures", { symbol })).toBe(3);
  expect(recovered.value("purgatory_next_try_timestamp_seconds", { symbol })).toBeDefined();
  const counted = recovered.samples.filter(({ name, value }) => name.endsWith("_total") && value !== 0);
  expect(counted).toEqual([]);

  live(story);
  see(transition(last, true), transition(last, true));
  expect((await read()).value("purgatory_failures_total", { symbol })).toBe(3);
});

describe("labels from outside", () => {
  const refusals = (codes: readonly string[], classified = false) =>
    codes.map((code) => {
      const story = new Story();
      story.request();
      story.quote();
      const rejection: Rejection = { ...INVALID_SIZE, code, classified };
      return transition(story.reject(rejection));
    });

  test("a code of any characters and length is made fit", async () => {
    const { see, read } = metered();
    see(...refusals(['evil"}\n# HELP x', "\u{1f4a5}", "A".repeat(500), ""]));
    const codes = (await read()).samples
      .filter(({ name }) => name === "purgatory_unclassified_rejections_total")
      .map(({ labels }) => labels["code"]);
    expect(codes).toEqual(["evil_____HELP_x", "__", "A".repeat(64), "_"]);
  });

  test("three hundred different codes are two hundred and one series", async () => {
    const { see, read } = metered();
    see(...refusals(Array.from({ length: 300 }, (_, n) => `CODE_${n}`)));
    const { samples, value } = await read();
    const rejected = samples.filter(({ name }) => name === "trader_orders_rejected_total");
    expect(rejected).toHaveLength(201);
    expect(value("trader_orders_rejected_total", { symbol, code: "OTHER", class: "symbol" })).toBe(100);
    expect(rejected.reduce((sum, sample) => sum + sample.value, 0)).toBe(300);
  });

  test("only codes in no table are counted as unclassified", async () => {
    const { see, read } = metered();
    see(...refusals(["KNOWN"], true), ...refusals(["NEW"], false));
    const { value } = await read();
    expect(value("purgatory_unclassified_rejections_total", { code: "NEW" })).toBe(1);
    expect(value("purgatory_unclassified_rejections_total", { code: "KNOWN" })).toBeUndefined();
  });
});

describe("around the symbols", () => {
  const report: CycleReport = {
    cycle: 1,
    at: AT,
    durationMs: 20,
    positions: 9,
    candidates: [BONK, symbolOf("SEI-USD")],
    started: [],
    skipped: [{ symbol: BONK, skip: { why: "venue", detail: "" } }],
    heldBack: null,
  };

  test("cycles", async () => {
    const { see, read } = metered();
    see({ kind: "cycle.completed", report });
    see({ kind: "cycle.completed", report: { ...report, durationMs: 2_000, heldBack: "no holdings" } });
    const { value } = await read();
    expect(value("trader_cycle_duration_seconds_count")).toBe(2);
    expect(value("trader_cycle_duration_seconds_sum")).toBeCloseTo(2.02);
    expect(value("trader_cycle_duration_seconds_bucket", { le: "0.05" })).toBe(1);
    expect(value("trader_cycle_duration_seconds_bucket", { le: "+Inf" })).toBe(2);
    expect(value("purgatory_cycles_held_back_total")).toBe(1);
    expect(value("purgatory_positions")).toBe(9);
    expect(value("purgatory_candidates")).toBe(2);
    expect(value("purgatory_last_cycle_timestamp_seconds")).toBe(Date.parse(AT) / 1000);
  });

  test("skips are counted where they happen, and not once more in the cycle's report", async () => {
    const { see, read } = metered();
    see({ kind: "purge.skipped", symbol: BONK, skip: { why: "venue", detail: "" } });
    see({ kind: "cycle.completed", report });
    expect((await read()).value("purgatory_skips_total", { why: "venue" })).toBe(1);
  });

  test("the venue breaker: a failed probe is the same trouble, not a second one", async () => {
    const { see, read } = metered();
    const venue = (state: "open" | "half_open" | "closed", cause: "account" | null = "account") =>
      see({ kind: "venue", venue: { type: "venue.state", at: AT, state, cause, reason: null, until: null } });
    for (const state of ["open", "open", "half_open", "open"] as const) venue(state);
    const open = await read();
    expect(open.value("purgatory_venue_breaker_opened_total", { cause: "account" })).toBe(1);
    expect(open.value("purgatory_venue_state", { state: "open" })).toBe(1);
    expect(open.value("purgatory_venue_state", { state: "closed" })).toBe(0);
    venue("closed", null);
    venue("open");
    expect((await read()).value("purgatory_venue_breaker_opened_total", { cause: "account" })).toBe(2);
  });

  test("journal, queues, bus, gateway, dead letters", async () => {
    const { see, read } = metered();
    see(
      { kind: "commit", records: 64, durationMs: 4, pending: 7 },
      { kind: "commit", records: 1, durationMs: 1, pending: 0 },
      { kind: "queue", name: "results", depth: 9 },
      { kind: "queue", name: "results", depth: 3 },
      { kind: "connection", connected: false },
      { kind: "connection", connected: true },
      { kind: "connection", connected: false },
      { kind: "gateway.retry", symbol: BONK, attempt: 1, message: "" },
      { kind: "dead_letter", symbol: null, reason: "x" },
      { kind: "note", level: "info", message: "x" },
    );
    const { value } = await read();
    expect(value("purgatory_journal_records_total")).toBe(65);
    expect(value("purgatory_journal_commit_seconds_count")).toBe(2);
    expect(value("purgatory_journal_commit_seconds_sum")).toBeCloseTo(0.005);
    expect(value("purgatory_journal_pending_records")).toBe(0);
    expect(value("purgatory_queue_depth", { queue: "results" })).toBe(3);
    expect(value("purgatory_bus_connected")).toBe(0);
    expect(value("purgatory_bus_disconnects_total")).toBe(1);
    expect(value("purgatory_gateway_retries_total")).toBe(1);
    expect(value("purgatory_dead_letters_total")).toBe(1);
  });

  test("incidents on the bus, each kind from zero", async () => {
    const { see, read } = metered();
    const zero = await read();
    expect(zero.value("purgatory_bus_incidents_total", { what: "slow_consumer" })).toBe(0);
    expect(zero.value("purgatory_bus_incidents_total", { what: "redelivered" })).toBe(0);
    for (const what of ["redelivered", "redelivered", "error"] as const) {
      see({ kind: "bus", what, message: "never a label" });
    }
    const { value } = await read();
    expect(value("purgatory_bus_incidents_total", { what: "redelivered" })).toBe(2);
    expect(value("purgatory_bus_incidents_total", { what: "error" })).toBe(1);
  });

  test("what operators asked, and what came of it", async () => {
    const { see, read } = metered();
    const ask = (action: OperatorAction, answer: OperatorAnswer): void =>
      see({ kind: "operator", request: { action, symbol: BONK, by: "ana", reason: "delisting" }, answer });
    ask("ban", { ok: true, changed: true, seq: 1, state: "suspended" });
    ask("ban", { ok: true, changed: false, seq: null, state: "suspended" });
    ask("purge", { ok: false, code: "suspended", message: "banned by ana" });
    ask("purge", { ok: false, code: "suspended", message: "banned by ana" });
    const { value } = await read();
    const of = (action: string, outcome: string) =>
      value("purgatory_operator_requests_total", { action, outcome });
    expect([of("ban", "done"), of("ban", "unchanged"), of("purge", "suspended")]).toEqual([1, 1, 2]);
  });

  test("refused holdings are counted by a few words, however they are worded", async () => {
    const { see, read } = metered();
    const good: HoldingsPublished = {
      type: "holdings.published",
      source: "screener",
      sequence: 9,
      at: AT,
      positions: [],
      eligible: null,
      excluded: null,
    };
    const position = { currency: "BONK", symbol: BONK, balance: "1", available: "1", price_usd: "1" };
    const refusal = (changed: Partial<HoldingsPublished>, lateMs = 0): void => {
      const now = Date.parse(AT) + lateMs;
      const source = { name: "screener", maxAgeMs: 60_000 };
      const verdict = judgePublished({ ...good, sequence: 10, ...changed }, good, source, now);
      const reason = verdict.what === "refused" ? verdict.reason : "it was not refused";
      see({ kind: "holdings.refused", source: "screener", reason });
    };
    refusal({ source: "mallory" });
    refusal({ sequence: 8 });
    refusal({ at: "2025-11-11T21:59:59.000Z" });
    refusal({}, 61_000);
    refusal({}, -61_000);
    refusal({ eligible: [] });
    refusal({ eligible: [BONK], excluded: [BONK] });
    refusal({ positions: [position, position] });
    refusal({ positions: [{ ...position, currency: "SEI" }] });
    see({ kind: "holdings.refused", source: "screener", reason: "sequences of words, {label=1}" });
    const { samples } = await read();
    const refused = samples.filter(({ name }) => name === "purgatory_holdings_refused_total");
    expect(Object.fromEntries(refused.map(({ labels, value }) => [labels["reason"], value]))).toEqual({
      source: 1,
      sequence: 2,
      stale: 1,
      future: 1,
      content: 4,
      other: 1,
    });
  });

  test("supervision", async () => {
    const { see, read } = metered();
    const whats = ["started", "exited", "restarted", "abandoned", "escalated", "set_aside"] as const;
    for (const what of whats) {
      see({ kind: "child", supervisor: "symbols", child: symbol, what, reason: null });
    }
    const { value } = await read();
    expect(value("purgatory_restarts_total", { supervisor: "symbols", child: symbol })).toBe(1);
    for (const how of ["abandoned", "escalated", "set_aside"]) {
      expect(value("purgatory_children_lost_total", { supervisor: "symbols", how })).toBe(1);
    }
  });
});
