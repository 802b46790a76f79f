// Taking commands over from the bus and giving them back: order, bounds, acknowledgement, the end.
import { Effect } from "effect";
import { describe, expect, test } from "vitest";
import { startGateway } from "../../actors/gateway.ts";
import { BusError } from "../../actors/ports.ts";
import { marketReport, orderReport, orderRequest, unreachable } from "./fake_exchange.ts";
import { cancel, disconnected, place, query, refresh, Rig, SETTINGS, startRig } from "./gateway_kit.ts";

const order = orderRequest();

describe("order and bounds", () => {
  test("commands of one symbol run strictly one after the other", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push((sent) =>
      Effect.sync(() => rig.exchange.create(sent)).pipe(Effect.delay("3 seconds")),
    );
    await rig.send(place(order), cancel(order), refresh());
    expect(rig.asked).toEqual(["0s place"]);
    await rig.clock.advance(3_000);
    expect(rig.asked).toEqual(["0s place", "3s cancel", "3s order", "3s market"]);
    expect(rig.resultTypes).toEqual(["order.accepted", "order.update", "market.snapshot"]);
  });

  test("a symbol that waits for its retry holds nobody else up", async () => {
    const rig = await startRig({ concurrency: 1 });
    rig.exchange.script.market.push(() => Effect.fail(unreachable("network")));
    await rig.send(refresh("BONK-USD"), refresh("SEI-USD"));
    expect(rig.results).toMatchObject([{ type: "market.snapshot", symbol: "SEI-USD" }]);
    await rig.clock.advance(1_000);
    expect(rig.results[1]).toMatchObject({ type: "market.snapshot", symbol: "BONK-USD" });
  });

  test("no more requests are under way at the exchange than allowed, and all get their turn", async () => {
    const rig = await startRig({ concurrency: 3 });
    const symbols = Array.from({ length: 20 }, (_, n) => `S${n}-USD`);
    for (const _ of symbols) {
      rig.exchange.script.market.push(() => Effect.fail(unreachable("venue")).pipe(Effect.delay("1 second")));
    }
    await rig.send(...symbols.map((symbol) => refresh(symbol)));
    await rig.clock.advance(60_000);
    expect(rig.exchange.mostUnderWay).toBe(3);
    expect(rig.results).toHaveLength(20);
    expect(rig.bus.answered).toEqual(symbols.map(() => "ack"));
  });

  test("waiting for one's turn at the exchange does not count as its slowness", async () => {
    const rig = await startRig({ concurrency: 1, requestTimeoutMs: 1_500 });
    for (let n = 0; n < 3; n += 1) {
      rig.exchange.script.market.push((symbol) =>
        Effect.succeed(marketReport(symbol, rig.start)).pipe(Effect.delay("1 second")),
      );
    }
    await rig.send(...["A", "B", "C"].map((base) => refresh(`${base}-USD`)));
    await rig.clock.advance(10_000);
    expect(rig.asked).toEqual(["0s market", "1s market", "2s market"]);
    expect(rig.retries).toEqual([]);
  });
});

describe("a crowd before a silent exchange", () => {
  test("is answered before the machines ask again, and what was never sent is known to be so", async () => {
    const rig = await startRig({ concurrency: 2, maxAttempts: 2 });
    const orders = Array.from({ length: 60 }, (_, n) => orderRequest(`S${n}-USD`, n + 1));
    for (let n = 0; n < 200; n += 1) {
      rig.exchange.script.place.push(() => Effect.never);
      rig.exchange.script.order.push(() => Effect.never);
    }
    await rig.send(...orders.map(place));
    await rig.clock.advance(59_999);
    expect(rig.exchange.mostUnderWay).toBe(2);
    expect(rig.results).toHaveLength(60);
    const sent = new Set(rig.exchange.calls.map(({ of }) => of));
    for (const result of rig.results) {
      const id = "client_order_id" in result ? result.client_order_id : "";
      expect(result.type).toBe(sent.has(id) ? "order.unknown" : "order.rejected");
    }
    expect(sent.size).toBeGreaterThan(5);
    expect(sent.size).toBeLessThan(60);
    await rig.clock.advance(60_000);
    expect(rig.exchange.underWay).toBe(0);
  });
});

