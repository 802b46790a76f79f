// Every state against every event: where it leads, and that everything else changes nothing at all.
import { describe, expect, test } from "vitest";
import type { PurgeEvent } from "../../machines/mod.ts";
import { NOBODY, rejection, Scenario } from "./scenario.ts";

/** How to get there. */
const STATES: Record<string, () => Scenario> = {
  idle: () => new Scenario(),
  ...attempt("purging", () => new Scenario()),
  ...attempt("retrying", () => new Scenario().fail(1)),
  failed: () => new Scenario().fail(1),
  "backoff.waiting": () => new Scenario().fail(3),
  "backoff.due": () => {
    const scenario = new Scenario().fail(3);
    scenario.reachDeadline();
    return scenario;
  },
  cleared: () => new Scenario().sell(),
  "suspended (paused)": () => after(new Scenario(), (s) => s.operator("pause")),
  "suspended (paused after a failure)": () => after(new Scenario().fail(1), (s) => s.operator("pause")),
  "suspended (banned)": () => after(new Scenario(), (s) => s.operator("ban")),
};

function after(scenario: Scenario, event: (scenario: Scenario) => PurgeEvent): Scenario {
  scenario.send(event(scenario));
  return scenario;
}

function attempt(parent: string, start: () => Scenario): Record<string, () => Scenario> {
  const placing = () => {
    const scenario = start();
    scenario.send(scenario.request());
    scenario.send(scenario.quote());
    return scenario;
  };
  return {
    [`${parent}.quoting`]: () => after(start(), (s) => s.request()),
    [`${parent}.placing`]: placing,
    [`${parent}.resting`]: () => after(placing(), (s) => s.accepted()),
    [`${parent}.cancelling`]: () => {
      const scenario = after(placing(), (s) => s.accepted());
      scenario.reachDeadline();
      return scenario;
    },
    [`${parent}.querying`]: () => after(placing(), (s) => s.unknown()),
  };
}

const hasOrder = (s: Scenario) => s.run.context.attempt?.order != null;
const live = (s: Scenario) => (hasOrder(s) ? s.order.client_order_id : NOBODY);

/** Every event, as it fits the state and as it does not. */
const EVENTS: Record<string, (s: Scenario) => PurgeEvent> = {
  "purge.requested": (s) => s.request(),
  "position.held": (s) => s.held(),
  "deadline.reached (mine)": (s) => s.deadline(),
  "deadline.reached (stale)": (s) => s.deadline("slice#0"),
  "market.snapshot (mine)": (s) => s.quote(),
  "market.snapshot (mine, stale)": (s) => s.quote({ quoted_at: "2025-11-11T00:00:00.000Z" }),
  "market.snapshot (old question)": (s) => s.quote({ request_id: "0-0" }),
  "market.unavailable (mine)": (s) => s.noMarket(),
  "market.unavailable (old question)": (s) => ({ ...s.noMarket(), request_id: "0-0" }),
  "order.accepted (live)": (s) => s.accepted(live(s)),
  "order.accepted (foreign)": (s) => s.accepted(NOBODY),
  "order.rejected (live)": (s) => s.rejected(rejection(), live(s)),
  "order.rejected (duplicate id)": (s) => s.rejected(rejection("DUPLICATE_CLIENT_ORDER_ID"), live(s)),
  "order.rejected (foreign)": (s) => s.rejected(rejection(), NOBODY),
  "order.update (open)": (s) => s.update(),
  "order.update (final)": (s) => s.update({ status: "cancelled" }),
  "order.update (known revision)": (s) => s.update({ revision: s.run.context.attempt?.order?.revision ?? 0 }),
  "order.update (foreign)": (s) => s.update({ client_order_id: NOBODY, filled_size: "5" }),
  "order.unknown (undetermined)": (s) => s.unknown("undetermined", live(s)),
  "order.unknown (not found)": (s) => s.unknown("not_found", live(s)),
  "order.unknown (foreign)": (s) => s.unknown("not_found", NOBODY),
  "operator.pause": (s) => s.operator("pause"),
  "operator.resume": (s) => s.operator("resume"),
  "operator.reset": (s) => s.operator("reset"),
  "operator.ban": (s) => s.operator("ban"),
  "operator.abort": (s) => s.operator("abort"),
  "symbol.poisoned": (s) => s.poisoned(),
  "failure.imported": (s) => s.imported(1),
};

type Row = Record<string, string>;
const suspends: Row = {
  "operator.pause": "suspended",
  "operator.ban": "suspended",
  "symbol.poisoned": "suspended",
};
const cancels: Row = {
  "operator.pause": "X.cancelling",
  "operator.ban": "X.cancelling",
  "operator.abort": "X.cancelling",
  "symbol.poisoned": "X.cancelling",
};

