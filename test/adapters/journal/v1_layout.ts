// A ledger as the first layout wrote it, frozen here: the product's own statements may change, old files do not.
import { DatabaseSync } from "node:sqlite";
import type { JournalDraft } from "../../../actors/ports.ts";

export const V1_LEDGER_ID = "11111111-2222-4333-8444-555555555555";

export function buildV1Ledger(file: string, drafts: readonly JournalDraft[]): void {
  const db = new DatabaseSync(file);
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA application_id = 1347569497;
    BEGIN;
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE records (
      seq INTEGER PRIMARY KEY, symbol TEXT NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL,
      event TEXT NOT NULL, path TEXT NOT NULL, commands TEXT NOT NULL, snapshot TEXT NOT NULL
    ) STRICT;
    CREATE INDEX records_by_symbol ON records (symbol);
    PRAGMA user_version = 1;
    INSERT INTO meta VALUES ('ledger_id', '${V1_LEDGER_ID}');
  `);
  const insert = db.prepare("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  for (const [index, one] of drafts.entries()) {
    const json = [one.event, one.path, one.commands, one.snapshot].map((part) => JSON.stringify(part));
    insert.run(index + 1, one.symbol, one.at, one.state, ...json);
  }
  const lastAt =
    drafts
      .map((one) => one.at)
      .sort()
      .at(-1) ?? "";
  db.prepare("INSERT INTO meta VALUES ('last_at', ?)").run(lastAt);
  db.exec("COMMIT");
  db.close();
}
