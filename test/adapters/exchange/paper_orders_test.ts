// The paper exchange's own rules: what it takes, what it refuses and in which words, and what it remembers.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Refused } from "../../../actors/ports.ts";
import { add, compare, type OrderRequest, subtract, TradingSymbol } from "../../../machines/mod.ts";
import {
  answer,
  bad,
  behaviour,
  brief,
  good,
  open,
  ref,
  SEI,
  sell,
  sellNow,
  seiScript,
} from "./paper_kit.ts";

const available = (run: ReturnType<typeof open>): string | undefined =>
  run.exchange.balances().find(({ currency }) => currency === "SEI")?.available;

describe("standing rules", () => {
  const nowhere = TradingSymbol.make("NOWHERE-USD");
  const cases: readonly [string, OrderRequest, string, string | null][] = [
    [
      "an unknown product",
      sell("1", { symbol: nowhere }),
      "INVALID_PRODUCT_ID",
      "PREVIEW_INVALID_PRODUCT_ID",
    ],
    [
      "a size off the increment",
      sell("1", { base_size: "10.05" }),
      "INVALID_SIZE_PRECISION",
      "PREVIEW_INVALID_SIZE_PRECISION",
    ],
    [
      "a price off the tick",
      sell("1", { limit_price: "0.15635" }),
      "INVALID_PRICE_PRECISION",
      "PREVIEW_INVALID_PRICE_PRECISION",
    ],
    [
      "a price of nothing",
      sell("1", { limit_price: "0" }),
      "INVALID_LIMIT_PRICE",
      "PREVIEW_INVALID_LIMIT_PRICE",
    ],
    [
      "a size under the minimum",
      sell("1", { base_size: "0.4", limit_price: "9" }),
      "INVALID_ORDER_CONFIGURATION",
      "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL",
    ],
    [
      "a value under the minimum",
      sell("1", { base_size: "6" }),
      "INVALID_ORDER_CONFIGURATION",
      "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL",
    ],
    [
      "more than is there",
      sell("1", { base_size: "100.1" }),
      "INSUFFICIENT_FUND",
      "PREVIEW_INSUFFICIENT_FUND",
    ],
    [
      "a post-only order at the bid",
      sell("1", { limit_price: "0.1562" }),
      "INVALID_LIMIT_PRICE_POST_ONLY",
      "PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY",
    ],
  ];
  test.each(cases)("%s is refused", async (_, order, code, preview_failure) => {
    const run = open();
    const error = await bad(run, run.exchange.place(order));
    expect(error).toBeInstanceOf(Refused);
    expect(error).toMatchObject({ code, preview_failure });
    expect(run.exchange.orders()).toEqual([]);
    expect(run.exchange.requests()).toMatchObject([{ call: "place", answer: `Refused ${code}` }]);
  });

  test.each([
    ["halted", "post_only", "Refused PRODUCT_TRADING_HALTED"],
    ["delisted", "post_only", "Refused UNTRADABLE_PRODUCT"],
    ["cancel_only", "post_only", "Refused TRADING_DISABLED"],
    ["post_only", "ioc", "Refused UNSUPPORTED_ORDER_CONFIGURATION"],
    ["post_only", "post_only", "open"],
    ["limit_only", "ioc", "filled"],
    ["online", "ioc", "filled"],
  ] as const)("a product that is %s answers %s orders with %s", async (status, kind, answered) => {
    const run = open(seiScript().replace("quote_min_size: 1", `quote_min_size: 1, status: ${status}`));
    const order = kind === "ioc" ? sellNow("1") : sell("1");
    const call = run.exchange.place(order);
    if (answered.startsWith("Refused")) expect(brief(await bad(run, call))).toBe(answered);
    else expect((await good(run, call)).status).toBe(answered);
    expect(await good(run, run.exchange.market(SEI))).toMatchObject({ product: { status } });
  });

  test("a refusal carries the whole body in which Coinbase would have said it", async () => {
    const run = open();
    const error = await bad(run, run.exchange.place(sell("1", { base_size: "100.1" })));
    if (!(error instanceof Refused)) throw error;
    expect(JSON.parse(error.raw_response ?? "")).toEqual({
      success: false,
      failure_reason: "UNKNOWN_FAILURE_REASON",
      error_response: {
        error: "INSUFFICIENT_FUND",
        message: "Insufficient balance in source account",
        error_details: "100.1 wanted, 100 available",
        preview_failure_reason: "PREVIEW_INSUFFICIENT_FUND",
        new_order_failure_reason: "INSUFFICIENT_FUND",
      },
    });
  });

  test("what others hold is part of the balance and not for sale", async () => {
    const run = open(seiScript().replace("SEI: 100", "SEI: { balance: 36.4, hold: 0.2 }"));
    expect(await good(run, run.exchange.market(SEI))).toMatchObject({ available: "36.2" });
    expect(brief(await bad(run, run.exchange.place(sell("1", { base_size: "36.3" }))))).toBe(
      "Refused INSUFFICIENT_FUND",
    );
    await good(run, run.exchange.place(sell("2", { base_size: "36.2" })));
    const [sei] = await good(run, run.exchange.holdings());
    expect(sei).toEqual({
      currency: "SEI",
      symbol: SEI,
      balance: "36.4",
      available: "0",
      price_usd: "0.1563",
    });
  });

  test("open orders hold what they offer, over all products of a currency", async () => {
    const usdc =
      "\n  SEI-USDC: { price: 0.1563, base_increment: 0.1, price_increment: 0.0001, base_min_size: 1, quote_min_size: 1 }\n";
    const run = open(seiScript() + usdc);
    await good(run, run.exchange.place(sell("1", { base_size: "60" })));
    const other = sell("2", { symbol: TradingSymbol.make("SEI-USDC"), base_size: "41" });
    expect(brief(await bad(run, run.exchange.place(other)))).toBe("Refused INSUFFICIENT_FUND");
    expect(available(run)).toBe("40");
  });
});

