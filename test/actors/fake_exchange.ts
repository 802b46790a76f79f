// An exchange that does what it is told: a script of answers for each kind of request, and sense where it has run out.
import { Effect } from "effect";
import {
  type Clock,
  type Exchange,
  type MarketReport,
  OrderNotFound,
  type OrderRef,
  type OrderReport,
  Refused,
  Unreachable,
} from "../../actors/ports.ts";
import { ClientOrderId, type Holdings, type OrderRequest, TradingSymbol } from "../../machines/mod.ts";

export type Failure = Refused | Unreachable | OrderNotFound;
type Positions = Holdings["positions"];

/** One request as it arrived, at epoch milliseconds. */
export interface Call {
  readonly what: "place" | "cancel" | "order" | "market" | "holdings";
  readonly of: string;
  readonly at: number;
}

/** Answers in order of use, each used once. */
export interface Script {
  readonly place: ((order: OrderRequest) => Effect.Effect<OrderReport, Refused | Unreachable>)[];
  readonly cancel: ((ref: OrderRef) => Effect.Effect<OrderReport, Failure>)[];
  readonly order: ((ref: OrderRef) => Effect.Effect<OrderReport, Failure>)[];
  readonly market: ((symbol: TradingSymbol) => Effect.Effect<MarketReport, Refused | Unreachable>)[];
  readonly holdings: (() => Effect.Effect<Positions, Refused | Unreachable>)[];
}

export class FakeExchange implements Exchange {
  readonly calls: Call[] = [];
  readonly script: Script = { place: [], cancel: [], order: [], market: [], holdings: [] };
  /** The orders that exist, by client order id. */
  readonly orders = new Map<string, OrderReport>();
  /** Requests under way, and the most there ever were. */
  underWay = 0;
  mostUnderWay = 0;
  positions: Positions = [];
  readonly #clock: Clock;
  readonly #listeners = new Set<(report: OrderReport) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** How often this was asked. */
  count(what: Call["what"]): number {
    return this.calls.filter((call) => call.what === what).length;
  }

  /** Changes an order, as trading does: one revision further. */
  change(id: string, change: Partial<OrderReport>): OrderReport {
    const before = this.orders.get(id);
    if (before === undefined) throw new Error(`no order ${id}`);
    const after = { ...before, revision: before.revision + 1, ...change };
    this.orders.set(id, after);
    return after;
  }

  push(report: OrderReport): void {
    for (const listener of this.#listeners) listener(report);
  }

  place(order: OrderRequest): Effect.Effect<OrderReport, Refused | Unreachable> {
    const id = order.client_order_id;
    return this.#asked(
      "place",
      id,
      this.script.place.shift()?.(order) ?? Effect.sync(() => this.create(order)),
    );
  }

  cancel(ref: OrderRef): Effect.Effect<OrderReport, Failure> {
    const id = ref.client_order_id;
    const cancelled = Effect.suspend(() => {
      const known = this.orders.get(id);
      if (known === undefined) return Effect.fail(notFound(id));
      return Effect.succeed(known.status === "open" ? this.change(id, { status: "cancelled" }) : known);
    });
    return this.#asked("cancel", id, this.script.cancel.shift()?.(ref) ?? cancelled);
  }

  order(ref: OrderRef): Effect.Effect<OrderReport, Failure> {
    const id = ref.client_order_id;
    const known = Effect.suspend(() => {
      const report = this.orders.get(id);
      return report === undefined ? Effect.fail(notFound(id)) : Effect.succeed(report);
    });
    return this.#asked("order", id, this.script.order.shift()?.(ref) ?? known);
  }

  market(symbol: TradingSymbol): Effect.Effect<MarketReport, Refused | Unreachable> {
    const read = Effect.sync(() => marketReport(symbol, this.#clock.now()));
    return this.#asked("market", symbol, this.script.market.shift()?.(symbol) ?? read);
  }

  holdings(): Effect.Effect<Positions, Refused | Unreachable> {
    const read = Effect.sync(() => this.positions);
    return this.#asked("holdings", "", this.script.holdings.shift()?.() ?? read);
  }

  onOrder(listener: (report: OrderReport) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {}

  /** Idempotent by client order id, as an exchange is. */
  create(order: OrderRequest): OrderReport {
    const report = this.orders.get(order.client_order_id) ?? orderReport(order);
    this.orders.set(order.client_order_id, report);
    return report;
  }

  #asked<A, E>(what: Call["what"], of: string, answer: Effect.Effect<A, E>): Effect.Effect<A, E> {
    this.calls.push({ what, of, at: this.#clock.now() });
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    return Effect.ensuring(
      answer,
      Effect.sync(() => {
        this.underWay -= 1;
      }),
    );
  }
}

export function symbolOf(text: string): TradingSymbol {
  return TradingSymbol.make(text);
}

/** The order number `n` of a symbol. */
export function orderRequest(symbol = "BONK-USD", n = 1): OrderRequest {
  return {
    client_order_id: ClientOrderId.make(`00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`),
    symbol: symbolOf(symbol),
    side: "SELL",
    kind: "post_only",
    base_size: "100",
    limit_price: "0.5",
  };
}

/** An open order without fills. */
export function orderReport(order: OrderRequest, over: Partial<OrderReport> = {}): OrderReport {
  return {
    client_order_id: order.client_order_id,
    order_id: `at-exchange-${order.client_order_id.slice(-4)}`,
    symbol: order.symbol,
    revision: 0,
    status: "open",
    filled_size: "0",
    filled_value: "0",
    fee: "0",
    rejection: null,
    ...over,
  };
}

export function marketReport(
  symbol: TradingSymbol,
  at: number,
  over: Partial<MarketReport> = {},
): MarketReport {
  return {
    symbol,
    quoted_at: new Date(at).toISOString(),
    best_bid: "0.49",
    best_ask: "0.51",
    available: "1000",
    product: {
      base_increment: "1",
      price_increment: "0.01",
      base_min_size: "1",
      quote_min_size: "1",
      status: "online",
    },
    ...over,
  };
}

export function refused(code: string, over: Partial<Refused> = {}): Refused {
  const { message = `said ${code}`, details = null, preview_failure = null, raw_response = null } = over;
  return new Refused({ code, message, details, preview_failure, raw_response });
}

export function unreachable(
  kind: Unreachable["kind"],
  arrived: Unreachable["arrived"] = "no",
  retry_after_ms: number | null = null,
): Unreachable {
  const message = `${kind}, arrived: ${arrived}`;
  return new Unreachable({ arrived, kind, message, retry_after_ms, raw_response: null });
}

export function notFound(id: string): OrderNotFound {
  return new OrderNotFound({ client_order_id: id, message: `no order ${id}` });
}
