// Watching: orders that are not final are followed, and each change is told once.
import { Effect } from "effect";
import { expect, test } from "vitest";
import { notFound, orderReport, orderRequest, unreachable } from "./fake_exchange.ts";
import { cancel, disconnected, place, query, type Rig, startRig } from "./gateway_kit.ts";

const order = orderRequest();
const id = order.client_order_id;

function updates(rig: Rig): readonly string[] {
  return rig.results.flatMap((result) =>
    result.type === "order.update" ? [`${result.revision} ${result.status} ${result.filled_size}`] : [],
  );
}

test("an open order is asked for every pollMs, and only changes are told", async () => {
  const rig = await startRig();
  await rig.send(place(order));
  await rig.clock.advance(4_000);
  expect(rig.asked).toEqual(["0s place", "2s order", "4s order"]);
  expect(updates(rig)).toEqual([]);
  rig.exchange.change(id, { filled_size: "40" });
  await rig.clock.advance(6_000);
  expect(updates(rig)).toEqual(["1 open 40"]);
});

test("a final order is told and forgotten, and no longer asked for", async () => {
  const rig = await startRig();
  await rig.send(place(order));
  rig.exchange.change(id, { status: "filled", filled_size: "100" });
  await rig.clock.advance(2_000);
  expect(updates(rig)).toEqual(["1 filled 100"]);
  expect(rig.gateway.watched).toBe(0);
  await rig.clock.advance(20_000);
  expect(rig.exchange.count("order")).toBe(1);
  expect(rig.clock.nextAt()).toBeNull();
});

test("a pushed report is told at once, and not again by the next poll", async () => {
  const rig = await startRig();
  await rig.send(place(order));
  rig.exchange.push(rig.exchange.change(id, { filled_size: "10" }));
  await rig.clock.settle();
  expect(updates(rig)).toEqual(["1 open 10"]);
  await rig.clock.advance(2_000);
  expect(updates(rig)).toEqual(["1 open 10"]);
});

test("reports pushed in one go are told in order, the newest of them surely", async () => {
  const rig = await startRig();
  await rig.send(place(order));
  rig.exchange.push(rig.exchange.change(id, { filled_size: "10" }));
  const late = rig.exchange.change(id, { filled_size: "20" });
  rig.exchange.push(rig.exchange.change(id, { status: "filled", filled_size: "100" }));
  rig.exchange.push(late);
  await rig.clock.settle();
  expect(updates(rig).at(-1)).toBe("3 filled 100");
  expect(rig.gateway.watched).toBe(0);
  const revisions = updates(rig).map((line) => Number(line[0]));
  expect(revisions).toEqual([...revisions].sort());
});

test("a repeated or older report is not told", async () => {
  const rig = await startRig();
  await rig.send(place(order));
  const first = rig.exchange.change(id, { filled_size: "10" });
  const second = rig.exchange.change(id, { filled_size: "20" });
  for (const report of [second, second, first]) {
    rig.exchange.push(report);
    await rig.clock.settle();
  }
  expect(updates(rig)).toEqual(["2 open 20"]);
});

test("a report of an order that nobody here asked about is left alone", async () => {
  const rig = await startRig();
  rig.exchange.push(orderReport(order, { filled_size: "1" }));
  await rig.clock.settle();
  expect(rig.results).toEqual([]);
});

test("a report that is pushed before the placing is answered is told after it", async () => {
  const rig = await startRig();
  rig.exchange.script.place.push((sent) =>
    Effect.gen(function* () {
      const before = rig.exchange.create(sent);
      rig.exchange.push(rig.exchange.change(id, { status: "filled", filled_size: "100" }));
      yield* Effect.sleep("1 second");
      return before;
    }),
  );
  await rig.send(place(order));
  expect(rig.results).toEqual([]);
  await rig.clock.advance(1_000);
  expect(rig.resultTypes).toEqual(["order.accepted", "order.update"]);
  expect(updates(rig)).toEqual(["1 filled 100"]);
});

test("a report that is pushed during a cancellation is told by its answer, once", async () => {
  const rig = await startRig();
  await rig.send(place(order));
  rig.exchange.script.cancel.push(() =>
    Effect.sync(() => {
      const report = rig.exchange.change(id, { status: "cancelled" });
      rig.exchange.push(report);
      return report;
    }),
  );
  await rig.send(cancel(order));
  expect(updates(rig)).toEqual(["1 cancelled 0"]);
});

