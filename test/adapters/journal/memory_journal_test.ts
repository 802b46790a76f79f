// The journal in memory, and the faults that tests put in front of one.
import { describe, expect, test } from "vitest";
import { memoryJournal, memoryLedger } from "../../../adapters/journal/mod.ts";
import { BONK, draft } from "./drafts.ts";
import { faultyJournal, JournalFaults } from "./faulty_journal.ts";
import { journalConformance, journalErrorOf, seqs } from "./journal_conformance.ts";

const newPlace = async () => {
  const ledger = memoryLedger();
  return { open: async () => memoryJournal({ ledger }), remove: async () => {} };
};
journalConformance("the memory journal", newPlace);
journalConformance("a faulty journal without faults", async () => {
  const place = await newPlace();
  return { ...place, open: async () => faultyJournal(await place.open(), new JournalFaults()) };
});

test("what JSON drops is gone when it is read back, as it would be from disk", async () => {
  const journal = memoryJournal();
  await journal.append([draft(BONK, 1, { snapshot: { kept: 1, dropped: undefined, when: new Date(0) } })]);
  expect((await journal.latest())[0]?.snapshot).toStrictEqual({ kept: 1, when: "1970-01-01T00:00:00.000Z" });
});

describe("faults", () => {
  test("a failed append writes nothing, and the one after it goes through", async () => {
    const faults = new JournalFaults();
    const journal = faultyJournal(memoryJournal(), faults);
    faults.failNext();
    expect((await journalErrorOf(journal.append([draft(BONK, 1)]))).reason).toBe("io");
    expect(seqs(await journal.append([draft(BONK, 2)]))).toEqual([1]);
  });

  test("an append can fail after it became durable", async () => {
    const faults = new JournalFaults();
    const journal = faultyJournal(memoryJournal(), faults);
    faults.failNext({ isWritten: true });
    await journalErrorOf(journal.append([draft(BONK, 1)]));
    expect(seqs(await journal.latest())).toEqual([1]);
  });

  test("held appends wait and then go on in their order", async () => {
    const faults = new JournalFaults();
    const journal = faultyJournal(memoryJournal(), faults);
    faults.hold();
    const both = [journal.append([draft(BONK, 1)]), journal.append([draft(BONK, 2)])];
    expect(faults.held).toBe(2);
    expect(await journal.latest()).toEqual([]);
    faults.release();
    expect((await Promise.all(both)).map(seqs)).toEqual([[1], [2]]);
    expect(faults.held).toBe(0);
  });
});
