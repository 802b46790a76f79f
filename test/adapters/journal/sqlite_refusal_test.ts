// Files that are no ledger of this version are refused, and left as they were byte for byte.
import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, test } from "vitest";
import { openJournalReader, openSqliteJournal } from "../../../adapters/journal/mod.ts";
import { BONK, drafts } from "./drafts.ts";
import { journalErrorOf } from "./journal_conformance.ts";
import { bytesIn, ledgerDirectory, startChild } from "./ledger_directory.ts";

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A ledger of 500 records, more than a few pages, cleanly closed. */
async function ledger() {
  const made = ledgerDirectory();
  undo.push(made.remove);
  const journal = await openSqliteJournal(made.file);
  await journal.append(drafts(BONK, 1, 500));
  await journal.close();
  return made;
}

const edit = (file: string, sql: string): void => {
  const db = new DatabaseSync(file, { defensive: false });
  db.exec(sql);
  db.close();
};

type Spoil = (file: string) => void;
const ways: readonly (readonly [string, "corrupt" | "newer", RegExp, Spoil])[] = [
  [
    "garbage bytes",
    "corrupt",
    /damaged, or no journal/,
    (file) => writeFileSync(file, "garbage ".repeat(2_000)),
  ],
  ["an empty file", "corrupt", /is empty/, (file) => truncateSync(file, 0)],
  ["half a header", "corrupt", /no purgatory journal/, (file) => truncateSync(file, 60)],
  ["a file cut in the middle", "corrupt", /damaged/, (file) => truncateSync(file, 8 * 4096)],
  [
    "an SQLite file of something else",
    "corrupt",
    /no purgatory journal \(application_id 0, layout 0\)/,
    foreign,
  ],
  ["a ledger of no layout", "corrupt", /layout 0/, (file) => edit(file, "PRAGMA user_version = 0")],
  [
    "a ledger of a newer layout",
    "newer",
    /layout 99.*knows up to 2/,
    (file) => edit(file, "PRAGMA user_version = 99"),
  ],
];

describe.each(ways)("%s", (_, reason, message, spoil) => {
  test(`is refused as ${reason} by writer and reader, and not touched`, async () => {
    const { file, directory } = await ledger();
    spoil(file);
    const before = bytesIn(directory);
    for (const open of [openSqliteJournal, openJournalReader]) {
      const error = await journalErrorOf(
        open(file).then((journal) => journal.latest().finally(() => journal.close())),
      );
      expect(error).toMatchObject({ reason, message: expect.stringMatching(message) });
      expect(error.message).toContain(file);
      expect(error.message).toMatch(/restore|run that version|give another path/);
      expect(bytesIn(directory)).toEqual(before);
    }
  });

  test("does not keep the directory locked", async () => {
    const { file } = await ledger();
    copyFileSync(file, `${file}.backup`);
    spoil(file);
    await journalErrorOf(openSqliteJournal(file));
    copyFileSync(`${file}.backup`, file);
    await (await openSqliteJournal(file)).close();
  });
});

function foreign(file: string): void {
  rmSync(file);
  edit(file, "CREATE TABLE accounts (id INTEGER)");
}

describe("what only a look at the contents shows", () => {
  test.each([
    ["a page that was overwritten", /damaged/, overwriteRecords],
    [
      "a record that was deleted",
      /499 records, but the last is 500/,
      (file: string) => edit(file, "DELETE FROM records WHERE seq = 250"),
    ],
    [
      "no ledger id",
      /no ledger id/,
      (file: string) => edit(file, "DELETE FROM meta WHERE key = 'ledger_id'"),
    ],
    ["a table that was dropped", /no such table|damaged/, (file: string) => edit(file, "DROP TABLE records")],
  ])("%s is refused as corrupt, and not touched", async (_, message, spoil) => {
    const { file, directory } = await ledger();
    spoil(file);
    const before = bytesIn(directory);
    const error = await journalErrorOf(openSqliteJournal(file));
    expect(error).toMatchObject({ reason: "corrupt", message: expect.stringMatching(message) });
    expect(error.message).toContain(file);
    expect(bytesIn(directory)).toEqual(before);
  });
});

const PAGE_BYTES = 4_096;
const TABLE_LEAF = 0x0d;

/** A page of records in the middle, which neither counting nor looking for the last record reads. */
function overwriteRecords(file: string): void {
  const bytes = readFileSync(file);
  const leaves = Array.from({ length: bytes.length / PAGE_BYTES }, (_, page) => page * PAGE_BYTES).filter(
    (offset) => bytes[offset] === TABLE_LEAF,
  );
  const middle = leaves[Math.floor(leaves.length / 2)] ?? 0;
  writeFileSync(file, bytes.fill(0xa5, middle, middle + PAGE_BYTES));
}

test("a newer layout that is still in the write-ahead log of a crash is refused, and the log kept", async () => {
  const { file, directory } = await ledger();
  expect(await startChild("newer", file).ended).toBe("SIGKILL");
  const { [`journal.sqlite-shm`]: _, ...before } = bytesIn(directory);
  expect(before["journal.sqlite-wal"]).not.toBe("");
  expect((await journalErrorOf(openSqliteJournal(file))).reason).toBe("newer");
  expect((await journalErrorOf(openJournalReader(file))).reason).toBe("newer");
  expect(bytesIn(directory)).toMatchObject(before);
});
