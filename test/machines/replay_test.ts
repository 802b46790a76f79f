// A recording, fed to the machine as it is now.
import { describe, expect, test } from "vitest";
import {
  createReplay,
  differencesIn,
  formatDivergence,
  isSame,
  type RecordedStep,
  type Replay,
  type Replayed,
  type ReplayOptions,
  type StartRun,
  TradingSymbol,
} from "../../machines/mod.ts";
import { changedMachine, recordingOf, story } from "./recordings.ts";
import { Scenario } from "./scenario.ts";

const SEI = TradingSymbol.make("SEI-USD");
/** The machine, but the third failure in a row does not rest. */
const restless = changedMachine((step) =>
  step.state === "backoff.waiting"
    ? { ...step, state: "failed", path: step.path.filter((state) => state !== "backoff.waiting") }
    : step,
);
const broken = changedMachine((step) => {
  if (step.state === "failed") throw new Error("a bug");
  return step;
});

const kinds = (replayed: readonly Replayed[]): string =>
  replayed
    .map(({ kind }) => kind)
    .reduce((all, kind) => (all.endsWith(kind) ? all : `${all} ${kind}`), "")
    .trim();
function replayAll(
  records: readonly RecordedStep[],
  options: ReplayOptions = {},
  replay: Replay = createReplay(options),
) {
  return records.map((record) => replay.take(record));
}
function firstDivergence(replayed: readonly Replayed[]) {
  const found = replayed.find((one) => one.kind === "differs");
  if (found?.kind !== "differs") throw new Error("nothing differs");
  return found.divergence;
}
function refusal(replayed: Replayed | undefined): string {
  return replayed?.kind === "refused" ? replayed.message : `${replayed?.kind}`;
}
function at(records: readonly RecordedStep[], index: number): RecordedStep {
  const record = records.at(index);
  if (record === undefined) throw new Error(`there is no record ${index}`);
  return record;
}

const records = recordingOf(story(), new Scenario({}, SEI).fail(2));
/** Where BONK fails for the third time. */
const third = records.filter(({ path }) => path.includes("failed"))[2]?.seq ?? 0;

describe("a whole recording", () => {
  test("of the same machine does not diverge, nor does what it remembers", () => {
    expect(kinds(replayAll(records))).toBe("same");
    expect(kinds(replayAll(records, { compareContext: true }))).toBe("same");
  });

  test("tells where each symbol stood before its event", () => {
    const replayed = replayAll(records.slice(0, 3));
    expect(replayed).toEqual(
      ["idle", "purging.quoting", "purging.placing"].map((from) => ({ kind: "same", from })),
    );
  });

  test("diverges at the step that a changed machine takes otherwise, and says field by field how", () => {
    const divergence = firstDivergence(replayAll(records, { start: restless }));
    expect(divergence).toMatchObject({
      seq: third,
      symbol: "BONK-USD",
      from: "retrying.placing",
      event: { type: "order.rejected" },
      expected: { state: "backoff.waiting" },
      actual: { state: "failed" },
      error: null,
    });
    expect(divergence.differences).toEqual([
      { field: "state", expected: "backoff.waiting", actual: "failed" },
      { field: "path[3]", expected: "backoff.waiting", actual: undefined },
    ]);
    expect(formatDivergence(divergence)).toMatch(
      new RegExp(`^BONK-USD goes another way at seq ${third}, 2025-.*
  event order\\.rejected \\{"client_order_id":.*\\}
  in    retrying\\.placing
- state: "backoff\\.waiting"
\\+ state: "failed"
- path\\[3\\]: "backoff\\.waiting"
\\+ path\\[3\\]: \\(nothing\\)
\\(- as recorded, \\+ as the machine is now\\)$`),
    );
  });

  test("diverges where the machine throws, and says what", () => {
    const divergence = firstDivergence(replayAll(records, { start: broken }));
    expect(divergence).toMatchObject({ seq: 3, actual: null, error: "Error: a bug", differences: [] });
    expect(formatDivergence(divergence)).toContain('- state: "failed"\n+ the machine threw: Error: a bug');
  });

  test("is replayed for one symbol alone where one is asked for", () => {
    const replayed = replayAll(records, { symbol: SEI, start: restless });
    expect(kinds(replayed)).toBe("passed same");
  });

  test("goes on from the next record where the machine threw", () => {
    const once = (): StartRun => {
      let left = 1;
      return changedMachine((step) => {
        if (step.state === "failed" && left > 0) {
          left -= 1;
          throw new Error("a bug");
        }
        return step;
      });
    };
    expect(kinds(replayAll(records, { start: once() }))).toBe("same differs base same");
  });

  test("diverges at the very first record of a symbol", () => {
    const start = changedMachine((step) => ({ ...step, commands: [] }));
    expect(firstDivergence(replayAll(records, { start }))).toMatchObject({ seq: 1 });
  });

  test("with another memory diverges only where that is asked for", () => {
    const [first, ...rest] = records;
    const forgetful = changedMachine((step) => ({
      ...step,
      snapshot: { ...step.snapshot, context: { ...step.snapshot.context, attempts: 9 } },
    }));
    expect(kinds(replayAll(records, { start: forgetful }))).toBe("same");
    expect(rest).toHaveLength(records.length - 1);
    const divergence = firstDivergence(replayAll(records, { start: forgetful, compareContext: true }));
    expect(divergence).toMatchObject({ seq: first?.seq });
    expect(divergence.differences).toEqual([{ field: "snapshot.context.attempts", expected: 1, actual: 9 }]);
  });
});

