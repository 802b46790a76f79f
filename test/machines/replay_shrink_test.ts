// Long stories made short, and what would have been.
import { describe, expect, test } from "vitest";
import {
  createReplay,
  createWhatIf,
  type Divergence,
  type PurgeEvent,
  type RecordedStep,
  type ShrinkGoal,
  type Shrunk,
  type StartRun,
  shrink,
  startPurge,
  TradingSymbol,
} from "../../machines/mod.ts";
import { changedMachine, recordingOf, story } from "./recordings.ts";
import { BONK, LEDGER, POLICY, Scenario } from "./scenario.ts";

const restless = changedMachine((step) =>
  step.state === "backoff.waiting" ? { ...step, state: "failed", path: ["failed"] } : step,
);
const broken = changedMachine((step) => {
  if (step.path.includes("failed")) throw new Error("a bug");
  return step;
});
const reaching = (state: string): ShrinkGoal => ({ kind: "reaches", state });
const kinds = (shrunk: Shrunk | null): string =>
  shrunk?.steps.map(({ event }) => event.type.replace(/^.*\./, "")).join(" ") ?? "nothing";
const of = (
  events: readonly PurgeEvent[],
  goal: ShrinkGoal,
  more: { maxRuns?: number; start?: StartRun } = {},
) => shrink({ ledgerId: LEDGER, symbol: BONK, events, goal, ...more });

/** Two sold positions, an operator who meddles, unknown outcomes and useless words; then three failures. */
function longStory(): Scenario {
  const scenario = new Scenario().sell();
  scenario.send(scenario.deadline("slice#1"));
  scenario.send(scenario.held());
  scenario.sell();
  scenario.send(scenario.held());
  scenario.send(scenario.operator("pause"));
  scenario.send(scenario.operator("resume"));
  scenario.rest();
  scenario.send(scenario.unknown("undetermined"));
  scenario.send(scenario.deadline("slice#1"));
  scenario.send(scenario.noMarket());
  scenario.send(scenario.update());
  scenario.send(scenario.operator("abort"));
  scenario.send(scenario.cancelled());
  return scenario.fail(3);
}

function divergenceIn(records: readonly RecordedStep[], start: StartRun): Divergence {
  const replay = createReplay({ start });
  for (const record of records) {
    const taken = replay.take(record);
    if (taken.kind === "differs") return taken.divergence;
  }
  throw new Error("nothing differs");
}

describe("shrinking", () => {
  test("finds the nine events that bring a symbol to rest, whatever happened before", () => {
    const { events } = longStory();
    const shrunk = of(events, reaching("backoff.waiting"));
    expect(kinds(shrunk)).toBe(
      "requested snapshot rejected requested snapshot rejected requested snapshot rejected",
    );
    expect(shrunk?.isMinimal).toBe(true);
    expect(events.length).toBeGreaterThan(25);
  });

  test("leaves events that a machine takes as they are, without any of the others", () => {
    const shrunk = of(longStory().events, reaching("backoff"));
    const run = startPurge({ ledgerId: LEDGER, symbol: BONK });
    const states = shrunk?.steps.map(({ event }) => run.step(event).state);
    expect(states?.at(-1)).toBe("backoff.waiting");
    expect(shrunk?.steps.map(({ step }) => step?.state)).toEqual(states);
  });

  test("finds a state that is only passed through", () => {
    expect(kinds(of(longStory().events, reaching("failed")))).toBe("requested snapshot rejected");
  });

  test("gives the same part each time", () => {
    const { events } = longStory();
    expect(of(events, reaching("backoff"))).toEqual(of(events, reaching("backoff")));
  });

  test("keeps the deadlines that matter, by the machine's own name for them", () => {
    const scenario = longStory();
    scenario.reachDeadline();
    expect(kinds(of(scenario.events, reaching("backoff.due")))).toBe(
      "requested snapshot rejected requested snapshot rejected requested snapshot rejected reached",
    );
  });

  test("finds what still diverges in the same way", () => {
    const records = recordingOf(longStory());
    const divergence = divergenceIn(records, restless);
    const events = records.slice(0, divergence.seq).map(({ event }) => event);
    const shrunk = of(events, { kind: "diverges", divergence }, { start: restless });
    expect(kinds(shrunk)).toBe(
      "requested snapshot rejected requested snapshot rejected requested snapshot rejected",
    );
  });

  test("tells a divergence by the kinds of commands as well", () => {
    const silent = changedMachine((step) =>
      step.state === "retrying.cancelling" ? { ...step, commands: [] } : step,
    );
    const twice = changedMachine((step) =>
      step.state === "purging.quoting" && step.path.length === 1
        ? { ...step, commands: [...step.commands, ...step.commands] }
        : step,
    );
    const records = recordingOf(longStory());
    expect(() => divergenceIn(records, silent)).toThrow("nothing differs");
    const divergence = divergenceIn(records, twice);
    const events = records.slice(0, divergence.seq).map(({ event }) => event);
    expect(kinds(of(events, { kind: "diverges", divergence }, { start: twice }))).toBe("requested");
    expect(of(events, { kind: "diverges", divergence })).toBeNull();
  });

  test("finds what still makes the machine throw", () => {
    const records = recordingOf(longStory());
    const divergence = divergenceIn(records, broken);
    const events = records.slice(0, divergence.seq).map(({ event }) => event);
    const shrunk = of(events, { kind: "diverges", divergence }, { start: broken });
    expect(kinds(shrunk)).toBe("requested snapshot rejected");
    expect(shrunk?.steps.at(-1)?.step).toBeNull();
  });

  test("of events that throw on the way to their goal finds nothing", () => {
    expect(of(longStory().events, reaching("backoff"), { start: broken })).toBeNull();
  });

  test("says null of a state that is never reached", () => {
    expect(of(longStory().events, reaching("suspended.for.ever"))).toBeNull();
  });

  test("stops after so many replays, and says that more might be left out", () => {
    const { events } = longStory();
    const shrunk = of(events, reaching("backoff"), { maxRuns: 3 });
    expect(shrunk).toMatchObject({ isMinimal: false, runs: 3 });
    expect(shrunk?.steps.at(-1)?.step?.state).toBe("backoff.waiting");
  });

  test("begins from a snapshot where the recording does", () => {
    const before = new Scenario().fail(2);
    const snapshot = structuredClone(before.run.snapshot);
    const rest = before.fail(1).events.slice(6);
    const input = { ledgerId: LEDGER, symbol: BONK, events: rest, goal: reaching("backoff"), snapshot };
    expect(kinds(shrink(input))).toBe("requested snapshot rejected");
  });
});

