// Looks into a ledger's file without taking the writer's lock, whether or not a writer is at work, and without a change
// to what is there.
import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { asJournalError, refusal } from "./journal_errors.ts";

/** `shared`: there is a `-wal`, because a writer runs or was killed. SQLite's own locks guard every read; nothing less
 * will do, for a connection without them takes itself for the last one and removes the `-wal` when it closes.
 * `closed`: there is none, so everything is in the file itself, and SQLite would create one in order to read. Told that
 * the file never changes it does not; what was read then counts only if the file is the same afterwards. */
type Mode = "shared" | "closed";

interface Look {
  readonly mode: Mode;
  /** Equal for two looks between which the connection stays good. */
  readonly stamp: string;
  readonly sizeBytes: bigint;
}

const BUSY_TIMEOUT_MS = 5_000;
const ATTEMPTS_MAX = 20;

/** Null when the file is absent. Throws `JournalError` `io`. */
export function lookAt(file: string): Look | null {
  const main = stat(file);
  const wal = stat(`${file}-wal`);
  if (main === null) {
    if (wal === null || wal.size === 0n) return null;
    throw refusal(
      "corrupt",
      `${file}: is missing, but its ${file}-wal is there and holds records; put the file back beside it, ` +
        "or move both away to begin a new ledger",
    );
  }
  const mode = wal === null ? "closed" : "shared";
  const identity = `${mode} ${main.dev}:${main.ino}`;
  const stamp = mode === "shared" ? identity : `${identity} ${main.size}@${main.mtimeNs}`;
  return { mode, stamp, sizeBytes: main.size };
}

/** A connection that only reads, and reopens itself when the writer comes or goes. */
export class ReadOnlyFile {
  readonly #file: string;
  readonly #check: (db: DatabaseSync) => void;
  #open: { readonly db: DatabaseSync; readonly stamp: string } | null = null;

  /** @param check is called with each new connection and throws to refuse the file */
  constructor(file: string, check: (db: DatabaseSync) => void) {
    this.#file = file;
    this.#check = check;
  }

  /** What `run` answers; it may be called more than once, so it must only read. Throws `JournalError`. */
  query<T>(run: (db: DatabaseSync) => T): T {
    let failure: unknown = "it changed each time that it was read; try again";
    for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts += 1) {
      const before = this.#look();
      try {
        const answer = run(this.#connection(before));
        if (before.stamp === this.#look().stamp) return answer;
      } catch (error) {
        failure = error;
        if (before.stamp === this.#look().stamp) break;
        this.#disconnect();
      }
    }
    throw asJournalError(this.#file, "reading", failure);
  }

  close(): void {
    this.#disconnect();
  }

  #look(): Look {
    const look = lookAt(this.#file);
    if (look === null) {
      throw refusal(
        "io",
        `${this.#file}: there is no journal here; check the path, or start a run that writes one`,
      );
    }
    if (look.sizeBytes > 0n) return look;
    throw refusal(
      "corrupt",
      `${this.#file}: is empty, a journal never is; restore it from a backup, or move it away to begin a new ledger`,
    );
  }

  #disconnect(): void {
    this.#open?.db.close();
    this.#open = null;
  }

  #connection(look: Look): DatabaseSync {
    if (this.#open?.stamp === look.stamp) return this.#open.db;
    this.#disconnect();
    const db = connect(this.#file, look.mode);
    try {
      this.#check(db);
    } catch (error) {
      db.close();
      throw error;
    }
    this.#open = { db, stamp: look.stamp };
    return db;
  }
}

function connect(file: string, mode: Mode): DatabaseSync {
  const url = pathToFileURL(file);
  if (mode === "closed") url.search = "mode=ro&immutable=1";
  return new DatabaseSync(url, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
}

interface Stat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

function stat(file: string): Stat | null {
  try {
    const found = statSync(file, { bigint: true, throwIfNoEntry: false }) ?? null;
    if (found === null || found.isFile()) return found;
  } catch (error) {
    throw asJournalError(file, "looking for the file", error);
  }
  throw refusal("io", `${file}: is no file; give the path of a journal, such as ${file}/journal.sqlite`);
}
