// Which order a message is about, and what of it: an attempt has one at the exchange, and remembers those before it.
import { describe, expect, test } from "vitest";
import { placed, PRODUCT, rejection, Scenario, types } from "./scenario.ts";

/** The first slice found no buyer, the second rests. */
function onSecondSlice(policy = {}) {
  const scenario = new Scenario(policy).rest();
  const first = scenario.order.client_order_id;
  scenario.reachDeadline();
  scenario.send(scenario.cancelled());
  scenario.send(scenario.quote());
  scenario.send(scenario.accepted());
  expect(scenario.run.state).toBe("purging.resting");
  return { scenario, first };
}

describe("an update of an earlier order", () => {
  test("that is final does not end the present one", () => {
    const { scenario, first } = onSecondSlice();
    const step = scenario.send(scenario.cancelled({ client_order_id: first, revision: 9 }));
    expect([step.changed, step.state]).toEqual([false, "purging.resting"]);
  });

  test("that is final and brings a fill counts that, and does not end the present one", () => {
    const { scenario, first } = onSecondSlice();
    scenario.send(scenario.cancelled({ client_order_id: first, revision: 9, filled_size: "7" }));
    expect(scenario.run.state).toBe("purging.resting");
    expect(scenario.run.context).toMatchObject({
      sold_size: "7",
      attempt: { order: { filled_size: "0" } },
    });
  });

  test("that is open does not become the present one's fill", () => {
    const { scenario, first } = onSecondSlice();
    scenario.send(scenario.update({ client_order_id: first, revision: 9, filled_size: "7" }));
    scenario.send(scenario.update({ revision: 10, filled_size: "5" }));
    expect(scenario.run.context).toMatchObject({
      sold_size: "12",
      attempt: { order: { filled_size: "5" } },
    });
  });

  test("changes what is known of that order alone, when several are remembered", () => {
    const { scenario, first } = onSecondSlice();
    const second = scenario.order.client_order_id;
    scenario.reachDeadline();
    scenario.send(scenario.cancelled());
    const late = { revision: 9, status: "cancelled" } as const;
    scenario.send(scenario.update({ ...late, client_order_id: first, filled_size: "7" }));
    scenario.send(scenario.update({ ...late, client_order_id: second, filled_size: "7" }));
    expect(scenario.run.context.sold_size).toBe("14");
  });
});

describe("an update of the present order", () => {
  test("that is open and shows a larger fill at the same revision is news", () => {
    const scenario = new Scenario().rest();
    scenario.send(scenario.update({ revision: 3, filled_size: "5", filled_value: "0.1" }));
    expect(
      scenario.send(scenario.update({ revision: 3, filled_size: "8", filled_value: "0.2" })).changed,
    ).toBe(true);
    expect(scenario.run.context.sold_size).toBe("8");
  });

  test("may correct value and fee downwards while the fill grows: nothing is taken back, and nothing breaks", () => {
    const scenario = new Scenario().rest();
    scenario.send(scenario.update({ filled_size: "5", filled_value: "0.3", fee: "0.02" }));
    scenario.send(scenario.update({ filled_size: "8", filled_value: "0.2", fee: "0.01" }));
    expect(scenario.run.context).toMatchObject({ sold_size: "8", sold_value: "0.3", fee: "0.02" });
  });

  test("may show more sold than was known to be there: nothing is left then, and nothing breaks", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote({ available: "400000" }));
    scenario.send(scenario.accepted());
    scenario.send(scenario.update({ filled_size: "400001", filled_value: "4.3" }));
    expect(scenario.run.context.attempt).toMatchObject({
      sold_size: "400001",
      market: { available: "0" },
    });
  });

  test("that is cancelled is a slice without a buyer, whatever reason comes with it", () => {
    const scenario = new Scenario().rest();
    scenario.send(scenario.cancelled({ rejection: rejection() }));
    expect(scenario.run.state).toBe("purging.quoting");
    expect(scenario.run.context.failures).toBe(0);
  });
});

describe("an attempt that is being ended, and does not know what became of its order,", () => {
  const ending = () => {
    const scenario = new Scenario().rest();
    scenario.send(scenario.operator("abort"));
    scenario.send(scenario.unknown());
    expect(scenario.run.state).toBe("purging.querying");
    return scenario;
  };

  test("cancels it where it turns out open, though its time is not over", () => {
    const scenario = ending();
    const step = scenario.send(scenario.update());
    expect([step.state, types(step.commands)]).toEqual(["purging.cancelling", ["order.cancel"]]);
  });

  test("does not place it again where it never arrived", () => {
    const scenario = ending();
    const step = scenario.send(scenario.unknown("not_found"));
    expect(placed(step.commands)).toEqual([]);
  });
});

test("an order that turns out open at the very moment its time is over is cancelled", () => {
  const scenario = new Scenario().rest();
  scenario.send(scenario.unknown());
  scenario.wait(scenario.policy.replace_ms);
  expect(scenario.send(scenario.update()).state).toBe("purging.cancelling");
});

describe("a reset", () => {
  test("in the middle of a retry leaves the attempt its deadline", () => {
    const scenario = new Scenario().fail(1).rest();
    const { deadline } = scenario.run.context;
    scenario.send(scenario.operator("reset"));
    expect(deadline).not.toBeNull();
    expect(scenario.run.context.deadline).toEqual(deadline);
    expect(types(scenario.reachDeadline().commands)).toEqual(["order.cancel"]);
  });

  test("of a symbol that rests leaves nothing to wait for", () => {
    const scenario = new Scenario().fail(3);
    expect(scenario.run.state).toBe("backoff.waiting");
    scenario.send(scenario.operator("reset"));
    expect(scenario.run.context.deadline).toBeNull();
  });
});

describe("a quote", () => {
  test("whose bid and ask are the same is read again, and is no failure", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote({ best_bid: "0.00001066", best_ask: "0.00001066" }));
    expect(scenario.run.state).toBe("purging.quoting");
    scenario.reachDeadline();
    expect(placed(scenario.send(scenario.quote()).commands)).toHaveLength(1);
  });

  test("of exactly the permitted age is used", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    const quoted_at = scenario.at;
    scenario.wait(scenario.policy.max_quote_age_ms);
    expect(placed(scenario.send(scenario.quote({ quoted_at })).commands)).toHaveLength(1);
  });

  test("under which exactly the threshold is left lets the rest be taken", () => {
    const scenario = new Scenario({ taker_fallback_threshold_usd: "8", max_consecutive_no_fill: 1 });
    scenario.rest();
    scenario.reachDeadline();
    scenario.send(scenario.cancelled());
    const product = { ...PRODUCT, price_increment: "0.01" };
    const quote = scenario.quote({ best_bid: "2", best_ask: "2.01", available: "4", product });
    expect(placed(scenario.send(quote).commands)).toMatchObject([{ kind: "ioc", base_size: "4" }]);
  });
});
