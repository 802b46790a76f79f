// One actor a symbol: durable before it is felt, back from its last record after a crash, and alone with its poison.
import { describe, expect, test } from "vitest";
import type { Journal } from "../../actors/ports.ts";
import { memoryLedger } from "../../adapters/journal/mod.ts";
import type { OrderResult, PurgeEventOf, TradingSymbol } from "../../machines/mod.ts";
import { rejection } from "../machines/scenario.ts";
import { BONK, type Kit, quoted, requested, SEI, startSymbols } from "./symbols_kit.ts";

const types = (kit: Kit) => kit.commands.map(({ type }) => type);
const at = (kit: Kit) => new Date(kit.clock.now()).toISOString();

function accepted(kit: Kit, symbol = BONK): PurgeEventOf<"order.accepted"> {
  const { client_order_id } = kit.lastOrder(symbol);
  return { type: "order.accepted", symbol, at: at(kit), client_order_id, order_id: "X-1" };
}

function filled(kit: Kit, symbol = BONK): OrderResult {
  const { client_order_id, base_size } = kit.lastOrder(symbol);
  return {
    type: "order.update",
    symbol,
    at: at(kit),
    client_order_id,
    order_id: "X-1",
    revision: 1,
    status: "filled",
    filled_size: base_size,
    filled_value: "4.99",
    fee: "0.03",
    rejection: null,
  };
}

