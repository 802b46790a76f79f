// What is kept of a seed when there are thousands: its faults by kind, and no longer one by one.
import { expect, test } from "vitest";
import { FAULTS, kindOf, reportOf, type Simulated, simulate } from "../../simulation/mod.ts";

test.each([
  ["message.late purge.v1.orders.SEI-USD #3", "message.late"],
  ["bus.outage line of supervisor #1", "bus.outage"],
  ["operator SEI-USD #12", "operator"],
  ["order SEI-USD unknown #7", "order unknown"],
  ["order SEI-USD reject INVALID_SIZE_PRECISION #60", "order reject"],
  ["halt SEI-USD", "halt"],
  ["stale quotes SEI-USD", "stale quotes"],
  ["crossed book SEI-USD", "crossed book"],
])("%s is counted as %s", (id, kind) => {
  expect(kindOf(id)).toBe(kind);
});

test("what struck is told from what the exchange had in store, and each is counted by kind", () => {
  const ids = ["operator SEI-USD #1", "deposit SEI-USD #1", "order SEI-USD fail X #1", "operator WIF-USD #1"];
  const simulated: Simulated = {
    seed: 1,
    layout: "alone",
    violation: null,
    simulatedMs: 1,
    records: 2,
    lives: 1,
    struck: ids.map((id) => ({ id, at: 0 })),
    digest: "",
  };
  const { faults, inStore, ...rest } = reportOf(simulated);
  expect(Object.entries(faults)).toEqual([
    ["deposit", 1],
    ["operator", 2],
  ]);
  expect(inStore).toEqual({ "order fail": 1 });
  expect(rest).not.toHaveProperty("struck");
});

test("nothing that struck in a real world is left out", async () => {
  const simulated = await simulate({ seed: 11, troubleMs: 30 * 60_000 });
  const { faults, inStore } = reportOf(simulated);
  const all = [...Object.values(faults), ...Object.values(inStore)].reduce((sum, count) => sum + count, 0);
  expect(all).toBe(simulated.struck.length);
  const names = [...Object.keys(FAULTS), "halt", "stale quotes", "crossed book"];
  expect(names).toEqual(expect.arrayContaining(Object.keys(faults)));
});
