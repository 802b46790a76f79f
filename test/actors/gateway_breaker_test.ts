// What opens the breaker, what it holds back and what it lets through.
import { Effect } from "effect";
import { describe, expect, test } from "vitest";
import { orderReport, orderRequest, refused, unreachable } from "./fake_exchange.ts";
import { cancel, place, query, refresh, type Rig, startRig } from "./gateway_kit.ts";

const order = orderRequest();
const fail =
  <E>(error: E) =>
  () =>
    Effect.fail(error);

function states(rig: Rig): readonly string[] {
  return rig.venue.map(({ state, cause }) => (cause === null ? state : `${state} ${cause}`));
}

/** A gateway whose breaker the venue has just opened, for 30 s. */
async function opened(): Promise<Rig> {
  const rig = await startRig();
  rig.exchange.script.market.push(fail(unreachable("venue")));
  await rig.send(refresh());
  return rig;
}

describe("the venue's fault", () => {
  test.each([
    ["place", place(order)],
    ["market", refresh()],
    ["order", query(order)],
    ["cancel", cancel(order)],
  ] as const)("opens the breaker at once, whatever was asked: %s", async (what, command) => {
    const rig = await startRig();
    rig.exchange.script[what].push(fail(unreachable("venue")));
    await rig.send(command);
    expect(states(rig)).toEqual(["closed", "open venue"]);
    expect(rig.observed).toContainEqual({ kind: "venue", venue: rig.gateway.venue });
    expect(rig.gateway.venue).toMatchObject({
      until: "2025-11-11T22:00:30.000Z",
      reason: "venue, arrived: no",
    });
  });

  test("found by a poll or by reading the holdings opens it as well", async () => {
    const rig = await startRig();
    rig.exchange.script.holdings.push(fail(unreachable("venue")));
    rig.bus.send("account", { type: "holdings.refresh", request_id: "h" });
    await rig.clock.settle();
    expect(rig.gateway.venue.state).toBe("open");
    const other = await startRig();
    await other.send(place(order));
    other.exchange.script.order.push(fail(unreachable("venue")));
    await other.clock.advance(2_000);
    expect(other.gateway.venue.state).toBe("open");
  });

  test("is not tried again: an order that certainly did not arrive is rejected", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push(fail(unreachable("venue", "no")));
    await rig.send(place(order));
    expect(rig.result("order.rejected").rejection).toMatchObject({ class: "venue", code: "UNAVAILABLE" });
    expect(rig.exchange.calls).toHaveLength(1);
  });

  test("on an order that may have arrived: it is asked for, but not sent again", async () => {
    const found = await startRig();
    found.exchange.script.place.push((sent) => {
      found.exchange.create(sent);
      return Effect.fail(unreachable("venue", "unknown"));
    });
    await found.send(place(order));
    await found.clock.advance(1_000);
    expect(found.resultTypes).toEqual(["order.accepted"]);

    const missing = await startRig();
    missing.exchange.script.place.push(fail(unreachable("venue", "unknown")));
    await missing.send(place(order));
    await missing.clock.advance(1_000);
    expect(missing.exchange.calls.map(({ what }) => what)).toEqual(["place", "order"]);
    expect(missing.result("order.unknown").outcome).toBe("undetermined");
  });

  test("the network's fault never opens it", async () => {
    const rig = await startRig();
    for (const kind of ["network", "timeout", "rate_limited", "network"] as const) {
      rig.exchange.script.market.push(fail(unreachable(kind)));
    }
    await rig.send(refresh());
    await rig.clock.advance(30_000);
    expect(rig.result("market.unavailable").rejection.class).toBe("transport");
    expect(states(rig)).toEqual(["closed"]);
  });
});

describe("the same halt code on many symbols", () => {
  const halt = (code: string) => fail(refused(code));

  test("opens the breaker, and from then on counts as the venue's fault", async () => {
    const rig = await startRig();
    for (let n = 0; n < 3; n += 1) rig.exchange.script.place.push(halt("TRADING_DISABLED"));
    for (const [n, base] of ["A", "B", "C", "D"].entries())
      await rig.send(place(orderRequest(`${base}-USD`, n + 1)));
    const classes = rig.results.map((result) =>
      result.type === "order.rejected" ? result.rejection.class : result.type,
    );
    expect(classes).toEqual(["symbol", "symbol", "venue", "venue"]);
    expect(rig.gateway.venue.reason).toBe("TRADING_DISABLED on 3 symbols within 60000 ms");
    expect(rig.exchange.count("place")).toBe(3);
  });

  test("is one code, whether said in the code or in the preview", async () => {
    const rig = await startRig();
    const vague = refused("UNKNOWN_FAILURE_REASON", { preview_failure: "ORDER_ENTRY_DISABLED" });
    rig.exchange.script.place.push(halt("ORDER_ENTRY_DISABLED"), fail(vague), halt("ORDER_ENTRY_DISABLED"));
    for (const [n, base] of ["A", "B", "C"].entries())
      await rig.send(place(orderRequest(`${base}-USD`, n + 1)));
    expect(rig.gateway.venue).toMatchObject({
      state: "open",
      reason: expect.stringContaining("ORDER_ENTRY_DISABLED on 3"),
    });
  });

  test.each(["INVALID_SIZE_PRECISION", "INVALID_PRODUCT_ID", "SOMETHING_NEW"])(
    "does not mean %s",
    async (code) => {
      const rig = await startRig();
      for (let n = 0; n < 5; n += 1) rig.exchange.script.place.push(halt(code));
      for (let n = 1; n <= 5; n += 1) await rig.send(place(orderRequest(`S${n}-USD`, n)));
      expect(states(rig)).toEqual(["closed"]);
    },
  );

  test("also counts orders that the exchange took and then failed", async () => {
    const rig = await startRig();
    const rejection = {
      code: "TRADING_DISABLED",
      message: "m",
      details: null,
      preview_failure: null,
      raw_response: null,
    };
    for (let n = 1; n <= 3; n += 1) {
      const one = orderRequest(`S${n}-USD`, n);
      await rig.send(place(one));
      rig.exchange.push(rig.exchange.change(one.client_order_id, { status: "failed", rejection }));
      await rig.clock.settle();
    }
    expect(rig.gateway.venue.state).toBe("open");
  });
});

