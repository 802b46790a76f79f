// The journal in memory, for tests and dry runs: the same contract, and what is read back is a copy made by way of
// JSON, so that nothing works here that would not work on disk.
import { randomUUID } from "node:crypto";
import type { Journal, JournalRecord } from "../../actors/ports.ts";
import { closedError, refusal } from "./journal_errors.ts";
import { decodeRow, encodeDraft, type RecordRow } from "./record_row.ts";

/** What stands in for the disk: it outlives the journals that are opened on it, one at a time. */
export interface MemoryLedger {
  readonly ledgerId: string;
  /** Record n is row n - 1. */
  readonly rows: RecordRow[];
  isLocked: boolean;
}

export function memoryLedger(ledgerId: string = randomUUID()): MemoryLedger {
  return { ledgerId, rows: [], isLocked: false };
}

const NAME = "memory journal";

/** Opens `ledger`, or a new one. Throws `JournalError` `locked` when it is open already. */
export function memoryJournal({ ledger = memoryLedger() }: { readonly ledger?: MemoryLedger } = {}): Journal {
  if (ledger.isLocked)
    throw refusal("locked", `${NAME}: this ledger is open already; close that journal first`);
  ledger.isLocked = true;
  const { ledgerId, rows } = ledger;
  let closed = false;
  const check = (): void => {
    if (closed) throw closedError(NAME);
  };
  const record = (row: RecordRow, index: number): JournalRecord =>
    decodeRow(NAME, { ...row, seq: index + 1 });
  return {
    ledgerId,
    async append(drafts) {
      check();
      const seqBefore = rows.length;
      rows.push(...drafts.map((draft) => encodeDraft(NAME, draft)));
      return drafts.map((draft, index) => ({ ...draft, seq: seqBefore + 1 + index }));
    },
    async latest() {
      check();
      const last = new Map<string, number>();
      for (const [index, row] of rows.entries()) last.set(row.symbol, index);
      return rows.flatMap((row, index) => (last.get(row.symbol) === index ? [record(row, index)] : []));
    },
    async *read({ symbol, afterSeq = 0, limit = Number.POSITIVE_INFINITY } = {}) {
      check();
      let left = limit;
      for (const [index, row] of rows.slice(0).entries()) {
        if (left <= 0) return;
        if (index < afterSeq || (symbol !== undefined && row.symbol !== symbol)) continue;
        check();
        left -= 1;
        yield record(row, index);
      }
    },
    async lastAt() {
      check();
      return rows.reduce<string | null>((max, row) => (max === null || row.at > max ? row.at : max), null);
    },
    async close() {
      if (closed) return;
      closed = true;
      ledger.isLocked = false;
    },
  };
}
