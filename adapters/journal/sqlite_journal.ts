// The journal in an SQLite file: the default. One file is one ledger, in a directory of its own.
import { randomUUID } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Journal, JournalDraft, JournalError, JournalRecord } from "../../actors/ports.ts";
import { asJournalError, closedError, isDiskError, refusal } from "./journal_errors.ts";
import {
  APPLICATION_ID,
  checkContents,
  checkMarks,
  lastAtOf,
  lastSeq,
  layoutVersion,
  ledgerIdOf,
  MIGRATIONS,
  migrate,
} from "./ledger_layout.ts";
import { type LedgerLock, lockLedger } from "./ledger_lock.ts";
import { ledgerReads, type Query } from "./ledger_reads.ts";
import { lookAt, ReadOnlyFile } from "./read_only_file.ts";
import { encodeDraft, type RecordRow } from "./record_row.ts";

export interface SqliteJournalOptions {
  /** How long to wait for another process that writes here, in milliseconds. The default is enough for one that is
   * just being killed to be gone, and for one that has just begun to have left its pid. */
  readonly lockWaitMs?: number;
  /** Told after a ledger of an older layout was brought to this one. */
  readonly onMigrated?: (from: number, to: number) => void;
}

const LOCK_WAIT_MS = 500;

/** Readers hold the file's locks for moments only, while they recover or read the write-ahead log. */
const BUSY_TIMEOUT_MS = 5_000;

/** Opens the ledger at `path` for writing, or creates it with a new ledger id; its directory is locked until `close`.
 *
 * The whole file is checked first, and a file that is refused is left as it was, byte for byte.
 *
 * Rejects with `JournalError`: `locked`, `corrupt`, `newer` or `io`.
 */
export async function openSqliteJournal(path: string, options: SqliteJournalOptions = {}): Promise<Journal> {
  const file = resolve(path);
  const lock = await lockLedger(dirname(file), options.lockWaitMs ?? LOCK_WAIT_MS);
  try {
    if (lookAt(file) === null) createLedger(file);
    else inspect(file);
    return new SqliteJournal(file, openForWriting(file, options), lock);
  } catch (error) {
    lock.release();
    throw asJournalError(file, "opening", error);
  }
}

/** Writes the new file under another name first, so that a crash never leaves half a ledger under this one. */
function createLedger(file: string): void {
  const draft = `${file}.new`;
  for (const left of [draft, `${draft}-journal`]) rmSync(left, { force: true });
  const db = new DatabaseSync(draft);
  try {
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    migrate(db);
    db.prepare("INSERT INTO meta (key, value) VALUES ('ledger_id', ?)").run(randomUUID());
  } finally {
    db.close();
  }
  renameSync(draft, file);
  syncDirectory(dirname(file));
}

/** Makes the new name durable. Node has no fsync under its permission model; SQLite, which is not bound by that, syncs
 * the directory itself when the first write has made and removed its journal there. */