describe("a client order id", () => {
  test("names one order for ever: the same body finds it, open or filled", async () => {
    const run = open();
    const placed = await good(run, run.exchange.place(sell("1")));
    expect(await good(run, run.exchange.place(sell("1")))).toEqual(placed);
    await run.clock.advance(1_000);
    const again = await good(run, run.exchange.place(sell("1")));
    expect(again).toMatchObject({ order_id: placed.order_id, status: "filled", filled_size: "10" });
    expect(run.exchange.orders()).toHaveLength(1);
  });

  test.each([
    ["size", { base_size: "10.1" }],
    ["price", { limit_price: "0.1564" }],
    ["kind", { kind: "ioc" }],
    ["product", { symbol: TradingSymbol.make("OTHER-USD") }],
  ] as const)("with another %s is refused, and on record", async (_, change) => {
    const run = open();
    await good(run, run.exchange.place(sell("1")));
    const error = await bad(run, run.exchange.place(sell("1", change)));
    expect(brief(error)).toBe("Refused DUPLICATE_CLIENT_ORDER_ID");
    const bodies = run.exchange.requests().map(({ body, answer }) => [JSON.parse(body ?? ""), answer]);
    expect(bodies).toEqual([
      [sell("1"), "open"],
      [sell("1", change), "Refused DUPLICATE_CLIENT_ORDER_ID"],
    ]);
    expect(await good(run, run.exchange.place(sell("1")))).toMatchObject({ status: "open" });
  });

  test("that was refused is refused again, although the order would now be taken", async () => {
    const run = open();
    await good(run, run.exchange.place(sell("all", { base_size: "100" })));
    const first = await bad(run, run.exchange.place(sell("1")));
    await good(run, run.exchange.cancel(ref("all")));
    expect(available(run)).toBe("100");
    expect(await bad(run, run.exchange.place(sell("1")))).toEqual(first);
  });

  test("that was refused is judged anew by an exchange that forgets its refusals, and is then an order like any other", async () => {
    const run = open(`refusals: forgotten${seiScript()}`);
    await good(run, run.exchange.place(sell("all", { base_size: "100" })));
    await bad(run, run.exchange.place(sell("1")));
    await bad(run, run.exchange.place(sell("1")));
    await good(run, run.exchange.cancel(ref("all")));
    expect(await good(run, run.exchange.place(sell("1")))).toMatchObject({ status: "open" });
    expect(await good(run, run.exchange.place(sell("1")))).toMatchObject({ status: "open" });
    expect(run.exchange.orders()).toHaveLength(2);
  });

  test("that was refused finds no order", async () => {
    const run = open();
    await bad(run, run.exchange.place(sell("1", { base_size: "1000" })));
    expect(brief(await bad(run, run.exchange.order(ref("1"))))).toBe("OrderNotFound");
    expect(brief(await bad(run, run.exchange.cancel(ref("1"))))).toBe("OrderNotFound");
  });
});

