// What group commit buys: `node test/bench/journal_bench.ts`. Prints rates and their ratios within one run, because the
// rates alone say more about the disk than about the journal.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JournalDraft } from "../../actors/ports.ts";
import { openJournalReader, openSqliteJournal } from "../../adapters/journal/mod.ts";
import { TradingSymbol } from "../../machines/mod.ts";

const GROUP_SIZES = [1, 64, 256] as const;
const MEASURE_MS = 2_000;
const MANY_SYMBOLS = 100_000;

/** About the size of a real record: a snapshot of some hundred bytes. */
function draft(symbol: TradingSymbol, n: number): JournalDraft {
  const at = new Date(Date.UTC(2025, 10, 11) + n).toISOString();
  return {
    at,
    symbol,
    event: { type: "deadline.reached", symbol, at, name: `slice ${n}` },
    path: ["purging.cancelling"],
    state: "purging.cancelling",
    commands: [{ type: "market.refresh", symbol, request_id: `request ${n}` }],
    snapshot: { value: { purging: "cancelling" }, context: { n, filler: "x".repeat(800) } },
  };
}

async function inNewLedger<T>(run: (file: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "journal-bench-"));
  try {
    return await run(join(directory, "journal.sqlite"));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Records a second when they are committed `groupSize` at a time. */
async function appendRate(groupSize: number, symbols: readonly TradingSymbol[]): Promise<number> {
  return inNewLedger(async (file) => {
    const journal = await openSqliteJournal(file);
    const since = performance.now();
    let written = 0;
    while (performance.now() - since < MEASURE_MS) {
      const group: JournalDraft[] = [];
      for (let index = 0; index < groupSize; index += 1) {
        const symbol = symbols[((written + index) * 7_919) % symbols.length];
        if (symbol !== undefined) group.push(draft(symbol, written + index));
      }
      await journal.append(group);
      written += groupSize;
    }
    const rate = written / ((performance.now() - since) / 1_000);
    await journal.close();
    return rate;
  });
}

async function appending(name: string, symbols: readonly TradingSymbol[]): Promise<void> {
  let single = Number.NaN;
  for (const groupSize of GROUP_SIZES) {
    const rate = await appendRate(groupSize, symbols);
    if (groupSize === 1) single = rate;
    const ratio = `${(rate / single).toFixed(1)}x`;
    console.log(
      `append, ${name}, groups of ${String(groupSize).padStart(3)}: ${rate.toFixed(0).padStart(7)} records/s ${ratio.padStart(7)}`,
    );
  }
}

async function timed<T>(name: string, run: () => Promise<T>): Promise<T> {
  const since = performance.now();
  const answer = await run();
  console.log(`${name}: ${(performance.now() - since).toFixed(0)} ms`);
  return answer;
}

/** What a start costs with two records of each of many symbols. */
async function recovering(symbols: readonly TradingSymbol[]): Promise<void> {
  await inNewLedger(async (file) => {
    const first = await openSqliteJournal(file);
    for (let from = 0; from < 2 * symbols.length; from += 1_000) {
      const group = symbols.slice(from % symbols.length, (from % symbols.length) + 1_000);
      await first.append(group.map((symbol, index) => draft(symbol, from + index)));
    }
    await first.close();
    const journal = await timed(`open and check, ${2 * symbols.length} records`, () =>
      openSqliteJournal(file),
    );
    await timed(`latest, ${symbols.length} symbols`, () => journal.latest());
    await timed(`lastAt`, () => journal.lastAt());
    await timed(`read, ${2 * symbols.length} records`, async () => {
      for await (const _ of journal.read());
    });
    const reader = await timed("open a reader beside the writer", () => openJournalReader(file));
    await timed("lastAt through the reader", () => reader.lastAt());
    await reader.close();
    await journal.close();
  });
}

const many = Array.from({ length: MANY_SYMBOLS }, (_, index) => TradingSymbol.make(`S${index}-USD`));
await appending("20 symbols", many.slice(0, 20));
await appending("100000 symbols", many);
await recovering(many);
