// One server for each directory. Who may start one is settled by a lock that dies with this process; whether one still
// runs is seen from a named pipe that the server inherits: the system knows who holds it, and a pid may be somebody else's.
import { execFile } from "node:child_process";
import { closeSync, constants, lstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { codeOf, natsServerError } from "./errors.ts";

export interface StoreLock {
  release(): void;
}

const RETRY_MS = 25;
const SQLITE_BUSY = 5;

/** Makes this process the only one that may start a server here, once the last one is gone.
 *
 * @param waitMs how long another owner, or a server that is about to end, may take. Milliseconds
 * @param lastPid of the server that was started here last, for the error
 *
 * Rejects with `NatsServerError` `held`.
 */
export async function lockStore(
  dir: string,
  waitMs: number,
  lastPid: () => number | null,
  signal?: AbortSignal,
): Promise<StoreLock> {
  const until = performance.now() + waitMs;
  const pause = async (complaint: (pid: string) => string): Promise<void> => {
    if (performance.now() >= until) throw natsServerError("held", complaint(`${lastPid() ?? "unknown"}`));
    await wait(RETRY_MS, undefined, signal === undefined ? {} : { signal });
  };
  await makePipe(pipeIn(dir));
  let lock = tryLock(dir);
  while (lock === null) {
    await pause(
      (pid) =>
        `${dir}: another run has its nats-server here (pid ${pid}); stop that run, or give this one another --state`,
    );
    lock = tryLock(dir);
  }
  const db = lock;
  try {
    while (isHeld(dir)) {
      await pause(
        (pid) =>
          `${dir}: the nats-server of an earlier run (pid ${pid}) is still there, and two on one store would ruin it; end it with kill ${pid}`,
      );
    }
  } catch (error) {
    db.close();
    throw error;
  }
  return { release: () => db.close() };
}

/** Whether a server that was started in this directory still runs. Needs no right but to read. */
export function isHeld(dir: string): boolean {
  let fd: number;
  try {
    fd = openSync(pipeIn(dir), constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
  try {
    // Nobody writes into it. Without a holder it is at its end, with one there is nothing yet.
    readSync(fd, new Uint8Array(1));
    return false;
  } catch (error) {
    if (codeOf(error) === "EAGAIN") return true;
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** The pipe, held by this process until it is closed: to be handed to the server. */
export function holdPipe(dir: string): number {
  return openSync(pipeIn(dir), constants.O_RDWR | constants.O_NONBLOCK);
}

function pipeIn(dir: string): string {
  return join(dir, "server.alive");
}

async function makePipe(path: string): Promise<void> {
  if (isPipe(path)) return;
  try {
    await promisify(execFile)("mkfifo", ["-m", "600", path]);
  } catch (error) {
    // Another start may have made it just now.
    if (isPipe(path)) return;
    const why = error instanceof Error ? error.message.trim() : String(error);
    throw natsServerError(
      "failed",
      `${path}: cannot be made (${why}), and a named pipe has to be there, which tells whether a server runs; use a ` +
        "directory on a local file system",
    );
  }
}

function isPipe(path: string): boolean {
  try {
    return lstatSync(path).isFIFO();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** Null while another holds it. */
function tryLock(dir: string): DatabaseSync | null {
  const path = join(dir, "server.lock");
  // Made before SQLite makes it, for its owner only: whoever may read it may lock it.
  closeSync(openSync(path, "a", 0o600));
  const db = new DatabaseSync(path);
  try {
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return db;
  } catch (error) {
    db.close();
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return null;
    throw error;
  }
}
