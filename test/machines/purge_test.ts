// The purge machine as a story: what is sold, what counts as a failure, what is waited for.
import { describe, expect, test } from "vitest";
import { MAX_REQUOTES } from "../../machines/attempt.ts";
import { PRODUCT, rejection, Scenario, placed, types, noBuyer } from "./scenario.ts";

const HOUR = 3_600_000;
describe("selling", () => {
  test("a position worth one slice and a little is sold in one order, and cleared with its record", () => {
    const scenario = new Scenario().fail(1);
    scenario.send(scenario.request());
    const step = scenario.send(scenario.quote({ available: "480000" }));
    expect(placed(step.commands)).toMatchObject([
      { kind: "post_only", side: "SELL", base_size: "480000", limit_price: "0.00001067" },
    ]);
    scenario.send(scenario.accepted());
    scenario.send(scenario.filled());
    const end = scenario.send(scenario.quote({ available: "0.5" }));
    expect(end.path).toEqual(["retrying.deciding", "retrying.done", "cleared"]);
    expect(scenario.run.context).toMatchObject({
      failures: 0,
      last_failure: null,
      retry_at: null,
      attempt: null,
      deadline: null,
      sold_size: "480000",
      sold_value: "4.99",
      fee: "0.03",
      residual_usd: "4.36619742",
      last_outcome: { kind: "sold", attempt: 2 },
    });
  });

  test("a cleared symbol that is held again starts over, under order ids of its own", () => {
    const scenario = new Scenario().rest();
    const first = scenario.order.client_order_id;
    scenario.send(scenario.filled());
    scenario.send(scenario.quote({ available: "0" }));
    scenario.send(scenario.held());
    scenario.rest();
    expect(scenario.run.state).toBe("purging.resting");
    expect(scenario.order.client_order_id).not.toBe(first);
    expect(scenario.run.context.attempts).toBe(2);
  });

  test("a slice that ends cancelled with no fill is tried again as the next slice", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    noBuyer(scenario);
    expect(scenario.run.state).toBe("purging.quoting");
    scenario.send(scenario.quote());
    expect(scenario.run.context.attempt).toMatchObject({ slice: 2, no_fills: 1, limit: null });
  });

  test("fills that land during a cancel count", () => {
    const scenario = new Scenario().rest();
    expect(scenario.reachDeadline().commands).toMatchObject([{ type: "order.cancel", order_id: "X-1" }]);
    scenario.send(scenario.update({ filled_size: "100000", filled_value: "1.06" }));
    expect(scenario.run.state).toBe("purging.cancelling");
    scenario.send(scenario.cancelled({ filled_size: "250000", filled_value: "2.66" }));
    expect(scenario.run.context).toMatchObject({
      sold_size: "250000",
      attempt: { sold_size: "250000", sold_value: "2.66", no_fills: 0, slice: 2 },
    });
  });

  test("a rejection mid-way with little enough left is a success all the same", () => {
    const scenario = new Scenario().rest();
    scenario.send(scenario.filled());
    scenario.send(scenario.quote({ available: "420984" }));
    const end = scenario.send(scenario.rejected());
    expect(end.path.at(-1)).toBe("cleared");
    expect(scenario.run.context.last_outcome).toMatchObject({
      kind: "sold",
      code: "INVALID_ORDER_CONFIGURATION",
      residual_usd: "4.48768944",
    });
  });

  test("what other orders hold counts as left, and what came in meanwhile too", () => {
    const scenario = new Scenario();
    scenario.send({ ...scenario.request(), balance: "400000.5" });
    scenario.send(scenario.quote({ available: "400000" }));
    scenario.send(scenario.filled());
    scenario.send(scenario.quote({ available: "0" }));
    expect(scenario.run.context.residual_usd).toBe("0.00000533");
    const topped = new Scenario();
    topped.send({ ...topped.request(), balance: "400000" });
    topped.send(topped.quote({ available: "400000" }));
    topped.send(topped.filled());
    topped.send(topped.quote({ available: "2" }));
    expect(topped.run.context.residual_usd).toBe("0.00002132");
  });

  test("a rejection mid-way with too much left is a failure that knows what was sold", () => {
    const scenario = new Scenario({ max_residual_usd: "4" }).rest();
    scenario.send(scenario.filled());
    scenario.send(scenario.quote({ available: "420984" }));
    scenario.send(scenario.rejected());
    expect(scenario.run.state).toBe("failed");
    expect(scenario.run.context.last_outcome).toMatchObject({ kind: "stuck", sold_size: "468603" });
  });

  test("nothing available and nothing sold is nobody's fault", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote({ available: "0" }));
    expect(scenario.run.state).toBe("idle");
    expect(scenario.run.context.last_outcome).toMatchObject({ kind: "interrupted", code: "NOTHING_TO_SELL" });
  });

  test("an order that is filled at once, before any word of acceptance, counts", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote());
    scenario.send(scenario.filled());
    expect(scenario.run.context.sold_size).toBe("468603");
    expect(scenario.run.state).toBe("purging.quoting");
  });
});