describe("acknowledgement", () => {
  test("comes after the result is on the bus, not before", async () => {
    const rig = await startRig();
    let publish = (): void => {};
    const taken = new Promise<void>((resolve) => {
      publish = resolve;
    });
    const inner = rig.bus.publish.bind(rig.bus);
    rig.bus.publish = async (channel, body) => {
      await taken;
      await inner(channel, body);
    };
    rig.bus.send("orders", place(order));
    for (let turn = 0; turn < 20; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(rig.exchange.count("place")).toBe(1);
    expect(rig.bus.answered).toEqual([]);
    publish();
    await rig.clock.settle();
    expect(rig.resultTypes).toEqual(["order.accepted"]);
    expect(rig.bus.answered).toEqual(["ack"]);
  });

  test("a result that the bus does not take brings the command back later, and then it succeeds", async () => {
    const rig = await startRig();
    rig.bus.failures.push(disconnected());
    await rig.send(place(order));
    expect(rig.bus.answered).toEqual(["nak 1000"]);
    expect(rig.results).toEqual([]);
    expect(rig.notes).toEqual(["warn: the bus did not take the answer: the bus is away"]);
    await rig.clock.advance(8_000);
    expect(rig.bus.answered).toEqual(["nak 1000", "ack"]);
    expect(rig.resultTypes).toEqual(["order.accepted"]);
    expect(rig.exchange.orders.size).toBe(1);
  });

  test("a command that goes back takes those behind it along, so that they do not overtake", async () => {
    const rig = await startRig();
    rig.bus.failures.push(disconnected());
    await rig.send(place(order), cancel(order));
    expect(rig.bus.answered).toEqual(["nak 1000", "nak 1000"]);
    expect(rig.exchange.count("cancel")).toBe(0);
    await rig.clock.advance(8_000);
    expect(rig.resultTypes).toEqual(["order.accepted", "order.update"]);
    expect(rig.bus.answered.slice(2)).toEqual(["ack", "ack"]);
  });

  test("when the second of two results fails, both are said again", async () => {
    const rig = await startRig();
    const filled = orderReport(order, { status: "filled", filled_size: "100" });
    rig.exchange.orders.set(order.client_order_id, filled);
    const inner = rig.bus.publish.bind(rig.bus);
    let published = 0;
    rig.bus.publish = async (channel, body) => {
      published += 1;
      if (published === 2) throw disconnected();
      await inner(channel, body);
    };
    await rig.send(place(order));
    await rig.clock.advance(8_000);
    expect(rig.resultTypes).toEqual(["order.accepted", "order.accepted", "order.update"]);
    expect(rig.bus.answered).toEqual(["nak 1000", "ack"]);
  });

  test("holdings that the bus does not take are read again later", async () => {
    const rig = await startRig();
    rig.bus.failures.push(disconnected());
    rig.bus.send("account", { type: "holdings.refresh", request_id: "h-1" });
    await rig.clock.advance(8_000);
    expect(rig.bus.answered).toEqual(["nak 1000", "ack"]);
    expect(rig.holdings).toHaveLength(1);
  });

  test("a result that can never be encoded is set aside instead of coming back for ever", async () => {
    const rig = await startRig();
    rig.bus.failures.push(new BusError({ reason: "encode", message: "too large" }));
    await rig.send(refresh());
    expect(rig.bus.answered).toEqual(["dead the gateway failed on it: too large"]);
    expect(rig.observed).toContainEqual(expect.objectContaining({ kind: "dead_letter", symbol: "BONK-USD" }));
  });
});

describe("the start", () => {
  test("publishes the breaker's state and consumes commands", async () => {
    const rig = await startRig();
    expect(rig.venue).toMatchObject([{ state: "closed", cause: null, at: "2025-11-11T22:00:00.000Z" }]);
    expect(rig.bus.consumed).toEqual(["orders", "account"]);
  });

  test("goes on without a bus that takes the breaker's state, which follows", async () => {
    const rig = new Rig();
    rig.bus.failures.push(disconnected(), disconnected());
    await rig.begin();
    expect(rig.venue).toEqual([]);
    await rig.clock.advance(16_000);
    expect(rig.venue).toHaveLength(1);
    await rig.gateway.stop();
  });

  test("fails when the bus refuses to be consumed, and leaves nothing behind", async () => {
    const rig = new Rig();
    rig.bus.consume = () => Promise.reject(disconnected());
    await expect(rig.begin()).rejects.toThrow("the bus is away");
    expect(rig.exchange.listeners).toBe(0);
    expect(rig.clock.holds).toBe(0);
    expect(rig.clock.nextAt()).toBeNull();
  });
});

describe("the end", () => {
  test("breaks off requests and waits, hands commands back, and leaves no timer, hold or listener", async () => {
    const rig = new Rig();
    await rig.begin();
    await rig.send(place(orderRequest("SEI-USD", 2)));
    rig.exchange.script.place.push(() => Effect.never);
    rig.exchange.script.market.push(() => Effect.fail(unreachable("network")));
    await rig.send(place(order), cancel(order), refresh("WIF-USD"));
    expect(rig.exchange.underWay).toBe(1);
    await rig.gateway.stop();
    expect(rig.exchange.underWay).toBe(0);
    expect(rig.bus.answered).toEqual(["ack", ...Array.from({ length: 3 }, () => "nak 0")]);
    expect(rig.clock.holds).toBe(0);
    expect(rig.exchange.listeners).toBe(0);
    expect(rig.bus.consumed).toEqual([]);
    const asked = rig.exchange.calls.length;
    await rig.clock.advance(3_600_000);
    expect(rig.exchange.calls).toHaveLength(asked);
    expect(rig.clock.nextAt()).toBeNull();
  });

  test("is one end, however often it is asked for", async () => {
    const rig = new Rig();
    await rig.begin();
    expect(rig.gateway.stop()).toBe(rig.gateway.stop());
    await rig.gateway.stop();
  });

  test("does not wait for ever for a request that cannot be broken off", async () => {
    const rig = new Rig();
    await rig.begin();
    rig.exchange.script.market.push(() =>
      Effect.uninterruptible(Effect.andThen(Effect.sleep("1 hour"), Effect.never)),
    );
    await rig.send(refresh());
    let stopped = false;
    const stop = rig.gateway.stop().then(() => {
      stopped = true;
    });
    await rig.clock.advance(2_999);
    expect(stopped).toBe(false);
    await rig.clock.advance(1);
    await stop;
    expect(rig.notes).toEqual([
      "error: the gateway stopped without waiting for a request that did not end within 3000 ms",
    ]);
    expect(rig.clock.holds).toBe(0);
    expect(rig.clock.nextAt()).toBeNull();
  });

  test("lets the next gateway finish what this one began, with one order at the exchange", async () => {
    const rig = new Rig();
    await rig.begin();
    rig.exchange.script.place.push((sent) => {
      rig.exchange.create(sent);
      return Effect.never;
    });
    await rig.send(place(order));
    await rig.gateway.stop();
    const { bus, exchange, clock } = rig;
    const next = await startGateway({ bus, exchange, clock, observe: () => {}, settings: SETTINGS });
    await rig.send(place(order), query(order));
    expect(rig.resultTypes).toEqual(["order.accepted", "order.update"]);
    expect(exchange.orders.size).toBe(1);
    await next.stop();
  });
});
