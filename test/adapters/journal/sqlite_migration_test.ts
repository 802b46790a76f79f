// A ledger of an older layout is brought to this one in one transaction, or not at all.
import { DatabaseSync } from "node:sqlite";
import { afterEach, expect, test } from "vitest";
import { MIGRATIONS, migrate } from "../../../adapters/journal/ledger_layout.ts";
import { openJournalReader, openSqliteJournal } from "../../../adapters/journal/mod.ts";
import { at, BONK, draft, drafts, SEI } from "./drafts.ts";
import { collect, seqs } from "./journal_conformance.ts";
import { bytesIn, ledgerDirectory, startChild } from "./ledger_directory.ts";
import { buildV1Ledger, V1_LEDGER_ID } from "./v1_layout.ts";

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});
const place = () => {
  const made = ledgerDirectory();
  undo.push(made.remove);
  return made;
};
const OLD = [draft(BONK, 5), draft(SEI, 9), draft(BONK, 7)];

function schemaOf(file: string): unknown[] {
  const db = new DatabaseSync(file, { readOnly: true });
  const tables = db.prepare("SELECT type, name, tbl_name FROM sqlite_schema ORDER BY name").all();
  const columns = tables.map(({ name }) =>
    db.prepare("SELECT * FROM pragma_table_xinfo(?)").all(String(name)),
  );
  const versions = db.prepare("SELECT * FROM pragma_user_version, pragma_application_id").all();
  db.close();
  return [tables, columns, versions];
}

test("a v1 ledger is migrated when it is opened, and keeps its id, records and time", async () => {
  const { file } = place();
  buildV1Ledger(file, OLD);
  const steps: [number, number][] = [];
  const journal = await openSqliteJournal(file, { onMigrated: (from, to) => steps.push([from, to]) });
  undo.push(() => journal.close());
  expect(steps).toEqual([[1, 2]]);
  expect(journal.ledgerId).toBe(V1_LEDGER_ID);
  expect(await collect(journal.read())).toEqual(OLD.map((one, index) => ({ ...one, seq: index + 1 })));
  expect(seqs(await journal.latest())).toEqual([2, 3]);
  expect(await journal.lastAt()).toBe(at(9));
  await journal.append([draft(SEI, 10)]);
  expect(seqs(await journal.latest())).toEqual([3, 4]);
});

test("a ledger of this layout is not migrated again", async () => {
  const { file } = place();
  await (await openSqliteJournal(file)).close();
  const steps: number[] = [];
  const journal = await openSqliteJournal(file, { onMigrated: (from) => steps.push(from) });
  await journal.close();
  expect(steps).toEqual([]);
});

test("a migrated ledger and a new one have the same tables", async () => {
  const old = place();
  const fresh = place();
  buildV1Ledger(old.file, OLD);
  for (const { file } of [old, fresh]) await (await openSqliteJournal(file)).close();
  expect(schemaOf(old.file)).toEqual(schemaOf(fresh.file));
});

test("a step that throws takes back the steps before it", async () => {
  const { file } = place();
  buildV1Ledger(file, OLD);
  const before = schemaOf(file);
  const db = new DatabaseSync(file);
  const failing = () => {
    throw new Error("boom");
  };
  expect(() => migrate(db, [...MIGRATIONS, failing])).toThrow("boom");
  db.close();
  expect(schemaOf(file)).toEqual(before);
});

test("a process killed in the middle of a migration leaves the v1 ledger whole, and the next start migrates it", async () => {
  const { file } = place();
  buildV1Ledger(file, drafts(BONK, 1, 2_000));
  const before = schemaOf(file);
  expect(await startChild("migrate", file).ended).toBe("SIGKILL");
  expect(schemaOf(file)).toEqual(before);
  const journal = await openSqliteJournal(file);
  undo.push(() => journal.close());
  expect(seqs(await journal.latest())).toEqual([2_000]);
  expect(await collect(journal.read())).toHaveLength(2_000);
});

test("a reader reads a v1 ledger as it is, without migrating it", async () => {
  const { file, directory } = place();
  buildV1Ledger(file, OLD);
  const before = bytesIn(directory);
  const reader = await openJournalReader(file);
  expect(seqs(await reader.latest())).toEqual([2, 3]);
  expect(await reader.lastAt()).toBe(at(9));
  expect(reader.ledgerId).toBe(V1_LEDGER_ID);
  await reader.close();
  expect(bytesIn(directory)).toEqual(before);
});