describe("the taker fallback", () => {
  test("after two slices without a buyer the rest goes as a limit IOC with a floor", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    noBuyer(scenario);
    noBuyer(scenario);
    const step = scenario.send(scenario.quote());
    expect(placed(step.commands)).toMatchObject([
      { kind: "ioc", base_size: "889587", limit_price: "0.00001056" },
    ]);
    scenario.send(scenario.accepted());
    scenario.send(scenario.filled());
    expect(scenario.run.state).toBe("cleared");
    expect(scenario.run.context.sold_size).toBe("889587");
  });

  test("an IOC that sells too little leaves the attempt failed, for want of buyers", () => {
    const scenario = new Scenario({ max_residual_usd: "1" });
    scenario.send(scenario.request());
    noBuyer(scenario);
    noBuyer(scenario);
    scenario.send(scenario.quote());
    scenario.send(scenario.cancelled({ filled_size: "10000", filled_value: "0.1" }));
    expect(scenario.run.state).toBe("failed");
    expect(scenario.run.context.last_failure).toMatchObject({
      error: "NO_FILL: no buyer for slice after slice",
    });
  });

  test("an IOC that does not become final is cancelled after ten seconds", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    noBuyer(scenario);
    noBuyer(scenario);
    scenario.send(scenario.quote());
    const placedAt = scenario.now;
    scenario.send(scenario.accepted());
    expect(types(scenario.reachDeadline().commands)).toEqual(["order.cancel"]);
    expect(scenario.now - placedAt).toBe(10_000);
  });

  test("is not tried while more is left than its threshold", () => {
    const scenario = new Scenario({ taker_fallback_threshold_usd: "9" });
    scenario.send(scenario.request());
    noBuyer(scenario);
    noBuyer(scenario);
    const step = scenario.send(scenario.quote());
    expect([step.state, step.commands]).toEqual(["failed", []]);
  });

  test("is not tried where the policy forbids it", () => {
    const scenario = new Scenario({ allow_taker_fallback: false });
    scenario.send(scenario.request());
    noBuyer(scenario);
    noBuyer(scenario);
    expect(scenario.run.state).toBe("failed");
  });

  test("a market that takes no IOC ends the attempt at its limit", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    noBuyer(scenario);
    noBuyer(scenario);
    scenario.send(scenario.quote({ product: { ...PRODUCT, status: "post_only" } }));
    expect(scenario.run.context.last_outcome).toMatchObject({ kind: "stuck", code: "NO_FILL" });
  });

  test("comes when the attempt's time is over, and a slice never outlives it", () => {
    const scenario = new Scenario({ max_duration_ms: 60_000, max_consecutive_no_fill: 9 });
    scenario.send(scenario.request());
    noBuyer(scenario);
    noBuyer(scenario);
    expect(scenario.now - Date.parse(scenario.events[0]?.at ?? "")).toBe(60_000);
    expect(scenario.run.context.attempt).toMatchObject({ limit: "MAX_DURATION" });
  });

  test("comes when the slices are used up", () => {
    const scenario = new Scenario({ max_slices: 1, max_consecutive_no_fill: 9 });
    scenario.send(scenario.request());
    noBuyer(scenario);
    expect(scenario.run.context.attempt).toMatchObject({ limit: "MAX_SLICES" });
  });
});