test("while a command asks about an order, no poll asks as well", async () => {
  const rig = await startRig();
  await rig.send(place(order));
  const report = rig.exchange.create(order);
  rig.exchange.script.cancel.push(() => Effect.succeed(report).pipe(Effect.delay("3 seconds")));
  await rig.send(cancel(order));
  await rig.clock.advance(4_000);
  expect(rig.asked).toEqual(["0s place", "0s cancel", "3s order", "4s order"]);
});

test("with more open orders than are watched the oldest is let go, and operators are told", async () => {
  const rig = await startRig({ watchedMax: 2 });
  const orders = [1, 2, 3].map((n) => orderRequest(`S${n}-USD`, n));
  for (const one of orders) await rig.send(place(one));
  expect(rig.gateway.watched).toBe(2);
  expect(rig.notes).toEqual(["warn: more than 2 orders are open: the oldest is no longer watched"]);
  await rig.clock.advance(2_000);
  const polled = rig.exchange.calls.filter(({ what }) => what === "order").map(({ of }) => of);
  expect(polled).toEqual(orders.slice(1).map(({ client_order_id }) => client_order_id));
});

test("a poll that fails is not repeated before the next one, and tells nothing", async () => {
  const rig = await startRig();
  await rig.send(place(order));
  rig.exchange.script.order.push(() => Effect.fail(unreachable("network")));
  await rig.clock.advance(4_000);
  expect(rig.asked).toEqual(["0s place", "2s order", "4s order"]);
  expect(rig.resultTypes).toEqual(["order.accepted"]);
  expect(rig.retries).toEqual([]);
});

test("an accepted order that the exchange denies is reported to operators once, and asked for again", async () => {
  const rig = await startRig();
  await rig.send(place(order));
  rig.exchange.script.order.push(
    () => Effect.fail(notFound(id)),
    () => Effect.fail(notFound(id)),
  );
  await rig.clock.advance(6_000);
  expect(rig.exchange.count("order")).toBe(3);
  expect(rig.notes.filter((note) => note.startsWith("error"))).toHaveLength(1);
  expect(rig.gateway.watched).toBe(1);
});

test("a poll that answers with another order is observed and told to nobody", async () => {
  const rig = await startRig();
  await rig.send(place(order));
  const other = orderReport(orderRequest("BONK-USD", 2), { status: "filled", filled_size: "100" });
  rig.exchange.script.order.push(() => Effect.succeed(other));
  await rig.clock.advance(2_000);
  expect(rig.resultTypes).toEqual(["order.accepted"]);
  expect(rig.notes[0]).toMatch(/^error: the exchange answered with order/);
  expect(rig.gateway.watched).toBe(1);
});

test("an update that the bus did not take follows with the next poll", async () => {
  const rig = await startRig();
  await rig.send(place(order));
  rig.bus.failures.push(disconnected());
  rig.exchange.push(rig.exchange.change(id, { status: "filled", filled_size: "100" }));
  await rig.clock.settle();
  expect(updates(rig)).toEqual([]);
  expect(rig.gateway.watched).toBe(1);
  await rig.clock.advance(2_000);
  expect(updates(rig)).toEqual(["1 filled 100"]);
  expect(rig.gateway.watched).toBe(0);
});

test("an order that a restarted supervisor asks about is watched again", async () => {
  const rig = await startRig();
  rig.exchange.create(order);
  await rig.send(query(order));
  rig.exchange.change(id, { status: "expired" });
  await rig.clock.advance(2_000);
  expect(updates(rig)).toEqual(["0 open 0", "1 expired 0"]);
});

test("a failed order brings its refusal, classified", async () => {
  const rig = await startRig();
  await rig.send(place(order));
  const said = { message: "m", details: null, preview_failure: null, raw_response: null };
  rig.exchange.push(
    rig.exchange.change(id, { status: "failed", rejection: { code: "INSUFFICIENT_FUND", ...said } }),
  );
  await rig.clock.settle();
  expect(rig.result("order.update").rejection).toMatchObject({ class: "account", code: "INSUFFICIENT_FUND" });
});
