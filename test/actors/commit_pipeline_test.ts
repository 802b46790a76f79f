// Group commit: what is submitted becomes durable, whenever it was submitted.
import { expect, test } from "vitest";
import { type CommitPipeline, commitPipeline } from "../../actors/commit_pipeline.ts";
import type { JournalDraft } from "../../actors/ports.ts";
import { systemClock } from "../../adapters/clock/mod.ts";
import { memoryJournal, memoryLedger } from "../../adapters/journal/mod.ts";
import { BONK } from "../machines/scenario.ts";

const AT = "2025-11-11T22:00:00.000Z";

function draft(name: string): JournalDraft {
  return {
    at: AT,
    symbol: BONK,
    event: { type: "deadline.reached", symbol: BONK, at: AT, name },
    path: [],
    state: "idle",
    commands: [],
    snapshot: null,
  };
}

function open(groupRecords: number): { readonly pipeline: CommitPipeline; readonly groups: number[] } {
  const groups: number[] = [];
  const pipeline = commitPipeline({
    journal: memoryJournal({ ledger: memoryLedger() }),
    clock: systemClock(),
    observe: (observation) => {
      if (observation.kind === "commit") groups.push(observation.records);
    },
    groupRecords,
    maxPending: 1_000,
    onFailure: (error) => {
      throw error;
    },
  });
  return { pipeline, groups };
}

/** Resolves when the step is durable. */
const durable = (pipeline: CommitPipeline, name: string): Promise<void> =>
  new Promise((resolve) => pipeline.submit(draft(name), { onDurable: () => resolve() }));

test.for([0, 1, 2, 3, 4])(
  "a step that is submitted %i microtasks after another became durable is written as well",
  async (microtasks) => {
    const { pipeline } = open(1);
    const second = new Promise<void>((resolve) => {
      const later = (left: number): void => {
        if (left > 0) queueMicrotask(() => later(left - 1));
        else pipeline.submit(draft("second"), { onDurable: () => resolve() });
      };
      pipeline.submit(draft("first"), { onDurable: () => later(microtasks) });
    });
    await second;
    expect(pipeline.pending).toBe(0);
  },
);

test("what is submitted in one turn is written as one group, and a larger lot in several", async () => {
  const { pipeline, groups } = open(3);
  await Promise.all(["a", "b", "c", "d", "e"].map((name) => durable(pipeline, name)));
  expect(groups).toEqual([3, 2]);
});

test("what follows from a whole group goes out before anybody else is told of it", async () => {
  const { pipeline } = open(2);
  const order: string[] = [];
  for (const name of ["a", "b"]) {
    pipeline.submit(draft(name), {
      onDurable: () => {
        order.push(`${name} goes out`);
        // As a connection does that gathers what it is given, to send it at once.
        queueMicrotask(() => order.push(`${name} is sent`));
      },
      afterwards: () => order.push(`${name} is told`),
    });
  }
  await pipeline.stop();
  expect(order).toEqual(["a goes out", "b goes out", "a is sent", "b is sent", "a is told", "b is told"]);
});

test("stopping waits for what was submitted last", async () => {
  const { pipeline } = open(1);
  const told: string[] = [];
  const third = { onDurable: () => {}, afterwards: () => told.push("third") };
  for (const name of ["first", "second"]) {
    pipeline.submit(draft(name), {
      onDurable: () => {},
      afterwards: () => {
        told.push(name);
        if (name === "second") pipeline.submit(draft("third"), third);
      },
    });
  }
  await pipeline.stop();
  expect(told).toEqual(["first", "second", "third"]);
});
