// The public face of the journals.
export { type JournalReader, openJournalReader } from "./journal_reader.ts";
export { latestRecords, ledgerTime } from "./ledger_glance.ts";
export { ledgerHolder } from "./ledger_lock.ts";
export { type MemoryLedger, memoryJournal, memoryLedger } from "./memory_journal.ts";
export { openSqliteJournal, type SqliteJournalOptions } from "./sqlite_journal.ts";
