// The file of a paper account: its tables, the marks that tell it from other files, and how it is opened.
import { DatabaseSync } from "node:sqlite";
import { Schema } from "effect";
import type { PaperScript } from "./script.ts";

/** The file is not a paper account of this version, or cannot be used; it was left as it was. */
export class PaperFileError extends Schema.TaggedError<PaperFileError>()("PaperFileError", {
  /** `foreign`: a file of something else. `newer`: of a later purgatory. */
  reason: Schema.Literals(["foreign", "newer", "corrupt", "io"]),
  file: Schema.String,
  message: Schema.String,
}) {}

/** `PRAGMA application_id`: "PRGX". */
export const PAPER_APPLICATION_ID = 0x50524758;
export const PAPER_LAYOUT_VERSION = 1;

/** Another process may have the account open, such as one that is about to end. */
const BUSY_TIMEOUT_MS = 5_000;

/** Opens the account in `file`; a file that is not there becomes a new account, as the script says, opened at `now`.
 *
 * Throws `PaperFileError`.
 */
export function openAccountFile(file: string, script: PaperScript, now: number): DatabaseSync {
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
    const isNew = checkMarks(db, file);
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
    inTransaction(db, (open) => {
      if (isNew && !hasTables(open)) create(open, script, now);
      restartChangedPrograms(open, script);
    });
    return db;
  } catch (error) {
    db?.close();
    throw asFileError(file, error);
  }
}

/** Runs `work` as one transaction: all of it is durable when this returns, or none of it happened. */
export function inTransaction<A>(db: DatabaseSync, work: (db: DatabaseSync) => A): A {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work(db);
    db.exec("COMMIT");
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** The primary result code of an error from SQLite; null for any other error. */
export function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return null;
  return error.errcode & 0xff;
}

const LAYOUT = `
  CREATE TABLE account (id INTEGER PRIMARY KEY CHECK (id = 1), opened_at INTEGER NOT NULL) STRICT;
  CREATE TABLE balances (
    currency TEXT PRIMARY KEY,
    initial TEXT NOT NULL,
    total TEXT NOT NULL,
    held_elsewhere TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- What was decided about each client order id that ever came, for ever.
  CREATE TABLE decisions (
    client_order_id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    fault TEXT,
    calls_to_fail INTEGER NOT NULL,
    refusal TEXT
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE orders (
    client_order_id TEXT PRIMARY KEY REFERENCES decisions,
    order_id TEXT NOT NULL UNIQUE,
    symbol TEXT NOT NULL,
    kind TEXT NOT NULL,
    base_size TEXT NOT NULL,
    limit_price TEXT NOT NULL,
    status TEXT NOT NULL,
    revision INTEGER NOT NULL,
    filled_size TEXT NOT NULL,
    filled_value TEXT NOT NULL,
    fee TEXT NOT NULL,
    rejection TEXT,
    fill_during_cancel TEXT,
    cancels_refused INTEGER NOT NULL,
    cancelling INTEGER NOT NULL,
    placed_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX orders_open ON orders (symbol) WHERE status = 'open';

  -- What will happen to open orders, and when.
  CREATE TABLE acts (
    id INTEGER PRIMARY KEY,
    client_order_id TEXT NOT NULL REFERENCES orders,
    at INTEGER NOT NULL,
    act TEXT NOT NULL,
    size TEXT,
    refusal TEXT
  ) STRICT;
  CREATE INDEX acts_by_time ON acts (at, id);

  CREATE TABLE fills (
    id INTEGER PRIMARY KEY,
    client_order_id TEXT NOT NULL REFERENCES orders,
    symbol TEXT NOT NULL,
    at INTEGER NOT NULL,
    size TEXT NOT NULL,
    price TEXT NOT NULL,
    value TEXT NOT NULL,
    fee TEXT NOT NULL
  ) STRICT;

  CREATE TABLE programs (symbol TEXT PRIMARY KEY, program TEXT NOT NULL, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE requests (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    call TEXT NOT NULL,
    symbol TEXT,
    client_order_id TEXT,
    body TEXT,
    answer TEXT NOT NULL
  ) STRICT;
`;

/** True for a file with nothing in it yet. Reads only. */
function checkMarks(db: DatabaseSync, file: string): boolean {
  const refuse = (reason: PaperFileError["reason"], message: string) =>
    new PaperFileError({ reason, file, message: `${file}: ${message}` });
  const application = pragma(db, "application_id");
  if (application === 0 && !hasTables(db)) return true;
  if (application !== PAPER_APPLICATION_ID) {
    throw refuse("foreign", "is not a paper account; name another file, or one that is not there");
  }
  const version = pragma(db, "user_version");
  if (version > PAPER_LAYOUT_VERSION) {
    const versions = `layout ${version}, this purgatory knows ${PAPER_LAYOUT_VERSION}`;
    throw refuse("newer", `was written by a later purgatory (${versions}); update, or use another file`);
  }
  const check = db.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (check !== "ok") throw refuse("corrupt", `is damaged (${String(check)}); restore it, or move it away`);
  return false;
}

function create(db: DatabaseSync, script: PaperScript, now: number): void {
  db.exec(LAYOUT);
  db.exec(`PRAGMA application_id = ${PAPER_APPLICATION_ID}; PRAGMA user_version = ${PAPER_LAYOUT_VERSION}`);
  db.prepare("INSERT INTO account (id, opened_at) VALUES (1, ?)").run(now);
  const insert = db.prepare("INSERT INTO balances VALUES (?, ?, ?, ?)");
  for (const [currency, { balance, hold }] of Object.entries(script.account)) {
    insert.run(currency, balance, balance, hold);
  }
}

/** A symbol whose steps were rewritten begins with the first of them; the others go on where they were. */
function restartChangedPrograms(db: DatabaseSync, script: PaperScript): void {
  const upsert = db.prepare(
    `INSERT INTO programs (symbol, program, position) VALUES (?, ?, 0)
     ON CONFLICT (symbol) DO UPDATE SET program = excluded.program, position = 0 WHERE program <> excluded.program`,
  );
  for (const symbol of script.products.keys()) {
    upsert.run(symbol, JSON.stringify(script.behaviour.get(symbol) ?? []));
  }
}

function hasTables(db: DatabaseSync): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() !== undefined;
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}

const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

function asFileError(file: string, error: unknown): unknown {
  const code = sqliteCode(error);
  if (code === null) return error;
  const said = error instanceof Error ? error.message : String(error);
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) {
    const message = `${file}: is damaged, or no database (${said}); restore it, or move it away`;
    return new PaperFileError({ reason: "corrupt", file, message });
  }
  const advice = "check that its directory exists and that this user may write there";
  return new PaperFileError({ reason: "io", file, message: `${file}: ${said}; ${advice}` });
}
