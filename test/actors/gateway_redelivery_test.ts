// Commands that come again, late, in another order, or after the end of the gateway that had them first.
import { Effect } from "effect";
import { describe, expect, test } from "vitest";
import { SentOrders } from "../../actors/gateway_place.ts";
import { orderReport, orderRequest, refused, unreachable } from "./fake_exchange.ts";
import { cancel, disconnected, place, query, settableClock, startRig } from "./gateway_kit.ts";

const order = orderRequest();
const HOUR = 3_600_000;

describe("an order that a gateway was given before it ended", () => {
  test("is looked up, and answered as it is", async () => {
    const rig = await startRig();
    rig.exchange.create(order);
    await rig.sendAgain(place(order));
    expect(rig.asked).toEqual(["0s order"]);
    expect(rig.resultTypes).toEqual(["order.accepted"]);
    expect(rig.gateway.watched).toBe(1);
  });

  test("is not placed where the exchange does not know it: the earlier gateway may have told of a refusal", async () => {
    const rig = await startRig();
    await rig.sendAgain(place(order));
    expect(rig.asked).toEqual(["0s order"]);
    expect(rig.result("order.unknown")).toMatchObject({
      outcome: "not_found",
      message: expect.stringContaining("was not placed again"),
    });
    expect(rig.bus.answered).toEqual(["ack"]);
  });

  test("is placed when its machine, told so, asks for it anew", async () => {
    const rig = await startRig();
    await rig.sendAgain(place(order));
    await rig.send(place(order));
    expect(rig.asked).toEqual(["0s order", "0s place"]);
    expect(rig.resultTypes).toEqual(["order.unknown", "order.accepted"]);
  });

  test("has an open outcome where the exchange cannot be asked", async () => {
    const rig = await startRig({ maxAttempts: 1 });
    rig.exchange.script.order.push(() => Effect.fail(unreachable("timeout", "unknown")));
    await rig.sendAgain(place(order));
    expect(rig.result("order.unknown").outcome).toBe("undetermined");
    expect(rig.exchange.count("place")).toBe(0);
  });

  test("is placed without a question where this gateway was the first to have it", async () => {
    const rig = await startRig();
    const other = orderRequest("BONK-USD", 2);
    rig.bus.failures.push(disconnected());
    await rig.send(query(other), place(order));
    expect(rig.bus.answered).toEqual(["nak 1000", "nak 1000"]);
    await rig.clock.advance(1_000);
    expect(rig.result("order.accepted").client_order_id).toBe(order.client_order_id);
    expect(rig.asked).toEqual(["0s order", "1s order", "1s place"]);
  });
});

describe("a gateway that has just started", () => {
  test("looks each new order up before it places it, for as long as it is told to", async () => {
    const rig = await startRig({ lookUpFirstMs: 120_000 });
    rig.exchange.orders.set(order.client_order_id, orderReport(order, { revision: 7 }));
    await rig.send(place(order), place(orderRequest("SEI-USD", 2)));
    expect(rig.asked).toEqual(["0s order", "0s order", "0s place"]);
    await rig.clock.advance(120_000);
    const asked = rig.exchange.count("order");
    await rig.send(place(orderRequest("WIF-USD", 3)));
    expect(rig.exchange.count("order")).toBe(asked);
    expect(rig.exchange.count("place")).toBe(2);
  });
});

describe("an order that is sent again, to a gateway that never had it", () => {
  const again = { ...place(order), resent: true };

  test("is looked up first, and placed where the exchange does not know it", async () => {
    const rig = await startRig();
    await rig.clock.advance(HOUR);
    await rig.send(again);
    expect(rig.asked.map((what) => what.split(" ")[1])).toEqual(["order", "place"]);
    expect(rig.resultTypes).toEqual(["order.accepted"]);
  });

  test("is never rejected unseen: an earlier life may have placed it", async () => {
    const rig = await startRig({ maxAttempts: 1 });
    const limited = () => Effect.fail(unreachable("rate_limited", "no"));
    rig.exchange.script.order.push(limited);
    rig.exchange.script.place.push(limited);
    rig.exchange.create(order);
    await rig.send(again);
    expect(rig.resultTypes).toEqual(["order.unknown"]);
  });

  test("is not called rejected for what happened on the way to the exchange", async () => {
    const rig = await startRig({ maxAttempts: 1 });
    rig.exchange.script.place.push(() => Effect.fail(unreachable("rate_limited", "no")));
    await rig.send(again);
    expect(rig.result("order.unknown").outcome).toBe("undetermined");
  });

  test("that the exchange refuses counts as refused when an earlier life's request can arrive no more", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push(() => Effect.fail(refused("INVALID_SIZE_PRECISION")));
    await rig.send(again);
    expect(rig.resultTypes).toEqual([]);
    await rig.clock.advance(30_000);
    expect(rig.result("order.rejected").rejection.code).toBe("INVALID_SIZE_PRECISION");
  });

  test("is not called refused the sooner for a clock that is set ahead", async () => {
    const clock = settableClock();
    const rig = await startRig({}, clock);
    rig.exchange.script.place.push(() => Effect.fail(refused("INVALID_SIZE_PRECISION")));
    await rig.send(again);
    // A timer wakes the clock, and everything that is due by it.
    clock.schedule(clock.now() + 5_000, () => {});
    clock.set(31_000);
    await rig.clock.advance(6_000);
    expect(rig.exchange.count("order")).toBe(1);
    rig.exchange.create(order);
    await rig.clock.advance(24_000);
    expect(rig.resultTypes).toEqual(["order.accepted"]);
  });
});

