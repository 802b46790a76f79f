// Prices without a memory: each is a function of seed, symbol and time, so a restart sees the prices it would have seen.
import { BigDecimal } from "effect";
import { add, ceilTo, compare, floorTo, multiply } from "../../../machines/mod.ts";
import type { PaperProduct } from "./script_schema.ts";

export interface Quote {
  /** What a currency is valued at; on the tick, like the rest. */
  readonly mid: string;
  readonly best_bid: string;
  readonly best_ask: string;
}

/** The market in `product` at `at` (epoch milliseconds). Bid and ask are on the tick, at least one tick apart. */
export function quoteAt(seed: number, symbol: string, product: PaperProduct, at: number): Quote {
  const { price, spread_bps, volatility_bps, price_increment: tick } = product;
  const now = multiply(price, factor(1e10 + volatility_bps * wander(`${seed}:${symbol}`, at), 10));
  const best_bid = atLeast(tick, floorTo(multiply(now, factor((20_000 - spread_bps) * 5, 5)), tick));
  const ask = ceilTo(multiply(now, factor((20_000 + spread_bps) * 5, 5)), tick);
  return { mid: atLeast(tick, floorTo(now, tick)), best_bid, best_ask: atLeast(add(best_bid, tick), ask) };
}

/** A number from `min` to `max`, the same for the same `key`. */
export function drawn(key: string, min: number, max: number): number {
  return min + (hash(key) % (max - min + 1));
}

/** Lengths in milliseconds of the swings that a price is made of, and their weights. */
const SWINGS = [
  [60_000, 1],
  [900_000, 2],
  [14_400_000, 4],
] as const;
const WEIGHTS = 7;
const MILLION = 1_000_000;

/** From -1,000,000 to 1,000,000, moving smoothly and always drawn back to 0: noise between fixed points, not a sum of
 * steps, so that the price in ten years costs as much as the price in a minute. */
function wander(key: string, at: number): number {
  let sum = 0;
  for (const [length, weight] of SWINGS) {
    const bucket = Math.floor(at / length);
    const from = drawn(`${key}:${length}:${bucket}`, -MILLION, MILLION);
    const to = drawn(`${key}:${length}:${bucket + 1}`, -MILLION, MILLION);
    sum += weight * (from + Math.trunc(((to - from) * (at - bucket * length)) / length));
  }
  return Math.trunc(sum / WEIGHTS);
}

function atLeast(least: string, value: string): string {
  return compare(value, least) < 0 ? least : value;
}

/** `digits` with the decimal point `scale` places from the right. */
function factor(digits: number, scale: number): string {
  return BigDecimal.format(BigDecimal.make(BigInt(digits), scale));
}

/** FNV-1a with the finish of MurmurHash3: 32 bits in which neighbouring keys have nothing in common. */
function hash(key: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < key.length; i += 1) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
