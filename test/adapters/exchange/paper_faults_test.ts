// Trouble by the clock: outages, halts, bad quotes, slow answers; and the prices that all of it is seen through.
import { Effect, Fiber } from "effect";
import { describe, expect, test } from "vitest";
import { virtualClock } from "../../../adapters/clock/mod.ts";
import { compare } from "../../../machines/mod.ts";
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

describe("outages", () => {
  const calls = (run: ReturnType<typeof open>) => [
    run.exchange.place(sell("1")),
    run.exchange.cancel(ref("1")),
    run.exchange.order(ref("1")),
    run.exchange.market(SEI),
    run.exchange.holdings(),
  ];
  test.each([
    ["down", ["no network", "no network", "no network", "no network", "no network"]],
    ["rate_limited", Array(5).fill("no rate_limited")],
    ["maintenance", ["unknown venue", "unknown venue", "no venue", "no venue", "no venue"]],
  ])("%s: every call fails within the window, has no effect, and is on record", async (kind, expected) => {
    const run = open(seiScript(`outages: [{ from_s: 10, for_s: 5, kind: ${kind} }]`));
    await run.clock.advance(10_000);
    const errors: string[] = [];
    for (const call of calls(run))
      errors.push(brief(await bad(run, Effect.asVoid<unknown, { _tag: string }, never>(call))));
    expect(errors).toEqual(expected.map((said) => `Unreachable ${said}`));
    expect(run.exchange.requests().map(({ answer }) => answer)).toEqual(errors);
    expect(run.exchange.orders()).toEqual([]);
    await run.clock.advance(5_000);
    expect(await good(run, run.exchange.place(sell("1")))).toMatchObject({ status: "open" });
  });

  test("orders go on filling while the line is down, and nobody is told", async () => {
    const run = open(seiScript("outages: [{ from_s: 0.5, for_s: 10, kind: down }]"));
    await good(run, run.exchange.place(sell("1")));
    await run.clock.advance(20_000);
    expect(run.pushed.map(({ status }) => status)).toEqual(["open"]);
    expect(await good(run, run.exchange.order(ref("1")))).toMatchObject({ status: "filled" });
  });

  test("an order whose answer is lost on the way back did happen", async () => {
    const slow = "latency_ms: { min: 1000, max: 1000 }\n";
    const run = open(seiScript(`${slow}outages: [{ from_s: 0.7, for_s: 5, kind: down }]`));
    expect(brief(await bad(run, run.exchange.place(sell("1"))))).toBe("Unreachable unknown network");
    expect(run.exchange.requests()).toMatchObject([{ answer: "open" }]);
    expect(run.exchange.orders()).toHaveLength(1);
  });
});

describe("halts", () => {
  test("a halted product says so, takes no order, lets one be cancelled, and fills nothing until it is over", async () => {
    const run = open(seiScript("halts: [{ symbol: SEI-USD, from_s: 0.5, for_s: 60 }]"));
    await good(run, run.exchange.place(sell("rests")));
    await good(run, run.exchange.place(sell("goes")));
    await run.clock.advance(2_000);
    expect(await good(run, run.exchange.market(SEI))).toMatchObject({ product: { status: "halted" } });
    expect(brief(await bad(run, run.exchange.place(sell("new"))))).toBe("Refused PRODUCT_TRADING_HALTED");
    expect(await good(run, run.exchange.cancel(ref("goes")))).toMatchObject({
      status: "cancelled",
      filled_size: "0",
    });
    expect(await good(run, run.exchange.order(ref("rests")))).toMatchObject({ status: "open" });
    await run.clock.advance(58_500);
    expect(await good(run, run.exchange.order(ref("rests")))).toMatchObject({ status: "filled" });
    expect(await good(run, run.exchange.market(SEI))).toMatchObject({ product: { status: "online" } });
    expect(brief(await bad(run, run.exchange.place(sell("new"))))).toBe("Refused PRODUCT_TRADING_HALTED");
  });
});

describe("bad quotes", () => {
  const moving = seiScript().replace("price: 0.1563,", "price: 0.1563, volatility_bps: 900,");

  test("a stale quote stays at the window's start, with its price", async () => {
    const run = open(`${moving}stale_quotes: [{ symbol: SEI-USD, from_s: 60, for_s: 3600 }]\n`);
    await run.clock.advance(60_000);
    const first = await good(run, run.exchange.market(SEI));
    expect(first.quoted_at).toBe(new Date(run.clock.now()).toISOString());
    await run.clock.advance(3_500_000);
    expect(await good(run, run.exchange.market(SEI))).toEqual(first);
    await run.clock.advance(100_000);
    const { quoted_at } = await good(run, run.exchange.market(SEI));
    expect(quoted_at).toBe(new Date(run.clock.now()).toISOString());
  });

  test("a crossed quote has its bid above its ask, and orders are matched as ever", async () => {
    const run = open(seiScript("crossed: [{ symbol: SEI-USD, from_s: 0, for_s: 60 }]"));
    expect(await good(run, run.exchange.market(SEI))).toMatchObject({
      best_bid: "0.1564",
      best_ask: "0.1562",
    });
    expect(await good(run, run.exchange.place(sellNow("1")))).toMatchObject({ filled_value: "1.562" });
    await run.clock.advance(60_000);
    expect(await good(run, run.exchange.market(SEI))).toMatchObject({
      best_bid: "0.1562",
      best_ask: "0.1564",
    });
  });
});

