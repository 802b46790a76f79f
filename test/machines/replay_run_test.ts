// Machines without an actor take the steps of those with one.
import { describe, expect, test } from "vitest";
import { startPurge } from "../../machines/mod.ts";
import { steppedMachines } from "../../machines/replay_run.ts";
import { story } from "./recordings.ts";
import { BONK, LEDGER, Scenario, types } from "./scenario.ts";

const begun = { ledgerId: LEDGER, symbol: BONK };

describe("machines that only step", () => {
  test("say after each event what an actor says, and what it waits for", () => {
    const scenario = story(new Scenario());
    scenario.send(scenario.deadline("slice#0"));
    const [actor, stepped] = [startPurge(begun), steppedMachines()(begun)];
    for (const event of scenario.events) {
      expect(stepped.step(event)).toEqual(actor.step(event));
      const { state, context, snapshot, pending } = actor;
      expect([stepped.state, stepped.context, stepped.snapshot, stepped.pending]).toEqual([
        state,
        context,
        snapshot,
        pending,
      ]);
    }
  });

  test("do not mix with those that the same start has made", () => {
    const start = steppedMachines();
    const [one, other] = [start(begun), start(begun)];
    const scenario = new Scenario();
    expect(types(one.step(scenario.request()).commands)).toEqual(["market.refresh"]);
    expect(other.state).toBe("idle");
    expect(other.step(scenario.operator("pause")).path).toEqual(["suspended"]);
    expect(one.state).toBe("purging.quoting");
  });

  test("go on from a snapshot, and refuse one that does not fit", () => {
    const { snapshot } = story().run;
    const stepped = steppedMachines()({ ...begun, snapshot: structuredClone(snapshot) });
    expect([stepped.state, stepped.snapshot]).toEqual(["cleared", snapshot]);
    expect(() => steppedMachines()({ ...begun, snapshot: {} })).toThrow("does not fit this version");
  });

  test("throw what the machine throws", () => {
    const scenario = new Scenario();
    const stepped = steppedMachines()(begun);
    scenario.send(scenario.request());
    stepped.step(scenario.request());
    expect(() => stepped.step(scenario.quote({ best_bid: "a lot" }))).toThrow("a lot");
  });
});
