// What every exchange adapter promises, fake or real: the port's contract, clause by clause.
import { randomUUID } from "node:crypto";
import { Effect, Result, Schema } from "effect";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Exchange,
  type MarketReport,
  OrderNotFound,
  type OrderRef,
  type OrderReport,
  Refused,
} from "../../../actors/ports.ts";
import {
  add,
  ClientOrderId,
  classify,
  compare,
  DecimalString,
  floorTo,
  multiply,
  type OrderRequest,
  Timestamp,
  TradingSymbol,
} from "../../../machines/mod.ts";

/** An exchange with an account to try it on. */
export interface ConformanceSubject {
  readonly exchange: Exchange;
  /** Trades freely, and the account has four of its smallest orders and more. Real money, where the exchange is real. */
  readonly symbol: TradingSymbol;
  /** Lets as much time pass as an answer or a push needs. */
  pass(): Promise<void>;
}

/** Runs the contract against what `makeExchange` gives; it is called anew for every test. */
export function exchangeConformance(name: string, makeExchange: () => Promise<ConformanceSubject>): void {
  describe(`${name} keeps the contract of an exchange`, () => {
    let at: Desk;
    beforeEach(async () => {
      at = new Desk(await makeExchange());
    });
    afterEach(() => at.exchange.close());

    describe("markets and holdings", () => marketClauses(() => at));
    describe("resting orders", () => restingClauses(() => at));
    describe("idempotence", () => idempotenceClauses(() => at));
    describe("immediate orders", () => immediateClauses(() => at));
    describe("refusals", () => refusalClauses(() => at));
  });
}

function marketClauses(desk: () => Desk): void {
  test("a market has a bid under its ask, both on the tick, and positive rules", async () => {
    const { best_bid, best_ask, product, quoted_at, available } = await desk().market();
    expect(compare(best_bid, best_ask)).toBe(-1);
    for (const price of [best_bid, best_ask]) expect(floorTo(price, product.price_increment)).toBe(price);
    for (const amount of [best_bid, best_ask, available, ...Object.values(product).slice(0, 4)]) {
      expect(Schema.is(DecimalString)(amount), amount).toBe(true);
    }
    expect(Schema.is(Timestamp)(quoted_at)).toBe(true);
  });

  test("a product that is not listed is refused, as the symbol's fault", async () => {
    const nowhere = TradingSymbol.make("NOSUCHCOIN0-USD");
    const error = await desk().fails(desk().exchange.market(nowhere));
    expect(error).toBeInstanceOf(Refused);
    if (error instanceof Refused) expect(classify(error).class).toBe("symbol");
  });

  test("holdings tell the position, what of it may be sold, and where", async () => {
    const positions = await desk().runs(desk().exchange.holdings());
    const position = positions.find(({ symbol }) => symbol === desk().symbol);
    const { available } = await desk().market();
    expect(position?.available).toBe(available);
    expect(compare(position?.available ?? "1", position?.balance ?? "0")).not.toBe(1);
    expect(compare(position?.price_usd ?? "0", "0")).toBe(1);
  });
}

function restingClauses(desk: () => Desk): void {
  test("an order far above the market rests and holds what it offers, until it is cancelled", async () => {
    const before = await desk().market();
    const order = desk().farAbove(before);
    const placed = await desk().place(order);
    expect(placed).toMatchObject({ symbol: order.symbol, status: "open", filled_size: "0", rejection: null });
    const held = await desk().market();
    expect(compare(add(held.available, order.base_size), before.available)).toBe(0);

    await desk().runs(desk().exchange.cancel(refOf(placed)));
    const ended = await desk().final(placed);
    expect(ended).toMatchObject({ status: "cancelled", filled_size: "0", filled_value: "0" });
    expect((await desk().market()).available).toBe(before.available);
  });

  test("an order is found by either of its ids", async () => {
    const placed = await desk().placeFarAbove();
    const { symbol, client_order_id, order_id } = placed;
    const byClientId = await desk().runs(desk().exchange.order({ symbol, client_order_id, order_id: null }));
    const byOrderId = await desk().runs(desk().exchange.order({ symbol, client_order_id, order_id }));
    expect([byClientId.order_id, byOrderId.client_order_id]).toEqual([order_id, client_order_id]);
    await desk().cancel(placed);
  });

  test("a revision grows with each change, and is pushed", async () => {
    const pushed: OrderReport[] = [];
    const stop = desk().exchange.onOrder((report) => pushed.push(report));
    const placed = await desk().placeFarAbove();
    const ended = await desk().cancel(placed);
    expect(ended.revision).toBeGreaterThan(placed.revision);
    await desk().until(() => pushed.some(({ revision }) => revision === ended.revision));
    const last = pushed.filter(({ client_order_id }) => client_order_id === placed.client_order_id).at(-1);
    expect(last).toEqual(ended);

    stop();
    stop();
    const heard = pushed.length;
    await desk().cancel(await desk().placeFarAbove());
    expect(pushed.length).toBe(heard);
  });

  test("cancelling an order that is final answers with its final report", async () => {
    const ended = await desk().cancel(await desk().placeFarAbove());
    expect(await desk().runs(desk().exchange.cancel(refOf(ended)))).toEqual(ended);
  });

  test("an order that never was is not found, by order and by cancel", async () => {
    const { symbol } = desk();
    const nobody: OrderRef = { symbol, client_order_id: freshId(), order_id: null };
    expect(await desk().fails(desk().exchange.order(nobody))).toBeInstanceOf(OrderNotFound);
    expect(await desk().fails(desk().exchange.cancel(nobody))).toBeInstanceOf(OrderNotFound);
  });
}

