// A short look at a ledger beside whoever writes there.
import { JournalError, type JournalRecord } from "../../actors/ports.ts";
import { openJournalReader } from "./journal_reader.ts";

/** The last record of each symbol. Rejects with `JournalError` when there is no ledger to read. */
export async function latestRecords(path: string): Promise<readonly JournalRecord[]> {
  const reader = await openJournalReader(path);
  try {
    return await reader.latest();
  } finally {
    await reader.close();
  }
}

/** When the last record was written, epoch milliseconds; null without one, or without a ledger that can be read: opening
 * it for writing says what is wrong with it. */
export async function ledgerTime(path: string): Promise<number | null> {
  try {
    const reader = await openJournalReader(path);
    try {
      const at = await reader.lastAt();
      return at === null ? null : Date.parse(at);
    } finally {
      await reader.close();
    }
  } catch (error) {
    if (error instanceof JournalError) return null;
    throw error;
  }
}
