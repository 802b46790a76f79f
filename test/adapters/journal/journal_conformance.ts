// What every journal promises, whatever is behind it.
import { afterEach, describe, expect, test } from "vitest";
import { type Journal, JournalError, type JournalRecord } from "../../../actors/ports.ts";
import { at, BONK, draft, drafts, SEI, symbolOf } from "./drafts.ts";

/** A place for one ledger; opening it again, after `close`, finds what was written. */
export interface Place {
  open(): Promise<Journal>;
  remove(): Promise<void>;
}

export async function collect(records: AsyncIterable<JournalRecord>): Promise<JournalRecord[]> {
  const all: JournalRecord[] = [];
  for await (const record of records) all.push(record);
  return all;
}

export const seqs = (records: readonly JournalRecord[]): number[] => records.map((record) => record.seq);

/** What `failing` rejected with, which must be a `JournalError`. */
export async function journalErrorOf(failing: Promise<unknown>): Promise<JournalError> {
  const outcome = await failing.then(
    () => "it succeeded",
    (error: unknown) => error,
  );
  if (outcome instanceof JournalError) return outcome;
  throw new Error(`expected a JournalError, but: ${String(outcome)}`, { cause: outcome });
}

export function journalConformance(name: string, newPlace: () => Promise<Place>): void {
  describe(`${name} keeps the journal's contract`, () => {
    const undo: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const step of undo.splice(0).reverse()) await step();
    });
    const place = async (): Promise<Place> => {
      const made = await newPlace();
      undo.push(() => made.remove());
      return made;
    };
    const openAt = async (where: Place): Promise<Journal> => {
      const journal = await where.open();
      undo.push(() => journal.close());
      return journal;
    };
    const open = async (): Promise<Journal> => openAt(await place());

    writing(open);
    reading(open);
    lifetime(place, openAt);
  });
}

function writing(open: () => Promise<Journal>): void {
  test("records are numbered from 1 without gaps, across symbols and groups", async () => {
    const journal = await open();
    const first = await journal.append([draft(BONK, 1), draft(SEI, 2)]);
    const second = await journal.append([draft(BONK, 3)]);
    expect(seqs([...first, ...second])).toEqual([1, 2, 3]);
    expect(await collect(journal.read())).toEqual([...first, ...second]);
  });

  test("what is read back is what was appended", async () => {
    const journal = await open();
    const written = drafts(BONK, 1, 3);
    await journal.append(written);
    expect(await collect(journal.read())).toEqual(written.map((one, index) => ({ ...one, seq: index + 1 })));
  });

  test("an empty group writes nothing and uses no number", async () => {
    const journal = await open();
    expect(await journal.append([])).toEqual([]);
    expect(seqs(await journal.append([draft(BONK, 1)]))).toEqual([1]);
  });

  test("appends that were started together keep their order", async () => {
    const journal = await open();
    const groups = await Promise.all([1, 11, 21].map((from) => journal.append(drafts(BONK, from, 10))));
    expect(groups.flatMap((group) => seqs(group))).toEqual(
      Array.from({ length: 30 }, (_, index) => index + 1),
    );
  });

  test("a group with one draft that is no JSON is refused whole, and its numbers are used by the next", async () => {
    const journal = await open();
    await journal.append([draft(BONK, 1)]);
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    for (const snapshot of [cycle, { amount: 1n }, undefined]) {
      const error = await journalErrorOf(journal.append([draft(BONK, 2), draft(SEI, 3, { snapshot })]));
      expect(error.reason).toBe("io");
      expect(error.message).toMatch(/snapshot of a record of SEI-USD is no JSON .*nothing was written/);
    }
    expect(seqs(await journal.append([draft(SEI, 4)]))).toEqual([2]);
    expect(await collect(journal.read())).toHaveLength(2);
  });

  test("changing a draft after append does not change what was written", async () => {
    const journal = await open();
    const snapshot = { failures: 1 };
    const appending = journal.append([draft(BONK, 1, { snapshot })]);
    snapshot.failures = 2;
    await appending;
    expect((await journal.latest())[0]?.snapshot).toEqual({ failures: 1 });
  });

  test("changing what was read does not change the journal", async () => {
    const journal = await open();
    await journal.append([draft(BONK, 1, { snapshot: { failures: 1 } })]);
    const [read] = await journal.latest();
    Object.assign(read?.snapshot ?? {}, { failures: 2 });
    expect((await journal.latest())[0]?.snapshot).toEqual({ failures: 1 });
  });

  test("lastAt is null at first, then the highest time, even when a later record is earlier", async () => {
    const journal = await open();
    expect(await journal.lastAt()).toBeNull();
    await journal.append([draft(BONK, 5), draft(SEI, 9), draft(BONK, 7)]);
    expect(await journal.lastAt()).toBe(at(9));
    await journal.append([draft(SEI, 3)]);
    expect(await journal.lastAt()).toBe(at(9));
  });
}