function idempotenceClauses(desk: () => Desk): void {
  test("the same order again answers with the order that exists, and holds nothing more", async () => {
    const order = desk().farAbove(await desk().market());
    const first = await desk().place(order);
    const { available } = await desk().market();
    const again = await desk().place(order);
    expect(again.order_id).toBe(first.order_id);
    expect((await desk().market()).available).toBe(available);
    const ended = await desk().cancel(first);
    expect((await desk().place(order)).revision).toBe(ended.revision);
  });

  test("another order under the same id is never taken", async () => {
    const order = desk().farAbove(await desk().market());
    const first = await desk().place(order);
    const { available } = await desk().market();
    const other = {
      ...order,
      base_size: add(order.base_size, (await desk().market()).product.base_increment),
    };
    const result = await desk().run(desk().exchange.place(other));
    const order_id = Result.isSuccess(result) ? result.success.order_id : first.order_id;
    expect(order_id).toBe(first.order_id);
    if (Result.isFailure(result)) expect(result.failure).toMatchObject({ code: "DUPLICATE_CLIENT_ORDER_ID" });
    expect((await desk().market()).available).toBe(available);
    await desk().cancel(first);
  });

  test("a refused order stays refused, with no order to be found", async () => {
    const { best_bid } = await desk().market();
    const crossing = { ...desk().farAbove(await desk().market()), limit_price: best_bid };
    const first = await desk().fails(desk().exchange.place(crossing));
    expect(await desk().fails(desk().exchange.place(crossing))).toEqual(first);
    const ref: OrderRef = { ...crossing, order_id: null };
    expect(await desk().fails(desk().exchange.order(ref))).toBeInstanceOf(OrderNotFound);
  });
}

function immediateClauses(desk: () => Desk): void {
  test("an IOC sells at no less than its limit, and is final", async () => {
    const market = await desk().market();
    const limit = floorTo(multiply(market.best_bid, "0.99"), market.product.price_increment);
    const order = { ...desk().smallest(market, limit), kind: "ioc" as const, limit_price: limit };
    const ended = await desk().final(await desk().place(order));
    expect(ended).toMatchObject({ status: "filled", filled_size: order.base_size });
    expect(compare(ended.filled_value, multiply(order.base_size, limit))).not.toBe(-1);
    const after = await desk().market();
    expect(compare(add(after.available, order.base_size), market.available)).toBe(0);
  });

  test("an IOC above the bid sells nothing and is cancelled", async () => {
    const market = await desk().market();
    const order = { ...desk().farAbove(market), kind: "ioc" as const };
    const ended = await desk().final(await desk().place(order));
    expect(ended).toMatchObject({ status: "cancelled", filled_size: "0" });
    expect((await desk().market()).available).toBe(market.available);
  });
}

