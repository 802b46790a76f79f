// One writer for each directory. The lock is the operating system's, so it dies with the process that holds it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { asJournalError, refusal, SQLITE_BUSY, SQLITE_NOTADB, sqliteCode } from "./journal_errors.ts";

export interface LedgerLock {
  release(): void;
}

const RETRY_MS = 10;

/** Takes the directory for this process, making it if need be.
 *
 * @param waitMs how long to wait for another holder, in milliseconds
 *
 * Rejects with `JournalError`: `locked`, naming the directory and the holder; `io`; `corrupt` when `lock.sqlite` is
 * something else.
 */
export async function lockLedger(directory: string, waitMs: number): Promise<LedgerLock> {
  const lockFile = join(directory, "lock.sqlite");
  // Beside the lock and not in it: reading a locked SQLite file by other means than SQLite would, on POSIX systems,
  // release this process's own lock on it.
  const pidFile = join(directory, "lock.pid");
  const since = performance.now();
  for (;;) {
    const held = attempt(directory, lockFile, pidFile);
    if (held !== null) {
      return {
        release() {
          rmSync(pidFile, { force: true });
          held.close();
        },
      };
    }
    if (performance.now() - since >= waitMs) throw lockedError(directory, readPid(pidFile));
    await wait(RETRY_MS);
  }
}

/** Null while another holds the lock. */
/** The process that writes in `directory`, as far as can be seen without touching its lock; null when none does. */
export function ledgerHolder(directory: string): number | null {
  const pid = readPid(join(directory, "lock.pid"));
  if (pid === null) return null;
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    // Somebody else's process: it is there, and may not be asked.
    return error instanceof Error && "code" in error && error.code === "EPERM" ? pid : null;
  }
}

function attempt(directory: string, lockFile: string, pidFile: string): DatabaseSync | null {
  let db: DatabaseSync | null = null;
  try {
    mkdirSync(directory, { recursive: true });
    db = new DatabaseSync(lockFile);
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    writeFileSync(pidFile, `${process.pid}\n`);
    return db;
  } catch (error) {
    db?.close();
    if (sqliteCode(error) === SQLITE_BUSY) return null;
    if (sqliteCode(error) === SQLITE_NOTADB) {
      throw refusal(
        "corrupt",
        `${lockFile}: is something else than a lock; remove it while nothing runs here`,
      );
    }
    throw asJournalError(lockFile, "taking the lock", error);
  }
}

function readPid(pidFile: string): number | null {
  try {
    const pid = Number.parseInt(readFileSync(pidFile, "utf8"), 10);
    return Number.isNaN(pid) ? null : pid;
  } catch {
    return null;
  }
}

function lockedError(directory: string, pid: number | null): Error {
  const holder =
    pid === null
      ? "a process that did not leave its pid"
      : pid === process.pid
        ? `this very process (pid ${pid})`
        : `the process with pid ${pid}`;
  return refusal(
    "locked",
    `${directory}: ${holder} writes here; stop it first, or give this one a ledger directory of its own`,
  );
}
