// Each step of a script's behaviour, as an order meets it.
import { describe, expect, test } from "vitest";
import { Refused, Unreachable } from "../../../actors/ports.ts";
import { CANCEL_LAG_MS } from "../../../adapters/exchange/mod.ts";
import { bad, behaviour, brief, good, open, ref, SEI, sell, sellNow } from "./paper_kit.ts";

/** Statuses and sizes of one order as time passes. */
async function life(run: ReturnType<typeof open>, name: string, waits: readonly number[]): Promise<string[]> {
  const seen: string[] = [];
  for (const ms of waits) {
    await run.clock.advance(ms);
    const { status, filled_size, revision } = await good(run, run.exchange.order(ref(name)));
    seen.push(`${status} ${filled_size} r${revision}`);
  }
  return seen;
}

describe("what becomes of a resting order", () => {
  test("by default it fills whole after fill_after_ms, at its own price", async () => {
    const run = open();
    expect(await good(run, run.exchange.place(sell("1")))).toMatchObject({ status: "open", revision: 1 });
    expect(await life(run, "1", [999, 1])).toEqual(["open 0 r1", "filled 10 r2"]);
    expect(run.exchange.fills()).toMatchObject([{ price: "0.1563", at: run.clock.now() }]);
    expect(run.pushed.map(({ status, revision }) => `${status} r${revision}`)).toEqual([
      "open r1",
      "filled r2",
    ]);
  });

  test("no_fill: it rests until it is cancelled", async () => {
    const run = open(behaviour("no_fill: true"));
    await good(run, run.exchange.place(sell("1")));
    expect(await life(run, "1", [86_400_000])).toEqual(["open 0 r1"]);
    expect(await good(run, run.exchange.cancel(ref("1")))).toMatchObject({
      status: "cancelled",
      revision: 2,
    });
  });

  test("fill: after a time of its own", async () => {
    const run = open(behaviour("fill: { after_ms: 5 }"));
    await good(run, run.exchange.place(sell("1")));
    expect(await life(run, "1", [4, 1])).toEqual(["open 0 r1", "filled 10 r2"]);
  });

  test("fill in parts: each on the increment, together the whole order", async () => {
    const run = open(behaviour("fill: { after_ms: 100, parts: [0.333, 0.333, 0.334] }"));
    await good(run, run.exchange.place(sell("1", { base_size: "10.1" })));
    expect(await life(run, "1", [100, 100, 100])).toEqual(["open 3.3 r2", "open 6.7 r3", "filled 10.1 r4"]);
    expect(run.exchange.fills().map(({ size }) => size)).toEqual(["3.3", "3.4", "3.4"]);
  });

  test("fill in parts with times: each at its own", async () => {
    const run = open(
      behaviour("fill: { parts: [{ fraction: 0.5, after_ms: 10 }, { fraction: 0.5, after_ms: 3000 }] }"),
    );
    await good(run, run.exchange.place(sell("1")));
    expect(await life(run, "1", [10, 2_989, 1])).toEqual(["open 5 r2", "open 5 r2", "filled 10 r3"]);
  });

  test("partial, rest: what did not fill goes on resting", async () => {
    const run = open(behaviour("partial: { fraction: 0.4 }"));
    await good(run, run.exchange.place(sell("1")));
    expect(await life(run, "1", [1_000, 86_400_000])).toEqual(["open 4 r2", "open 4 r2"]);
    const cancelled = await good(run, run.exchange.cancel(ref("1")));
    expect(cancelled).toMatchObject({ status: "cancelled", filled_size: "4", filled_value: "0.6252" });
  });

  test("partial, cancel: the exchange cancels the rest by itself", async () => {
    const run = open(behaviour("partial: { fraction: 0.4, then: cancel, after_ms: 50 }"));
    await good(run, run.exchange.place(sell("1")));
    expect(await life(run, "1", [49, 1])).toEqual(["open 0 r1", "cancelled 4 r3"]);
  });

  test("fill_during_cancel: the cancel is accepted, a fill lands, and then the order is final", async () => {
    const run = open(behaviour("fill_during_cancel: 0.5"));
    await good(run, run.exchange.place(sell("1")));
    expect(await life(run, "1", [60_000])).toEqual(["open 0 r1"]);
    expect(await good(run, run.exchange.cancel(ref("1")))).toMatchObject({
      status: "open",
      filled_size: "0",
    });
    await run.clock.advance(100);
    expect(await good(run, run.exchange.cancel(ref("1")))).toMatchObject({
      status: "open",
      filled_size: "0",
    });
    expect(await life(run, "1", [CANCEL_LAG_MS - 101, 1])).toEqual(["open 0 r1", "cancelled 5 r3"]);
    expect(run.pushed.at(-1)).toMatchObject({ status: "cancelled", filled_size: "5" });
  });

  test("fill_during_cancel of everything: the order that was to be cancelled is filled", async () => {
    const run = open(behaviour("fill_during_cancel: 1"));
    await good(run, run.exchange.place(sell("1")));
    await good(run, run.exchange.cancel(ref("1")));
    expect(await life(run, "1", [CANCEL_LAG_MS])).toEqual(["filled 10 r2"]);
  });

  test("cancel_refused: so many cancels are refused, and the next goes through", async () => {
    const run = open(behaviour("cancel_refused: 2"));
    const { order_id } = await good(run, run.exchange.place(sell("1")));
    for (const _ of [1, 2]) {
      const error = await bad(run, run.exchange.cancel(ref("1")));
      expect(error).toBeInstanceOf(Refused);
      expect(error).toMatchObject({
        code: "COMMANDER_REJECTED_CANCEL_ORDER",
        raw_response: JSON.stringify({
          results: [{ success: false, failure_reason: "COMMANDER_REJECTED_CANCEL_ORDER", order_id }],
        }),
      });
    }
    expect(await good(run, run.exchange.cancel(ref("1")))).toMatchObject({
      status: "cancelled",
      filled_size: "0",
    });
  });

  test("fail: taken first, then ended by the exchange with its reason", async () => {
    const run = open(behaviour("fail: { code: COMMANDER_REJECTED_NEW_ORDER, message: No, after_ms: 20 }"));
    const { order_id } = await good(run, run.exchange.place(sell("1")));
    expect(await life(run, "1", [19, 1])).toEqual(["open 0 r1", "failed 0 r2"]);
    expect(run.pushed.at(-1)?.rejection).toEqual({
      code: "COMMANDER_REJECTED_NEW_ORDER",
      message: "No",
      details: null,
      preview_failure: null,
      raw_response: JSON.stringify({
        order: {
          order_id,
          status: "FAILED",
          reject_reason: "COMMANDER_REJECTED_NEW_ORDER",
          reject_message: "No",
        },
      }),
    });
    expect(await good(run, run.exchange.market(SEI))).toMatchObject({ available: "100" });
  });

  test("expire: ended by the exchange, without a reason", async () => {
    const run = open(behaviour("expire: { after_ms: 20 }"));
    await good(run, run.exchange.place(sell("1")));
    expect(await life(run, "1", [20])).toEqual(["expired 0 r2"]);
    expect(run.pushed.at(-1)).toMatchObject({ rejection: null });
  });
});