describe("the account's fault", () => {
  test("opens the breaker for its own cooldown, and operators are told", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push(fail(refused("PERMISSION_DENIED", { message: "missing scope" })));
    await rig.send(place(order));
    expect(rig.result("order.rejected").rejection.class).toBe("account");
    expect(rig.gateway.venue).toMatchObject({
      state: "open",
      cause: "account",
      until: "2025-11-11T22:10:00.000Z",
      reason: "PERMISSION_DENIED: missing scope",
    });
    expect(rig.notes[0]).toMatch(/^error: purging stops: .*PERMISSION_DENIED: missing scope/);
    await rig.send(place(orderRequest("SEI-USD", 2)));
    expect(rig.results[1]).toMatchObject({ rejection: { class: "account", code: "VENUE_BREAKER_OPEN" } });
  });

  test.each(["INSUFFICIENT_FUND", "PREVIEW_INSUFFICIENT_FUND", "INSUFFICIENT_BALANCE"])(
    "is not for the gateway to find in %s: the machine reconciles first",
    async (code) => {
      const rig = await startRig();
      rig.exchange.script.place.push(fail(refused(code)));
      await rig.send(place(order));
      expect(rig.result("order.rejected").rejection.class).toBe("account");
      expect(states(rig)).toEqual(["closed"]);
    },
  );

  test("is not found in a grant that one symbol lacks", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push(fail(refused("TRADE_NOT_GRANTED")));
    await rig.send(place(order));
    expect(rig.result("order.rejected").rejection).toMatchObject({
      class: "account",
      code: "TRADE_NOT_GRANTED",
    });
    expect(states(rig)).toEqual(["closed"]);
  });
});

describe("while it is open", () => {
  test("an order that an earlier life of the gateway placed is found, not rejected", async () => {
    const rig = await opened();
    rig.exchange.create(order);
    await rig.send(place(order));
    expect(rig.result("order.accepted")).toMatchObject({ client_order_id: order.client_order_id });
    expect(rig.exchange.count("place")).toBe(0);
  });

  test("orders are rejected without being placed", async () => {
    const rig = await opened();
    await rig.send(place(order));
    expect(rig.result("order.rejected").rejection).toMatchObject({
      class: "venue",
      code: "VENUE_BREAKER_OPEN",
      message: "nothing is sent until 2025-11-11T22:00:30.000Z: venue, arrived: no",
    });
    expect([rig.exchange.count("place"), rig.exchange.count("order")]).toEqual([0, 1]);
  });

  test("an order that was rejected so is not sent when it is delivered again later", async () => {
    const rig = await opened();
    await rig.send(place(order));
    await rig.clock.advance(30_000);
    await rig.send(place(order));
    expect(rig.exchange.count("place")).toBe(0);
  });

  test("an order that may be at the exchange is asked for, never rejected", async () => {
    const rig = await startRig();
    await rig.send(place(order));
    rig.exchange.script.market.push(fail(unreachable("venue")));
    await rig.send(refresh("SEI-USD"));
    await rig.send(place(order));
    expect(rig.resultTypes).toEqual(["order.accepted", "market.unavailable", "order.accepted"]);
    expect(rig.exchange.count("place")).toBe(1);
  });

  test("quotes are unavailable without touching the exchange", async () => {
    const rig = await opened();
    await rig.send(refresh("SEI-USD"));
    expect(rig.results[1]).toMatchObject({ rejection: { class: "venue", code: "VENUE_BREAKER_OPEN" } });
    expect(rig.exchange.count("market")).toBe(1);
  });

  test("cancellations, queries, polls and holdings go through, and their success closes nothing", async () => {
    const rig = await opened();
    rig.exchange.create(order);
    const other = orderRequest("SEI-USD", 2);
    rig.exchange.create(other);
    await rig.send(query(order), cancel(other));
    rig.bus.send("account", { type: "holdings.refresh", request_id: "h" });
    await rig.clock.advance(2_000);
    expect(
      rig.exchange.calls
        .map(({ what }) => what)
        .slice(1)
        .sort(),
    ).toEqual(["cancel", "holdings", "order", "order", "order"]);
    expect(rig.gateway.venue.state).toBe("open");
  });

  test("an order that waits for its retry when it opens is not sent any more", async () => {
    const rig = await startRig();
    rig.exchange.script.place.push(fail(unreachable("network", "no")));
    rig.exchange.script.market.push(fail(unreachable("venue")));
    await rig.send(place(order), refresh("SEI-USD"));
    await rig.clock.advance(1_000);
    expect(rig.result("order.rejected").rejection.code).toBe("VENUE_BREAKER_OPEN");
    expect(rig.exchange.count("place")).toBe(1);
  });

  test("an order that waits for its turn at the exchange when it opens is not sent any more", async () => {
    const rig = await startRig({ concurrency: 1 });
    rig.exchange.script.market.push(() => Effect.fail(unreachable("venue")).pipe(Effect.delay("1 second")));
    await rig.send(refresh("SEI-USD"), place(order));
    await rig.clock.advance(1_000);
    expect(rig.result("order.rejected").rejection.code).toBe("VENUE_BREAKER_OPEN");
    expect(rig.exchange.count("place")).toBe(0);
  });
});

