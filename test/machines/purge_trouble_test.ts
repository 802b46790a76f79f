// The purge machine when things go missing: unknown outcomes, late messages, operators, restarts, bugs.
import { describe, expect, test } from "vitest";
import { working } from "../../machines/attempt.ts";
import { MAX_PAST_ORDERS, takeLateFill } from "../../machines/live_order.ts";
import { placeCommand } from "../../machines/commands.ts";
import { SnapshotError, startPurge } from "../../machines/mod.ts";
import { suspensionBy } from "../../machines/record.ts";
import { BONK, LEDGER, rejection, Scenario, placed, types, noBuyer } from "./scenario.ts";

describe("outcomes that are not known", () => {
  test("are asked for, and an order that never arrived is placed again with the same body under the same id", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    const [first] = placed(scenario.send(scenario.quote()).commands);
    expect(types(scenario.send(scenario.unknown()).commands)).toEqual(["order.query"]);
    const [again] = placed(scenario.send(scenario.unknown("not_found")).commands);
    expect(again).toEqual(first);
  });

  test("an order that is denied again after that is not placed a third time, and asked for once a minute", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote());
    scenario.send(scenario.unknown());
    scenario.send(scenario.unknown("not_found"));
    expect(types(scenario.send(scenario.unknown()).commands)).toEqual(["order.query"]);
    expect(scenario.send(scenario.unknown("not_found"))).toMatchObject({ changed: false, commands: [] });
    const before = scenario.now;
    expect(types(scenario.reachDeadline().commands)).toEqual(["order.query"]);
    expect(scenario.now - before).toBeGreaterThanOrEqual(60_000);
    scenario.send(scenario.unknown("not_found"));
    expect(scenario.run.context.attempt).toMatchObject({ order: null, slice: 2 });
  });

  test("are asked for after a minute, two, four and four, for as long as it takes", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote());
    const waits: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const before = scenario.now;
      expect(types(scenario.reachDeadline().commands)).toEqual(["order.query"]);
      waits.push((scenario.now - before) / 60_000);
    }
    expect(waits).toEqual([1, 1, 2, 4, 4]);
  });

  test("an order that turns out open past its time is cancelled, not left to rest", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote());
    scenario.reachDeadline();
    const step = scenario.send(scenario.update());
    expect([step.state, types(step.commands)]).toEqual(["purging.cancelling", ["order.cancel"]]);
  });

  test("an order that is accepted late, past its time, is cancelled", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote());
    scenario.reachDeadline();
    expect(scenario.send(scenario.accepted()).state).toBe("purging.cancelling");
  });

  test("an order denied for a whole minute, past its time, is taken for one that never arrived", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote());
    scenario.reachDeadline();
    scenario.send(scenario.unknown("not_found"));
    expect(scenario.send(scenario.unknown("not_found")).changed).toBe(false);
    scenario.reachDeadline();
    scenario.send(scenario.unknown("not_found"));
    expect(scenario.run.state).toBe("purging.quoting");
    expect(scenario.run.context.attempt).toMatchObject({ order: null, slice: 2, no_fills: 1 });
  });

  test("an order that may still be on its way is not given up, whatever the clock says", () => {
    const scenario = new Scenario();
    const denial = (may_arrive: boolean) => ({ ...scenario.unknown("not_found"), may_arrive });
    scenario.send(scenario.request());
    scenario.send(scenario.quote());
    scenario.reachDeadline();
    scenario.send(denial(true));
    scenario.reachDeadline();
    expect(scenario.send(denial(true)).changed).toBe(false);
    scenario.reachDeadline();
    scenario.send(denial(false));
    expect(scenario.run.context.attempt).toMatchObject({ order: null, slice: 2 });
  });

  test.each([
    [
      "that can arrive no more is given up fifty seconds after the first denial",
      { may_arrive: false },
      50_000,
      2,
    ],
    ["that can arrive no more is kept until then", { may_arrive: false }, 49_999, 1],
    ["of a gateway that measures nothing is given up after a full minute", {}, 60_000, 2],
    ["of a gateway that measures nothing is kept until then", {}, 59_999, 1],
  ])("a denied order %s", (_, said, ms, slice) => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote());
    scenario.reachDeadline();
    scenario.send({ ...scenario.unknown("not_found"), may_arrive: true });
    const denial = { ...scenario.unknown("not_found"), ...said };
    const { not_found_at } = working(scenario.run.context).attempt;
    const at = new Date(Date.parse(not_found_at ?? "") + ms).toISOString();
    scenario.send({ ...denial, at });
    expect(scenario.run.context.attempt?.slice).toBe(slice);
  });

  test("a refusal after all ends the question", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote());
    scenario.send(scenario.unknown());
    scenario.send(scenario.rejected());
    expect(scenario.run.state).toBe("failed");
  });

  test("an order that the exchange ends as failed is judged by its reason", () => {
    const scenario = new Scenario().rest();
    scenario.send(scenario.update({ status: "failed", rejection: rejection("PRODUCT_TRADING_HALTED") }));
    expect(scenario.run.context.last_failure?.rejection?.code).toBe("PRODUCT_TRADING_HALTED");
  });

  test("an order that the exchange ends as failed without a reason is a slice without a buyer", () => {
    const scenario = new Scenario().rest();
    scenario.send(scenario.update({ status: "failed" }));
    expect(scenario.run.context.attempt).toMatchObject({ slice: 2, no_fills: 1 });
  });
});

