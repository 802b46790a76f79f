// A file that is read without locks counts only when nobody wrote to it meanwhile.
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSqliteJournal } from "../../../adapters/journal/mod.ts";
import { ReadOnlyFile } from "../../../adapters/journal/read_only_file.ts";
import { type LedgerDirectory, ledgerDirectory } from "./ledger_directory.ts";

let place: LedgerDirectory;
let readOnly: ReadOnlyFile;
beforeEach(async () => {
  place = ledgerDirectory();
  await (await openSqliteJournal(place.file)).close();
  readOnly = new ReadOnlyFile(place.file, () => {});
});
afterEach(() => {
  readOnly.close();
  place.remove();
});

const countIn = (db: DatabaseSync): number =>
  Number(db.prepare("SELECT count(*) AS n FROM meta").get()?.["n"]);

/** A writer that comes, writes more than a page and goes. */
function writeBeside(key: number): void {
  const db = new DatabaseSync(place.file);
  db.prepare("INSERT INTO meta (key, value) VALUES (?, ?)").run(`filler ${key}`, "x".repeat(20_000));
  db.close();
}

test("an answer during which a writer came and went is thrown away, and the file read again", () => {
  let reads = 0;
  const count = readOnly.query((db) => {
    reads += 1;
    const found = countIn(db);
    if (reads === 1) writeBeside(reads);
    return found;
  });
  expect(reads).toBe(2);
  expect(count).toBe(2);
});

test("a failure during which a writer came and went is not believed either", () => {
  let reads = 0;
  const count = readOnly.query((db) => {
    reads += 1;
    if (reads > 1) return countIn(db);
    writeBeside(reads);
    throw new Error("torn page");
  });
  expect(count).toBe(2);
});

test("a failure while nobody wrote is told at once", () => {
  let reads = 0;
  const failing = () =>
    readOnly.query(() => {
      reads += 1;
      throw new Error("bad sector");
    });
  expect(failing).toThrow(
    expect.objectContaining({ reason: "io", message: expect.stringContaining("bad sector") }),
  );
  expect(reads).toBe(1);
});

test("a file that changes during every read is given up on, with a reason", () => {
  let reads = 0;
  const restless = () =>
    readOnly.query(() => {
      reads += 1;
      writeBeside(reads);
    });
  expect(restless).toThrow(/changed each time that it was read/);
});
