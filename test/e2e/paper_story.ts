// A paper account in which much goes wrong, as configuration files; and what a ledger and an exchange tell of its run.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openPaperExchange, readPaperScript } from "../../adapters/exchange/mod.ts";
import { openJournalReader } from "../../adapters/journal/mod.ts";
import { virtualClock } from "../../adapters/clock/mod.ts";
import { add, PurgeContext } from "../../machines/mod.ts";
import { Schema } from "effect";

/** What befalls the orders of a symbol, in order; afterwards they fill. */
const FATES: readonly string[] = [
  "[{ repeat: 4, steps: [{ no_fill: true }, { reject: { code: INVALID_ORDER_CONFIGURATION } }] }]",
  "[{ partial: { fraction: 0.4, then: rest } }, { reject: { code: INVALID_SIZE_PRECISION } }, { fill_during_cancel: 0.5 }]",
  "[{ reject: { code: INVALID_LIMIT_PRICE_POST_ONLY }, repeat: 2 }, { fill: { parts: [0.5, 0.5] } }]",
  "[{ unknown: { happened: true } }, { unknown: { happened: false } }, { partial: { fraction: 0.3, then: cancel } }]",
  "[{ reject: { code: INVALID_PRICE_PRECISION }, repeat: 3 }, { fill_during_cancel: 0.25 }, { no_fill: true }]",
  "[{ no_fill: true }, { no_fill: true }]",
];

export interface Story {
  readonly configDir: string;
  readonly script: string;
  readonly symbols: readonly string[];
}

/** Writes the story of `count` symbols into `dir`. */
export function writeStory(dir: string, count: number): Story {
  const currencies = Array.from({ length: count }, (_, n) => `C${String(n).padStart(2, "0")}`);
  const symbols = currencies.map((currency) => `${currency}-USD`);
  mkdirSync(dir, { recursive: true });
  const accounts = currencies.map((currency, n) => `  ${currency}: ${60 + 7 * n}.${n}5`);
  const products = symbols.map(
    (symbol) =>
      `  ${symbol}: { price: 0.1563, base_increment: 0.1, price_increment: 0.0001, base_min_size: 0.1, quote_min_size: 1 }`,
  );
  const behaviour = symbols.map((symbol, n) => `  ${symbol}: ${FATES[n % FATES.length]}`);
  const script = [
    "seed: 11\nfee_bps: 60\nlatency_ms: { min: 20, max: 60 }\nfill_after_ms: 4000\naccount:\n  USD: 100",
    ...accounts,
    "products:",
    ...products,
    "behaviour:",
    ...behaviour,
  ];
  writeFileSync(join(dir, "paper.yaml"), `${script.join("\n")}\n`);
  writeFileSync(
    join(dir, "policy.yaml"),
    "portfolio_management: { max_liquidations_per_cycle: 50 }\nbackoff: { base_hours: 0.1, max_hours: 0.4 }\n",
  );
  writeFileSync(
    join(dir, "universe.yaml"),
    `tiers: { core: { symbols: [BTC-USD] } }\nexclusions:\n  never_trade: [${symbols.join(", ")}]\n`,
  );
  writeFileSync(join(dir, "app.yaml"), "log: { level: info }\n");
  return { configDir: dir, script: join(dir, "paper.yaml"), symbols };
}

/** What remains of a run, from the two files that survive it. */
export interface Remains {
  /** For each symbol: how each of its attempts ended, in order. */
  readonly outcomes: Readonly<Record<string, readonly string[]>>;
  /** For each symbol: the last state, and what its machine says was sold. */
  readonly sold: Readonly<Record<string, string>>;
  readonly states: Readonly<Record<string, string>>;
  /** For each symbol: what the exchange's own fills add up to, and what is left of the balance. */
  readonly filled: Readonly<Record<string, string>>;
  readonly left: Readonly<Record<string, string>>;
  readonly initial: Readonly<Record<string, string>>;
  /** Client order ids that were placed with more than one body. */
  readonly reusedIds: readonly string[];
  readonly records: number;
}

const contextOf = Schema.decodeUnknownSync(Schema.Struct({ context: PurgeContext }));

/** Reads both files of a paper ledger that nobody has open. */
export async function readRemains(ledgerDir: string, story: Story): Promise<Remains> {
  const outcomes: Record<string, string[]> = {};
  const sold: Record<string, string> = {};
  const states: Record<string, string> = {};
  let records = 0;
  const journal = await openJournalReader(join(ledgerDir, "journal.sqlite"));
  for await (const { symbol, seq, state, snapshot } of journal.read()) {
    records += 1;
    if (seq !== records) throw new Error(`record ${records} of the journal has seq ${seq}`);
    const { context } = contextOf(snapshot);
    const { last_outcome } = context;
    outcomes[symbol] ??= [];
    if (last_outcome !== null) {
      outcomes[symbol][last_outcome.attempt - 1] =
        `${last_outcome.kind} ${last_outcome.code}, ${context.failures} failures`;
    }
    sold[symbol] = context.sold_size;
    states[symbol] = state;
  }
  await journal.close();
  return { outcomes, sold, states, records, ...(await readExchange(ledgerDir, story)) };
}

async function readExchange(ledgerDir: string, story: Story) {
  const file = join(ledgerDir, "exchange.sqlite");
  const exchange = openPaperExchange({ file, script: readPaperScript(story.script), clock: virtualClock(0) });
  const filled: Record<string, string> = Object.fromEntries(story.symbols.map((symbol) => [symbol, "0"]));
  for (const { symbol, size } of exchange.fills()) filled[symbol] = add(filled[symbol] ?? "0", size);
  const bodies = new Map<string, Set<string>>();
  for (const request of exchange.requests()) {
    if (request.call !== "place" || request.client_order_id === null) continue;
    const known = bodies.get(request.client_order_id) ?? new Set();
    bodies.set(request.client_order_id, known.add(`${request.body}`));
  }
  const reusedIds = [...bodies].filter(([, known]) => known.size > 1).map(([id]) => id);
  const balances = exchange.balances();
  const left = Object.fromEntries(balances.map(({ currency, total }) => [`${currency}-USD`, total]));
  const initial = Object.fromEntries(
    balances.map(({ currency, initial: first }) => [`${currency}-USD`, first]),
  );
  await exchange.close();
  return { filled, left, initial, reusedIds };
}
