// What the exchange tells of its markets and of the account.
import type { MarketReport } from "../../../actors/ports.ts";
import { add, type Holdings, isZero, multiply, subtract, type TradingSymbol } from "../../../machines/mod.ts";
import type { Books } from "./books.ts";
import type { Matching } from "./matching.ts";
import { type Quote, quoteAt } from "./prices.ts";
import type { PaperProduct, PaperScript } from "./script.ts";
import { spanOf, windowsAt } from "./windows.ts";

/** Balance of one currency, with what it was when the account was opened. */
export interface PaperBalance {
  readonly currency: string;
  readonly initial: string;
  readonly total: string;
  /** By open orders and by others. */
  readonly held: string;
  readonly available: string;
}

/** Dollars, and the coin that Coinbase changes into dollars one to one. */
const DOLLARS: readonly string[] = ["USD", "USDC"];

export class MarketData {
  readonly #books: Books;
  readonly #matching: Matching;
  readonly #script: PaperScript;
  readonly #openedAt: number;

  constructor(books: Books, matching: Matching, script: PaperScript) {
    this.#books = books;
    this.#matching = matching;
    this.#script = script;
    this.#openedAt = books.openedAt();
  }

  /** The rules of a product, with its status as it is at `now`; null where it is not listed. */
  product(symbol: TradingSymbol, now: number): PaperProduct | null {
    const product = this.#script.products.get(symbol);
    if (product === undefined) return null;
    return this.#has("halts", symbol, now) ? { ...product, status: "halted" } : product;
  }

  /** What orders are matched against: no faults in it. */
  quote(symbol: TradingSymbol, product: PaperProduct, now: number): Quote {
    return quoteAt(this.#script.seed, symbol, product, now);
  }

  /** What the exchange says of a market, stale or crossed where the script wants it so. */
  market(symbol: TradingSymbol, now: number): MarketReport | null {
    const product = this.product(symbol, now);
    if (product === null) return null;
    const at = this.#quotedAt(symbol, now);
    const { best_bid, best_ask } = this.quote(symbol, product, at);
    const isCrossed = this.#has("crossed", symbol, now);
    const { base_increment, price_increment, base_min_size, quote_min_size, status } = product;
    return {
      symbol,
      quoted_at: new Date(at).toISOString(),
      best_bid: isCrossed ? best_ask : best_bid,
      best_ask: isCrossed ? best_bid : best_ask,
      available: this.#matching.available(baseOf(symbol)),
      product: { base_increment, price_increment, base_min_size, quote_min_size, status },
    };
  }

  /** Every currency of which the account has anything. */
  holdings(now: number): Holdings["positions"] {
    return this.#books.balances().flatMap(({ currency, total }) => {
      if (isZero(total)) return [];
      const symbol = this.#productOf(currency);
      const price_usd = this.#priceUsd(currency, symbol, now);
      return [{ currency, symbol, balance: total, available: this.#matching.available(currency), price_usd }];
    });
  }

  balances(): readonly PaperBalance[] {
    return this.#books.balances().map(({ currency, initial, total, held_elsewhere }) => {
      const held = add(held_elsewhere, this.#matching.heldByOrders(currency));
      return { currency, initial, total, held, available: subtract(total, held) };
    });
  }

  /** The product to sell through: into dollars where that is listed. */
  #productOf(currency: string): TradingSymbol | null {
    const symbols = [...this.#script.products.keys()].filter((symbol) => baseOf(symbol) === currency);
    const intoDollars = DOLLARS.flatMap((quote) => symbols.filter((symbol) => quoteOf(symbol) === quote));
    return intoDollars[0] ?? symbols[0] ?? null;
  }

  #priceUsd(currency: string, symbol: TradingSymbol | null, now: number): string | null {
    if (DOLLARS.includes(currency)) return "1";
    const product = symbol === null ? undefined : this.#script.products.get(symbol);
    if (symbol === null || product === undefined) return null;
    const { mid } = this.quote(symbol, product, now);
    if (DOLLARS.includes(quoteOf(symbol))) return mid;
    const inDollars = this.#productOf(quoteOf(symbol));
    const rate = inDollars === null || !DOLLARS.includes(quoteOf(inDollars)) ? undefined : inDollars;
    const rated = rate === undefined ? undefined : this.#script.products.get(rate);
    if (rate === undefined || rated === undefined) return null;
    return multiply(mid, this.quote(rate, rated, now).mid);
  }

  #quotedAt(symbol: TradingSymbol, now: number): number {
    const stale = this.#script.stale_quotes.filter((window) => window.symbol === symbol);
    const [window] = windowsAt(stale, this.#openedAt, now);
    return window === undefined ? now : spanOf(window, this.#openedAt).start;
  }

  #has(fault: "halts" | "crossed", symbol: TradingSymbol, now: number): boolean {
    const windows = this.#script[fault].filter((window) => window.symbol === symbol);
    return windowsAt(windows, this.#openedAt, now).length > 0;
  }
}

export function baseOf(symbol: TradingSymbol): string {
  return symbol.slice(0, symbol.indexOf("-"));
}

function quoteOf(symbol: TradingSymbol): string {
  return symbol.slice(symbol.indexOf("-") + 1);
}
