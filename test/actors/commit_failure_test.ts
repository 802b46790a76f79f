// A write that failed ends its pipeline: what came before, with and after it begins again from the journal.
import { expect, test } from "vitest";
import { commitPipeline } from "../../actors/commit_pipeline.ts";
import type { JournalDraft } from "../../actors/ports.ts";
import { systemClock } from "../../adapters/clock/mod.ts";
import { memoryJournal, memoryLedger } from "../../adapters/journal/mod.ts";
import { faultyJournal, JournalFaults } from "../adapters/journal/faulty_journal.ts";
import { BONK } from "../machines/scenario.ts";

const AT = "2025-11-11T22:00:00.000Z";

function draft(name: string): JournalDraft {
  const event = { type: "deadline.reached", symbol: BONK, at: AT, name } as const;
  return { at: AT, symbol: BONK, event, path: [], state: "idle", commands: [], snapshot: null };
}

test("nothing is written after a write that failed, neither what waited nor what comes", async () => {
  const ledger = memoryLedger();
  const faults = new JournalFaults();
  const told: string[] = [];
  const failed = Promise.withResolvers<Error>();
  const pipeline = commitPipeline({
    journal: faultyJournal(memoryJournal({ ledger }), faults),
    clock: systemClock(),
    observe: () => {},
    groupRecords: 1,
    maxPending: 10,
    onFailure: failed.resolve,
  });
  const submit = (name: string): void => pipeline.submit(draft(name), { onDurable: () => told.push(name) });
  faults.failNext();
  submit("fails");
  submit("waits behind it");
  expect((await failed.promise).message).toContain("the disk is gone");
  submit("comes later");
  expect(pipeline.pending).toBe(0);
  await pipeline.stop();
  // Longer than a write in memory takes.
  for (let turn = 0; turn < 10; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
  expect([ledger.rows, told]).toEqual([[], []]);
});
