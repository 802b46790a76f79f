// Placing: what is asked of the exchange, how often and when, and what the machine is told.
import { Effect } from "effect";
import { describe, expect, test } from "vitest";
import { SentOrders } from "../../actors/gateway_place.ts";
import { notFound, orderReport, orderRequest, refused, unreachable } from "./fake_exchange.ts";
import { place, startRig } from "./gateway_kit.ts";

const order = orderRequest();
const fail =
  <E>(error: E) =>
  () =>
    Effect.fail(error);

describe("an answer", () => {
  test("an order that rests is accepted, and nothing more is said", async () => {
    const rig = await startRig();
    await rig.send(place(order));
    expect(rig.result("order.accepted")).toMatchObject({
      symbol: "BONK-USD",
      client_order_id: order.client_order_id,
      order_id: "at-exchange-0001",
      at: "2025-11-11T22:00:00.000Z",
    });
    expect(rig.results).toHaveLength(1);
    expect(rig.bus.answered).toEqual(["ack"]);
  });

  test("an order that was filled at once is accepted and updated", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push(() =>
      Effect.succeed(
        orderReport(order, { status: "filled", revision: 3, filled_size: "100", filled_value: "50" }),
      ),
    );
    await rig.send(place(order));
    expect(rig.resultTypes).toEqual(["order.accepted", "order.update"]);
    expect(rig.result("order.update")).toMatchObject({ status: "filled", revision: 3, filled_size: "100" });
    expect(rig.gateway.watched).toBe(0);
  });

  test("an order that the exchange ended as failed brings its refusal, classified", async () => {
    const rig = await startRig();
    const rejection = { code: "INVALID_LIMIT_PRICE_POST_ONLY", message: "crosses" };
    rig.exchange.script.place.push(() =>
      Effect.succeed(
        orderReport(order, {
          status: "failed",
          rejection: { ...rejection, details: null, preview_failure: null, raw_response: null },
        }),
      ),
    );
    await rig.send(place(order));
    expect(rig.result("order.update").rejection).toMatchObject({ ...rejection, class: "requote" });
  });

  test("a refusal is told whole and is not tried again", async () => {
    const rig = await startRig();
    const said = {
      preview_failure: "PREVIEW_INVALID_SIZE_PRECISION",
      raw_response: '{"success":false}',
      details: "d",
    };
    rig.exchange.script.place.push(fail(refused("INVALID_SIZE_PRECISION", said)));
    await rig.send(place(order));
    await rig.clock.advance(60_000);
    expect(rig.result("order.rejected").rejection).toEqual({
      class: "symbol",
      classified: true,
      code: "INVALID_SIZE_PRECISION",
      message: "said INVALID_SIZE_PRECISION",
      ...said,
    });
    expect(rig.asked).toEqual(["0s place"]);
  });

  test("a raw response longer than the protocol takes is cut, and says so", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push(
      fail(refused("INVALID_SIDE", { raw_response: "x".repeat(50_000), message: "y".repeat(9_000) })),
    );
    await rig.send(place(order));
    const { raw_response, message } = rig.result("order.rejected").rejection;
    expect(raw_response).toHaveLength(16_384);
    expect(raw_response).toMatch(/cut, 50000 characters\)$/);
    expect(message).toMatch(/cut, 9000 characters\)$/);
  });
});

