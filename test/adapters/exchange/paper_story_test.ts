// The shipped script is the first live run on record: what it holds, what that is worth, and how BONK is treated.
import { join } from "node:path";
import { expect, test } from "vitest";
import { Refused } from "../../../actors/ports.ts";
import { virtualClock } from "../../../adapters/clock/mod.ts";
import { openPaperExchange, readPaperScript } from "../../../adapters/exchange/mod.ts";
import { multiply, type OrderRequest, toFixedUsd, TradingSymbol } from "../../../machines/mod.ts";
import { answer, good, orderId } from "./paper_kit.ts";

const script = readPaperScript(join(import.meta.dirname, "../../../config/paper.yaml"));

function openShipped() {
  const clock = virtualClock();
  return { clock, exchange: openPaperExchange({ file: ":memory:", script, clock }) };
}

function order(
  name: string,
  symbol: string,
  change: Pick<OrderRequest, "base_size" | "limit_price">,
): OrderRequest {
  const body = { symbol: TradingSymbol.make(symbol), side: "SELL", kind: "post_only" } as const;
  return { client_order_id: orderId(name), ...body, ...change };
}

test("the account holds what it held, and its positions are worth what they were worth", async () => {
  const run = openShipped();
  const positions = await good(run, run.exchange.holdings());
  const worth = positions.map(({ currency, symbol, balance, available, price_usd }) => {
    const value = price_usd === null ? null : toFixedUsd(multiply(balance, price_usd), 2);
    return [currency, symbol, balance, available, value].join(" ");
  });
  expect(worth).toEqual([
    "BONK BONK-USD 889587.0 889587 9.48",
    "BTC BTC-USD 0.0042 0.0042 433.65",
    "ETH ETH-USD 0.085 0.085 294.28",
    "PEPE PEPE-USD 400000 400000 2.10",
    "SEI SEI-USD 36.4 36.2 5.69",
    "SOL SOL-USD 0.25 0.25 40.00",
    "USD  1240.55 1240.55 1240.55",
    "USDC  310.20 310.2 310.20",
    "USDT USDT-USD 25.13 25.13 25.12",
    "WLFI WLFI-USD 57.5 57.5 8.23",
  ]);
});

test("SEI sells but for 0.2 that are held elsewhere: dust, worth $0.03", async () => {
  const run = openShipped();
  await good(run, run.exchange.place(order("sei", "SEI-USD", { base_size: "36.2", limit_price: "0.1563" })));
  await run.clock.advance(5_000);
  const sei = run.exchange.balances().find(({ currency }) => currency === "SEI");
  expect(sei).toMatchObject({ total: "0.2", held: "0.2", available: "0" });
  expect(toFixedUsd(multiply("0.2", "0.1563"), 2)).toBe("0.03");
});

test("BONK finds no buyer and is then refused, six times over, and then it sells", async () => {
  const run = openShipped();
  const place = (name: string) =>
    answer(
      run.clock,
      run.exchange.place(order(name, "BONK-USD", { base_size: "469043", limit_price: "0.00001066" })),
    );
  for (let attempt = 1; attempt <= 6; attempt += 1) {
    await place(`${attempt} rests`);
    await run.clock.advance(45_000);
    const ref = {
      symbol: TradingSymbol.make("BONK-USD"),
      client_order_id: orderId(`${attempt} rests`),
      order_id: null,
    };
    expect(await good(run, run.exchange.cancel(ref))).toMatchObject({
      status: "cancelled",
      filled_size: "0",
    });
    const refused = await place(`${attempt} refused`);
    expect(refused).toMatchObject({
      failure: { code: "INVALID_ORDER_CONFIGURATION", message: "Invalid order size" },
    });
    expect("failure" in refused && refused.failure).toBeInstanceOf(Refused);
  }
  await place("heals");
  await run.clock.advance(5_000);
  expect(run.exchange.fills()).toMatchObject([{ symbol: "BONK-USD", size: "469043" }]);
});