describe("what becomes of an immediate order", () => {
  test.each([
    ["no_fill: true", "cancelled", "0"],
    ["partial: { fraction: 0.45 }", "cancelled", "4.5"],
    ["fill: { parts: [0.5, 0.5] }", "filled", "10"],
    ["fill_during_cancel: 0.5", "filled", "10"],
    ["cancel_refused: 3", "filled", "10"],
    ["expire: {}", "expired", "0"],
    ["fail: { code: INVALID_NO_LIQUIDITY }", "failed", "0"],
  ])("%s: %s with %s sold, at once", async (step, status, filled_size) => {
    const run = open(behaviour(step));
    const ended = await good(run, run.exchange.place(sellNow("1")));
    expect(ended).toMatchObject({ status, filled_size });
    expect(ended.rejection === null).toBe(status !== "failed");
    expect(await good(run, run.exchange.market(SEI))).toMatchObject({
      available: String(100 - Number(filled_size)),
    });
  });
});

describe("what becomes of a call", () => {
  test("reject: refused in the words of the script", async () => {
    const words =
      "code: INVALID_ORDER_CONFIGURATION, message: Invalid order size, details: d, preview_failure: P_F";
    const run = open(behaviour(`reject: { ${words} }`));
    const error = await bad(run, run.exchange.place(sell("1")));
    expect(error).toMatchObject({ message: "Invalid order size", details: "d", preview_failure: "P_F" });
    expect(error.raw_response).toContain(
      `"error":"INVALID_ORDER_CONFIGURATION","message":"Invalid order size"`,
    );
    expect(await bad(run, run.exchange.place(sell("1")))).toEqual(error);
    expect(await good(run, run.exchange.place(sell("2")))).toMatchObject({ status: "open" });
  });

  test("unknown, happened: no answer, and the order is there", async () => {
    const run = open(behaviour("unknown: { happened: true }"));
    expect(brief(await bad(run, run.exchange.place(sell("1"))))).toBe("Unreachable unknown timeout");
    expect(await good(run, run.exchange.order(ref("1")))).toMatchObject({ status: "open" });
    expect(await good(run, run.exchange.place(sell("1")))).toMatchObject({ status: "open", revision: 1 });
    expect(await life(run, "1", [1_000])).toEqual(["filled 10 r2"]);
  });

  test("unknown, not happened: no answer, and no order until it is asked for again", async () => {
    const run = open(behaviour("unknown: { happened: false }", "no_fill: true"));
    expect(brief(await bad(run, run.exchange.place(sell("1"))))).toBe("Unreachable unknown timeout");
    expect(brief(await bad(run, run.exchange.order(ref("1"))))).toBe("OrderNotFound");
    expect(run.exchange.orders()).toEqual([]);
    await good(run, run.exchange.place(sell("1")));
    expect(await life(run, "1", [1_000])).toEqual(["filled 10 r2"]);
  });

  test("rate_limited: so many calls had no effect, and the next goes through", async () => {
    const run = open(behaviour("rate_limited: 2"));
    for (const _ of [1, 2]) {
      const error = await bad(run, run.exchange.place(sell("1")));
      expect(error).toBeInstanceOf(Unreachable);
      expect(error).toMatchObject({ arrived: "no", kind: "rate_limited", retry_after_ms: 1_000 });
      expect(error.raw_response).toContain("rate_limit_exceeded");
    }
    expect(await good(run, run.exchange.place(sell("1")))).toMatchObject({ status: "open" });
  });

  test("server_error: so many calls end with a 500, which on a write tells nothing", async () => {
    const run = open(behaviour("server_error: 1"));
    const error = await bad(run, run.exchange.place(sell("1")));
    expect(error).toMatchObject({ arrived: "unknown", kind: "venue", retry_after_ms: null });
    expect(await good(run, run.exchange.place(sell("1")))).toMatchObject({ status: "open" });
  });

  test("a call that failed is judged anew when it comes again", async () => {
    const run = open(behaviour("server_error: 1", "no_fill: true"));
    await bad(run, run.exchange.place(sell("1")));
    await good(run, run.exchange.place(sell("2", { base_size: "95" })));
    expect(brief(await bad(run, run.exchange.place(sell("1"))))).toBe("Refused INSUFFICIENT_FUND");
  });
});

