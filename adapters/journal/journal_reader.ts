// Reads a ledger beside the process that writes it, for status and exports.
import { resolve } from "node:path";
import type { Journal } from "../../actors/ports.ts";
import { closedError } from "./journal_errors.ts";
import { checkMarks, ledgerIdOf } from "./ledger_layout.ts";
import { ledgerReads, type Query } from "./ledger_reads.ts";
import { ReadOnlyFile } from "./read_only_file.ts";

export type JournalReader = Omit<Journal, "append">;

/** Opens the ledger at `path` for reading, whether its writer runs or not; takes no lock and creates no file.
 *
 * Each call sees what is durable at that moment. A ledger of an older layout is read as it is.
 *
 * Rejects with `JournalError`: `io` when there is none, `corrupt` or `newer` when it cannot be read by this version.
 */
export async function openJournalReader(path: string): Promise<JournalReader> {
  const file = resolve(path);
  const readOnly = new ReadOnlyFile(file, (db) => checkMarks(db, file));
  const ledgerId = readOnly.query((db) => ledgerIdOf(db, file));
  let closed = false;
  const query: Query = (run) => {
    if (closed) throw closedError(file);
    return readOnly.query(run);
  };
  return {
    ledgerId,
    ...ledgerReads(file, query),
    async close() {
      closed = true;
      readOnly.close();
    },
  };
}
