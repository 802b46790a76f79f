// Drafts of records, small and told apart by a number.
import type { JournalDraft } from "../../../actors/ports.ts";
import { TradingSymbol } from "../../../machines/mod.ts";

export const symbolOf = (text: string): TradingSymbol => TradingSymbol.make(text);
export const BONK = symbolOf("BONK-USD");
export const SEI = symbolOf("SEI-USD");

/** RFC 3339, `second` seconds after an arbitrary start. */
export const at = (second: number): string =>
  new Date(Date.parse("2025-11-11T22:00:00.000Z") + second * 1000).toISOString();

export function draft(symbol: TradingSymbol, n: number, over: Partial<JournalDraft> = {}): JournalDraft {
  return {
    at: at(n),
    symbol,
    event: { type: "deadline.reached", symbol, at: at(n), name: `deadline ${n}` },
    path: ["failed", "backoff.waiting"],
    state: "backoff.waiting",
    commands: [{ type: "market.refresh", symbol, request_id: `request ${n}` }],
    snapshot: { value: { backoff: "waiting" }, context: { n, text: 'quo"te, \u0000, žluťoučký, 🪙' } },
    ...over,
  };
}

export const drafts = (symbol: TradingSymbol, from: number, count: number): JournalDraft[] =>
  Array.from({ length: count }, (_, index) => draft(symbol, from + index));
