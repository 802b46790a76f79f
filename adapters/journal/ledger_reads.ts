// The reading half of a journal in SQLite, shared by its writer and by readers beside it.
import type { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Journal, JournalRecord } from "../../actors/ports.ts";
import { LAYOUT_WITH_LATEST, lastAtOf, lastSeq, layoutVersion } from "./ledger_layout.ts";
import { decodeRow, type StoredRow } from "./record_row.ts";

/** Runs a reading function on the file. Throws `JournalError`. */
export type Query = <T>(run: (db: DatabaseSync) => T) => T;

/** Rows taken at a time: a reader's memory, and how long it keeps the event loop from other work. */
const BATCH_ROWS = 128;

const COLUMNS = "seq, at, symbol, event, path, state, commands, snapshot";
const FROM_LATEST = "SELECT seq FROM latest";
const FROM_RECORDS = "SELECT max(seq) FROM records GROUP BY symbol";

export function ledgerReads(file: string, query: Query): Pick<Journal, "latest" | "read" | "lastAt"> {
  return {
    async latest() {
      return query((db) => {
        const seqs = layoutVersion(db) >= LAYOUT_WITH_LATEST ? FROM_LATEST : FROM_RECORDS;
        const rows = db.prepare(`SELECT ${COLUMNS} FROM records WHERE seq IN (${seqs}) ORDER BY seq`);
        const records: JournalRecord[] = [];
        for (const row of rows.iterate()) records.push(decodeRow(file, row));
        return records;
      });
    },
    async *read({ symbol, afterSeq = 0, limit = Number.POSITIVE_INFINITY } = {}) {
      const upTo = query(lastSeq);
      let after = afterSeq;
      let left = limit;
      while (left > 0) {
        const rowsMax = Math.min(left, BATCH_ROWS);
        const rows = query((db) => batch(db, symbol ?? null, after, upTo, rowsMax));
        for (const row of rows) {
          const record = decodeRow(file, row);
          after = record.seq;
          yield record;
        }
        left -= rows.length;
        if (rows.length < rowsMax) return;
        await nextTurn();
      }
    },
    async lastAt() {
      return query(lastAtOf);
    },
  };
}

function batch(
  db: DatabaseSync,
  symbol: string | null,
  after: number,
  upTo: number,
  rowsMax: number,
): StoredRow[] {
  const range = "seq > ? AND seq <= ? ORDER BY seq LIMIT ?";
  return symbol === null
    ? db.prepare(`SELECT ${COLUMNS} FROM records WHERE ${range}`).all(after, upTo, rowsMax)
    : db
        .prepare(`SELECT ${COLUMNS} FROM records WHERE symbol = ? AND ${range}`)
        .all(symbol, after, upTo, rowsMax);
}
