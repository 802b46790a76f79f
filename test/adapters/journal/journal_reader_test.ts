// Reading a ledger beside its writer, after it, and after its death.
import { copyFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type JournalReader, openJournalReader, openSqliteJournal } from "../../../adapters/journal/mod.ts";
import { at, BONK, draft, drafts, SEI } from "./drafts.ts";
import { collect, journalErrorOf, seqs } from "./journal_conformance.ts";
import { bytesIn, ledgerDirectory, namesIn, nextLine, startChild } from "./ledger_directory.ts";

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});
const place = () => {
  const made = ledgerDirectory();
  undo.push(made.remove);
  return made;
};
const readerOf = async (file: string): Promise<JournalReader> => {
  const reader = await openJournalReader(file);
  undo.push(() => reader.close());
  return reader;
};
const writerOf = async (file: string) => {
  const journal = await openSqliteJournal(file);
  undo.push(() => journal.close());
  return journal;
};

test("a reader of nothing is told so, and creates nothing", async () => {
  const { file, directory } = place();
  const error = await journalErrorOf(openJournalReader(file));
  expect(error.reason).toBe("io");
  expect(error.message).toContain(`${file}: there is no journal here`);
  expect(namesIn(directory)).toEqual([]);
});

test("a reader sees what is durable in a running writer's ledger, and the writer does not notice", async () => {
  const { file } = place();
  const journal = await writerOf(file);
  const reader = await readerOf(file);
  expect(reader.ledgerId).toBe(journal.ledgerId);
  expect(await reader.lastAt()).toBeNull();
  for (let n = 1; n <= 20; n += 1) {
    await journal.append([draft(BONK, n)]);
    expect(await reader.latest()).toEqual([{ ...draft(BONK, n), seq: n }]);
    expect(await reader.lastAt()).toBe(at(n));
  }
  expect(seqs(await collect(reader.read({ afterSeq: 18 })))).toEqual([19, 20]);
});

test("a reader follows another process that writes at full speed, and misses nothing", async () => {
  const { file } = place();
  const child = startChild("append", file);
  undo.push(async () => {
    child.process.kill("SIGKILL");
    await child.ended;
  });
  const reader = await nextLine(child).then(() => readerOf(file));
  let afterSeq = 0;
  for (let round = 0; round < 50; round += 1) {
    const durable = Number(await nextLine(child));
    const more = seqs(await collect(reader.read({ afterSeq })));
    expect(more).toEqual(more.map((_, index) => afterSeq + 1 + index));
    afterSeq += more.length;
    expect(afterSeq).toBeGreaterThanOrEqual(durable);
  }
});

describe("a reader that outlives the writer", () => {
  test("goes on when the writer closes and a new one comes, again and again", async () => {
    const { file } = place();
    await (await openSqliteJournal(file)).close();
    const reader = await readerOf(file);
    for (let round = 1; round <= 3; round += 1) {
      const journal = await openSqliteJournal(file);
      await journal.append([draft(BONK, 2 * round - 1)]);
      expect(seqs(await reader.latest())).toEqual([2 * round - 1]);
      await journal.append([draft(BONK, 2 * round)]);
      await journal.close();
      expect(seqs(await reader.latest())).toEqual([2 * round]);
    }
  });

  test("in the middle of a long read it still delivers every record once", async () => {
    const { file } = place();
    const journal = await openSqliteJournal(file);
    await journal.append(drafts(BONK, 1, 1_000));
    await journal.close();
    const reader = await readerOf(file);
    const seen: number[] = [];
    for await (const record of reader.read()) {
      seen.push(record.seq);
      if (record.seq % 250 !== 0) continue;
      const writer = await openSqliteJournal(file);
      await writer.append(drafts(SEI, 1, 500));
      await writer.close();
    }
    expect(seen).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 1));
  });
});

describe("a ledger at rest is not touched by being read", () => {
  const use = async (file: string): Promise<number[]> => {
    const reader = await openJournalReader(file);
    await reader.lastAt();
    await collect(reader.read());
    const latest = seqs(await reader.latest());
    await reader.close();
    return latest;
  };

  test("when it was closed", async () => {
    const { file, directory } = place();
    const journal = await openSqliteJournal(file);
    await journal.append([draft(BONK, 1), draft(SEI, 2)]);
    await journal.close();
    rmSync(join(directory, "lock.sqlite"));
    const before = bytesIn(directory);
    expect(await use(file)).toEqual([1, 2]);
    expect(namesIn(directory)).toEqual(["journal.sqlite"]);
    expect(bytesIn(directory)).toEqual(before);
  });

  test("when its writer was killed", async () => {
    const { file, directory } = place();
    expect(await startChild("crash", file).ended).toBe("SIGKILL");
    const names = namesIn(directory);
    const { "journal.sqlite-shm": _, ...before } = bytesIn(directory);
    expect(await use(file)).toEqual([1, 2]);
    expect(namesIn(directory)).toEqual(names);
    expect(bytesIn(directory)).toMatchObject(before);
  });

  test("when a writer has only just begun, and has made its -wal but not yet its -shm", async () => {
    const { file, directory } = place();
    const journal = await openSqliteJournal(file);
    await journal.append([draft(BONK, 1)]);
    await journal.close();
    writeFileSync(`${file}-wal`, "");
    const { ino } = statSync(`${file}-wal`);
    expect(await use(file)).toEqual([1]);
    expect(namesIn(directory)).toContain("journal.sqlite-wal");
    expect(statSync(`${file}-wal`).ino).toBe(ino);
  });

  test("when it was copied by hand after a kill, without its -shm, but for SQLite making that anew", async () => {
    const { file, directory } = place();
    const copies = place();
    expect(await startChild("crash", file).ended).toBe("SIGKILL");
    for (const name of ["journal.sqlite", "journal.sqlite-wal"]) {
      copyFileSync(join(directory, name), join(copies.directory, name));
    }
    const before = bytesIn(copies.directory);
    expect(await use(copies.file)).toEqual([1, 2]);
    expect(namesIn(copies.directory)).toEqual(["journal.sqlite", "journal.sqlite-shm", "journal.sqlite-wal"]);
    expect(bytesIn(copies.directory)).toMatchObject(before);
  });
});

test("a reader never takes a -wal away from writers that come and go beside it", async () => {
  const { file } = place();
  await (await openSqliteJournal(file)).close();
  const child = startChild("reopen", file);
  undo.push(async () => {
    child.process.kill("SIGKILL");
    await child.ended;
  });
  let said = Number(await nextLine(child));
  const more = (async () => {
    for (let cycle = 0; cycle < 60; cycle += 1) said = Number(await nextLine(child));
  })();
  let isDone = false;
  void more.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    const durable = said;
    const reader = await openJournalReader(file);
    expect((await reader.latest()).at(-1)?.seq ?? 0).toBeGreaterThanOrEqual(durable);
    await reader.close();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await more;
});

test("a closed reader refuses everything", async () => {
  const { file } = place();
  await (await openSqliteJournal(file)).close();
  const reader = await openJournalReader(file);
  await reader.close();
  await reader.close();
  for (const use of [() => reader.latest(), () => reader.lastAt(), () => collect(reader.read())]) {
    expect((await journalErrorOf(use())).reason).toBe("closed");
  }
});
