// The tables of a ledger's file, how they came to be version by version, and the marks that tell it from other files.
import type { DatabaseSync } from "node:sqlite";
import { refusal } from "./journal_errors.ts";

/** `PRAGMA application_id`: "PRGY". */
export const APPLICATION_ID = 0x50524759;

/** One step from a layout to the next. Runs inside the transaction that also raises the version. */
export type Migration = (db: DatabaseSync) => void;

/** Step n leads from layout n to layout n + 1. A new ledger takes them all, so that it cannot differ from an old one
 * that was migrated. Steps that were released are never edited. */
export const MIGRATIONS: readonly Migration[] = [
  (db) =>
    db.exec(`
      CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE records (
        seq INTEGER PRIMARY KEY,
        symbol TEXT NOT NULL,
        at TEXT NOT NULL,
        state TEXT NOT NULL,
        event TEXT NOT NULL,
        path TEXT NOT NULL,
        commands TEXT NOT NULL,
        snapshot TEXT NOT NULL
      ) STRICT;
      CREATE INDEX records_by_symbol ON records (symbol);
    `),
  // Recovery asks for the last record of every symbol; without this table it reads the whole index.
  (db) =>
    db.exec(`
      CREATE TABLE latest (symbol TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      INSERT INTO latest SELECT symbol, max(seq) FROM records GROUP BY symbol;
    `),
];

/** The layout in which `latest` came. */
export const LAYOUT_WITH_LATEST = 2;

export function layoutVersion(db: DatabaseSync): number {
  return integer(db, "PRAGMA user_version", "user_version");
}

/** Brings the file to the newest layout, in one transaction: a crash on the way leaves the old layout whole. */
export function migrate(db: DatabaseSync, migrations: readonly Migration[] = MIGRATIONS): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    for (const step of migrations.slice(layoutVersion(db))) step(db);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** Throws `JournalError` `corrupt` for a file of something else, `newer` for one of a later purgatory. */
export function checkMarks(db: DatabaseSync, file: string): void {
  const application = integer(db, "PRAGMA application_id", "application_id");
  const version = layoutVersion(db);
  if (application !== APPLICATION_ID || version < 1) {
    throw refusal(
      "corrupt",
      `${file}: no purgatory journal (application_id ${application}, layout ${version}); ` +
        "nothing was changed; give another path, or move this file away",
    );
  }
  if (version > MIGRATIONS.length) {
    throw refusal(
      "newer",
      `${file}: written by a newer purgatory (layout ${version}, this one knows up to ${MIGRATIONS.length}); ` +
        "nothing was changed; run that version, or restore a backup from before the upgrade",
    );
  }
}

/** Reads the whole file: every page is well formed and no record is missing. Throws `JournalError` `corrupt`. */
export function checkContents(db: DatabaseSync, file: string): void {
  const verdict = db.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  const records = integer(db, "SELECT count(*) AS n FROM records", "n");
  const last = lastSeq(db);
  const found =
    verdict !== "ok"
      ? String(verdict)
      : records !== last
        ? `${records} records, but the last is ${last}`
        : null;
  if (found === null) return;
  throw refusal(
    "corrupt",
    `${file}: damaged (${found}); nothing was changed; restore it from a backup, or move it away to begin a new ledger`,
  );
}

/** 0 for an empty ledger. */
export function lastSeq(db: DatabaseSync): number {
  return integer(db, "SELECT coalesce(max(seq), 0) AS n FROM records", "n");
}

export function ledgerIdOf(db: DatabaseSync, file: string): string {
  const id = metaValue(db, "ledger_id");
  if (id !== null) return id;
  throw refusal("corrupt", `${file}: holds no ledger id; nothing was changed; restore it from a backup`);
}

/** The highest `at` of all records; null for an empty ledger. */
export const lastAtOf = (db: DatabaseSync): string | null => metaValue(db, "last_at");

function metaValue(db: DatabaseSync, key: string): string | null {
  const value = db.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.["value"];
  return typeof value === "string" ? value : null;
}

function integer(db: DatabaseSync, sql: string, column: string): number {
  return Number(db.prepare(sql).get()?.[column]);
}