describe("a cancellation that comes before its order", () => {
  test("keeps the order from being placed, whenever it comes", async () => {
    const rig = await startRig();
    await rig.send(cancel(order));
    await rig.clock.advance(HOUR);
    await rig.send(place(order), place(order));
    expect(rig.exchange.count("place")).toBe(0);
    expect(rig.results.map((result) => "outcome" in result && result.outcome)).toEqual(
      Array.from({ length: 3 }, () => "not_found"),
    );
    expect(rig.bus.answered).toEqual(["ack", "ack", "ack"]);
  });

  test("does not hide an order that arrived at the exchange all the same", async () => {
    const rig = await startRig({ maxAttempts: 1 });
    rig.exchange.script.place.push(() => Effect.fail(unreachable("timeout", "unknown")));
    await rig.send(place(order), cancel(order));
    rig.exchange.create(order);
    await rig.send(place(order));
    expect(rig.resultTypes).toEqual(["order.unknown", "order.unknown", "order.accepted"]);
    expect(rig.exchange.count("place")).toBe(1);
  });

  test("is not taken for one where the exchange only could not be asked", async () => {
    const rig = await startRig({ maxAttempts: 1 });
    rig.exchange.script.cancel.push(() => Effect.fail(unreachable("timeout", "unknown")));
    rig.exchange.script.order.push(() => Effect.fail(unreachable("timeout", "unknown")));
    await rig.send(cancel(order), place(order));
    expect(rig.resultTypes).toEqual(["order.unknown", "order.accepted"]);
  });

  test("is forgotten after ten thousand others, the oldest first", () => {
    const sent = new SentOrders(0, 2);
    const ids = [1, 2, 3].map((n) => orderRequest("BONK-USD", n).client_order_id);
    for (const id of ids) sent.withdraw(id);
    expect(ids.map((id) => sent.wasWithdrawn(id))).toEqual([false, true, true]);
  });
});

describe("an order that is repeated after its end", () => {
  test("is not placed again after it was cancelled", async () => {
    const rig = await startRig();
    await rig.send(place(order), cancel(order), place(order));
    expect(rig.exchange.count("place")).toBe(1);
    expect(rig.results.at(-1)).toMatchObject({ type: "order.update", status: "cancelled" });
  });

  test("is not placed again after it was refused", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push(() => Effect.fail(refused("INVALID_SIDE")));
    await rig.send(place(order), place(order));
    await rig.sendAgain(place(order));
    expect(rig.exchange.count("place")).toBe(1);
    expect(rig.resultTypes).toEqual(Array.from({ length: 3 }, () => "order.rejected"));
  });
});

describe("an answer that the bus does not take", () => {
  test("brings its command back ever more slowly, and places nothing twice", async () => {
    const rig = await startRig();
    const failing = rig.bus.publish.bind(rig.bus);
    let isAway = true;
    rig.bus.publish = async (channel, body) => {
      if (isAway) throw disconnected();
      await failing(channel, body);
    };
    await rig.send(place(order));
    await rig.clock.advance(1_000 + 2_000 + 4_000 + 8_000);
    expect(rig.bus.answered).toEqual(["nak 1000", "nak 2000", "nak 4000", "nak 8000", "nak 8000"]);
    isAway = false;
    await rig.clock.advance(8_000);
    expect(rig.bus.answered.at(-1)).toBe("ack");
    expect(rig.exchange.count("place")).toBe(1);
  });
});