describe("the order of steps", () => {
  test("each new order uses up one step, a repeated call none, and after the last the default applies", async () => {
    const run = open(behaviour("no_fill: true", "partial: { fraction: 0.5 }"));
    for (const name of ["1", "1", "2", "2", "3"]) await good(run, run.exchange.place(sell(name)));
    await run.clock.advance(1_000);
    expect(run.exchange.orders().map(({ status, filled_size }) => `${status} ${filled_size}`)).toEqual([
      "open 0",
      "open 5",
      "filled 10",
    ]);
  });

  test("an order that the standing rules refuse uses up none", async () => {
    const run = open(behaviour("no_fill: true"));
    await bad(run, run.exchange.place(sell("1", { limit_price: "0.1562" })));
    await good(run, run.exchange.place(sell("2")));
    expect(await life(run, "2", [1_000])).toEqual(["open 0 r1"]);
  });

  test("repeats and groups are written out one after the other", async () => {
    const run = open(
      behaviour(
        "{ repeat: 2, partial: { fraction: 0.1 } }",
        "{ repeat: 2, steps: [{ no_fill: true }, { repeat: 2, reject: { code: NO_WAY } }] }",
        "partial: { fraction: 0.9 }",
      ),
    );
    const seen: string[] = [];
    for (let n = 0; n < 10; n += 1) {
      const name = String(n);
      const call = run.exchange.place(sell(name));
      const refused = [3, 4, 6, 7].includes(n);
      if (refused) seen.push(brief(await bad(run, call)));
      else seen.push(...(await good(run, call).then(() => life(run, name, [1_000]))));
      if (!refused) await good(run, run.exchange.cancel(ref(name)));
    }
    const rejected = "Refused NO_WAY";
    expect(seen).toEqual([
      ...["open 1 r2", "open 1 r2"],
      ...["open 0 r1", rejected, rejected, "open 0 r1", rejected, rejected],
      ...["open 9 r2", "filled 10 r2"],
    ]);
  });
});