describe("half open", () => {
  const second = orderRequest("SEI-USD", 2);
  const third = orderRequest("WIF-USD", 3);

  async function halfOpen(): Promise<Rig> {
    const rig = await opened();
    await rig.clock.advance(30_000);
    expect(states(rig)).toEqual(["closed", "open venue", "half_open venue"]);
    return rig;
  }

  test("quotes are read, one order goes through, the others are held back until it is answered", async () => {
    const rig = await halfOpen();
    await rig.send(refresh("SEI-USD"));
    rig.exchange.script.place.push((sent) =>
      Effect.sync(() => rig.exchange.create(sent)).pipe(Effect.delay("1 second")),
    );
    await rig.send(place(order), place(second));
    expect(rig.results.slice(1)).toMatchObject([
      { type: "market.snapshot" },
      { type: "order.rejected", symbol: "SEI-USD", rejection: { code: "VENUE_BREAKER_OPEN" } },
    ]);
    await rig.clock.advance(1_000);
    expect(states(rig).at(-1)).toBe("closed");
    await rig.send(place(third));
    expect(rig.exchange.count("place")).toBe(2);
  });

  test("a probe that is refused for its own fault closes it: the exchange works", async () => {
    const rig = await halfOpen();
    rig.exchange.script.place.push(fail(refused("INVALID_SIZE_PRECISION")));
    await rig.send(place(order));
    expect(states(rig).at(-1)).toBe("closed");
  });

  test("a probe that fails opens it for twice as long", async () => {
    const rig = await halfOpen();
    rig.exchange.script.place.push(fail(unreachable("venue")));
    await rig.send(place(order));
    expect(rig.gateway.venue).toMatchObject({ state: "open", until: "2025-11-11T22:01:30.000Z" });
  });

  test("a probe that gets no answer opens it again too", async () => {
    const rig = await halfOpen();
    for (let n = 0; n < 4; n += 1) rig.exchange.script.place.push(fail(unreachable("network")));
    await rig.send(place(order));
    await rig.clock.advance(10_000);
    expect(rig.exchange.count("place")).toBe(4);
    expect(rig.gateway.venue).toMatchObject({
      state: "open",
      reason: "no answer to the probe; venue, arrived: no",
    });
  });

  test("a probe that lacks a grant was none: the next order is", async () => {
    const rig = await halfOpen();
    rig.exchange.script.place.push(fail(refused("TRADE_NOT_GRANTED")));
    await rig.send(place(order));
    expect(states(rig).at(-1)).toBe("half_open venue");
    await rig.send(place(second));
    expect(states(rig).at(-1)).toBe("closed");
  });

  test("a probe whose answer is about another order leaves it undecided no longer than that", async () => {
    const rig = await halfOpen();
    rig.exchange.script.place.push(() => Effect.succeed(orderReport(third)));
    await rig.send(place(order));
    expect(rig.gateway.venue.state).toBe("open");
  });

  test("a probe that is broken off because the gateway stops says nothing of the venue", async () => {
    const rig = await halfOpen();
    rig.exchange.script.place.push(() => Effect.never);
    await rig.send(place(order));
    await rig.gateway.stop();
    expect(states(rig).at(-1)).toBe("half_open venue");
    expect(rig.observed.filter(({ kind }) => kind === "venue")).toHaveLength(2);
  });

  test("a quote that the venue fails opens it again", async () => {
    const rig = await halfOpen();
    rig.exchange.script.market.push(fail(unreachable("venue")));
    await rig.send(refresh("SEI-USD"));
    expect(rig.gateway.venue).toMatchObject({ state: "open", until: "2025-11-11T22:01:30.000Z" });
  });
});
