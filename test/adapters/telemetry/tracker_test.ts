// What `status` and the live table are told, and what makes a process healthy or ready.
import { describe, expect, test } from "vitest";
import type { CycleReport, Observation } from "../../../actors/ports.ts";
import {
  createTelemetry,
  createTracker,
  health,
  readiness,
  statusDocument,
} from "../../../adapters/telemetry/mod.ts";
import { BONK, INVALID_SIZE, Story, symbolOf, transition } from "./story.ts";

const AT = "2025-11-11T22:00:00.000Z";
const NOW = Date.parse(AT);

function tracked(...stories: Story[]) {
  const tracker = createTracker();
  for (const { records } of stories) for (const record of records) tracker.observe(transition(record));
  return tracker;
}
const cycle = (heldBack: string | null, positions = 9): Observation => {
  const nothing = { candidates: [], started: [], skipped: [] };
  const report: CycleReport = { cycle: 1, at: AT, durationMs: 1, positions, heldBack, ...nothing };
  return { kind: "cycle.completed", report };
};
const child = (what: "escalated" | "restarted", supervisor: string, id: string): Observation => ({
  kind: "child",
  what,
  supervisor,
  child: id,
  reason: null,
});

describe("a symbol's status", () => {
  test("follows it through failure and rest", () => {
    const story = new Story();
    story.fail();
    story.fail();
    story.fail();
    expect(tracked(story).symbol("BONK-USD")).toEqual({
      symbol: "BONK-USD",
      state: "backoff.waiting",
      failures: 3,
      attempts: 3,
      lastRejection: INVALID_SIZE,
      lastError:
        "Order placement failed: API error | error=INVALID_ORDER_CONFIGURATION | message=Invalid order size | preview_failure=PREVIEW_INVALID_BASE_SIZE",
      nextTryAt: "2025-11-11T23:00:00.000Z",
      soldSize: "0",
      soldValueUsd: "0",
      residualUsd: "9.48299742",
      updatedAt: AT,
    });
  });

  test("shows what is sold while the attempt is still under way", () => {
    const story = new Story();
    story.request();
    story.quote();
    story.update("open", 1, ["100000", "1.067", "0.004"]);
    expect(tracked(story).symbol("BONK-USD")).toMatchObject({ soldSize: "100000", soldValueUsd: "1.067" });
  });

  test("keeps the last refusal until something else is refused or sold", () => {
    const story = new Story();
    story.fail();
    const tracker = tracked(story);
    const requote = { ...INVALID_SIZE, class: "requote", code: "CROSSED" } as const;
    story.request();
    story.quote();
    for (const record of story.records) tracker.observe(transition(record));
    expect(tracker.symbol("BONK-USD")?.lastRejection?.code).toBe("INVALID_ORDER_CONFIGURATION");
    tracker.observe(transition(story.reject(requote)));
    expect(tracker.symbol("BONK-USD")?.lastRejection?.code).toBe("CROSSED");
    const sold = new Story();
    sold.fail();
    sold.sell();
    expect(tracked(sold).symbol("BONK-USD")).toMatchObject({
      state: "cleared",
      failures: 0,
      lastRejection: null,
    });
  });

  test("after recovery it is what the record says", () => {
    const tracker = createTracker();
    const story = new Story();
    tracker.observe(transition(story.fail(), true));
    expect(tracker.symbol("BONK-USD")).toMatchObject({ state: "failed", lastRejection: INVALID_SIZE });
  });

  test("a record of an unknown shape still moves the state", () => {
    const tracker = tracked(new Story());
    const record = new Story().fail();
    tracker.observe(transition({ ...record, snapshot: null }));
    expect(tracker.symbol("BONK-USD")).toMatchObject({ state: "failed", failures: 0 });
  });

  test("symbols stand in order", () => {
    const tracker = createTracker();
    const record = new Story().fail();
    for (const name of ["SEI-USD", "BONK-USD", "WLFI-USD"]) {
      tracker.observe(transition({ ...record, symbol: symbolOf(name) }));
    }
    expect(tracker.symbols().map(({ symbol }) => symbol)).toEqual(["BONK-USD", "SEI-USD", "WLFI-USD"]);
  });
});

describe("the summary of a run", () => {
  test("adds up what happened", () => {
    const story = new Story();
    story.fail();
    story.request();
    story.quote();
    story.reject({ ...INVALID_SIZE, class: "venue" });
    story.sell();
    const tracker = tracked(story);
    tracker.observe(cycle(null));
    tracker.observe(cycle("the universe is empty"));
    tracker.observe({ kind: "purge.skipped", symbol: BONK, skip: { why: "busy", detail: "" } });
    tracker.observe({ kind: "dead_letter", symbol: null, reason: "" });
    tracker.observe(child("restarted", "symbols", "BONK-USD"));
    expect(tracker.summary()).toEqual({
      cycles: 2,
      cyclesHeldBack: 1,
      attempts: 3,
      retries: 2,
      successes: 1,
      failures: 1,
      interruptions: 1,
      skips: 1,
      ordersPlaced: 3,
      ordersRejected: 2,
      restarts: 1,
      deadLetters: 1,
      soldValueUsd: "4.8",
    });
  });

  test("an order that is sent again under its id is one order", () => {
    const story = new Story();
    story.request();
    story.quote();
    for (const outcome of ["undetermined", "not_found"] as const) {
      story.tell({ type: "order.unknown", client_order_id: story.orderId, outcome, message: "" });
    }
    expect(story.state).toBe("purging.placing");
    expect(tracked(story).summary().ordersPlaced).toBe(1);
  });

  test("what was sold before this run, or before an actor was restarted, is not sold in it again", () => {
    const tracker = createTracker();
    const story = new Story();
    const before = story.sell();
    tracker.observe(transition(before, true));
    expect(tracker.summary()).toMatchObject({ soldValueUsd: "0", successes: 0, attempts: 0 });
    story.tell({ type: "position.held", balance: "450000", value_usd: "4.80" });
    const from = story.records.length;
    story.sell();
    for (const record of story.records.slice(from)) tracker.observe(transition(record));
    tracker.observe(transition(story.records.at(-1) ?? before, true));
    expect(tracker.summary()).toMatchObject({ soldValueUsd: "4.8", successes: 1 });
  });
});