describe("failures", () => {
  test("are counted, kept whole, and rest the symbol 1 h, 2 h, 4 h, 4 h from the third on", () => {
    const scenario = new Scenario();
    const rests: number[] = [];
    for (let n = 0; n < 6; n += 1) {
      scenario.fail();
      const { retry_at, last_failure } = scenario.run.context;
      rests.push(retry_at === null ? 0 : Date.parse(retry_at) - Date.parse(last_failure?.failed_at ?? ""));
    }
    expect(rests).toEqual([0, 0, HOUR, 2 * HOUR, 4 * HOUR, 4 * HOUR]);
    expect(scenario.run.context).toMatchObject({
      failures: 6,
      last_failure: {
        error:
          "Order placement failed: API error | error=INVALID_ORDER_CONFIGURATION | message=Invalid order size | preview_failure=",
        rejection: { raw_response: expect.stringContaining("error_response") },
        balance: "889587.0",
        value_usd: "9.48",
      },
    });
  });

  test("a third failure passes through failed and rests, and sends nothing for an hour", () => {
    const scenario = new Scenario().fail(2);
    scenario.send(scenario.request());
    scenario.send(scenario.quote());
    const step = scenario.send(scenario.rejected());
    expect(step.path).toEqual(["retrying.deciding", "retrying.done", "failed", "backoff.waiting"]);
    const since = scenario.steps.length;
    for (let minute = 0; minute < 59; minute += 1) {
      scenario.wait(60_000);
      scenario.send(scenario.request());
    }
    expect(scenario.steps.slice(since).flatMap(({ commands }) => commands)).toEqual([]);
    expect(scenario.run.state).toBe("backoff.waiting");
  });

  test("with backoff switched off the next cycle tries again", () => {
    const scenario = new Scenario();
    scenario.policy = { ...scenario.policy, backoff: { ...scenario.policy.backoff, enabled: false } };
    scenario.fail(5);
    expect([scenario.run.state, scenario.run.context.failures]).toEqual(["failed", 5]);
  });

  test("with tracking switched off a failed attempt leaves no record", () => {
    const scenario = new Scenario({ failure_tracking: false }).fail(4);
    expect([scenario.run.state, scenario.run.context.failures]).toEqual(["idle", 0]);
    expect(scenario.run.context.last_outcome).toMatchObject({ kind: "stuck" });
  });

  test("a rest that would outlast all timestamps ends with the last of them, and survives a restart", () => {
    const scenario = new Scenario();
    scenario.send({ ...scenario.imported(4), last_failed_at: "9999-12-31T23:00:00.000Z" });
    expect(scenario.run.context.retry_at).toBe("9999-12-31T23:59:59.999Z");
    expect(scenario.restart().run.state).toBe("backoff.waiting");
  });

  test("an import replaces the record and rests from the imported time", () => {
    const scenario = new Scenario();
    scenario.send(scenario.imported(4));
    expect(scenario.run.state).toBe("backoff.waiting");
    expect(scenario.run.context.retry_at).toBe(new Date(scenario.now + 2 * HOUR).toISOString());
  });
});

