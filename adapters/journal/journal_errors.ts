// What SQLite and the file system say, in the words of the port.
import { JournalError } from "../../actors/ports.ts";

/** SQLite's primary result codes that mean something particular here. */
export const SQLITE_BUSY = 5;
/** The statements are sound, so this one means that a table or column which they name is not there. */
const SQLITE_ERROR = 1;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
export const SQLITE_NOTADB = 26;

/** The primary result code of an error from `node:sqlite`; null for any other error. */
export function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return null;
  return error.errcode & 0xff;
}

/** The disk gave an error in the middle of a write or a sync. Such a disk may later report success for data that it
 * has lost, so nothing more may be promised until the ledger has been opened anew. */
export function isDiskError(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_IOERR;
}

export const refusal = (reason: JournalError["reason"], message: string): JournalError =>
  new JournalError({ reason, message });

export const closedError = (file: string): JournalError =>
  refusal("closed", `${file}: this journal was closed; open it again to go on`);

/** The journal's error for whatever went wrong while `doing` something to `file`. */
export function asJournalError(file: string, doing: string, error: unknown): JournalError {
  if (error instanceof JournalError) return error;
  const said = error instanceof Error ? error.message : String(error);
  switch (sqliteCode(error)) {
    case SQLITE_ERROR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return refusal(
        "corrupt",
        `${file}: damaged, or no journal (${doing}: ${said}); restore it from a backup, or move it away to begin a new ledger`,
      );
    case SQLITE_FULL:
      return refusal(
        "io",
        `${file}: the disk is full (${doing}: ${said}); nothing was written; free some space`,
      );
    default:
      return refusal(
        "io",
        `${file}: ${doing}: ${said}; check that the directory exists, that this user may write to it, and the disk`,
      );
  }
}
