// When an actor crashes amid its work: where its next life begins, how often that is tried, and what is left behind.
import { expect, test } from "vitest";
import type { Journal } from "../../actors/ports.ts";
import type { OrderResult, PurgeEvent } from "../../machines/mod.ts";
import { NOBODY, POLICY, rejection } from "../machines/scenario.ts";
import { BONK, type Kit, quoted, requested, SEI, startSymbols } from "./symbols_kit.ts";

const at = (kit: Kit) => new Date(kit.clock.now()).toISOString();

/** With an order at the exchange this crashes the machine, which cannot count from a time that is none. */
const TIMELESS: PurgeEvent = {
  type: "operator.pause",
  symbol: BONK,
  at: "never",
  by: "ana",
  reason: "a bug",
};

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

async function toResting(kit: Kit): Promise<void> {
  await kit.request(BONK);
  await kit.quote(BONK);
  const { client_order_id } = kit.lastOrder(BONK);
  await kit.answer({ type: "order.accepted", symbol: BONK, at: at(kit), client_order_id, order_id: "X-1" });
}

test("the next life begins with the last record, not with an earlier one", async () => {
  const kit = await startSymbols();
  await toResting(kit);
  kit.symbols.tell(TIMELESS);
  await kit.clock.settle();
  expect(kit.states()).toEqual([
    "purging.quoting",
    "purging.placing",
    "purging.resting",
    "purging.cancelling",
  ]);
});

test("a step that is being written when the actor crashes is waited for: the next life begins with it", async () => {
  const kit = await startSymbols();
  await kit.request(BONK);
  kit.faults.hold();
  await kit.bus.publish("results", quoted(BONK, "1-1", kit.clock.now()));
  await turns(10);
  kit.symbols.tell(TIMELESS);
  await turns(10);
  expect(kit.states()).toEqual(["purging.quoting"]);
  kit.faults.release();
  await kit.clock.settle();
  expect(kit.states()).toEqual(["purging.quoting", "purging.placing", "purging.cancelling"]);
  // The life that has ended sends nothing any more: its successor has, whatever the order's fate.
  expect(kit.commands.map(({ type }) => type)).toEqual(["market.refresh", "order.cancel"]);
});

test("an event is given to its symbol's actor three times, and then no more", async () => {
  let lives = 0;
  const wrap = (journal: Journal): Journal => ({
    ...journal,
    read: (query) => {
      lives += 1;
      return journal.read(query);
    },
  });
  const kit = await startSymbols({ wrap });
  await toResting(kit);
  kit.symbols.tell(TIMELESS);
  await kit.clock.settle();
  // The first life had nothing to read. Two more fail at the event, and the last takes the news of it.
  expect(lives).toBe(3);
  expect(kit.observed).toContainEqual(expect.objectContaining({ kind: "dead_letter", symbol: BONK }));
});

test("actors that have stopped leave no timer behind, which would hold up the end of the process", async () => {
  const kit = await startSymbols();
  await toResting(kit);
  expect(kit.clock.nextAt()).not.toBeNull();
  await kit.stop();
  expect(kit.clock.nextAt()).toBeNull();
});

test("no answer of any kind starts a symbol of which nothing is known", async () => {
  const kit = await startSymbols();
  const about = { symbol: SEI, at: at(kit), client_order_id: NOBODY } as const;
  const fill = { status: "filled", filled_size: "1", filled_value: "1", fee: "0", rejection: null } as const;
  const strangers: readonly OrderResult[] = [
    { type: "order.accepted", ...about, order_id: "X-9" },
    { type: "order.rejected", ...about, rejection: rejection() },
    { type: "order.update", ...about, order_id: "X-9", revision: 1, ...fill },
    { type: "order.unknown", ...about, outcome: "not_found", message: "never heard of it" },
    { type: "market.unavailable", symbol: SEI, at: at(kit), request_id: "1-1", rejection: rejection() },
  ];
  for (const result of strangers) await kit.answer(result);
  expect(kit.symbols.view(SEI)).toBeNull();
  expect(kit.ledger.rows).toEqual([]);
  expect(kit.dead).toHaveLength(strangers.length);
});

test("a deadline that a step has set is reached in its time", async () => {
  const kit = await startSymbols();
  await toResting(kit);
  await kit.clock.advance(POLICY.replace_ms - 1);
  expect(kit.symbols.view(BONK)?.state).toBe("purging.resting");
  await kit.clock.advance(1);
  expect(kit.symbols.view(BONK)?.state).toBe("purging.cancelling");
});

test("an event that says nothing new is answered at once where every step is durable", async () => {
  const kit = await startSymbols();
  const resume: PurgeEvent = {
    type: "operator.resume",
    symbol: BONK,
    at: at(kit),
    by: "ana",
    reason: "ready",
  };
  expect(await kit.symbols.ask(resume)).toEqual({ what: "unchanged" });
});

test("events for which there was no room are heard in their order when there is, though no bus brings them again", async () => {
  const kit = await startSymbols({ maxPending: 1, mailboxSize: 1 });
  await kit.request(BONK);
  kit.faults.hold();
  kit.symbols.tell(requested(SEI, kit.clock.now()));
  await turns(5);
  const by = { symbol: BONK, at: at(kit), by: "ana", reason: "to look at it" };
  for (const what of ["pause", "reset", "ban", "reset"] as const) {
    kit.symbols.tell({ type: `operator.${what}`, ...by });
    await turns(5);
  }
  kit.faults.release();
  await kit.clock.advance(10_000);
  expect(kit.ledger.rows.filter(({ symbol }) => symbol === BONK).map(({ state }) => state)).toEqual([
    "purging.quoting",
    "suspended",
    "idle",
    "suspended",
    "idle",
  ]);
});
