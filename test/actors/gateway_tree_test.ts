// The gateway apart: what is started after what, what goes down with what, and that it is the only one.
import * as Result from "effect/Result";
import { afterEach, describe, expect, test } from "vitest";
import type { Child } from "../../actors/child_spec.ts";
import { type GatewayTreeOptions, startGatewayTree } from "../../actors/gateway_tree.ts";
import type { Bus, Observation } from "../../actors/ports.ts";
import { inProcessTransport, type MessageBus, messageBus } from "../../adapters/bus/mod.ts";
import { virtualClock } from "../../adapters/clock/mod.ts";
import type { OrderResult } from "../../machines/mod.ts";
import { FakeExchange, orderRequest } from "./fake_exchange.ts";
import { place, SETTINGS } from "./gateway_kit.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function startKit(over: Partial<GatewayTreeOptions> = {}) {
  const clock = virtualClock();
  const observed: Observation[] = [];
  const told: string[] = [];
  const exchange = new FakeExchange(clock);
  exchange.close = async () => {
    told.push("exchange closed");
  };
  const buses: MessageBus[] = [];
  const started = await startGatewayTree({
    clock,
    observe: (observation) => observed.push(observation),
    openBus: async () => {
      told.push("bus opened");
      const bus = messageBus(inProcessTransport(), { clock });
      buses.push(bus);
      return bus;
    },
    claim: async () => {
      told.push("claimed");
      return {
        stop: () => {
          told.push("claim given up");
        },
      };
    },
    openExchange: async () => {
      told.push("exchange opened");
      return exchange;
    },
    gateway: SETTINGS,
    ...over,
  });
  if (Result.isSuccess(started)) stops.push(() => started.success.root.stop());
  return { started, clock, observed, told, exchange, bus: () => buses.at(-1) };
}

function running<T>({ started }: { readonly started: Result.Result<T, Error> }): T {
  return Result.getOrThrow(started);
}

/** What the gateway says on the bus from here on. */
async function resultsOn(bus: Bus | undefined): Promise<OrderResult[]> {
  const heard: OrderResult[] = [];
  await bus?.consume("results", (delivery) => {
    heard.push(delivery.body);
    delivery.ack();
  });
  return heard;
}

describe("a gateway of its own", () => {
  test("starts bus, claim and exchange in this order, and answers", async () => {
    const kit = await startKit();
    const results = await resultsOn(kit.bus());
    await kit.bus()?.publish("orders", place(orderRequest()));
    await kit.clock.settle();
    expect(kit.told).toEqual(["bus opened", "claimed", "exchange opened"]);
    expect(results.map(({ type }) => type)).toEqual(["order.accepted"]);
    expect(running(kit).gateway()?.watched).toBe(1);
    expect(kit.observed).toContainEqual({ kind: "connection", connected: true });
  });

  test("looks orders up before it places them while those of an earlier life may still be on the bus", async () => {
    const kit = await startKit();
    const bus = kit.bus();
    await bus?.publish("orders", place(orderRequest("BONK-USD", 1)));
    await kit.clock.settle();
    expect(kit.exchange.calls.map(({ what }) => what)).toEqual(["order", "place"]);
    await kit.clock.advance(120_000);
    const before = kit.exchange.calls.length;
    await bus?.publish("orders", place(orderRequest("SEI-USD", 2)));
    await kit.clock.settle();
    expect(kit.exchange.calls.slice(before).map(({ what }) => what)).toEqual(["place"]);
  });

  test("ends in the reverse order", async () => {
    const kit = await startKit();
    kit.told.length = 0;
    await running(kit).root.stop();
    expect(kit.told).toEqual(["exchange closed", "claim given up"]);
    expect(kit.bus()?.connected).toBe(false);
  });

  test("needs no claim where the bus can have no other gateway", async () => {
    const kit = await startKit({ claim: null });
    expect(kit.told).toEqual(["bus opened", "exchange opened"]);
  });
});

describe("another gateway on the bus", () => {
  test("keeps this one from starting, before it takes an order or opens the exchange", async () => {
    const kit = await startKit({
      claim: () => Promise.reject(new Error("another gateway answers on this bus")),
    });
    expect(Result.isFailure(kit.started) && kit.started.failure.message).toContain(
      "another gateway answers on this bus",
    );
    expect(kit.told).toEqual(["bus opened"]);
  });

  test("that is found later takes this one down, which tries again", async () => {
    let lose: (() => void) | null = null;
    let claims = 0;
    const kit = await startKit({
      claim: async (link): Promise<Child> => {
        claims += 1;
        lose = () => link.exit({ crash: new Error("an older gateway answers on this bus") });
        return { stop: () => {} };
      },
    });
    const before = running(kit).gateway();
    (lose ?? (() => {}))();
    await kit.clock.settle();
    expect(claims).toBe(2);
    expect(kit.told).toEqual(["bus opened", "exchange opened", "exchange closed", "exchange opened"]);
    expect(running(kit).gateway()).not.toBe(before);
  });
});

describe("an exchange", () => {
  test("is closed again when the bus does not let the gateway consume", async () => {
    const clock = virtualClock();
    const closed: string[] = [];
    const exchange = new FakeExchange(clock);
    exchange.close = async () => {
      closed.push("closed");
    };
    const kit = await startKit({
      clock,
      openExchange: async () => exchange,
      openBus: async () => {
        const bus = messageBus(inProcessTransport(), { clock });
        bus.consume = () => Promise.reject(new Error("no permission"));
        return bus;
      },
    });
    expect(Result.isFailure(kit.started) && kit.started.failure.message).toContain("no permission");
    expect(closed).toEqual(["closed"]);
  });
});
