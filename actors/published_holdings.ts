// What another bot says the account holds: taken only where nothing about it is doubtful, because what is sold follows from it.
import { isDeepStrictEqual } from "node:util";
import type { HoldingsPublished, Position } from "../machines/mod.ts";
import { baseOf } from "./eligibility.ts";

/** Whose holdings the cycle uses in place of the gateway's. */
export interface HoldingsSource {
  readonly name: string;
  /** A message older than this is not acted on, milliseconds. */
  readonly maxAgeMs: number;
}

export type Verdict =
  | { readonly what: "accepted" }
  /** The last message once more. */
  | { readonly what: "repeated" }
  | { readonly what: "refused"; readonly reason: string };

/** How far the other's clock may be ahead of ours. */
const AHEAD_MS = 5_000;

/** @param now epoch milliseconds
 * @param last the last message that was accepted */
export function judgePublished(
  message: HoldingsPublished,
  last: HoldingsPublished | null,
  source: HoldingsSource,
  now: number,
): Verdict {
  if (last !== null && isDeepStrictEqual(message, last)) return { what: "repeated" };
  const reason =
    strangeness(message, source) ??
    outOfOrder(message, last) ??
    outOfTime(message, source, now) ??
    doubtfulPositions(message.positions) ??
    doubtfulLists(message);
  return reason === null ? { what: "accepted" } : { what: "refused", reason };
}

/** Why such positions must not be acted on, whoever read them; null when they may. */
export function doubtfulPositions(positions: readonly Position[]): string | null {
  const seen = new Set<string>();
  for (const { currency, symbol } of positions) {
    if (seen.has(currency)) return `${currency} is listed twice: which balance is right cannot be told`;
    seen.add(currency);
    if (symbol !== null && baseOf(symbol) !== currency) {
      return `the position in ${currency} is to be sold as ${symbol}, which sells ${baseOf(symbol)}`;
    }
  }
  return null;
}

function strangeness({ source }: HoldingsPublished, { name }: HoldingsSource): string | null {
  return source === name ? null : `holdings.source in policy.yaml names ${name}, not ${source}`;
}

function outOfOrder({ sequence, at }: HoldingsPublished, last: HoldingsPublished | null): string | null {
  if (last === null) return null;
  if (sequence <= last.sequence) {
    return `sequence ${sequence} is not above ${last.sequence}, the last one; it has to grow, over restarts too`;
  }
  return Date.parse(at) < Date.parse(last.at)
    ? `sequence ${sequence} was read at ${at}, before the one it follows (${last.at})`
    : null;
}

function outOfTime({ at }: HoldingsPublished, { maxAgeMs }: HoldingsSource, now: number): string | null {
  const ageMs = now - Date.parse(at);
  if (ageMs > maxAgeMs) return `read at ${at}, ${seconds(ageMs)} s ago; ${seconds(maxAgeMs)} s are allowed`;
  if (ageMs < -AHEAD_MS) {
    return `read at ${at}, ${seconds(-ageMs)} s from now; set the clocks of both machines right`;
  }
  return null;
}

function doubtfulLists({ eligible, excluded }: HoldingsPublished): string | null {
  if (eligible?.length === 0)
    return "the eligible set is empty, which is taken for a mistake; null means none";
  const staying = new Set(eligible);
  const both = excluded?.find((symbol) => staying.has(symbol));
  return both === undefined ? null : `${both} is both eligible and excluded`;
}

/** Whole seconds, rounded up: an age over its limit is never shown as the limit. */
export function seconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}