function refusalClauses(desk: () => Desk): void {
  const cases: readonly [
    string,
    string,
    (order: OrderRequest, market: MarketReport) => Partial<OrderRequest>,
  ][] = [
    ["a post-only order at the bid", "requote", (_, { best_bid }) => ({ limit_price: best_bid })],
    [
      "a size off the increment",
      "symbol",
      ({ base_size }, { product }) => ({
        base_size: add(base_size, multiply(product.base_increment, "0.5")),
      }),
    ],
    [
      "a price off the tick",
      "symbol",
      ({ limit_price }, { product }) => ({
        limit_price: add(limit_price, multiply(product.price_increment, "0.5")),
      }),
    ],
    [
      "more than is available",
      "account",
      (_, { available, product }) => ({
        base_size: add(floorTo(available, product.base_increment), product.base_increment),
      }),
    ],
    ["a size of nothing", "symbol", () => ({ base_size: "0" })],
  ];
  test.each(cases)("%s is refused whole, and is the fault of the %s", async (_, fault, change) => {
    const market = await desk().market();
    const order = desk().farAbove(market);
    const error = await desk().fails(desk().exchange.place({ ...order, ...change(order, market) }));
    expect(error).toBeInstanceOf(Refused);
    if (!(error instanceof Refused)) return;
    expect(error.message).not.toBe("");
    expect(JSON.parse(error.raw_response ?? "null")).toMatchObject({ success: false, error_response: {} });
    expect(classify(error)).toMatchObject({ class: fault, classified: true });
    expect((await desk().market()).available).toBe(market.available);
  });
}

/** The subject, with calls that wait for their answers. */
class Desk {
  readonly exchange: Exchange;
  readonly symbol: TradingSymbol;
  readonly #pass: () => Promise<void>;

  constructor({ exchange, symbol, pass }: ConformanceSubject) {
    this.exchange = exchange;
    this.symbol = symbol;
    this.#pass = pass;
  }

  async run<A, E>(call: Effect.Effect<A, E>): Promise<Result.Result<A, E>> {
    const ended: Result.Result<A, E>[] = [];
    const running = Effect.runPromise(Effect.result(call)).then((result) => ended.push(result));
    await this.until(() => ended.length > 0);
    await running;
    const [result] = ended;
    if (result === undefined) throw new Error("a call ended without a result");
    return result;
  }

  async runs<A, E>(call: Effect.Effect<A, E>): Promise<A> {
    return Result.getOrThrow(await this.run(call));
  }

  async fails<A, E>(call: Effect.Effect<A, E>): Promise<E> {
    const result = await this.run(call);
    if (Result.isFailure(result)) return result.failure;
    throw new Error(`expected a failure, got ${JSON.stringify(result.success)}`);
  }

  async until(isSo: () => boolean): Promise<void> {
    for (let passes = 0; !isSo(); passes += 1) {
      if (passes === 1_000) throw new Error("this never came about");
      await this.#pass();
    }
  }

  market(): Promise<MarketReport> {
    return this.runs(this.exchange.market(this.symbol));
  }

  place(order: OrderRequest): Promise<OrderReport> {
    return this.runs(this.exchange.place(order));
  }

  async placeFarAbove(): Promise<OrderReport> {
    return this.place(this.farAbove(await this.market()));
  }

  /** Accepted is not cancelled: asks until the order is final. */
  async cancel(report: OrderReport): Promise<OrderReport> {
    await this.runs(this.exchange.cancel(refOf(report)));
    return this.final(report);
  }

  async final(report: OrderReport): Promise<OrderReport> {
    for (let asks = 0; asks < 100; asks += 1) {
      const now = await this.runs(this.exchange.order(refOf(report)));
      if (now.status !== "open") return now;
      await this.#pass();
    }
    throw new Error("the order never became final");
  }

  /** Post-only at half as much again as the ask: nobody takes it. */
  farAbove(market: MarketReport): OrderRequest {
    const price = floorTo(multiply(market.best_ask, "1.5"), market.product.price_increment);
    return { ...this.smallest(market, price), kind: "post_only", limit_price: price };
  }

  /** The smallest order that is worth enough at `price`, and half as much again. */
  smallest({ product }: MarketReport, price: string): OrderRequest {
    let size = product.base_min_size;
    while (compare(multiply(size, price), product.quote_min_size) < 0) size = multiply(size, "1.5");
    const base_size = add(floorTo(multiply(size, "1.5"), product.base_increment), product.base_increment);
    const body = { symbol: this.symbol, side: "SELL", kind: "ioc", limit_price: price, base_size } as const;
    return { client_order_id: freshId(), ...body };
  }
}

function freshId(): ClientOrderId {
  return ClientOrderId.make(randomUUID());
}

function refOf({ symbol, client_order_id, order_id }: OrderReport): OrderRef {
  return { symbol, client_order_id, order_id };
}