describe("healthy", () => {
  test("until a supervisor gives up, and again when its parent has started it anew", () => {
    const tracker = createTracker();
    expect(health(tracker)).toEqual({ ok: true, reasons: [] });
    tracker.observe(child("escalated", "symbols", "BONK-USD"));
    expect(health(tracker)).toEqual({
      ok: false,
      reasons: ["supervisor symbols gave up after too many restarts"],
    });
    tracker.observe(child("restarted", "root", "symbols"));
    expect(health(tracker).ok).toBe(true);
  });
});

describe("ready", () => {
  const able = {
    isJournalOpen: true,
    isBusConnected: true,
    holdingsReadAt: AT,
    maxHoldingsAgeMs: 180_000,
    now: NOW + 60_000,
  };

  test("with journal, bus and recent holdings", () => {
    expect(readiness(able)).toEqual({ ok: true, reasons: [] });
  });

  test.each([
    [{ isJournalOpen: false }, "the journal is not open"],
    [{ isBusConnected: false }, "the bus is not connected"],
    [{ holdingsReadAt: null }, "the account's holdings have not been read yet"],
    [{ now: NOW + 181_000 }, "the account's holdings were last read 181 s ago, more than 180 s"],
  ])("not with %j", (change, reason) => {
    expect(readiness({ ...able, ...change })).toEqual({ ok: false, reasons: [reason] });
  });

  test("every reason is named", () => {
    expect(readiness({ ...able, isJournalOpen: false, isBusConnected: false }).reasons).toHaveLength(2);
  });

  test("a cycle that saw no account does not count as a reading; one that a guard held back does", () => {
    const tracker = createTracker();
    tracker.observe(cycle("the account could not be read", 0));
    expect(tracker.holdingsReadAt).toBe(null);
    tracker.observe(cycle("mass purge", 9));
    expect(tracker.holdingsReadAt).toBe(AT);
  });

  test("an account that holds nothing was read all the same", () => {
    const tracker = createTracker();
    tracker.observe(cycle(null, 0));
    expect(tracker.holdingsReadAt).toBe(AT);
  });
});

describe("the run at a glance", () => {
  const telemetry = () => {
    const clock = { now: () => NOW };
    const stream = { write: () => {} };
    const options = { level: "silent", pretty: false, detailedErrors: true } as const;
    return createTelemetry({ ...options, stream, clock, version: "0.1.0", mode: "paper" });
  };

  test("before anything was heard", () => {
    const nothing = { connected: false, venue: null, lastCycle: null, symbols: [] };
    expect(telemetry().overview()).toEqual({ startedAt: AT, ...nothing });
  });

  test("the last of everything", () => {
    const { observe, overview } = telemetry();
    observe({ kind: "connection", connected: true });
    observe(cycle("the bus is away", 0));
    observe(cycle(null, 9));
    const venue = {
      type: "venue.state",
      at: AT,
      state: "closed",
      cause: null,
      reason: null,
      until: null,
    } as const;
    observe({ kind: "venue", venue });
    observe(transition(new Story().fail()));
    expect(overview()).toMatchObject({
      connected: true,
      venue,
      lastCycle: { heldBack: null, positions: 9 },
      symbols: [{ symbol: "BONK-USD", state: "failed" }],
    });
    observe({ kind: "connection", connected: false });
    expect(overview().connected).toBe(false);
  });
});

test("the status document: wire names, and no secrets", () => {
  const story = new Story();
  story.request();
  story.quote();
  story.reject({ ...INVALID_SIZE, raw_response: '{"headers":{"authorization":"hunter2"}}' });
  const tracker = tracked(story);
  tracker.observe({ kind: "connection", connected: true });
  tracker.observe(cycle("token=hunter2 is no longer valid"));
  const text = JSON.stringify(
    statusDocument({
      tracker,
      about: { version: "0.1.0", mode: "paper", nats: "nats://ana:hunter2@127.0.0.1" },
      readiness: { ok: false, reasons: ["the bus is not connected"] },
      now: NOW,
    }),
  );
  expect(text).not.toContain("hunter2");
  expect(JSON.parse(text)).toMatchObject({
    at: AT,
    version: "0.1.0",
    ready: false,
    not_ready_because: ["the bus is not connected"],
    bus_connected: true,
    venue: null,
    last_cycle: { cycle: 1, at: AT, duration_ms: 1, positions: 9, candidates: 0, started: 0, skipped: 0 },
    summary: { attempts: 1, orders_rejected: 1, sold_value_usd: "0" },
    symbols: [
      { symbol: "BONK-USD", state: "failed", last_rejection: { code: "INVALID_ORDER_CONFIGURATION" } },
    ],
  });
  expect(text).not.toMatch(/"[a-z]+[A-Z][A-Za-z]*":/);
});
