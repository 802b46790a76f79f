// The bus inside one process: the common promises, and what only this transport gives.
import { expect, test } from "vitest";
import { inProcessTransport, messageBus } from "../../../adapters/bus/mod.ts";
import { virtualClock } from "../../../adapters/clock/mod.ts";
import { busConformance, typed, update } from "./bus_conformance.ts";
import { MSGPACK, vector } from "./vectors.ts";

busConformance("in process", async () => {
  const transport = inProcessTransport();
  return { connect: async () => transport, close: () => transport.close(), isKept: false };
});

const opened = (options?: Parameters<typeof inProcessTransport>[0]) => {
  const clock = virtualClock();
  return { clock, bus: messageBus(inProcessTransport(options), { clock }) };
};

test("orders and results wait for an actor that starts later, in order", async () => {
  const { bus, clock } = opened();
  for (const revision of [1, 2, 3]) await bus.publish("results", update(revision));
  await clock.settle();
  const seen: unknown[] = [];
  const consuming = bus.consume("results", ({ body }) => seen.push(body));
  await bus.publish("results", update(4));
  await consuming;
  await clock.settle();
  expect(seen).toEqual([update(1), update(2), update(3), update(4)]);
});

test("what waited is gone once it was taken, and one symbol's consumer takes only its own", async () => {
  const { bus, clock } = opened();
  await bus.publish("results", update(1, "SEI-USD"));
  await bus.publish("results", update(2, "BONK-USD"));
  const seen: string[] = [];
  const listen = async (name: string, symbol?: string) =>
    bus.consume("results", ({ body }) => seen.push(`${name} ${body.symbol}`), {
      ...(symbol === undefined ? {} : { symbol: update(1, symbol).symbol }),
    });
  (await listen("first", "SEI-USD"))();
  (await listen("second"))();
  await listen("third");
  await clock.settle();
  expect(seen).toEqual(["first SEI-USD", "second BONK-USD"]);
});

test("when too much waits for nobody, publishing is refused until somebody listens", async () => {
  const { bus, clock } = opened({ keptMax: 2 });
  await bus.publish("results", update(1));
  await bus.publish("results", update(2));
  await clock.settle();
  await expect(bus.publish("results", update(3))).rejects.toMatchObject({ reason: "refused" });
  const seen: unknown[] = [];
  await bus.consume("results", ({ body }) => seen.push(body));
  await bus.publish("results", update(3));
  await clock.settle();
  expect(seen).toEqual([update(1), update(2), update(3)]);
});

test("the venue's last state reaches everyone who comes later; a transition that nobody heard does not", async () => {
  const { bus, clock } = opened();
  const { body, subject } = vector("venue.state");
  const venue = typed("venue", body, subject);
  await bus.publish("venue", { ...venue, state: "half_open" });
  await bus.publish("venue", venue);
  await bus.publish(
    "transitions",
    typed("transitions", vector("transition").body, vector("transition").subject),
  );
  const seen: unknown[] = [];
  for (let listener = 0; listener < 2; listener += 1)
    await bus.consume("venue", (one) => seen.push(one.body));
  await bus.consume("transitions", (one) => seen.push(one.body));
  await clock.settle();
  expect(seen).toEqual([venue, venue]);
});

test("two actors that answer each other for ever leave the rest of the process its turn", async () => {
  const transport = inProcessTransport();
  let calls = 0;
  await transport.subscribe("purge.v1.results.*", () => {
    calls += 1;
    void transport.publish("purge.v1.results.BONK-USD", new Uint8Array(), MSGPACK).catch(() => {});
  });
  await transport.publish("purge.v1.results.BONK-USD", new Uint8Array(), MSGPACK);
  for (let turn = 0; turn < 5; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
  await transport.close();
  expect(calls).toBeGreaterThan(1_000);
});

test("the same calls give the same deliveries, every time", async () => {
  const run = async (): Promise<string[]> => {
    const { bus, clock } = opened();
    const trace: string[] = [];
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    await bus.consume(
      "results",
      (delivery) => {
        trace.push(`${clock.now()} ${delivery.subject} ${JSON.stringify(delivery.body).length}`);
        const choice = random(4);
        if (choice === 0) delivery.nak(random(500));
        else if (choice === 1) clock.schedule(clock.now() + random(100), () => delivery.ack());
        else delivery.ack();
        if (trace.length < 300) void bus.publish("results", update(random(1_000), `S${random(5)}-USD`));
      },
      { maxInFlight: 4 },
    );
    for (let n = 0; n < 50; n += 1) void bus.publish("results", update(n, `S${n % 5}-USD`));
    await clock.advance(60_000);
    await bus.close();
    return trace;
  };
  const first = await run();
  expect(first.length).toBeGreaterThan(300);
  expect(await run()).toEqual(first);
});
