// Cancelling, querying, quotes and holdings: what each command is answered with.
import { Effect } from "effect";
import { describe, expect, test } from "vitest";
import type { Position } from "../../machines/mod.ts";
import { marketReport, orderReport, orderRequest, refused, symbolOf, unreachable } from "./fake_exchange.ts";
import { cancel, place, query, refresh, settableClock, startRig } from "./gateway_kit.ts";

const order = orderRequest();
const fail =
  <E>(error: E) =>
  () =>
    Effect.fail(error);

describe("order.cancel", () => {
  test("is answered with the order as it is afterwards, which is asked for", async () => {
    const rig = await startRig();
    await rig.send(place(order), cancel(order));
    expect(rig.exchange.calls.map(({ what }) => what)).toEqual(["place", "cancel", "order"]);
    expect(rig.result("order.update")).toMatchObject({ status: "cancelled", revision: 1 });
    expect(rig.gateway.watched).toBe(0);
  });

  test("of an order that is still open after an accepted cancellation says open, and watches it", async () => {
    const rig = await startRig();
    const report = rig.exchange.create(order);
    rig.exchange.script.cancel.push(() => Effect.succeed(report));
    await rig.send(cancel(order));
    expect(rig.result("order.update").status).toBe("open");
    expect(rig.gateway.watched).toBe(1);
  });

  test("that crossed with a fill says filled", async () => {
    const rig = await startRig();
    rig.exchange.create(order);
    rig.exchange.script.cancel.push(() =>
      Effect.sync(() => rig.exchange.change(order.client_order_id, { status: "filled", filled_size: "100" })),
    );
    await rig.send(cancel(order));
    expect(rig.result("order.update")).toMatchObject({ status: "filled", filled_size: "100" });
  });

  test("that was refused is answered with the order as it is: still open", async () => {
    const rig = await startRig();
    await rig.send(place(order));
    rig.exchange.script.cancel.push(fail(refused("COMMANDER_REJECTED_CANCEL_ORDER")));
    await rig.send(cancel(order));
    expect(rig.exchange.count("cancel")).toBe(1);
    expect(rig.result("order.update").status).toBe("open");
    expect(rig.notes[0]).toMatch(/^warn: cancellation refused: COMMANDER_REJECTED_CANCEL_ORDER/);
  });

  test("says what the exchange said at the cancellation when the look afterwards fails", async () => {
    const rig = await startRig({ maxAttempts: 2 });
    rig.exchange.create(order);
    rig.exchange.script.order.push(fail(unreachable("network")), fail(unreachable("network")));
    await rig.send(cancel(order));
    await rig.clock.advance(1_000);
    expect(rig.result("order.update").status).toBe("cancelled");
  });

  test("never takes an older view for the newer one", async () => {
    const rig = await startRig();
    const before = rig.exchange.create(order);
    rig.exchange.script.order.push(() => Effect.succeed(before));
    await rig.send(cancel(order));
    expect(rig.result("order.update")).toMatchObject({ status: "cancelled", revision: 1 });
  });

  test("that cannot be asked is undetermined after maxAttempts requests and one look", async () => {
    const rig = await startRig();
    rig.exchange.create(order);
    for (let n = 0; n < 9; n += 1) {
      rig.exchange.script.cancel.push(fail(unreachable("timeout", "unknown")));
      rig.exchange.script.order.push(fail(unreachable("timeout")));
    }
    await rig.send(cancel(order));
    await rig.clock.advance(60_000);
    expect(rig.exchange.count("cancel")).toBe(4);
    expect(rig.exchange.count("order")).toBe(1);
    expect(rig.result("order.unknown").outcome).toBe("undetermined");
  });

  test("of an order that nobody knows is not found", async () => {
    const rig = await startRig();
    await rig.send(cancel(order));
    expect(rig.result("order.unknown").outcome).toBe("not_found");
  });
});

