// What group commit buys: `npm run bench -- journal`. Rates and their ratios within one run, because the rates alone say
// more about the disk than about the journal.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JournalDraft } from "../../actors/ports.ts";
import { openJournalReader, openSqliteJournal } from "../../adapters/journal/mod.ts";
import { TradingSymbol } from "../../machines/mod.ts";
import type { BenchOptions } from "./run.ts";

const GROUP_SIZES = [1, 64, 256] as const;
const MEASURE_MS = 2_000;
const MANY_SYMBOLS = 100_000;

type Say = (line: string) => void;
interface Appended {
  readonly symbols: number;
  readonly groupSize: number;
  readonly recordsPerSecond: number;
}

export async function benchJournal({ json }: BenchOptions): Promise<object> {
  const say: Say = (line) => {
    if (!json) console.log(line);
  };
  const many = Array.from({ length: MANY_SYMBOLS }, (_, index) => TradingSymbol.make(`S${index}-USD`));
  const appended = [await appending(many.slice(0, 20), say), await appending(many, say)].flat();
  return { appended, recovery: await recovering(many, say) };
}

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

async function appending(symbols: readonly TradingSymbol[], say: Say): Promise<readonly Appended[]> {
  const all: Appended[] = [];
  for (const groupSize of GROUP_SIZES) {
    const recordsPerSecond = await appendRate(groupSize, symbols);
    all.push({ symbols: symbols.length, groupSize, recordsPerSecond });
    const ratio = `${(recordsPerSecond / (all[0]?.recordsPerSecond ?? Number.NaN)).toFixed(1)}x`;
    const group = `${symbols.length} symbols, groups of ${String(groupSize).padStart(3)}`;
    say(`append, ${group}: ${recordsPerSecond.toFixed(0).padStart(7)} records/s ${ratio.padStart(7)}`);
  }
  return all;
}

/** What a start costs with two records of each of many symbols, milliseconds by what is done. */
async function recovering(symbols: readonly TradingSymbol[], say: Say): Promise<object> {
  const took: Record<string, number> = {};
  const timed = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
    const since = performance.now();
    const answer = await run();
    took[name] = performance.now() - since;
    say(`${name}: ${took[name].toFixed(0)} ms`);
    return answer;
  };
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
    await timed("lastAt", () => journal.lastAt());
    await timed(`read, ${2 * symbols.length} records`, async () => {
      for await (const _ of journal.read());
    });
    const reader = await timed("open a reader beside the writer", () => openJournalReader(file));
    await timed("lastAt through the reader", () => reader.lastAt());
    await reader.close();
    await journal.close();
  });
  return took;
}