describe("duplicates, late and reordered messages", () => {
  test("the same result twice changes nothing the second time", () => {
    const scenario = new Scenario().rest();
    const update = scenario.update({ filled_size: "5", filled_value: "0.1" });
    expect(scenario.send(update).changed).toBe(true);
    expect(scenario.send(update)).toMatchObject({ changed: false, commands: [], path: [] });
  });

  test("an older revision after a newer one changes nothing", () => {
    const scenario = new Scenario().rest();
    scenario.send(scenario.update({ revision: 7, filled_size: "9", filled_value: "0.1" }));
    expect(scenario.send(scenario.update({ revision: 6, filled_size: "5" })).changed).toBe(false);
  });

  test("at the same revision a larger fill or the end is news, once; an exchange may begin to count at 0", () => {
    const scenario = new Scenario().rest();
    const first = scenario.update({ revision: 0, filled_size: "5", filled_value: "0.1" });
    expect(scenario.send(first).changed).toBe(true);
    expect(scenario.send(first).changed).toBe(false);
    expect(scenario.send(scenario.update({ revision: 0, filled_size: "4" })).changed).toBe(false);
    expect(scenario.send(scenario.cancelled({ revision: 0 })).changed).toBe(true);
    expect(scenario.run.context.sold_size).toBe("5");
  });

  test("a cumulative fill never shrinks", () => {
    const scenario = new Scenario().rest();
    scenario.send(scenario.update({ filled_size: "9", filled_value: "0.1" }));
    scenario.send(scenario.cancelled({ filled_size: "4", filled_value: "0.05" }));
    expect(scenario.run.context.sold_size).toBe("9");
  });

  test("a fill that is reported after the order was final is counted once, in this attempt too", () => {
    const scenario = new Scenario().rest();
    const late = scenario.cancelled({ revision: 9, filled_size: "300", filled_value: "0.3", fee: "0.01" });
    scenario.send(scenario.cancelled());
    scenario.send(scenario.quote());
    scenario.send(scenario.cancelled());
    expect(scenario.send(late).changed).toBe(true);
    expect(scenario.send(late).changed).toBe(false);
    expect(scenario.run.context).toMatchObject({
      sold_size: "300",
      fee: "0.01",
      attempt: { sold_size: "300" },
    });
  });

  test("a fill of an earlier attempt adds to what the symbol sold, and to nothing else", () => {
    const scenario = new Scenario().rest();
    const late = scenario.cancelled({ revision: 9, filled_size: "300", filled_value: "0.3" });
    scenario.send(scenario.update({ status: "failed", rejection: rejection() }));
    scenario.send(scenario.request());
    const { attempt } = scenario.run.context;
    const step = scenario.send(late);
    expect([step.path, step.commands]).toEqual([[], []]);
    expect(scenario.run.context).toMatchObject({ sold_size: "300", failures: 1 });
    expect(scenario.run.context.attempt).toEqual(attempt);
  });

  test("only so many past orders are remembered", () => {
    const scenario = new Scenario({ max_consecutive_no_fill: 999, max_slices: 999, max_duration_ms: 9e9 });
    scenario.send(scenario.request());
    for (let n = 0; n < MAX_PAST_ORDERS + 5; n += 1) noBuyer(scenario);
    expect(scenario.run.context.past_orders).toHaveLength(MAX_PAST_ORDERS);
  });
});

