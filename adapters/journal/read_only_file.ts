// Looks into a ledger's file without locking it, changing it or creating anything beside it, whether or not a writer
// is at work. SQLite has no single way to do that, so there are three.
import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { asJournalError, isTransient, refusal } from "./journal_errors.ts";

/** `live`: a writer runs, or was killed; its `-wal` and `-shm` are there and SQLite shares them.
 * `closed`: no `-wal`, so everything is in the file itself.
 * `left`: a `-wal` without its `-shm`, as a copy by hand leaves it; SQLite would create the latter.
 * Nothing guards the last two against a writer that starts meanwhile, so what was read counts only when the files
 * are the same afterwards. */
type Mode = "live" | "closed" | "left";

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
  const shm = stat(`${file}-shm`);
  if (main === null) {
    if (wal === null || wal.size === 0n) return null;
    throw refusal(
      "corrupt",
      `${file}: is missing, but its ${file}-wal is there and holds records; put the file back beside it, ` +
        "or move both away to begin a new ledger",
    );
  }
  const mode = wal === null ? "closed" : shm === null ? "left" : "live";
  const identity = `${mode} ${main.dev}:${main.ino}`;
  const stamp = mode === "live" ? identity : `${identity} ${version(main)} ${version(wal)}`;
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
        const isMoving = isTransient(error) || before.stamp !== this.#look().stamp;
        if (!isMoving) break;
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
      if (look.mode === "left") db.exec("PRAGMA locking_mode = EXCLUSIVE");
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
  // Without locks and with exclusive use SQLite keeps the index of the `-wal` in memory; `nolock=1` refuses a WAL.
  if (mode === "left") url.search = "mode=ro&vfs=unix-none";
  return new DatabaseSync(url, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
}

interface Stat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

const version = (found: Stat | null): string => (found === null ? "-" : `${found.size}@${found.mtimeNs}`);

function stat(file: string): Stat | null {
  try {
    const found = statSync(file, { bigint: true, throwIfNoEntry: false }) ?? null;
    if (found === null || found.isFile()) return found;
  } catch (error) {
    throw asJournalError(file, "looking for the file", error);
  }
  throw refusal("io", `${file}: is no file; give the path of a journal, such as ${file}/journal.sqlite`);
}