describe("requests that certainly did not arrive", () => {
  test("are repeated maxAttempts times in all, with growing waits, and then the order is rejected", async () => {
    const rig = await startRig();
    for (let n = 0; n < 10; n += 1) rig.exchange.script.place.push(fail(unreachable("network")));
    await rig.send(place(order));
    expect(rig.resultTypes).toEqual([]);
    await rig.clock.advance(60_000);
    expect(rig.exchange.count("place")).toBe(4);
    expect(rig.exchange.calls).toHaveLength(4);
    expect(rig.retries).toEqual([2, 3, 4]);
    expect(rig.result("order.rejected").rejection).toMatchObject({
      class: "transport",
      code: "TRANSPORT_ERROR",
    });
    const times = rig.exchange.calls.map((call) => call.at);
    const waits = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    for (const [index, longest] of [1_000, 2_000, 4_000].entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(longest / 2);
      expect(waits[index]).toBeLessThanOrEqual(longest);
    }
  });

  test("with maxAttempts 1 are not repeated", async () => {
    const rig = await startRig({ maxAttempts: 1 });
    rig.exchange.script.place.push(fail(unreachable("rate_limited")));
    await rig.send(place(order));
    expect(rig.result("order.rejected").rejection).toMatchObject({
      class: "transport",
      code: "RATE_LIMITED",
    });
    expect(rig.asked).toEqual(["0s place"]);
  });

  test("wait as long as a rate limit asks for", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push(fail(unreachable("rate_limited", "no", 12_345)));
    await rig.send(place(order));
    await rig.clock.advance(12_344);
    expect(rig.asked).toEqual(["0s place"]);
    await rig.clock.advance(1);
    expect(rig.asked).toEqual(["0s place", "12.345s place"]);
    expect(rig.resultTypes).toEqual(["order.accepted"]);
  });

  test("are given up at once where the wait would outlast the machine's patience", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push(fail(unreachable("rate_limited", "no", 40_000)));
    await rig.send(place(order));
    expect(rig.result("order.rejected").rejection.class).toBe("transport");
  });

  test("wait equally long under the same seed, and differently under another", async () => {
    const waits = async (seed: string): Promise<readonly string[]> => {
      const rig = await startRig({ seed });
      for (let n = 0; n < 4; n += 1) rig.exchange.script.place.push(fail(unreachable("network")));
      await rig.send(place(order));
      await rig.clock.advance(60_000);
      return rig.asked;
    };
    expect(await waits("one")).toEqual(await waits("one"));
    expect(await waits("one")).not.toEqual(await waits("two"));
  });
});