describe("latency", () => {
  const slow = (more = "") => seiScript(`latency_ms: { min: 100, max: 300 }\n${more}`);

  test("is between its bounds, the same in the same run, and takes no real time", async () => {
    const measure = async () => {
      const run = open(slow());
      const times: number[] = [];
      for (let n = 0; n < 50; n += 1) {
        const before = run.clock.now();
        await good(run, run.exchange.market(SEI));
        times.push(run.clock.now() - before);
      }
      return times;
    };
    const times = await measure();
    expect(Math.min(...times)).toBeGreaterThanOrEqual(100);
    expect(Math.max(...times)).toBeLessThanOrEqual(300);
    expect(new Set(times).size).toBeGreaterThan(10);
    expect(await measure()).toEqual(times);
  });

  test("of nothing needs no time to pass", async () => {
    const run = open();
    expect(await Effect.runPromise(run.exchange.market(SEI))).toMatchObject({ best_bid: "0.1562" });
  });

  test("a caller that gives up waiting has sent its order all the same", async () => {
    const run = open(slow("behaviour: { SEI-USD: [{ no_fill: true }] }"));
    const call = Effect.runFork(run.exchange.place(sell("1")));
    await run.clock.advance(1);
    await Effect.runPromise(Fiber.interrupt(call));
    expect(run.exchange.orders()).toEqual([]);
    await run.clock.advance(300);
    expect(run.exchange.orders()).toMatchObject([{ status: "open" }]);
    expect(run.clock.holds).toBe(0);
  });

  test("holds no clock while it waits, nor when it has answered", async () => {
    const run = open(slow());
    const call = Effect.runPromise(run.exchange.place(sell("1")));
    await run.clock.settle();
    expect(run.clock.holds).toBe(0);
    await run.clock.advance(300);
    await call;
    expect(run.clock.holds).toBe(0);
  });
});

describe("prices", () => {
  const walking = (seed: number, bps = 500) =>
    `seed: ${seed}${seiScript().replace("price: 0.1563,", `price: 0.1563, volatility_bps: ${bps},`)}`;
  const bids = async (text: string, start: number, steps: number, stepMs: number) => {
    const run = open(text, ":memory:", virtualClock(start));
    const seen: string[] = [];
    for (let n = 0; n < steps; n += 1) {
      seen.push((await good(run, run.exchange.market(SEI))).best_bid);
      await run.clock.advance(stepMs);
    }
    return seen;
  };

  test("without volatility stand still", async () => {
    expect(new Set(await bids(seiScript(), 0, 20, 3_600_000))).toEqual(new Set(["0.1562"]));
  });

  test("are the same for the same seed, symbol and time, whenever the account was opened", async () => {
    const all = await bids(walking(1), 0, 20, 60_000);
    expect(await bids(walking(1), 600_000, 10, 60_000)).toEqual(all.slice(10));
    expect(await bids(walking(2), 0, 20, 60_000)).not.toEqual(all);
  });

  test("wander within volatility_bps of the script's price, and really do wander", async () => {
    const seen = await bids(walking(1), 0, 500, 600_000);
    for (const bid of seen) {
      expect(compare(bid, "0.1483")).not.toBe(-1);
      expect(compare(bid, "0.1641")).not.toBe(1);
    }
    const sorted = [...seen].sort(compare);
    expect(compare(sorted.at(-1) ?? "", "0.1590")).toBe(1);
    expect(compare(sorted[0] ?? "", "0.1535")).toBe(-1);
  });

  test("move little within a second, also where one swing follows on another", async () => {
    const seen = (await bids(walking(1), 0, 200, 1_000)).map((bid) => Math.round(Number(bid) * 10_000));
    for (const [n, bid] of seen.entries())
      expect(Math.abs(bid - (seen[n - 1] ?? bid))).toBeLessThanOrEqual(2);
  });

  test("have a bid above zero and under the ask, even where the price is a single tick", async () => {
    const tiny = seiScript().replace(
      "price: 0.1563,",
      "price: 0.0001, spread_bps: 5000, volatility_bps: 5000,",
    );
    const run = open(tiny);
    for (let n = 0; n < 50; n += 1) {
      const { best_bid, best_ask } = await good(run, run.exchange.market(SEI));
      expect(compare(best_bid, "0")).toBe(1);
      expect(compare(best_bid, best_ask)).toBe(-1);
      await run.clock.advance(1_000_000);
    }
  });
});

describe("pushes", () => {
  test("come after the change is in the file, and once for each order", async () => {
    const run = open(behaviour("fill: { parts: [0.5, 0.5], after_ms: 10 }"));
    const inFile: string[] = [];
    run.exchange.onOrder(({ revision }) => {
      inFile.push(`${revision} ${run.exchange.orders()[0]?.revision}`);
    });
    await answer(run.clock, run.exchange.place(sell("1")));
    await run.clock.advance(20);
    expect(inFile).toEqual(["1 1", "2 2", "3 3"]);
  });

  test("end with the subscription, and with the exchange", async () => {
    const run = open();
    const heard: string[] = [];
    const stop = run.exchange.onOrder(({ status }) => heard.push(status));
    await good(run, run.exchange.place(sell("1")));
    stop();
    await run.clock.advance(1_000);
    expect(heard).toEqual(["open"]);
    await good(run, run.exchange.place(sell("2")));
    await run.exchange.close();
    await run.exchange.close();
    await run.clock.advance(1_000);
    expect(run.pushed.map(({ status }) => status)).toEqual(["open", "filled", "open"]);
    expect(brief(await bad(run, run.exchange.holdings()))).toBe("Unreachable no network");
  });
});