describe("order.query", () => {
  test("is answered with the order, which is watched from then on", async () => {
    const rig = await startRig();
    rig.exchange.create(order);
    rig.exchange.change(order.client_order_id, { filled_size: "7" });
    await rig.send(query(order));
    expect(rig.result("order.update")).toMatchObject({ status: "open", filled_size: "7", revision: 1 });
    expect(rig.gateway.watched).toBe(1);
  });

  test("is answered each time, changed or not", async () => {
    const rig = await startRig();
    rig.exchange.create(order);
    await rig.send(query(order), query(order));
    expect(rig.resultTypes).toEqual(["order.update", "order.update"]);
  });

  test("of an order that the exchange does not know is not found", async () => {
    const rig = await startRig();
    await rig.send(query(order));
    expect(rig.result("order.unknown")).toMatchObject({ outcome: "not_found" });
    expect(rig.gateway.watched).toBe(0);
  });

  test("of an order that an earlier life may have just sent says that it may arrive, for half a minute", async () => {
    const rig = await startRig();
    await rig.clock.advance(29_999);
    await rig.send(query(order), cancel(order));
    await rig.clock.advance(1);
    await rig.send(query(order));
    expect(rig.results.map((result) => "may_arrive" in result && result.may_arrive)).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("says so of an order that was just sent, also when somebody sets the clock", async () => {
    const clock = settableClock();
    const rig = await startRig({ maxAttempts: 1 }, clock);
    await rig.clock.advance(60_000);
    rig.exchange.script.place.push(fail(unreachable("timeout", "unknown")));
    await rig.send(place(order));
    clock.set(900_000);
    await rig.send(query(order));
    await rig.clock.advance(30_000);
    await rig.send(query(order));
    expect(rig.results).toMatchObject([
      { outcome: "undetermined" },
      { outcome: "not_found", may_arrive: true },
      { outcome: "not_found", may_arrive: false },
    ]);
  });

  test("is repeated over a bad network", async () => {
    const rig = await startRig();
    rig.exchange.create(order);
    rig.exchange.script.order.push(fail(unreachable("network")), fail(unreachable("rate_limited")));
    await rig.send(query(order));
    await rig.clock.advance(5_000);
    expect(rig.exchange.count("order")).toBeGreaterThanOrEqual(3);
    expect(rig.resultTypes).toEqual(["order.update"]);
  });

  test.each([
    ["the network", () => unreachable("network"), 4],
    ["the venue", () => unreachable("venue"), 1],
    ["the account", () => refused("UNAUTHORIZED"), 1],
  ])("is undetermined when %s stands in the way", async (_, failure, requests) => {
    const rig = await startRig();
    rig.exchange.create(order);
    for (let n = 0; n < requests; n += 1) rig.exchange.script.order.push(fail(failure()));
    await rig.send(query(order));
    await rig.clock.advance(30_000);
    expect(rig.exchange.count("order")).toBe(requests);
    expect(rig.result("order.unknown").outcome).toBe("undetermined");
  });

  test("never takes another order for this one", async () => {
    const rig = await startRig();
    rig.exchange.script.order.push(() => Effect.succeed(orderReport(orderRequest("BONK-USD", 2))));
    await rig.send(query(order));
    expect(rig.result("order.unknown")).toMatchObject({
      client_order_id: order.client_order_id,
      outcome: "undetermined",
    });
  });
});

describe("market.refresh", () => {
  test("is answered with a snapshot that names the question", async () => {
    const rig = await startRig();
    rig.exchange.script.market.push((symbol) =>
      Effect.succeed(
        marketReport(symbol, 0, {
          quoted_at: "2025-11-11T23:59:59.123456+02:00",
          best_bid: "1.2e-5",
          available: "007",
        }),
      ),
    );
    await rig.send(refresh("BONK-USD", "7-3"));
    expect(rig.result("market.snapshot")).toMatchObject({
      request_id: "7-3",
      quoted_at: "2025-11-11T21:59:59.123Z",
      best_bid: "0.000012",
      available: "7",
      product: { price_increment: "0.01", status: "online" },
    });
  });

  test.each([
    ["network", "transport", "TRANSPORT_ERROR", 4],
    ["timeout", "transport", "TRANSPORT_TIMEOUT", 4],
    ["rate_limited", "transport", "RATE_LIMITED", 4],
    ["venue", "venue", "UNAVAILABLE", 1],
  ] as const)("that fails for %s is unavailable, class %s", async (kind, fault, code, requests) => {
    const rig = await startRig();
    for (let n = 0; n < requests; n += 1) rig.exchange.script.market.push(fail(unreachable(kind)));
    await rig.send(refresh());
    await rig.clock.advance(30_000);
    expect(rig.exchange.count("market")).toBe(requests);
    expect(rig.result("market.unavailable").rejection).toMatchObject({ class: fault, code });
  });

  test("that is refused is unavailable, classified", async () => {
    const rig = await startRig();
    rig.exchange.script.market.push(fail(refused("INVALID_PRODUCT_ID")));
    await rig.send(refresh());
    expect(rig.result("market.unavailable").rejection).toMatchObject({
      class: "symbol",
      code: "INVALID_PRODUCT_ID",
    });
  });

  test.each([
    ["best_bid", { best_bid: "-0.5" }],
    ["quoted_at", { quoted_at: "yesterday" }],
    ["expected BONK-USD", { symbol: symbolOf("SEI-USD") }],
  ])("whose answer is wrong in %s is unavailable, class venue, and says so", async (word, over) => {
    const rig = await startRig();
    rig.exchange.script.market.push((symbol) => Effect.succeed(marketReport(symbol, 0, over)));
    await rig.send(refresh());
    const { rejection } = rig.result("market.unavailable");
    expect(rejection).toMatchObject({
      class: "venue",
      code: "INVALID_RESPONSE",
      message: expect.stringContaining(word),
    });
    expect(rejection.raw_response).toContain(Object.values(over)[0]);
    expect(rig.gateway.venue.state).toBe("closed");
  });
});

describe("holdings.refresh", () => {
  const position = (currency: string, over: Partial<Position> = {}): Position => ({
    currency,
    symbol: symbolOf(`${currency}-USD`),
    balance: "10",
    available: "9",
    price_usd: "1.5",
    ...over,
  });

  test("is answered with everything the account holds", async () => {
    const rig = await startRig();
    rig.exchange.positions = [position("BONK", { balance: "1e3" }), position("SEI", { price_usd: null })];
    rig.bus.send("account", { type: "holdings.refresh", request_id: "h-1" });
    await rig.clock.settle();
    expect(rig.holdings).toEqual([
      {
        type: "holdings.snapshot",
        request_id: "h-1",
        at: "2025-11-11T22:00:00.000Z",
        positions: [position("BONK", { balance: "1000" }), position("SEI", { price_usd: null })],
      },
    ]);
    expect(rig.bus.answered).toEqual(["ack"]);
  });

  test("is unavailable when an amount cannot be read: a missing position would pass for a sold one", async () => {
    const rig = await startRig();
    rig.exchange.positions = [position("BONK"), position("SEI", { balance: "-3" })];
    rig.bus.send("account", { type: "holdings.refresh", request_id: "h-1" });
    await rig.clock.settle();
    expect(rig.holdings[0]).toMatchObject({
      type: "holdings.unavailable",
      rejection: { class: "venue", code: "INVALID_RESPONSE" },
    });
  });

  test("leaves out a currency that no symbol could name, and says which", async () => {
    const rig = await startRig();
    rig.exchange.positions = [
      position("BONK"),
      { ...position("SEI"), currency: "not a currency", symbol: null },
    ];
    rig.bus.send("account", { type: "holdings.refresh", request_id: "h-1" });
    await rig.clock.settle();
    expect(rig.holdings[0]).toMatchObject({ positions: [{ currency: "BONK" }] });
    expect(rig.observed).toContainEqual(
      expect.objectContaining({ data: { currencies: ["not a currency"] } }),
    );
  });

  test("takes a price that cannot be read for none", async () => {
    const rig = await startRig();
    rig.exchange.positions = [position("BONK", { price_usd: "N/A" })];
    rig.bus.send("account", { type: "holdings.refresh", request_id: "h-1" });
    await rig.clock.settle();
    expect(rig.holdings[0]).toMatchObject({ positions: [{ currency: "BONK", price_usd: null }] });
  });

  test("is repeated over a bad network, then unavailable", async () => {
    const rig = await startRig();
    for (let n = 0; n < 4; n += 1) rig.exchange.script.holdings.push(fail(unreachable("network")));
    rig.bus.send("account", { type: "holdings.refresh", request_id: "h-1" });
    await rig.clock.advance(30_000);
    expect(rig.exchange.count("holdings")).toBe(4);
    expect(rig.holdings[0]).toMatchObject({
      type: "holdings.unavailable",
      rejection: { class: "transport" },
    });
  });
});