describe("money", () => {
  test("a fill takes the size from the base and gives value less fee to the quote, to the last decimal", async () => {
    const run = open(`fee_bps: 60${seiScript()}`);
    await good(run, run.exchange.place(sell("1", { base_size: "33.3" })));
    await run.clock.advance(1_000);
    const filled = await good(run, run.exchange.order(ref("1")));
    expect(filled).toMatchObject({ filled_size: "33.3", filled_value: "5.20479", fee: "0.03122874" });
    expect(run.exchange.fills()).toMatchObject([
      { size: "33.3", price: "0.1563", value: "5.20479", fee: "0.03122874" },
    ]);
    expect(run.exchange.balances()).toMatchObject([
      { currency: "SEI", initial: "100", total: "66.7", held: "0", available: "66.7" },
      { currency: "USD", initial: "10", total: "15.17356126" },
    ]);
  });

  test("an IOC sells at the bid down to its limit, and not a tick below", async () => {
    const run = open();
    expect(await good(run, run.exchange.place(sellNow("at", { limit_price: "0.1562" })))).toMatchObject({
      status: "filled",
      filled_value: "1.562",
    });
    expect(await good(run, run.exchange.place(sellNow("above", { limit_price: "0.1563" })))).toMatchObject({
      status: "cancelled",
      filled_size: "0",
    });
  });

  test("a currency of which nothing is left is no holding, and one that came in is", async () => {
    const run = open(seiScript().replace("USD: 10, ", ""));
    await good(run, run.exchange.place(sellNow("1", { base_size: "100" })));
    expect(await good(run, run.exchange.holdings())).toEqual([
      { currency: "USD", symbol: null, balance: "15.62", available: "15.62", price_usd: "1" },
    ]);
  });

  test("a currency is valued through the product it is sold through, or not at all", async () => {
    const rules = "base_increment: 0.1, price_increment: 0.0001, base_min_size: 1, quote_min_size: 1";
    const more = `  ABC-SEI: { price: 2, ${rules} }\n  XYZ-BTC: { price: 2, ${rules} }\n`;
    const account = "USDC: 1, ABC: 3, XYZ: 4, LOST: 5, ";
    const run = open(seiScript(more).replace("USD: 10, ", account));
    const positions = await good(run, run.exchange.holdings());
    const prices = positions.map(({ currency, symbol, price_usd }) => [currency, symbol, price_usd]);
    expect(prices).toEqual([
      ["ABC", "ABC-SEI", "0.3126"],
      ["LOST", null, null],
      ["SEI", "SEI-USD", "0.1563"],
      ["USDC", null, "1"],
      ["XYZ", "XYZ-BTC", null],
    ]);
  });

  test("whatever is asked of it, it never sells nor offers more than it holds, and nothing is lost", async () => {
    const steps = [
      "no_fill: true",
      "partial: { fraction: 0.37 }",
      "fill_during_cancel: 0.61",
      "cancel_refused: 1",
      "unknown: { happened: true }",
    ];
    const call = fc.record({
      what: fc.constantFrom("sell", "sellNow", "cancel", "wait"),
      id: fc.integer({ min: 0, max: 12 }),
      tenths: fc.integer({ min: 1, max: 700 }),
    });
    const script = fc.array(fc.constantFrom(...steps), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(script, fc.array(call, { maxLength: 30 }), async (written, calls) => {
        const run = open(
          `fee_bps: 60${written.length === 0 ? seiScript() : behaviour(...written.map((step) => `{ ${step} }`))}`,
        );
        for (const { what, id, tenths } of calls) {
          const base_size = `${Math.floor(tenths / 10)}.${tenths % 10}`.replace(/\.0$/, "");
          if (what === "wait") await run.clock.advance(tenths * 3);
          else if (what === "cancel") await answer(run.clock, run.exchange.cancel(ref(`${id}`)));
          else {
            const order = what === "sell" ? sell(`${id}`, { base_size }) : sellNow(`${id}`, { base_size });
            await answer(run.clock, run.exchange.place(order));
          }
          expectSound(run);
        }
        await run.exchange.close();
      }),
      { numRuns: 60 },
    );
  });
});

/** Balances are what the account began with and the fills; orders are their fills; nothing is below zero. */
function expectSound({ exchange }: ReturnType<typeof open>): void {
  const fills = exchange.fills();
  const sold = fills.map(({ size }) => size).reduce(add, "0");
  const earned = fills.map(({ value, fee }) => subtract(value, fee)).reduce(add, "0");
  const [sei, usd] = exchange.balances();
  expect(add(sei?.total ?? "", sold)).toBe("100");
  expect(usd?.total).toBe(add("10", earned));
  for (const order of exchange.orders()) {
    const own = fills.filter(({ client_order_id }) => client_order_id === order.client_order_id);
    expect(order.filled_size).toBe(own.map(({ size }) => size).reduce(add, "0"));
    expect(compare(order.filled_size, order.base_size)).not.toBe(1);
    expect(order.status === "filled").toBe(order.filled_size === order.base_size);
  }
  const open = exchange.orders().filter(({ status }) => status === "open");
  const offered = open.map((order) => subtract(order.base_size, order.filled_size)).reduce(add, "0");
  expect(sei?.held).toBe(offered);
  expect(compare(offered, sei?.total ?? "")).not.toBe(1);
}