describe("what would have been under another policy", () => {
  const patient = { ...POLICY, backoff: { ...POLICY.backoff, after_failures: 5 } };
  const small = { ...POLICY, slice_usd: "2" };
  const records = recordingOf(story());

  test("is the same under the same policy", () => {
    const whatIf = createWhatIf(POLICY);
    for (const record of records) whatIf.take(record);
    const [end] = whatIf.ends();
    expect(end).toMatchObject({ symbol: BONK, first: null, given: 0, unheard: 0, trouble: null });
    expect(end?.instead).toEqual(end?.recorded);
    expect(end?.recorded).toMatchObject({ state: "cleared", failures: 0, attempts: 4 });
  });

  test("is not changed by records that come again", () => {
    const whatIf = createWhatIf(patient);
    for (const record of [...records.slice(0, 12), ...records.slice(6)]) whatIf.take(record);
    expect(whatIf.ends()[0]).toMatchObject({ given: records.length - 9, unheard: 1 });
  });

  test("differs from the first step on that the other policy decides", () => {
    const whatIf = createWhatIf(patient);
    for (const record of records) whatIf.take(record);
    const [end] = whatIf.ends();
    expect(end?.first).toMatchObject({
      seq: 9,
      expected: { state: "backoff.waiting" },
      actual: { state: "failed" },
    });
    // The end of a rest that there was none of.
    expect([end?.given, end?.unheard]).toEqual([records.length - 9, 1]);
    expect(end?.instead).toMatchObject({ state: "cleared", attempts: 4 });
  });

  test("rests longer, and hears nothing of what was recorded meanwhile", () => {
    const slow = { ...POLICY, backoff: { ...POLICY.backoff, base_ms: 7_200_000 } };
    const whatIf = createWhatIf(slow);
    for (const record of records) whatIf.take(record);
    const [end] = whatIf.ends();
    expect(end).toMatchObject({
      first: { seq: 10, expected: { state: "backoff.due" }, actual: { state: "backoff.waiting" } },
      given: records.length - 10,
      unheard: records.length - 10,
      instead: { state: "backoff.waiting", failures: 3 },
    });
  });

  test("is told of the end of its own slices where the recorded ones were longer", () => {
    const scenario = new Scenario().rest();
    scenario.reachDeadline();
    scenario.send(scenario.cancelled());
    const hasty = { ...POLICY, replace_ms: 1_000, slice_usd: "4" };
    const whatIf = createWhatIf(hasty);
    for (const record of recordingOf(scenario)) whatIf.take(record);
    expect(whatIf.ends()[0]).toMatchObject({ unheard: 1, instead: { state: "purging.quoting" } });
  });

  test("sells other sizes with other slices", () => {
    const whatIf = createWhatIf(small);
    for (const record of records) whatIf.take(record);
    expect(whatIf.ends()[0]?.first?.differences.map(({ field }) => field)).toContain(
      "commands[0].order.base_size",
    );
  });

  test("holds for imported failures", () => {
    const scenario = new Scenario();
    scenario.send(scenario.imported(4));
    const whatIf = createWhatIf(patient);
    for (const record of recordingOf(scenario)) whatIf.take(record);
    expect(whatIf.ends()[0]).toMatchObject({
      recorded: { state: "backoff.waiting" },
      instead: { state: "failed" },
    });
  });

  test("begins where the recording does", () => {
    const whatIf = createWhatIf(patient);
    for (const record of records.slice(4)) whatIf.take(record);
    expect(whatIf.ends()[0]?.first).toMatchObject({ seq: 9 });
  });

  test("is not known of a symbol whose beginning cannot be read, and others are", () => {
    const whatIf = createWhatIf(patient);
    const sei = recordingOf(new Scenario({}, TradingSymbol.make("SEI-USD")).fail(1));
    const [, , , , base, next] = records;
    if (base === undefined || next === undefined) throw new Error("the story is too short");
    whatIf.take({ ...base, snapshot: null });
    whatIf.take({ ...next, snapshot: null });
    for (const record of sei) whatIf.take({ ...record, ledger_id: "another" });
    expect(whatIf.ends()).toMatchObject([
      { instead: null, trouble: expect.stringContaining("cannot be continued"), recorded: { failures: 0 } },
      { symbol: "SEI-USD", trouble: null },
    ]);
  });

  test("is not known where the machine throws", () => {
    const whatIf = createWhatIf(patient, broken);
    for (const record of records) whatIf.take(record);
    expect(whatIf.ends()[0]).toMatchObject({
      instead: null,
      trouble: "at seq 3 the machine threw: Error: a bug",
    });
  });
});
