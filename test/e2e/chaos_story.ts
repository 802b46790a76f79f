// An account in which orders are refused and filled in part, told in real time: how each attempt ends depends on nothing
// but the script, so that a run which is killed again and again can be compared with one that is left alone.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Story } from "./paper_story.ts";

export interface ChaosStory {
  readonly symbols: number;
  /** How often each symbol's round of troubles comes; what is left then just sells. */
  readonly rounds: number;
  /** Slices that each position is worth. More than its troubles use up. */
  readonly slices: number;
  /** How long an order rests. Longer than a dead gateway's commands take to come again, fifteen to twenty seconds, and an
   * order that was lost with it is placed anew at once; shorter, and its machine waits for a minute first. */
  readonly replaceSeconds: number;
}

const FILL_MS = 900;
const SLICE_USD = 5;
const PRICE = 0.1563;

const FILLED = `{ fill: { after_ms: ${FILL_MS} }, repeat: 2 }`;
const LATE = `{ fill: { after_ms: ${2 * FILL_MS} } }`;
/** The refusal that costs a slice and no attempt. */
export const PASSING_REFUSAL = "INVALID_LIMIT_PRICE_POST_ONLY";
/** One round of each kind. Every other refusal ends one attempt, and nothing else does. */
const ROUNDS: readonly string[] = [
  `${FILLED}, { reject: { code: INVALID_ORDER_CONFIGURATION, message: Invalid order size } }, { no_fill: true }`,
  `{ partial: { fraction: 0.4, then: rest } }, ${FILLED}, { reject: { code: INVALID_SIZE_PRECISION } }, { fill_during_cancel: 0.5 }`,
  `{ reject: { code: ${PASSING_REFUSAL} }, repeat: 2 }, ${LATE}, { reject: { code: INVALID_PRICE_PRECISION } }`,
  `{ unknown: { happened: true } }, { unknown: { happened: false } }, { partial: { fraction: 0.3, then: cancel } }, { reject: { code: INVALID_ORDER_CONFIGURATION } }`,
  `{ fill: { parts: [0.2, 0.3, 0.5], after_ms: ${FILL_MS} } }, { fill_during_cancel: 0.25 }, { reject: { code: INVALID_PRICE_PRECISION } }, ${FILLED}`,
  `{ rate_limited: 1 }, { expire: { after_ms: 500 } }, ${LATE}, { reject: { code: INVALID_SIZE_PRECISION } }`,
];

/** Writes the story into `dir`.
 *
 * Slices without a fill, and slices as such, never end an attempt here: how many there are depends on what was killed.
 */
export function writeChaosStory(
  dir: string,
  { symbols: count, rounds, slices, replaceSeconds }: ChaosStory,
): Story {
  const currencies = Array.from({ length: count }, (_, n) => `C${String(n).padStart(2, "0")}`);
  const symbols = currencies.map((currency) => `${currency}-USD`);
  mkdirSync(dir, { recursive: true });
  const units = Math.ceil((slices * SLICE_USD) / PRICE);
  const accounts = currencies.map((currency, n) => `  ${currency}: ${units + 7 * n}.${n % 10}5`);
  const products = symbols.map(
    (symbol) =>
      `  ${symbol}: { price: ${PRICE}, base_increment: 0.1, price_increment: 0.0001, base_min_size: 0.1, quote_min_size: 1 }`,
  );
  const behaviour = symbols.map(
    (symbol, n) => `  ${symbol}: [{ repeat: ${rounds}, steps: [${ROUNDS[n % ROUNDS.length]}] }]`,
  );
  const script = [
    `seed: 11\nfee_bps: 60\nlatency_ms: { min: 20, max: 60 }\nfill_after_ms: ${FILL_MS}\naccount:\n  USD: 100`,
    ...accounts,
    "products:",
    ...products,
    "behaviour:",
    ...behaviour,
  ];
  writeFileSync(join(dir, "paper.yaml"), `${script.join("\n")}\n`);
  writeFileSync(join(dir, "policy.yaml"), policy(replaceSeconds));
  writeFileSync(
    join(dir, "universe.yaml"),
    `tiers: { core: { symbols: [BTC-USD] } }\nexclusions:\n  never_trade: [${symbols.join(", ")}]\n`,
  );
  writeFileSync(join(dir, "app.yaml"), "log: { level: debug }\ngateway: { poll_seconds: 1 }\n");
  return { configDir: dir, script: join(dir, "paper.yaml"), symbols };
}

const policy = (replaceSeconds: number): string => `
portfolio_management:
  max_liquidations_per_cycle: 1000
  purge_execution:
    slice_usd: ${SLICE_USD}
    replace_seconds: ${replaceSeconds}
    max_duration_seconds: 86400
    max_slices: 10000
    max_residual_usd: 1
    max_consecutive_no_fill: 1000
loop: { interval_seconds: 1 }
microstructure: { max_quote_age_seconds: 600 }
backoff: { base_hours: 0.001, max_hours: 0.004 }
`;