describe("operators", () => {
  test.each([
    ["abort", "idle"],
    ["pause", "suspended"],
    ["ban", "suspended"],
  ] as const)("%s cancels the resting order first, and then ends in %s", (what, end) => {
    const scenario = new Scenario().rest();
    expect(types(scenario.send(scenario.operator(what)).commands)).toEqual(["order.cancel"]);
    scenario.send(scenario.cancelled({ filled_size: "100", filled_value: "0.1" }));
    expect([scenario.run.state, scenario.run.context.sold_size]).toEqual([end, "100"]);
    expect(scenario.run.context.last_outcome).toMatchObject({ kind: "interrupted", code: "OPERATOR" });
  });

  test("an order that is refused while the attempt is being ended does not count", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote());
    scenario.send(scenario.operator("pause"));
    scenario.send(scenario.rejected());
    expect([scenario.run.state, scenario.run.context.failures]).toEqual(["suspended", 0]);
  });

  test("an order that is accepted only after the abort gets its name, and is still cancelled", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote());
    scenario.send(scenario.operator("abort"));
    scenario.send(scenario.accepted());
    expect(scenario.run.state).toBe("purging.cancelling");
    expect(scenario.run.context.attempt?.order?.order_id).toBe("X-1");
  });

  test("a pause taken back in time suspends nothing", () => {
    const scenario = new Scenario().rest();
    scenario.send(scenario.operator("pause"));
    scenario.send(scenario.operator("resume"));
    scenario.send(scenario.cancelled());
    expect(scenario.run.state).toBe("idle");
  });

  test("a ban outlives a resume, and a reset lifts it", () => {
    const scenario = new Scenario().fail(1);
    scenario.send(scenario.operator("ban"));
    scenario.send(scenario.operator("resume"));
    expect(scenario.run.state).toBe("suspended");
    scenario.send(scenario.operator("reset"));
    expect([scenario.run.state, scenario.run.context.failures]).toEqual(["idle", 0]);
  });

  test("a pause in the middle of a rest keeps the rest", () => {
    const scenario = new Scenario().fail(3);
    const { retry_at } = scenario.run.context;
    scenario.send(scenario.operator("pause"));
    expect(scenario.run.context.deadline).toBeNull();
    scenario.send(scenario.operator("resume"));
    expect([scenario.run.state, scenario.run.context.retry_at]).toEqual(["backoff.waiting", retry_at]);
    expect(scenario.run.context.deadline?.at).toBe(retry_at);
  });

  test("a reset in the middle of a retry forgets the failures and lets the attempt go on", () => {
    const scenario = new Scenario().fail(3);
    scenario.reachDeadline();
    scenario.rest();
    scenario.send(scenario.operator("reset"));
    expect([scenario.run.state, scenario.run.context.failures]).toEqual(["retrying.resting", 0]);
    scenario.send(scenario.operator("abort"));
    scenario.send(scenario.cancelled());
    expect(scenario.run.state).toBe("idle");
  });

  test("a poisoned symbol cancels its order and is suspended, with the reason", () => {
    const scenario = new Scenario().rest();
    scenario.send(scenario.poisoned());
    scenario.send(scenario.cancelled());
    expect(scenario.run.context.suspension).toMatchObject({ kind: "poison", by: "supervisor" });
  });
});

describe("a restart from the snapshot", () => {
  const WAITS: Record<string, [(scenario: Scenario) => unknown, string[]]> = {
    "purging.quoting": [(s) => s.send(s.request()), ["market.refresh"]],
    "purging.placing": [(s) => [s.send(s.request()), s.send(s.quote())], ["order.place"]],
    "purging.resting": [(s) => s.rest(), ["order.query"]],
    "purging.cancelling": [(s) => [s.rest(), s.reachDeadline()], ["order.cancel"]],
    "purging.querying": [(s) => [s.rest(), s.send(s.unknown())], ["order.query"]],
    "backoff.waiting": [(s) => s.fail(3), []],
    failed: [(s) => s.fail(1), []],
  };

  test.each(Object.keys(WAITS))(
    "in %s goes on as if nothing had happened, and asks again what is open",
    (state) => {
      const [bring, pending] = WAITS[state] ?? [() => {}, []];
      const scenario = new Scenario();
      bring(scenario);
      expect(scenario.run.state).toBe(state);
      const before = structuredClone(scenario.run.snapshot);
      scenario.restart();
      expect(scenario.run.snapshot).toEqual(before);
      expect(types(scenario.run.pending)).toEqual(pending);
    },
  );

  test("a quote that could not be used is not asked for again before its time", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote({ best_bid: "0" }));
    expect(scenario.restart().run.pending).toEqual([]);
  });

  const good = new Scenario().fail(1).run.snapshot;
  test.each([
    ["another version", { ...good, version: 99 }],
    ["a state that does not exist", { ...good, value: "limbo" }],
    ["a parent without its child", { ...good, value: "purging" }],
    ["a missing field", { ...good, context: { ...good.context, failures: undefined } }],
    ["another symbol", { ...good, context: { ...good.context, symbol: "SEI-USD" } }],
    ["another ledger", { ...good, context: { ...good.context, ledger_id: "x" } }],
    ["no snapshot at all", "garbage"],
  ])("%s is refused, with the symbol in the message", (_, snapshot) => {
    const start = () => startPurge({ ledgerId: LEDGER, symbol: BONK, snapshot });
    expect(start).toThrow(SnapshotError);
    expect(start).toThrow(/BONK-USD/);
  });
});

test("a late fill of an order that is not known says nothing", () => {
  const scenario = new Scenario().rest();
  scenario.send(scenario.cancelled());
  const { context } = scenario.run;
  expect(takeLateFill(context, scenario.update({ filled_size: "5" }))).toBe(context);
});

describe("bugs in the chart are loud", () => {
  test("an attempt's step without an attempt", () => {
    expect(() => working(new Scenario().run.context)).toThrow("BONK-USD: the attempt is missing");
  });

  test("an order's command without an order", () => {
    expect(() => placeCommand(new Scenario().run.context)).toThrow("BONK-USD: the live order is missing");
  });

  test("a suspension by an event that suspends nothing", () => {
    expect(() => suspensionBy(new Scenario().held())).toThrow("position.held suspends nothing");
  });

  test("a machine that throws says so to whoever stepped it", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    expect(() => scenario.send(scenario.quote({ available: "not a number" }))).toThrow(/not a number/);
  });
});