describe("requests that may have arrived", () => {
  test("are asked for before anything else, and an order that is found is accepted", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push((sent) => {
      rig.exchange.create(sent);
      return Effect.fail(unreachable("timeout", "unknown"));
    });
    await rig.send(place(order));
    await rig.clock.advance(1_000);
    expect(rig.exchange.calls.map(({ what }) => what)).toEqual(["place", "order"]);
    expect(rig.resultTypes).toEqual(["order.accepted"]);
  });

  test("are sent again, with the identical body, only where the exchange does not know the order", async () => {
    const rig = await startRig();
    const bodies: unknown[] = [];
    rig.exchange.script.place.push(
      (sent) => {
        bodies.push(sent);
        return Effect.fail(unreachable("network", "unknown"));
      },
      (sent) => {
        bodies.push(sent);
        return Effect.sync(() => rig.exchange.create(sent));
      },
    );
    await rig.send(place(order));
    await rig.clock.advance(1_000);
    expect(rig.exchange.calls.map(({ what }) => what)).toEqual(["place", "order", "place"]);
    expect(bodies).toEqual([order, order]);
    expect(rig.resultTypes).toEqual(["order.accepted"]);
  });

  test("end undetermined when nobody answers, after maxAttempts requests of all kinds together", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push(fail(unreachable("timeout", "unknown")));
    for (let n = 0; n < 9; n += 1) rig.exchange.script.order.push(fail(unreachable("network")));
    await rig.send(place(order));
    await rig.clock.advance(60_000);
    expect(rig.exchange.calls.map(({ what }) => what)).toEqual(["place", "order", "order", "order"]);
    expect(rig.result("order.unknown")).toMatchObject({ outcome: "undetermined" });
    expect(rig.bus.answered).toEqual(["ack"]);
  });

  test("end undetermined when each of them goes missing, and never rejected, whatever the last one was", async () => {
    const rig = await startRig();
    for (let n = 0; n < 3; n += 1) rig.exchange.script.place.push(fail(unreachable("network", "unknown")));
    rig.exchange.script.place.push(fail(unreachable("rate_limited", "no")));
    await rig.send(place(order));
    await rig.clock.advance(60_000);
    expect(rig.exchange.count("place")).toBe(4);
    expect(rig.exchange.count("order")).toBe(3);
    expect(rig.resultTypes).toEqual(["order.unknown"]);
  });

  test("a request without an answer in time counts as one of these", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push((sent) =>
      Effect.sync(() => rig.exchange.create(sent)).pipe(Effect.delay("1 hour")),
    );
    await rig.send(place(order));
    await rig.clock.advance(4_999);
    expect(rig.exchange.underWay).toBe(1);
    await rig.clock.advance(1);
    expect(rig.exchange.underWay).toBe(0);
    await rig.clock.advance(1_000);
    expect(rig.exchange.calls.map(({ what }) => what)).toEqual(["place", "order", "place"]);
    expect(rig.resultTypes).toEqual(["order.accepted"]);
  });

  test("an exchange that never answers anything leaves the outcome open, within the machine's patience", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push(() => Effect.never);
    for (let n = 0; n < 9; n += 1) rig.exchange.script.order.push(() => Effect.never);
    await rig.send(place(order));
    await rig.clock.advance(59_999);
    expect(rig.exchange.calls).toHaveLength(4);
    expect(rig.exchange.underWay).toBe(0);
    expect(rig.resultTypes).toEqual(["order.unknown"]);
  });

  test("a refusal of the second request counts only when the first is not to be found", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push(fail(unreachable("network", "unknown")), (sent) => {
      // The first one has arrived by now, and holds the funds.
      rig.exchange.create(sent);
      return Effect.fail(refused("INSUFFICIENT_FUND"));
    });
    await rig.send(place(order));
    await rig.clock.advance(30_000);
    expect(rig.exchange.calls.map(({ what }) => what)).toEqual(["place", "order", "place", "order"]);
    expect(rig.resultTypes).toEqual(["order.accepted"]);
  });

  test("a refusal of the second request counts only when the first can arrive no more", async () => {
    const rig = await startRig();
    const sent: (typeof order)[] = [];
    rig.exchange.script.place.push(
      (request) => {
        sent.push(request);
        return Effect.fail(unreachable("timeout", "unknown"));
      },
      fail(refused("INVALID_LIMIT_PRICE_POST_ONLY")),
    );
    await rig.send(place(order));
    await rig.clock.advance(20_000);
    expect(rig.resultTypes).toEqual([]);
    for (const request of sent) rig.exchange.create(request);
    await rig.clock.advance(11_000);
    expect(rig.resultTypes).toEqual(["order.accepted"]);
  });

  test("a refusal that comes too late to be waited for leaves it open what became of the order", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push(
      () => Effect.never,
      () => Effect.never,
      () => Effect.never,
      fail(refused("INVALID_LIMIT_PRICE_POST_ONLY")),
    );
    await rig.send(place(order));
    await rig.clock.advance(40_000);
    expect(rig.resultTypes).toEqual(["order.unknown"]);
  });

  test("a refusal of the second request is told when there is no order", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push(
      fail(unreachable("network", "unknown")),
      fail(refused("INVALID_LIMIT_PRICE_POST_ONLY")),
    );
    await rig.send(place(order));
    await rig.clock.advance(30_000);
    expect(rig.result("order.rejected").rejection).toMatchObject({ class: "requote" });
  });

  test("an id that the exchange knows already is looked up", async () => {
    const rig = await startRig();
    rig.exchange.create(order);
    rig.exchange.script.place.push(fail(refused("DUPLICATE_CLIENT_ORDER_ID")));
    await rig.send(place(order));
    await rig.clock.advance(1_000);
    expect(rig.exchange.calls.map(({ what }) => what)).toEqual(["place", "order"]);
    expect(rig.resultTypes).toEqual(["order.accepted"]);
  });

  test("an adapter that throws is observed, and the order is looked for", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push((sent) => {
      rig.exchange.create(sent);
      return Effect.die(new Error("cannot read properties of undefined"));
    });
    await rig.send(place(order));
    await rig.clock.advance(1_000);
    expect(rig.resultTypes).toEqual(["order.accepted"]);
    expect(rig.notes).toEqual([
      "error: the exchange adapter failed on place: cannot read properties of undefined",
    ]);
  });
});

