// The journal as one life of the supervisor has it: a disk that may stall, fail, or lie about having failed.
import { type Journal, JournalError, type JournalRecord } from "../actors/ports.ts";
import { type MemoryLedger, memoryJournal } from "../adapters/journal/mod.ts";
import type { Chance } from "./chance.ts";
import type { Faults } from "./faults.ts";
import { forever, type Life } from "./life.ts";
import type { WorldClock } from "./sim_clock.ts";

export interface JournalDoorOptions {
  readonly life: Life;
  readonly ledger: MemoryLedger;
  readonly clock: WorldClock;
  readonly chance: Chance;
  readonly faults: Faults;
  /** Records are on disk, whatever the writer hears of it. */
  readonly onDurable: (records: readonly JournalRecord[]) => void;
}

/** An fsync of a good disk. */
const WRITE_MS = 2;
const STALL_MS = 40_000;

export function openJournalDoor(options: JournalDoorOptions): Journal {
  const { life, ledger, clock, chance, faults, onDurable } = options;
  const journal = memoryJournal({ ledger });
  const took = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve));
  return {
    ledgerId: journal.ledgerId,
    async append(drafts) {
      clock.touch();
      if (life.diesAt("before a write")) return forever();
      const isStalled = faults.strikes("journal.stall", "write");
      await took(isStalled ? chance.integer("stall", WRITE_MS, STALL_MS) : WRITE_MS);
      if (!life.isAlive) return forever();
      if (faults.strikes("journal.failed", "write")) throw failed("nothing was written");
      const records = await journal.append(drafts);
      onDurable(records);
      if (life.diesAt("after a write")) return forever();
      if (faults.strikes("journal.unsure", "write"))
        throw failed("the disk does not say whether it was written");
      return records;
    },
    latest: () => (life.isAlive ? journal.latest() : forever()),
    read: (filter) => journal.read(filter),
    lastAt: () => journal.lastAt(),
    close: () => (life.isAlive ? journal.close() : forever()),
  };
}

function failed(message: string): JournalError {
  return new JournalError({ reason: "io", message });
}