function reading(open: () => Promise<Journal>): void {
  test("latest answers with the last record of each symbol, in order of seq", async () => {
    const journal = await open();
    expect(await journal.latest()).toEqual([]);
    const third = symbolOf("PEPE-USD");
    await journal.append([draft(BONK, 1), draft(SEI, 2), draft(third, 3), draft(BONK, 4)]);
    await journal.append([draft(SEI, 5), draft(SEI, 6)]);
    const latest = await journal.latest();
    expect(latest.map((record) => [record.seq, record.symbol])).toEqual([
      [3, third],
      [4, BONK],
      [6, SEI],
    ]);
    expect(latest[2]).toEqual({ ...draft(SEI, 6), seq: 6 });
  });

  test("reading filters by symbol, by afterSeq and by limit, in any combination", async () => {
    const journal = await open();
    for (let n = 1; n <= 600; n += 1) await journal.append([draft(n % 3 === 0 ? SEI : BONK, n)]);
    const read = async (filter: Parameters<Journal["read"]>[0]) => seqs(await collect(journal.read(filter)));
    const all = Array.from({ length: 600 }, (_, index) => index + 1);
    const ofSei = all.filter((seq) => seq % 3 === 0);
    expect(await read({})).toEqual(all);
    expect(await read({ symbol: SEI })).toEqual(ofSei);
    expect(await read({ symbol: SEI, afterSeq: 3 })).toEqual(ofSei.slice(1));
    expect(await read({ afterSeq: 598 })).toEqual([599, 600]);
    expect(await read({ afterSeq: 600 })).toEqual([]);
    expect(await read({ limit: 300 })).toEqual(all.slice(0, 300));
    expect(await read({ limit: 0 })).toEqual([]);
    expect(await read({ symbol: SEI, afterSeq: 9, limit: 2 })).toEqual([12, 15]);
    expect(await read({ symbol: symbolOf("NONE-USD") })).toEqual([]);
  });

  test("a reader that appends while it reads comes to an end", async () => {
    const journal = await open();
    await journal.append(drafts(BONK, 1, 400));
    const seen: number[] = [];
    for await (const record of journal.read()) {
      seen.push(record.seq);
      await journal.append([draft(SEI, 1000 + record.seq)]);
    }
    expect(seen).toEqual(Array.from({ length: 400 }, (_, index) => index + 1));
    expect(await collect(journal.read({ afterSeq: 400 }))).toHaveLength(400);
  });

  test("a reader that stops early leaves the journal as it was", async () => {
    const journal = await open();
    await journal.append(drafts(BONK, 1, 300));
    for await (const record of journal.read()) if (record.seq === 2) break;
    expect(seqs(await journal.append([draft(BONK, 301)]))).toEqual([301]);
  });
}

function lifetime(place: () => Promise<Place>, openAt: (where: Place) => Promise<Journal>): void {
  test("a ledger keeps its id, its records and its time when it is opened again", async () => {
    const where = await place();
    const before = await openAt(where);
    const written = await before.append([draft(BONK, 9), draft(SEI, 2)]);
    await before.close();
    const after = await openAt(where);
    expect(after.ledgerId).toBe(before.ledgerId);
    expect(after.ledgerId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(await collect(after.read())).toEqual(written);
    expect(await after.latest()).toEqual(written);
    expect(await after.lastAt()).toBe(at(9));
    expect(seqs(await after.append([draft(BONK, 10)]))).toEqual([3]);
  });

  test("two ledgers have two ids", async () => {
    const one = await openAt(await place());
    const other = await openAt(await place());
    expect(one.ledgerId).not.toBe(other.ledgerId);
  });

  test("a second writer is refused until the first has closed", async () => {
    const where = await place();
    const first = await openAt(where);
    expect((await journalErrorOf(where.open())).reason).toBe("locked");
    await first.append([draft(BONK, 1)]);
    expect((await journalErrorOf(where.open())).reason).toBe("locked");
    await first.close();
    expect(seqs(await (await openAt(where)).latest())).toEqual([1]);
  });

  test("a closed journal refuses everything, and closing it again does nothing", async () => {
    const journal = await openAt(await place());
    await journal.append(drafts(BONK, 1, 300));
    const reading = journal.read()[Symbol.asyncIterator]();
    await reading.next();
    await journal.close();
    await journal.close();
    for (const use of [
      () => journal.append([draft(BONK, 2)]),
      () => journal.append([]),
      () => journal.latest(),
      () => journal.lastAt(),
      () => collect(journal.read()),
      async () => {
        while (!(await reading.next()).done);
      },
    ]) {
      expect((await journalErrorOf(use())).reason).toBe("closed");
    }
  });
}