/** `X` stands for the parent; `=` for the same state with something noted; what is not listed changes nothing. */
const ATTEMPT: Record<string, Row> = {
  quoting: {
    "deadline.reached (mine)": "=",
    "market.snapshot (mine)": "X.placing",
    "market.snapshot (mine, stale)": "=",
    "market.unavailable (mine)": "home",
    "operator.abort": "home",
    ...suspends,
  },
  placing: {
    "deadline.reached (mine)": "X.querying",
    "order.accepted (live)": "X.resting",
    "order.rejected (live)": "failed",
    "order.rejected (duplicate id)": "X.querying",
    "order.update (open)": "X.resting",
    "order.update (final)": "X.quoting",
    "order.unknown (undetermined)": "X.querying",
    "order.unknown (not found)": "X.querying",
    ...cancels,
  },
  resting: {
    "deadline.reached (mine)": "X.cancelling",
    "order.update (open)": "=",
    "order.update (final)": "X.quoting",
    "order.unknown (undetermined)": "X.querying",
    "order.unknown (not found)": "X.querying",
    ...cancels,
  },
  cancelling: {
    "deadline.reached (mine)": "X.querying",
    "order.update (open)": "=",
    "order.update (final)": "X.quoting",
    "order.unknown (undetermined)": "X.querying",
    "order.unknown (not found)": "X.querying",
    ...cancels,
  },
  querying: {
    "deadline.reached (mine)": "=",
    "order.accepted (live)": "X.resting",
    "order.rejected (live)": "failed",
    "order.update (open)": "X.resting",
    "order.update (known revision)": "X.resting",
    "order.update (final)": "X.quoting",
    "order.unknown (not found)": "X.placing",
    ...cancels,
  },
};

function attemptRows(parent: string, home: string): Record<string, Row> {
  const fill = ([event, to]: [string, string]) => [event, to === "home" ? home : to.replace("X", parent)];
  return Object.fromEntries(
    Object.entries(ATTEMPT).map(([state, row]) => {
      const filled = Object.fromEntries(Object.entries(row).map(fill));
      return [`${parent}.${state}`, home === "failed" ? { ...filled, "operator.reset": "=" } : filled];
    }),
  );
}

const TABLE: Record<string, Row> = {
  ...attemptRows("purging", "idle"),
  ...attemptRows("retrying", "failed"),
  idle: { "purge.requested": "purging.quoting", "failure.imported": "failed", ...suspends },
  failed: {
    "purge.requested": "retrying.quoting",
    "failure.imported": "failed",
    "operator.reset": "idle",
    ...suspends,
  },
  "backoff.waiting": {
    "deadline.reached (mine)": "backoff.due",
    "failure.imported": "failed",
    "operator.reset": "idle",
    ...suspends,
  },
  "backoff.due": {
    "purge.requested": "retrying.quoting",
    "failure.imported": "failed",
    "operator.reset": "idle",
    ...suspends,
  },
  cleared: { "position.held": "idle", "failure.imported": "failed", ...suspends },
  "suspended (paused)": {
    "operator.resume": "idle",
    "operator.reset": "idle",
    "operator.ban": "=",
    "failure.imported": "=",
  },
  "suspended (paused after a failure)": {
    "operator.resume": "failed",
    "operator.reset": "idle",
    "operator.ban": "=",
    "failure.imported": "=",
  },
  "suspended (banned)": { "operator.reset": "idle", "failure.imported": "=" },
};

describe.each(Object.keys(STATES))("in %s", (state) => {
  test.each(Object.keys(EVENTS))("%s", (name) => {
    const scenario = STATES[state]?.();
    const event = scenario && EVENTS[name]?.(scenario);
    if (scenario === undefined || event === undefined) throw new Error("not in the table");
    const before = scenario.run.state;
    expect(before).toBe(state.replace(/ \(.*/, ""));
    const step = scenario.send(event);
    const expected = TABLE[state]?.[name];
    if (expected === undefined)
      expect(step).toMatchObject({ changed: false, path: [], commands: [], state: before });
    else expect([step.changed, step.state]).toEqual([true, expected === "=" ? before : expected]);
  });
});

test("the table names no state and no event that does not exist", () => {
  expect(Object.keys(TABLE).sort()).toEqual(Object.keys(STATES).sort());
  for (const row of Object.values(TABLE))
    expect(Object.keys(EVENTS)).toEqual(expect.arrayContaining(Object.keys(row)));
});
