// Every shortest path through the purge machine, walked by the real stack beside the model, and what they cover together.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Journal } from "../../actors/ports.ts";
import { memoryJournal, memoryLedger, openSqliteJournal } from "../../adapters/journal/mod.ts";
import { pendingCommands } from "../../machines/commands.ts";
import { BONK, LEDGER, START } from "../machines/scenario.ts";
import { type Followed, follow } from "./follow.ts";
import { endOf, explore, fold, type Path, walk } from "./graph.ts";
import { beginning, edgeNames, stateNames, stateOf } from "./model.ts";
import { moveCalled, movesOf } from "./moves.ts";
import { startStack } from "./real_stack.ts";

const origin = { ledgerId: LEDGER, symbol: BONK, start: START };
const { worlds, paths } = explore(origin);

/** Transitions that no event can bring about, and why. They are in the chart because `purging` and `retrying` share one. */
const IMPOSSIBLE: Readonly<Record<string, string>> = {
  "purging: operator.reset [hasFailures] → purging":
    "purging begins without failures, and adds none before it ends",
  "purging: done [hasFailures] → failed": "purging begins without failures, and adds none before it ends",
  "purging: done [wasDue] → backoff.due": "an attempt that follows a rest is a retry",
};
const possible = edgeNames.filter((edge) => IMPOSSIBLE[edge] === undefined);

/** On a journal of this path's own. */
async function followOn(openJournal: () => Promise<Journal>, path: Path): Promise<Followed> {
  const stack = await startStack({ openJournal, start: START });
  try {
    return await follow(path, stack, BONK);
  } finally {
    await stack.stop();
  }
}

function followInMemory(path: Path): Promise<Followed> {
  const ledger = memoryLedger(LEDGER);
  return followOn(async () => memoryJournal({ ledger }), path);
}

const byEnd = Map.groupBy(paths, (path) => stateOf(endOf(path, origin)));
const followed: Followed[] = [];

describe("the journal holds and the gateway is asked what the model says", () => {
  test.each([...byEnd])("on every path that ends in %s", async (_, group) => {
    const before = followed.length;
    for (const path of group) followed.push(await followInMemory(path));
    expect(followed.length - before).toBe(group.length);
  });
});

/** `purging.quoting` is in `purging` too. */
const withParents = (state: string): readonly string[] =>
  state.split(".").map((_, depth, keys) => keys.slice(0, depth + 1).join("."));

describe("the paths together", () => {
  test("enter every state of the machine, by the word of the journal", () => {
    const entered = followed.flatMap(({ records }) => records.flatMap(({ path }) => path));
    const covered = new Set(["idle", ...entered].flatMap(withParents));
    const missed = stateNames.filter((state) => !covered.has(state));
    console.log(`model paths: ${stateNames.length - missed.length} of ${stateNames.length} states entered`);
    expect(missed, "states that no path enters").toEqual([]);
  });

  test("take every transition of the machine", () => {
    const steps = followed.flatMap((each) => each.steps);
    const taken = new Set(steps.flatMap(({ after }) => after.taken));
    const missed = possible.filter((edge) => !taken.has(edge));
    const some = `${possible.length - missed.length} of ${possible.length} transitions`;
    console.log(
      `model paths: ${some} taken, by ${followed.length} paths of ${steps.length} steps in all; ${edgeNames.length - possible.length} of ${edgeNames.length} are impossible`,
    );
    expect(missed, "transitions that no path takes").toEqual([]);
  });

  test("take no transition that is said to be impossible, nor one that the drawing lacks", () => {
    const taken = new Set(followed.flatMap(({ steps }) => steps.flatMap(({ after }) => after.taken)));
    expect([...taken].filter((edge) => !possible.includes(edge))).toEqual([]);
    expect(Object.keys(IMPOSSIBLE).filter((edge) => !edgeNames.includes(edge))).toEqual([]);
  });

  test("pass through every state of the graph", () => {
    const entered = followed.flatMap(({ steps }) => steps.map(({ after }) => fold(after)));
    const passed = new Set([fold(beginning(origin)), ...entered]);
    expect(worlds.map(fold).filter((world) => !passed.has(world))).toEqual([]);
  });
});

describe("what makes the impossible transitions impossible", () => {
  const purging = worlds.filter((world) => stateOf(world).startsWith("purging."));

  test("no first attempt has failures, in any state of the graph", () => {
    expect(purging.length).toBeGreaterThan(100);
    expect(new Set(purging.map(({ context }) => context.failures))).toEqual(new Set([0]));
  });

  test("no first attempt comes from a rest, in any state of the graph", () => {
    expect(new Set(purging.map(({ context }) => context.attempt?.from))).toEqual(new Set(["idle"]));
  });
});

test("every transition has a name of its own, so that none is covered by another", () => {
  expect(edgeNames.filter((name, index) => edgeNames.indexOf(name) !== index)).toEqual([]);
});

test("no two moves of one state have the same label, or one of them would never be made", () => {
  const labels = worlds.map((world) => movesOf(world).map(({ label }) => label));
  expect(labels.filter((each) => new Set(each).size < each.length)).toEqual([]);
});

test("no path is the beginning of another", () => {
  const words = paths.map(({ labels }) => `${labels.join(" → ")} → `);
  expect(words.filter((one) => words.some((other) => other !== one && other.startsWith(one)))).toEqual([]);
});

test("a move that is not possible is refused with those that are", () => {
  const [step] = walk({ labels: ["requested"] }, origin);
  expect(() => moveCalled(step?.after ?? beginning(origin), "accepted")).toThrow(
    /^in purging\.quoting there is no move "accepted"; there are: quote; quote, stale; /,
  );
});

/** One path in so many is walked on a file as well. */
const SAMPLE_EVERY = 23;
const sample = paths.filter((_, index) => index % SAMPLE_EVERY === 0);

describe("on a journal in a file", () => {
  test.each(sample.map((path) => ({ words: path.labels.join(" → "), path })))(
    "$words: the same, and after a restart the gateway is asked once more for what is open",
    async ({ path }) => {
      const directory = mkdtempSync(join(tmpdir(), "paths-"));
      onTestFinished(() => rmSync(directory, { recursive: true }));
      const openJournal = () => openSqliteJournal(join(directory, "journal.sqlite"));
      const { steps, records } = await followOn(openJournal, path);
      const end = steps.at(-1)?.after ?? beginning(origin);

      const next = await startStack({ openJournal, start: end.now });
      onTestFinished(() => next.stop());
      expect(next.asked).toEqual(pendingCommands(stateOf(end), end.context));
      expect(await next.records(0)).toEqual(records);
      expect(next.trouble).toEqual([]);
    },
  );
});