function syncDirectory(path: string): void {
  if (process.permission !== undefined) return;
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Reads everything through a connection that cannot write: opening for writing would already change the file. */
function inspect(file: string): void {
  const readOnly = new ReadOnlyFile(file, (db) => checkMarks(db, file));
  try {
    readOnly.query((db) => {
      ledgerIdOf(db, file);
      checkContents(db, file);
    });
  } finally {
    readOnly.close();
  }
}

function openForWriting(file: string, options: SqliteJournalOptions): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    const mode = db.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
    if (mode !== "wal") {
      throw refusal(
        "io",
        `${file}: this file system keeps no write-ahead log; put the ledger on a local disk`,
      );
    }
    db.exec("PRAGMA synchronous = FULL");
    // Pages of the write-ahead log, 32 MiB, before they are moved into the file: moving is dearer than writing, and a record
    // is durable either way. A start after a crash reads at most this much.
    db.exec("PRAGMA wal_autocheckpoint = 8000");
    const from = layoutVersion(db);
    migrate(db);
    if (from !== MIGRATIONS.length) options.onMigrated?.(from, MIGRATIONS.length);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

class SqliteJournal implements Journal {
  readonly ledgerId: string;
  readonly latest: Journal["latest"];
  readonly read: Journal["read"];
  readonly lastAt: Journal["lastAt"];
  readonly #file: string;
  readonly #db: DatabaseSync;
  readonly #lock: LedgerLock;
  readonly #statements: ReturnType<typeof prepareStatements>;
  #lastSeq: number;
  #lastAt: string;
  #closed = false;
  /** Set when it is no longer known what the disk holds. */
  #broken: JournalError | null = null;

  constructor(file: string, db: DatabaseSync, lock: LedgerLock) {
    this.#file = file;
    this.#db = db;
    this.#lock = lock;
    this.ledgerId = ledgerIdOf(db, file);
    this.#lastSeq = lastSeq(db);
    this.#lastAt = lastAtOf(db) ?? "";
    this.#statements = prepareStatements(db);
    const query: Query = (run) => {
      if (this.#closed) throw closedError(file);
      try {
        return run(db);
      } catch (error) {
        throw asJournalError(file, "reading", error);
      }
    };
    const reads = ledgerReads(file, query);
    this.latest = reads.latest;
    this.read = reads.read;
    this.lastAt = reads.lastAt;
  }

  async append(drafts: readonly JournalDraft[]): Promise<readonly JournalRecord[]> {
    if (this.#closed) throw closedError(this.#file);
    if (this.#broken !== null) throw this.#broken;
    if (drafts.length === 0) return [];
    const rows = drafts.map((draft) => encodeDraft(this.#file, draft));
    const before = this.#lastSeq;
    this.#commit(rows);
    return drafts.map((draft, index) => ({ ...draft, seq: before + 1 + index }));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#db.close();
    } finally {
      this.#lock.release();
    }
  }

  #commit(rows: readonly RecordRow[]): void {
    const { begin, commit, tail, insert, point, raiseLastAt } = this.#statements;
    try {
      begin.run();
      this.#checkTail(Number(tail.get()?.["n"]));
      let seq = this.#lastSeq;
      let lastAt = this.#lastAt;
      for (const row of rows) {
        seq += 1;
        insert.run(seq, row.symbol, row.at, row.state, row.event, row.path, row.commands, row.snapshot);
        point.run(row.symbol, seq);
        if (row.at > lastAt) lastAt = row.at;
      }
      if (lastAt !== this.#lastAt) raiseLastAt.run(lastAt);
      commit.run();
      this.#lastSeq = seq;
      this.#lastAt = lastAt;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** The lock keeps other writers out unless someone removed it; then this process must not go on either. */
  #checkTail(found: number): void {
    if (found === this.#lastSeq) return;
    this.#broken = refusal(
      "locked",
      `${this.#file}: something else wrote here (the last record is ${found}, this process wrote up to ` +
        `${this.#lastSeq}); stop all writers, and never remove lock.sqlite`,
    );
    throw this.#broken;
  }

  #failed(error: unknown): JournalError {
    try {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    } catch (rollbackError) {
      this.#broken ??= asJournalError(this.#file, "rolling back", rollbackError);
    }
    const failure = asJournalError(this.#file, "appending", error);
    if (isDiskError(error)) {
      this.#broken ??= refusal(
        "io",
        `${failure.message}; this journal takes nothing more until it is opened anew`,
      );
    }
    return failure;
  }
}

function prepareStatements(db: DatabaseSync) {
  return {
    begin: db.prepare("BEGIN IMMEDIATE"),
    commit: db.prepare("COMMIT"),
    tail: db.prepare("SELECT coalesce(max(seq), 0) AS n FROM records"),
    insert: db.prepare(
      "INSERT INTO records (seq, symbol, at, state, event, path, commands, snapshot) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    ),
    point: db.prepare(
      "INSERT INTO latest (symbol, seq) VALUES (?, ?) ON CONFLICT (symbol) DO UPDATE SET seq = excluded.seq",
    ),
    raiseLastAt: db.prepare(
      "INSERT INTO meta (key, value) VALUES ('last_at', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    ),
  };
}
