// What must be true of every order that is sent, and of every one that the exchange takes.
import {
  type ClientOrderId,
  compare,
  floorTo,
  type OrderRequest,
  type TradingSymbol,
  type VenueState,
} from "../machines/mod.ts";
import type { ExchangeView } from "./exchange_view.ts";
import type { Plan } from "./plan.ts";
import type { RecordRules } from "./record_rules.ts";
import type { Whistle } from "./invariants.ts";

export class OrderRules {
  readonly exchange: ExchangeView;
  readonly #plan: Plan;
  readonly #records: RecordRules;
  readonly #whistle: Whistle;
  readonly #bodies = new Map<ClientOrderId, string>();
  /** Taken by the exchange, and not known to be final. */
  readonly #open = new Map<ClientOrderId, TradingSymbol>();
  readonly #taken = new Set<ClientOrderId>();

  constructor(plan: Plan, exchange: ExchangeView, records: RecordRules, whistle: Whistle) {
    this.#plan = plan;
    this.exchange = exchange;
    this.#records = records;
    this.#whistle = whistle;
  }

  /** @param venue the breaker as the gateway that sends it last said it is */
  sent(order: OrderRequest, venue: VenueState | null): void {
    const { symbol, client_order_id, side } = order;
    const named = `order ${client_order_id} of ${symbol}`;
    if (side !== "SELL") this.#whistle.blow("never_a_buy", `${named} is a ${side}`);
    if (!this.#plan.toGo.includes(symbol)) {
      this.#whistle.blow("only_what_must_go", `${named}: ${symbol} may stay`);
    }
    if (venue?.state === "open") {
      this.#whistle.blow("none_while_open", `${named} was sent while the breaker was open: ${venue.reason}`);
    }
    const body = JSON.stringify(order, Object.keys(order).sort());
    const before = this.#bodies.get(client_order_id);
    this.#bodies.set(client_order_id, body);
    if (before !== undefined && before !== body) {
      this.#whistle.blow("one_body_per_id", `${named} was ${before}, and is now ${body}`);
    }
  }

  arrived<A>(order: OrderRequest, serve: () => A): A {
    const { symbol, client_order_id } = order;
    const isNew = !this.#taken.has(client_order_id) && this.exchange.order(order) === null;
    if (isNew) this.#checkSize(order);
    const answer = serve();
    if (isNew && this.exchange.order(order) !== null) {
      this.#taken.add(client_order_id);
      this.#checkAlone(order);
      this.#open.set(client_order_id, symbol);
      this.#checkWanted(order);
    }
    return answer;
  }

  /** Whatever the exchange has open of a symbol is to be followed by its machine, as it stands now. */
  checkFollowed(symbol: TradingSymbol): void {
    for (const [id, of] of this.#open) {
      if (of === symbol && this.#records.liveOrder(symbol) !== id && this.exchange.isOpen(symbol, id)) {
        this.#unwanted(id, symbol, "is open");
      }
    }
  }

  #checkSize({ symbol, client_order_id, base_size, limit_price }: OrderRequest): void {
    const named = `order ${client_order_id} of ${symbol}`;
    const available = this.exchange.available(symbol);
    if (available !== null && compare(base_size, available) > 0) {
      const message = `${named} is to sell ${base_size}, and ${available} is there`;
      this.#whistle.blow("not_more_than_held", message);
    }
    const product = this.exchange.product(symbol);
    if (product === null) return;
    if (!isOn(base_size, product.base_increment) || !isOn(limit_price, product.price_increment)) {
      const message = `${named}: ${base_size} at ${limit_price} is not on ${product.base_increment} and ${product.price_increment}`;
      this.#whistle.blow("on_increment", message);
    }
  }

  #checkAlone({ symbol, client_order_id }: OrderRequest): void {
    for (const [id, of] of this.#open) {
      if (this.exchange.isOpen(of, id)) {
        if (of !== symbol) continue;
        const message = `order ${client_order_id} of ${symbol} was taken while ${id} was open`;
        this.#whistle.blow("one_live_order", message);
      } else this.#open.delete(id);
    }
  }

  /** A symbol that rests, is suspended, or has long another order, wants none. */
  #checkWanted({ symbol, client_order_id }: OrderRequest): void {
    if (this.#records.liveOrder(symbol) !== client_order_id) {
      this.#unwanted(client_order_id, symbol, "was taken");
    }
  }

  #unwanted(id: ClientOrderId, symbol: TradingSymbol, what: string): void {
    const state = this.#records.last(symbol)?.state ?? "unknown";
    const message = `order ${id} of ${symbol} ${what}, and ${symbol} is ${state} and has no such order`;
    this.#whistle.blow("order_is_wanted", message);
  }
}

function isOn(value: string, increment: string): boolean {
  return compare(floorTo(value, increment), value) === 0;
}
