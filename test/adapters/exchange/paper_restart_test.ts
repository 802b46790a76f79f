// The account lives in its file: what a restart finds there, what a new script changes, and which files are refused.
import { readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { virtualClock } from "../../../adapters/clock/mod.ts";
import { openPaperExchange, PaperFileError, parsePaperScript } from "../../../adapters/exchange/mod.ts";
import {
  bad,
  behaviour,
  brief,
  freshFile,
  good,
  open,
  orderId,
  ref,
  SEI,
  sell,
  seiScript,
} from "./paper_kit.ts";

/** Closes the exchange and opens it again, `ms` later. */
async function reopen(run: ReturnType<typeof open>, file: string, ms = 0, text = seiScript()) {
  const now = run.clock.now();
  await run.exchange.close();
  return open(text, file, virtualClock(now + ms));
}

describe("a restart", () => {
  test("catches up on fills that were due meanwhile, each at its own time, and tells of them", async () => {
    const file = freshFile();
    const first = open(behaviour("fill: { parts: [0.5, 0.5], after_ms: 1000 }"), file);
    const start = first.clock.now();
    await good(first, first.exchange.place(sell("1")));
    const second = await reopen(first, file, 3_600_000);
    expect(second.pushed).toEqual([]);
    await second.clock.advance(0);
    expect(second.pushed).toMatchObject([{ status: "filled", filled_size: "10", revision: 3 }]);
    expect(second.exchange.fills().map(({ at }) => at - start)).toEqual([1_000, 2_000]);
    expect(second.exchange.orders()).toMatchObject([{ updated_at: start + 2_000 }]);
  });

  test("catches up before the first answer, also when nobody has waited for the clock", async () => {
    const file = freshFile();
    const first = open(seiScript(), file);
    await good(first, first.exchange.place(sell("1")));
    const second = await reopen(first, file, 5_000);
    expect(await good(second, second.exchange.market(SEI))).toMatchObject({ available: "90" });
  });

  test("fills in time what is not due yet", async () => {
    const file = freshFile();
    const first = open(seiScript(), file);
    await good(first, first.exchange.place(sell("1")));
    const second = await reopen(first, file, 400);
    await second.clock.advance(599);
    expect(second.pushed).toEqual([]);
    await second.clock.advance(1);
    expect(second.pushed).toMatchObject([{ status: "filled" }]);
  });

  test("goes on where the steps, the refusals and the faults stood", async () => {
    const file = freshFile();
    const text = behaviour("reject: { code: FIRST_NO }", "server_error: 2", "no_fill: true");
    const first = open(text, file);
    const refusal = await bad(first, first.exchange.place(sell("1")));
    await bad(first, first.exchange.place(sell("2")));
    const second = await reopen(first, file, 0, text);
    expect(await bad(second, second.exchange.place(sell("1")))).toEqual(refusal);
    expect(brief(await bad(second, second.exchange.place(sell("2"))))).toBe("Unreachable unknown venue");
    await good(second, second.exchange.place(sell("2")));
    await good(second, second.exchange.place(sell("3")));
    await second.clock.advance(10_000);
    expect(await good(second, second.exchange.order(ref("2")))).toMatchObject({ status: "filled" });
    expect(await good(second, second.exchange.order(ref("3")))).toMatchObject({ status: "open" });
  });

  test("remembers a cancel that was under way, and cancels still to be refused", async () => {
    const file = freshFile();
    const first = open(behaviour("fill_during_cancel: 0.5", "cancel_refused: 2"), file);
    await good(first, first.exchange.place(sell("1")));
    await good(first, first.exchange.place(sell("2")));
    await good(first, first.exchange.cancel(ref("1")));
    await bad(first, first.exchange.cancel(ref("2")));
    const second = await reopen(first, file, 1_000);
    expect(await good(second, second.exchange.order(ref("1")))).toMatchObject({
      status: "cancelled",
      filled_size: "5",
    });
    await bad(second, second.exchange.cancel(ref("2")));
    expect(await good(second, second.exchange.cancel(ref("2")))).toMatchObject({ status: "cancelled" });
  });

  test("keeps what was deposited, and sells it", async () => {
    const file = freshFile();
    const first = open(seiScript(), file);
    const before = await good(first, first.exchange.market(SEI));
    first.exchange.deposit("SEI", "12.5");
    const second = await reopen(first, file);
    const after = await good(second, second.exchange.market(SEI));
    expect(Number(after.available) - Number(before.available)).toBe(12.5);
  });

  test("counts windows from the account's first opening", async () => {
    const file = freshFile();
    const text = seiScript("outages: [{ from_s: 60, for_s: 60, kind: down }]");
    const first = open(text, file);
    const second = await reopen(first, file, 90_000, text);
    expect(brief(await bad(second, second.exchange.market(SEI)))).toBe("Unreachable no network");
    const third = await reopen(second, file, 90_000, text);
    expect(await good(third, third.exchange.market(SEI))).toMatchObject({ best_bid: "0.1562" });
    expect(third.exchange.openedAt).toBe(first.exchange.openedAt);
  });

  test("keeps every request on record, in order", async () => {
    const file = freshFile();
    const first = open(seiScript(), file);
    await good(first, first.exchange.place(sell("1")));
    const second = await reopen(first, file);
    await good(second, second.exchange.cancel(ref("1")));
    await bad(second, second.exchange.order(ref("2")));
    await good(second, second.exchange.market(SEI));
    await good(second, second.exchange.holdings());
    const log = second.exchange
      .requests()
      .map(({ seq, call, client_order_id, answer }) => ({ seq, call, client_order_id, answer }));
    expect(log).toEqual([
      { seq: 1, call: "place", client_order_id: orderId("1"), answer: "open" },
      { seq: 2, call: "cancel", client_order_id: orderId("1"), answer: "cancelled" },
      { seq: 3, call: "order", client_order_id: orderId("2"), answer: "OrderNotFound" },
      { seq: 4, call: "market", client_order_id: null, answer: "ok" },
      { seq: 5, call: "holdings", client_order_id: null, answer: "ok" },
    ]);
  });
});

describe("a new script on an old account", () => {
  test("changes products and prices, and not the balances", async () => {
    const file = freshFile();
    const first = open(seiScript(), file);
    const changed = seiScript().replace("SEI: 100", "SEI: 7, NEW: 5").replace("0.1563", "0.2000");
    const second = await reopen(first, file, 0, changed);
    expect(await good(second, second.exchange.market(SEI))).toMatchObject({
      best_bid: "0.1999",
      available: "100",
    });
    expect(second.exchange.balances().map(({ currency, total }) => [currency, total])).toEqual([
      ["SEI", "100"],
      ["USD", "10"],
    ]);
  });

  test("begins a rewritten list of steps with its first, and goes on in one that is as it was", async () => {
    const file = freshFile();
    const first = open(behaviour("no_fill: true", "reject: { code: OLD_NO }"), file);
    await good(first, first.exchange.place(sell("1")));
    const second = await reopen(first, file, 0, behaviour("reject: { code: NEW_NO }", "no_fill: true"));
    expect(brief(await bad(second, second.exchange.place(sell("2"))))).toBe("Refused NEW_NO");
    const third = await reopen(second, file, 0, behaviour("reject: { code: NEW_NO }", "no_fill: true"));
    expect(await good(third, third.exchange.place(sell("3")))).toMatchObject({ status: "open" });
  });

  test("leaves an order the life that it was given", async () => {
    const file = freshFile();
    const first = open(behaviour("fill: { after_ms: 2000 }"), file);
    await good(first, first.exchange.place(sell("1")));
    const second = await reopen(first, file, 1_999, behaviour("no_fill: true"));
    expect(await good(second, second.exchange.order(ref("1")))).toMatchObject({ status: "open" });
    await second.clock.advance(1);
    expect(await good(second, second.exchange.order(ref("1")))).toMatchObject({ status: "filled" });
  });

  test("without a product still cancels and finds its orders", async () => {
    const file = freshFile();
    const first = open(behaviour("fill_during_cancel: 0.5"), file);
    await good(first, first.exchange.place(sell("1")));
    const second = await reopen(first, file, 0, seiScript().replace(/SEI-USD/g, "ABC-USD"));
    expect(brief(await bad(second, second.exchange.market(SEI)))).toBe("Refused INVALID_PRODUCT_ID");
    await good(second, second.exchange.cancel(ref("1")));
    await second.clock.advance(1_000);
    expect(await good(second, second.exchange.order(ref("1")))).toMatchObject({ status: "cancelled" });
  });
});

describe("two processes", () => {
  test("may have one account open, and see what the other did", async () => {
    const file = freshFile();
    const one = open(seiScript(), file);
    const other = open(seiScript(), file, one.clock);
    await good(one, one.exchange.place(sell("1", { base_size: "60" })));
    expect(brief(await bad(other, other.exchange.place(sell("2", { base_size: "60" }))))).toBe(
      "Refused INSUFFICIENT_FUND",
    );
    expect(await good(other, other.exchange.place(sell("1", { base_size: "60" })))).toMatchObject({
      status: "open",
    });
    await one.clock.advance(1_000);
    expect(one.exchange.fills()).toHaveLength(1);
    expect(other.exchange.fills()).toHaveLength(1);
  });
});

describe("a file that is refused", () => {
  const opening = (file: string) => () =>
    openPaperExchange({ file, script: parsePaperScript(seiScript()), clock: virtualClock() });
  const refusalOf = (file: string): PaperFileError => {
    try {
      opening(file)();
    } catch (error) {
      if (error instanceof PaperFileError) return error;
      throw error;
    }
    throw new Error("it was opened");
  };

  test("of something else is foreign, and left as it was", () => {
    const file = freshFile();
    const db = new DatabaseSync(file);
    db.exec("CREATE TABLE notes (text TEXT)");
    db.close();
    const before = readFileSync(file);
    expect(refusalOf(file)).toMatchObject({
      reason: "foreign",
      message: expect.stringContaining("is not a paper account"),
    });
    expect(readFileSync(file)).toEqual(before);
  });

  test("of a later layout is newer, and left as it was", async () => {
    const file = freshFile();
    await open(seiScript(), file).exchange.close();
    const db = new DatabaseSync(file);
    db.exec("PRAGMA user_version = 99");
    db.close();
    const before = readFileSync(file);
    expect(refusalOf(file)).toMatchObject({ reason: "newer", message: expect.stringContaining("layout 99") });
    expect(readFileSync(file)).toEqual(before);
  });

  test("that is no database is corrupt, and left as it was", () => {
    const file = freshFile();
    writeFileSync(file, "this is a text, and a long one at that: no database begins so.".repeat(20));
    const before = readFileSync(file);
    expect(refusalOf(file)).toMatchObject({ reason: "corrupt" });
    expect(readFileSync(file)).toEqual(before);
  });

  test("in a directory that is not there is named, with what to do", () => {
    const file = `${freshFile()}/nowhere/account.db`;
    expect(refusalOf(file)).toMatchObject({
      reason: "io",
      message: expect.stringContaining("check that its directory exists"),
    });
  });

  test("that cannot be written to answers as an exchange with trouble of its own, and the rest goes on", async () => {
    const file = freshFile();
    const run = open(seiScript(), file);
    await good(run, run.exchange.place(sell("1")));
    const other = new DatabaseSync(file);
    other.exec("CREATE TRIGGER full BEFORE INSERT ON requests BEGIN SELECT RAISE(ABORT, 'no room'); END");
    expect(brief(await bad(run, run.exchange.place(sell("2"))))).toBe("Unreachable unknown venue");
    expect(run.exchange.orders()).toHaveLength(1);
    other.exec(
      "DROP TRIGGER full; CREATE TRIGGER full BEFORE INSERT ON fills BEGIN SELECT RAISE(ABORT, 'no room'); END",
    );
    await run.clock.advance(5_000);
    expect(run.pushed.map(({ status }) => status)).toEqual(["open"]);
    other.exec("DROP TRIGGER full");
    other.close();
    await run.clock.advance(1_000);
    expect(run.pushed.map(({ status }) => status)).toEqual(["open", "filled"]);
  });
});