describe("an answer that cannot be used", () => {
  test("about another order is never taken for this one", async () => {
    const rig = await startRig();
    const other = orderRequest("BONK-USD", 77);
    rig.exchange.script.place.push(() => Effect.succeed(orderReport(other)));
    await rig.send(place(order));
    expect(rig.result("order.unknown")).toMatchObject({
      client_order_id: order.client_order_id,
      outcome: "undetermined",
      message: expect.stringContaining(other.client_order_id),
    });
    expect(rig.notes[0]).toMatch(/^error: the exchange answered with order .*0000004d of BONK-USD, expected/);
    expect(rig.gateway.watched).toBe(0);
  });

  test("about another symbol is never taken for this one", async () => {
    const rig = await startRig();
    const { symbol } = orderRequest("SEI-USD");
    rig.exchange.script.place.push(() => Effect.succeed(orderReport(order, { symbol })));
    await rig.send(place(order));
    expect(rig.result("order.unknown").outcome).toBe("undetermined");
  });

  test.each([
    ["filled_size", { filled_size: "-1" }],
    ["filled_value", { filled_value: "NaN" }],
    ["fee", { fee: "1,5" }],
    ["revision", { revision: 1.5 }],
    ["order_id", { order_id: "x".repeat(501) }],
  ])("with a bad %s leaves the outcome open and names it", async (field, over) => {
    const rig = await startRig();
    rig.exchange.script.place.push(() => Effect.succeed(orderReport(order, over)));
    await rig.send(place(order));
    expect(rig.result("order.unknown")).toMatchObject({
      outcome: "undetermined",
      message: expect.stringContaining(field),
    });
  });

  test("but numbers that are only written oddly are made plain", async () => {
    const rig = await startRig();
    const odd = { filled_size: "1E+2", filled_value: "+0.50", fee: "5e-7" };
    rig.exchange.script.place.push(() => Effect.succeed(orderReport(order, { status: "filled", ...odd })));
    await rig.send(place(order));
    expect(rig.result("order.update")).toMatchObject({
      filled_size: "100",
      filled_value: "0.50",
      fee: "0.0000005",
    });
  });
});

describe("the same command again", () => {
  test("is harmless: one order, accepted once more", async () => {
    const rig = await startRig();
    await rig.send(place(order));
    await rig.send(place(order));
    expect(rig.resultTypes).toEqual(["order.accepted", "order.accepted"]);
    expect(rig.exchange.orders.size).toBe(1);
    expect(rig.exchange.count("place")).toBe(1);
    expect(rig.gateway.watched).toBe(1);
  });

  test("after a refusal is refused the same way and never reaches the exchange", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push(fail(refused("INVALID_LIMIT_PRICE_POST_ONLY")));
    await rig.send(place(order));
    await rig.send(place(order));
    expect(rig.resultTypes).toEqual(["order.rejected", "order.rejected"]);
    expect(rig.results[1]).toEqual(rig.results[0]);
    expect(rig.exchange.orders.size).toBe(0);
    expect(rig.exchange.calls).toHaveLength(1);
  });

  test("of an order that has gone missing at the exchange is sent again", async () => {
    const rig = await startRig();
    await rig.send(place(order));
    rig.exchange.script.order.push(fail(notFound(order.client_order_id)));
    await rig.send(place(order));
    expect(rig.exchange.calls.map(({ what }) => what)).toEqual(["place", "order", "place"]);
    expect(rig.resultTypes).toEqual(["order.accepted", "order.accepted"]);
  });

  test("is not rejected for a network that failed only the second time", async () => {
    const rig = await startRig({ maxAttempts: 1 });
    await rig.send(place(order));
    rig.exchange.script.order.push(fail(unreachable("network")));
    await rig.send(place(order));
    expect(rig.resultTypes).toEqual(["order.accepted", "order.unknown"]);
  });

  test("with another body is set aside and never sent", async () => {
    const rig = await startRig();
    await rig.send(place(order));
    await rig.send(place({ ...order, limit_price: "0.4" }));
    expect(rig.bus.answered[1]).toMatch(/^dead order\.place repeats client_order_id .* with another body/);
    expect(rig.exchange.count("place")).toBe(1);
    expect(rig.observed).toContainEqual(expect.objectContaining({ kind: "dead_letter", symbol: "BONK-USD" }));
  });

  test("whose order is another symbol's is set aside and never sent", async () => {
    const rig = await startRig();
    await rig.send({ type: "order.place", symbol: orderRequest("SEI-USD").symbol, order });
    expect(rig.bus.answered).toEqual(["dead order.place for SEI-USD carries an order for BONK-USD"]);
    expect(rig.exchange.calls).toEqual([]);
  });
});

test("what was sent is remembered within bounds, the newest longest", () => {
  const sent = new SentOrders(0, 2);
  const [first, second, third] = [
    orderRequest("A-USD", 1),
    orderRequest("B-USD", 2),
    orderRequest("C-USD", 3),
  ];
  sent.send(first, 0);
  sent.send(second, 0);
  sent.send(first, 0);
  sent.send(third, 0);
  const known = [first, second, third].map(({ client_order_id }) => sent.wasSent(client_order_id));
  expect(known).toEqual([true, false, true]);
});