describe("interruptions", () => {
  test.each(["venue", "account", "transport"] as const)("a refusal of class %s does not count", (kind) => {
    const scenario = new Scenario().fail(2);
    scenario.send(scenario.request());
    scenario.send(scenario.quote());
    scenario.send(scenario.rejected(rejection("SOMETHING", { class: kind })));
    expect([scenario.run.state, scenario.run.context.failures]).toEqual(["failed", 2]);
  });

  test("that come when all but dust is sold make it a success: only the last look at the market is missing", () => {
    const scenario = new Scenario().fail(1);
    scenario.send(scenario.request());
    scenario.send(scenario.quote({ available: "400000" }));
    scenario.send(scenario.filled());
    scenario.send(scenario.noMarket());
    expect([scenario.run.state, scenario.run.context.failures]).toEqual(["cleared", 0]);
  });

  test("that come when more than dust is left stay interruptions, whatever was sold", () => {
    const scenario = new Scenario().rest();
    scenario.send(scenario.filled());
    scenario.send(scenario.noMarket());
    expect(scenario.run.state).toBe("idle");
    expect(scenario.run.context).toMatchObject({ sold_size: "468603", residual_usd: "4.48768944" });
  });

  test("by an operator end in suspension even when nothing is left", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote({ available: "400000" }));
    scenario.send(scenario.accepted());
    scenario.send(scenario.operator("pause"));
    scenario.send(scenario.filled());
    expect(scenario.run.state).toBe("suspended");
  });

  test("after a rest they lead back to where the retry was due, not to another rest", () => {
    const scenario = new Scenario().fail(3);
    scenario.reachDeadline();
    scenario.send(scenario.request());
    scenario.send(scenario.noMarket());
    expect(scenario.run.state).toBe("backoff.due");
  });

  test("a market that refuses this symbol is the symbol's failure", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.noMarket(rejection("INVALID_PRODUCT_ID")));
    expect(scenario.run.state).toBe("failed");
  });

  test("a market that never answers is asked again, then the attempt is interrupted", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    const asked = [scenario.run.context.attempt?.request_id];
    while (scenario.run.state === "purging.quoting") {
      scenario.reachDeadline();
      asked.push(scenario.run.context.attempt?.request_id);
    }
    expect(asked).toHaveLength(5);
    expect(new Set(asked).size).toBe(5);
    expect(scenario.run.context.last_outcome).toMatchObject({ kind: "interrupted", code: "NO_ANSWER" });
  });
});

describe("requotes", () => {
  const crossing = rejection("INVALID_LIMIT_PRICE_POST_ONLY", { class: "requote" });

  test("a crossing price is raised tick by tick up to the limit, each time under a new id", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    const orders = [];
    while (scenario.run.state === "purging.quoting") {
      orders.push(...placed(scenario.send(scenario.quote()).commands));
      scenario.send(scenario.rejected(crossing));
    }
    expect(orders.map(({ limit_price }) => limit_price)).toEqual(
      ["67", "68", "69", "69", "69", "69"].map((ticks) => `0.000010${ticks}`),
    );
    expect(new Set(orders.map(({ client_order_id }) => client_order_id)).size).toBe(MAX_REQUOTES + 1);
    expect(scenario.run.context.last_outcome).toMatchObject({ kind: "stuck", code: "REQUOTE_EXHAUSTED" });
  });

  test.each([
    ["stale", { quoted_at: "2025-11-11T21:59:29.999Z" }],
    ["crossed", { best_bid: "0.00002" }],
    ["empty", { best_bid: "0" }],
  ])("a %s quote is read again after two seconds, and not for ever", (_, over) => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    let quotes = 0;
    while (scenario.run.state === "purging.quoting") {
      const step = scenario.send(scenario.quote(over));
      quotes += 1;
      if (step.state !== "purging.quoting") break;
      expect(step.commands).toEqual([]);
      const before = scenario.now;
      expect(types(scenario.reachDeadline().commands)).toEqual(["market.refresh"]);
      expect(scenario.now - before).toBe(2_000);
    }
    expect(quotes).toBe(MAX_REQUOTES + 1);
    expect(scenario.run.context.last_outcome).toMatchObject({ kind: "stuck", code: "STALE_QUOTE" });
  });

  test("a halted product fails the attempt", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote({ product: { ...PRODUCT, status: "halted" } }));
    expect(scenario.run.context.last_outcome).toMatchObject({ kind: "stuck", code: "HALTED" });
  });
});

describe("funds that are said not to be there", () => {
  const short = rejection("INSUFFICIENT_FUND", { class: "account" });

  test("are looked for; when less is there, less is sold", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote());
    scenario.send(scenario.rejected(short));
    expect(scenario.run.state).toBe("purging.quoting");
    const step = scenario.send(scenario.quote({ available: "200000" }));
    expect(placed(step.commands)).toMatchObject([{ base_size: "200000" }]);
  });

  test("and are there after all: the account is at fault, and the attempt interrupted", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote());
    scenario.send(scenario.rejected(short));
    scenario.send(scenario.quote());
    expect(scenario.run.context.last_outcome).toMatchObject({
      kind: "interrupted",
      code: "INSUFFICIENT_FUND",
    });
  });
});