function pause(kit: Kit, symbol = BONK): PurgeEventOf<"operator.pause"> {
  return { type: "operator.pause", symbol, at: at(kit), by: "ana", reason: "to look at it" };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** A quote that the schema lets through and the machine's arithmetic does not: worth more than any amount can be. */
function poison(symbol: TradingSymbol, request_id: string, now: number): OrderResult {
  const nines = "9".repeat(30);
  const quote = quoted(symbol, request_id, now);
  const product = { ...quote.product, status: "halted" as const };
  return { ...quote, product, best_bid: nines, best_ask: `${nines}.5`, available: nines };
}

async function toResting(kit: Kit, symbol = BONK): Promise<void> {
  await kit.request(symbol);
  await kit.quote(symbol);
  await kit.answer(accepted(kit, symbol));
}

describe("a step", () => {
  test("is journaled with its event, path, state and commands, and then published", async () => {
    const kit = await startSymbols();
    await toResting(kit);
    expect(kit.states()).toEqual(["purging.quoting", "purging.placing", "purging.resting"]);
    expect(types(kit)).toEqual(["market.refresh", "order.place"]);
    expect(kit.transitions.map(({ seq, path }) => [seq, path])).toEqual([
      [1, ["purging.quoting"]],
      [2, ["purging.deciding", "purging.placing"]],
      [3, ["purging.resting"]],
    ]);
  });

  test("is felt by nobody before it is durable", async () => {
    const kit = await startSymbols();
    await kit.request(BONK);
    kit.faults.hold();
    void kit.quote(BONK);
    await kit.bus.publish("results", quoted(BONK, "1-1", kit.clock.now()));
    await turns(50);
    expect(kit.faults.held).toBe(1);
    expect([types(kit), kit.transitions.length]).toEqual([["market.refresh"], 1]);
    expect(kit.symbols.view(BONK)?.state).toBe("purging.quoting");
    kit.faults.release();
    await kit.clock.settle();
    expect(types(kit)).toEqual(["market.refresh", "order.place"]);
  });

  test("is not sent before it is durable when the connection returns meanwhile, and is sent then", async () => {
    const kit = await startSymbols();
    await kit.request(BONK);
    kit.faults.hold();
    await kit.bus.publish("results", quoted(BONK, "1-1", kit.clock.now()));
    await turns(50);
    kit.reconnect();
    await turns(50);
    expect(types(kit)).toEqual(["market.refresh"]);
    kit.faults.release();
    await kit.clock.settle();
    expect(types(kit)).toEqual(["market.refresh", "order.place"]);
    expect(kit.commands.at(-1)).toMatchObject({ type: "order.place", resent: true });
  });

  test("that asks for nothing new has what is open asked again, when the connection returned meanwhile", async () => {
    const kit = await startSymbols();
    await kit.request(BONK);
    await kit.quote(BONK);
    kit.faults.hold();
    void kit.answer(accepted(kit));
    await turns(50);
    kit.reconnect();
    kit.faults.release();
    await kit.clock.settle();
    expect(types(kit)).toEqual(["market.refresh", "order.place", "order.query"]);
  });

  test("that places an order once more, which the exchange did not know, says so to the gateway", async () => {
    const kit = await startSymbols();
    await kit.request(BONK);
    await kit.quote(BONK);
    const { client_order_id } = kit.lastOrder(BONK);
    const at = new Date(kit.clock.now()).toISOString();
    const unknown = {
      type: "order.unknown",
      symbol: BONK,
      at,
      client_order_id,
      message: "never heard of",
    } as const;
    await kit.answer({ ...unknown, outcome: "undetermined" });
    await kit.answer({ ...unknown, outcome: "not_found" });
    expect(types(kit)).toEqual(["market.refresh", "order.place", "order.query", "order.place"]);
    expect(kit.commands.map((command) => "resent" in command)).toEqual([false, false, false, true]);
  });

  test("is not made of an answer that comes again and says that an order was not found: it is there by now, perhaps", async () => {
    const kit = await startSymbols();
    await kit.request(BONK);
    await kit.quote(BONK);
    const { client_order_id } = kit.lastOrder(BONK);
    const unknown = {
      type: "order.unknown",
      symbol: BONK,
      at: at(kit),
      client_order_id,
      message: "never heard of",
    } as const;
    await kit.answer({ ...unknown, outcome: "undetermined" });
    const before = kit.states();
    expect(kit.redeliver({ ...unknown, outcome: "not_found" })).toBe(true);
    await kit.clock.settle();
    expect(kit.states()).toEqual(before);
    await kit.answer({ ...unknown, outcome: "not_found" });
    expect(kit.states()).toEqual([...before, "purging.placing"]);
  });

  test("that says nothing new leaves no record, and the message is answered all the same", async () => {
    const kit = await startSymbols();
    await toResting(kit);
    const again = accepted(kit);
    await kit.answer(again);
    await kit.answer(again);
    expect(kit.ledger.rows).toHaveLength(3);
    expect(kit.dead).toEqual([]);
  });
});

describe("an event that somebody waits for", () => {
  test("is answered with its record, and not before that is durable", async () => {
    const kit = await startSymbols();
    kit.faults.hold();
    const told: unknown[] = [];
    void kit.symbols.ask(pause(kit)).then((answer) => told.push(answer));
    await turns(20);
    expect([kit.faults.held, told]).toEqual([1, []]);
    kit.faults.release();
    await turns(20);
    expect(told).toMatchObject([{ what: "recorded", record: { seq: 1, state: "suspended" } }]);
  });

  test("and says nothing new is answered when what it found is durable", async () => {
    const kit = await startSymbols();
    kit.faults.hold();
    const told: unknown[] = [];
    void kit.symbols.ask(pause(kit)).then(() => told.push("first"));
    void kit.symbols.ask(pause(kit)).then(({ what }) => told.push(what));
    await turns(20);
    expect(told).toEqual([]);
    kit.faults.release();
    await turns(20);
    expect(told).toEqual(["first", "unchanged"]);
    expect(kit.ledger.rows).toHaveLength(1);
  });

  test("is answered when the journal fails, without a word on whether it was done", async () => {
    const kit = await startSymbols();
    kit.faults.failNext({ isWritten: true });
    expect(await kit.symbols.ask(pause(kit))).toMatchObject({ what: "unsure" });
    expect(kit.ledger.rows).toHaveLength(1);
  });

  test("is answered when the actors stop, and afterwards is not taken", async () => {
    const kit = await startSymbols();
    const { symbols } = kit;
    kit.faults.hold();
    const waiting = symbols.ask(pause(kit));
    await turns(5);
    const stopped = kit.stop();
    expect(await waiting).toMatchObject({ what: "unsure" });
    kit.faults.release();
    await stopped;
    expect(await symbols.ask(pause(kit))).toMatchObject({ what: "not_taken" });
  });

  test("is not taken where too much waits already", async () => {
    const kit = await startSymbols({ maxPending: 1, mailboxSize: 1 });
    await kit.request(BONK);
    kit.faults.hold();
    kit.symbols.tell(requested(SEI, kit.clock.now()));
    await turns(20);
    const told = await Promise.race(Array.from({ length: 4 }, () => kit.symbols.ask(pause(kit))));
    expect(told).toMatchObject({ what: "not_taken", reason: expect.stringContaining("BONK-USD") });
  });

  test("is answered by the next life of an actor that crashed before it", async () => {
    const kit = await startSymbols();
    await kit.request(BONK);
    await kit.bus.publish("results", poison(BONK, "1-1", kit.clock.now()));
    const asked = [kit.symbols.ask(pause(kit)), kit.symbols.ask({ ...pause(kit), type: "operator.reset" })];
    await kit.clock.advance(5_000);
    expect((await Promise.all(asked)).map(({ what }) => what)).toEqual(["unchanged", "recorded"]);
    expect(kit.symbols.view(BONK)?.state).toBe("idle");
  });

  test("is set aside where its symbol is", async () => {
    const ledger = memoryLedger();
    const before = await startSymbols({ ledger });
    await before.request(BONK);
    await before.stop();
    const row = ledger.rows[0];
    if (row === undefined) throw new Error("no record");
    ledger.rows[0] = { ...row, snapshot: JSON.stringify({ version: 99 }) };
    const after = await startSymbols({ ledger, clock: before.clock });
    expect(await after.symbols.ask(pause(after))).toMatchObject({
      what: "set_aside",
      reason: expect.stringContaining("does not fit this version"),
    });
  });
});

test("a result delivered again is not answered before what it said the first time is durable", async () => {
  const kit = await startSymbols();
  await kit.request(BONK);
  const quote = quoted(BONK, "1-1", kit.clock.now());
  kit.faults.hold();
  const { acked } = kit.bus.counts;
  void kit.bus.publish("results", quote);
  void kit.bus.publish("results", quote);
  await turns(50);
  expect(kit.faults.held).toBe(1);
  expect(kit.bus.counts.acked).toBe(acked);
  kit.faults.release();
  await kit.clock.settle();
  expect(kit.states()).toEqual(["purging.quoting", "purging.placing"]);
  expect(kit.bus.counts.acked).toBeGreaterThanOrEqual(acked + 2);
});

describe("after a crash of the process", () => {
  test("a symbol goes on from its last record and asks again what is open", async () => {
    const before = await startSymbols();
    await toResting(before);
    await before.stop();
    const after = await startSymbols({ ledger: before.ledger, clock: before.clock });
    expect(after.symbols.view(BONK)?.state).toBe("purging.resting");
    expect(after.commands).toMatchObject([{ type: "order.query", symbol: BONK }]);
  });

  test("a deadline that passed meanwhile is reached at once, and one that did not in its time", async () => {
    const before = await startSymbols();
    await toResting(before);
    await before.stop();
    await before.clock.advance(44_000);
    const after = await startSymbols({ ledger: before.ledger, clock: before.clock });
    expect(after.symbols.view(BONK)?.state).toBe("purging.resting");
    await after.clock.advance(1_000);
    expect(after.symbols.view(BONK)?.state).toBe("purging.cancelling");
  });

  test("an order that was journaled and never sent is sent with the same id and body", async () => {
    const before = await startSymbols();
    await before.request(BONK);
    await before.quote(BONK);
    await before.stop();
    const after = await startSymbols({ ledger: before.ledger, clock: before.clock });
    expect(after.lastOrder(BONK)).toEqual(before.lastOrder(BONK));
  });

  test("an answer that the bus kept is heard before anything is sent again: a refused order is not", async () => {
    const kit = await startSymbols();
    await kit.request(BONK);
    await kit.quote(BONK);
    const { client_order_id } = kit.lastOrder(BONK);
    await kit.stop();
    const refused = { type: "order.rejected", symbol: BONK, at: at(kit), client_order_id } as const;
    const next = await startSymbols({ ledger: kit.ledger, kept: [{ ...refused, rejection: rejection() }] });
    expect([types(next), next.states().at(-1)]).toEqual([[], "failed"]);
  });

  test("an answer that the bus kept and that leaves an order resting is followed by the question how it is", async () => {
    const kit = await startSymbols();
    await kit.request(BONK);
    await kit.quote(BONK);
    const taken = accepted(kit);
    await kit.stop();
    const next = await startSymbols({ ledger: kit.ledger, kept: [taken, taken] });
    expect([types(next), next.states().at(-1)]).toEqual([["order.query"], "purging.resting"]);
  });

  test("an answer that the bus kept and that says nothing new leaves the question to be asked again", async () => {
    const kit = await startSymbols();
    await kit.request(BONK);
    const stale = quoted(BONK, "an older question", kit.clock.now());
    await kit.stop();
    const next = await startSymbols({ ledger: kit.ledger, kept: [stale, stale] });
    expect([types(next), next.states().at(-1)]).toEqual([["market.refresh"], "purging.quoting"]);
  });

  test("a result that comes for a symbol of which nothing is known starts nothing", async () => {
    const kit = await startSymbols();
    await kit.answer(quoted(SEI, "1-1", kit.clock.now()));
    expect([kit.symbols.view(SEI), kit.ledger.rows.length]).toEqual([null, 0]);
    expect(kit.dead).toEqual(["purge.v1.results.SEI-USD: nothing was asked for SEI-USD in this ledger"]);
  });
});

describe("a journal that cannot write", () => {
  test("takes its actors down, and they start again from what is on disk", async () => {
    const kit = await startSymbols();
    await kit.request(BONK);
    kit.faults.failNext();
    await kit.quote(BONK);
    expect(kit.states()).toEqual(["purging.quoting"]);
    expect(types(kit)).toEqual(["market.refresh", "market.refresh"]);
    await kit.quote(BONK);
    expect(kit.symbols.view(BONK)?.state).toBe("purging.placing");
  });

  test("and did write after all: the record counts, and its command is sent", async () => {
    const kit = await startSymbols();
    await kit.request(BONK);
    kit.faults.failNext({ isWritten: true });
    await kit.quote(BONK);
    expect(kit.states()).toEqual(["purging.quoting", "purging.placing"]);
    expect(types(kit)).toEqual(["market.refresh", "order.place"]);
  });

  test("again and again ends the tree with the journal's own words", async () => {
    const kit = await startSymbols();
    for (let n = 0; n < 5; n += 1) kit.faults.failNext();
    for (let n = 0; n < 5; n += 1) await kit.request(BONK);
    const end = await kit.root.exited;
    expect(end).toMatchObject({ kind: "escalated", child: "journal" });
    expect(JSON.stringify(end.kind === "escalated" && String(Object.values(end.reason)[0]))).toContain(
      "the disk is gone",
    );
  });
});

describe("a journal that is slow", () => {
  test("commits the steps of many symbols as one group", async () => {
    const groups: number[] = [];
    const wrap = (journal: Journal): Journal => ({
      ...journal,
      append: (drafts) => {
        groups.push(drafts.length);
        return journal.append(drafts);
      },
    });
    const kit = await startSymbols({ wrap });
    kit.symbols.tell(requested(BONK, kit.clock.now()));
    kit.symbols.tell(requested(SEI, kit.clock.now()));
    await kit.clock.settle();
    groups.length = 0;
    await Promise.all([
      kit.bus.publish("results", quoted(BONK, "1-1", kit.clock.now())),
      kit.bus.publish("results", quoted(SEI, "1-1", kit.clock.now())),
    ]);
    await kit.clock.settle();
    expect(groups).toEqual([2]);
  });

  test("holds back what it has no room for, and loses none of it", async () => {
    const kit = await startSymbols({ maxPending: 1, mailboxSize: 1 });
    await kit.request(BONK);
    kit.faults.hold();
    kit.symbols.tell(requested(SEI, kit.clock.now()));
    for (let n = 0; n < 6; n += 1) {
      await kit.bus.publish("results", quoted(BONK, n === 5 ? "1-1" : "old", kit.clock.now()));
    }
    for (let turn = 0; turn < 20; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(kit.ledger.rows).toHaveLength(1);
    expect(kit.symbols.waiting).toBeGreaterThan(0);
    kit.faults.release();
    await kit.clock.advance(10_000);
    expect(kit.symbols.view(BONK)?.state).toBe("purging.placing");
    expect(kit.symbols.view(SEI)?.state).toBe("purging.quoting");
    expect([kit.dead, kit.symbols.waiting]).toEqual([[], 0]);
  });
});

describe("a poisoned event", () => {
  test("is set aside after the restarts are used up, and only its symbol is suspended", async () => {
    const kit = await startSymbols();
    await kit.request(BONK);
    await toResting(kit, SEI);
    await kit.answer(poison(BONK, "1-1", kit.clock.now()));
    await kit.clock.advance(5_000);
    expect(kit.symbols.view(BONK)).toMatchObject({
      state: "suspended",
      suspendedFor: expect.stringContaining("poison"),
    });
    expect(kit.dead).toHaveLength(1);
    expect(kit.dead[0]).toMatch(/^purge\.v1\.results\.BONK-USD: crashed the actor of BONK-USD 3 times/);
    expect(kit.states().slice(-1)).toEqual(["suspended"]);
    await kit.answer(filled(kit, SEI));
    expect(kit.symbols.view(SEI)?.state).toBe("purging.quoting");
    expect(kit.root.countChildren().active).toBe(2);
  });

  test("keeps the order of what came after it", async () => {
    const kit = await startSymbols();
    await kit.request(BONK);
    await Promise.all([
      kit.bus.publish("results", poison(BONK, "1-1", kit.clock.now())),
      kit.bus.publish("results", quoted(BONK, "1-1", kit.clock.now())),
    ]);
    await kit.clock.advance(5_000);
    expect(kit.symbols.view(BONK)?.state).toBe("suspended");
    expect(kit.dead).toHaveLength(1);
  });

  test("stays suspended over a restart, and an operator's resume lets it go on", async () => {
    const before = await startSymbols();
    await before.request(BONK);
    await before.answer(poison(BONK, "1-1", before.clock.now()));
    await before.clock.advance(5_000);
    await before.stop();
    const after = await startSymbols({ ledger: before.ledger, clock: before.clock });
    expect(after.symbols.view(BONK)?.state).toBe("suspended");
    after.symbols.tell({
      type: "operator.resume",
      symbol: BONK,
      at: at(after),
      by: "ada",
      reason: "looked at it",
    });
    await after.clock.settle();
    await toResting(after);
    expect(after.symbols.view(BONK)?.state).toBe("purging.resting");
  });
});

describe("a record that this version cannot continue", () => {
  test("sets its symbol aside, says so, and leaves the others alone", async () => {
    const ledger = memoryLedger();
    const before = await startSymbols({ ledger });
    await before.request(BONK);
    await toResting(before, SEI);
    await before.stop();
    const row = ledger.rows[0];
    if (row === undefined) throw new Error("no record");
    ledger.rows[0] = { ...row, snapshot: JSON.stringify({ version: 99 }) };
    const after = await startSymbols({ ledger, clock: before.clock });
    expect(after.symbols.view(SEI)?.state).toBe("purging.resting");
    expect(after.observed).toContainEqual(
      expect.objectContaining({
        kind: "note",
        level: "error",
        message: expect.stringMatching(/BONK-USD is set aside/),
      }),
    );
    expect(after.symbols.view(BONK)).toMatchObject({
      state: "suspended",
      suspendedFor: expect.stringContaining("does not fit this version"),
    });
    await after.request(BONK);
    expect(after.observed).toContainEqual(
      expect.objectContaining({
        kind: "dead_letter",
        symbol: BONK,
        reason: expect.stringContaining("set aside"),
      }),
    );
    expect(ledger.rows).toHaveLength(4);
  });
});

test("a failure is counted once, however often the crash comes between its record and its answer", async () => {
  let kit = await startSymbols();
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await kit.request(BONK);
    await kit.quote(BONK);
    const { client_order_id } = kit.lastOrder(BONK);
    const refused: OrderResult = {
      type: "order.rejected",
      symbol: BONK,
      at: at(kit),
      client_order_id,
      rejection: rejection(),
    };
    await kit.answer(refused);
    const { ledger, clock } = kit;
    await kit.stop();
    kit = await startSymbols({ ledger, clock });
    await kit.answer(refused);
  }
  expect(kit.symbols.view(BONK)).toMatchObject({ state: "failed", failures: 2 });
});
