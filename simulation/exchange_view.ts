// The simulated exchange as nobody else sees it: what is there, without waiting and without being counted.
import { Effect, Exit } from "effect";
import type { PaperExchange } from "../adapters/exchange/mod.ts";
import {
  add,
  type ClientOrderId,
  multiply,
  type OrderRequest,
  type Product,
  type TradingSymbol,
} from "../machines/mod.ts";

export class ExchangeView {
  readonly #paper: PaperExchange;

  constructor(paper: PaperExchange) {
    this.#paper = paper;
  }

  /** What may be sold of it; null where its market cannot be read. */
  available(symbol: TradingSymbol): string | null {
    return Exit.match(Effect.runSyncExit(this.#paper.market(symbol)), {
      onSuccess: (market) => market.available,
      onFailure: () => null,
    });
  }

  /** How it is traded; null where it is not. */
  product(symbol: TradingSymbol): Product | null {
    return Exit.match(Effect.runSyncExit(this.#paper.market(symbol)), {
      onSuccess: (market) => market.product,
      onFailure: () => null,
    });
  }

  /** Whether the exchange has this order; if so, whether it is open. */
  order({
    symbol,
    client_order_id,
  }: Pick<OrderRequest, "symbol" | "client_order_id">): "open" | "final" | null {
    const ref = { symbol, client_order_id, order_id: null };
    return Exit.match(Effect.runSyncExit(this.#paper.order(ref)), {
      onSuccess: ({ status }) => (status === "open" ? "open" : "final"),
      onFailure: () => null,
    });
  }

  /** Base currency sold, over all orders. */
  filled(symbol: TradingSymbol): string {
    const sizes = this.#paper.fills().flatMap((fill) => (fill.symbol === symbol ? [fill.size] : []));
    return sizes.reduce(add, "0");
  }

  /** What the account has of it, at the bid. */
  valueUsd(symbol: TradingSymbol): number {
    const currency = symbol.slice(0, symbol.indexOf("-"));
    const held = this.#paper.balances().find((balance) => balance.currency === currency);
    const market = Effect.runSyncExit(this.#paper.market(symbol));
    if (held === undefined || Exit.isFailure(market)) return 0;
    return Number(multiply(held.total, market.value.best_bid));
  }

  isOpen(symbol: TradingSymbol, id: ClientOrderId): boolean {
    return this.order({ symbol, client_order_id: id }) === "open";
  }
}