describe("a recording that begins later", () => {
  test("takes each symbol's first record for its base, and compares from there on", () => {
    expect(kinds(replayAll(records.slice(4, third)))).toBe("base same");
    expect(firstDivergence(replayAll(records.slice(4), { start: restless })).seq).toBe(third);
  });

  test("knows the first record of a symbol that was new to the ledger", () => {
    const [second] = records.filter(({ symbol }) => symbol === SEI);
    expect(kinds(replayAll(records.filter(({ symbol }) => symbol === SEI)))).toBe("same");
    expect(second?.seq).toBeGreaterThan(1);
  });

  test("refuses a base that no machine can begin from, and says what to do", () => {
    const later = { ...at(records, 4), snapshot: { version: 0 } };
    expect(refusal(replayAll([later])[0])).toMatch(
      /^seq 5 is not the first of BONK-USD, and its snapshot cannot be continued: .*; give the recording from the first record on$/s,
    );
  });

  test("does not hide a bug in reading the base", () => {
    const start = changedMachine((step) => step);
    const failing: typeof start = (input) => {
      if (input.snapshot !== undefined) throw new Error("a bug");
      return start(input);
    };
    expect(() => replayAll(records.slice(4), { start: failing })).toThrow("a bug");
  });
});

describe("a record", () => {
  test("that comes again, or too late, is refused", () => {
    const replayed = replayAll([at(records, 0), at(records, 0)]);
    expect(refusal(replayed[1])).toBe(
      "seq 1 of BONK-USD comes after seq 1 of the same ledger 00000000-0000-4000-8000-000000000001; expected a higher one, as a recording is written",
    );
  });

  test("of another ledger has a count of its own", () => {
    const other = { ...at(records, 0), ledger_id: "another" };
    const request = { ...other, snapshot: null };
    expect(kinds(replayAll([at(records, 0), request]))).toBe("same");
  });

  test("of a later machine is refused, and of an earlier one replayed", () => {
    expect(refusal(replayAll([{ ...at(records, 0), machine: 99 }])[0])).toBe(
      "seq 1 was recorded by version 99 of the machine, and this is version 1; replay it with a purgatory at least as new as the one that recorded it",
    );
    expect(kinds(replayAll(records.map((record) => ({ ...record, machine: 0 }))))).toBe("same");
  });
});

describe("a record that was lost", () => {
  test("lets its symbol begin anew where it goes another way, and no other", () => {
    const replay = createReplay();
    const whole = recordingOf(new Scenario().fail(3));
    expect(kinds(replayAll(whole.slice(0, 4), {}, replay))).toBe("same");
    replay.lose();
    expect(kinds(replayAll(whole.slice(5), {}, replay))).toBe("base same");
  });

  test("changes nothing for a symbol that was seen to be right since", () => {
    const replay = createReplay({ start: restless });
    replayAll(records.slice(0, 4), {}, replay);
    replay.lose();
    expect(firstDivergence(replayAll(records.slice(4), {}, replay)).seq).toBe(third);
  });
});

describe("two values", () => {
  test.each([
    [1, 1],
    [null, null],
    [{ a: 1, b: undefined }, { a: 1 }],
    [{ a: 1 }, { a: 1, b: undefined }],
    [
      { a: 1, b: [2] },
      { b: [2], a: 1 },
    ],
  ])("are the same: %j and %j", (one, other) => {
    expect([isSame(one, other), differencesIn(one, other, "it")]).toEqual([true, []]);
  });

  test.each([
    [{ a: 1 }, { a: 2 }, ["it.a"]],
    [{ a: 1 }, {}, ["it.a"]],
    [{}, { a: 1 }, ["it.a"]],
    [[1], [1, 2], ["it[1]"]],
    [[1], { 0: 1 }, ["it"]],
    [{ 0: 1 }, [1], ["it"]],
    [null, {}, ["it"]],
    ["1", 1, ["it"]],
    [{ a: [{ b: 1, c: 2 }] }, { a: [{ b: 1, c: 3 }] }, ["it.a[0].c"]],
  ])("differ: %j and %j", (one, other, fields) => {
    expect(isSame(one, other)).toBe(false);
    expect(differencesIn(one, other, "it").map(({ field }) => field)).toEqual(fields);
  });
});
