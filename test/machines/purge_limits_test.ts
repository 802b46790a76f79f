// Exactly at a limit: what the last permitted slice, the last slice without a buyer and the last coin do.
import { describe, expect, test } from "vitest";
import { noBuyer, PRODUCT, placed, rejection, Scenario } from "./scenario.ts";

/** A slice of which a part is bought before it is cancelled. */
function someBuyer(scenario: Scenario): void {
  scenario.send(scenario.quote());
  scenario.send(scenario.accepted());
  scenario.reachDeadline();
  scenario.send(scenario.cancelled({ filled_size: "1000", filled_value: "0.01" }));
}

test("all slices that the policy permits are offered, and not one more", () => {
  const scenario = new Scenario({ max_slices: 2, max_consecutive_no_fill: 9 });
  scenario.send(scenario.request());
  noBuyer(scenario);
  const second = scenario.send(scenario.quote());
  expect(placed(second.commands)).toMatchObject([{ kind: "post_only" }]);
  scenario.send(scenario.accepted());
  scenario.reachDeadline();
  scenario.send(scenario.cancelled());
  const third = scenario.send(scenario.quote());
  expect(placed(third.commands)).toMatchObject([{ kind: "ioc" }]);
});

test("slices without a buyer count only in a row: a fill in between starts the count anew", () => {
  const scenario = new Scenario({ max_consecutive_no_fill: 2 });
  scenario.send(scenario.request());
  noBuyer(scenario);
  someBuyer(scenario);
  noBuyer(scenario);
  expect(scenario.run.context.attempt).toMatchObject({ no_fills: 1, limit: null });
  noBuyer(scenario);
  expect(scenario.run.context.attempt).toMatchObject({ no_fills: 2, limit: "NO_FILL" });
});

describe("funds that are said not to be there, for an order of all that is left,", () => {
  const short = rejection("INSUFFICIENT_FUND", { class: "account" });

  test("and of which exactly that is there: the account is at fault", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote({ available: "400000" }));
    expect(scenario.order.base_size).toBe("400000");
    scenario.send(scenario.rejected(short));
    scenario.send(scenario.quote({ available: "400000" }));
    expect(scenario.run.context.last_outcome).toMatchObject({
      kind: "interrupted",
      code: "INSUFFICIENT_FUND",
    });
  });

  test("and of which one less is there: that much is sold", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    scenario.send(scenario.quote({ available: "400000" }));
    scenario.send(scenario.rejected(short));
    const step = scenario.send(scenario.quote({ available: "399999" }));
    expect(placed(step.commands)).toMatchObject([{ base_size: "399999" }]);
  });
});

describe("a position of exactly the smallest order that the exchange takes", () => {
  const product = { ...PRODUCT, base_min_size: "300000" };

  test("is offered whole", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    const step = scenario.send(scenario.quote({ available: "300000", product }));
    expect(placed(step.commands)).toMatchObject([{ base_size: "300000" }]);
  });

  test("less one increment is nothing to sell", () => {
    const scenario = new Scenario();
    scenario.send(scenario.request());
    const step = scenario.send(scenario.quote({ available: "299999", product }));
    expect([step.state, placed(step.commands)]).toEqual(["idle", []]);
    expect(scenario.run.context.last_outcome).toMatchObject({ code: "NOTHING_TO_SELL" });
  });
});
