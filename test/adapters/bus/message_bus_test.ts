// What the bus does when its transport misbehaves, with a transport made for that.
import { expect, test } from "vitest";
import { BusError, type Observation } from "../../../actors/ports.ts";
import { inProcessTransport, messageBus, type Transport } from "../../../adapters/bus/mod.ts";
import { virtualClock } from "../../../adapters/clock/mod.ts";
import { typed, update } from "./bus_conformance.ts";
import { vector } from "./vectors.ts";

test("a message to oneself that is lost holds virtual time for a moment only", async () => {
  const clock = virtualClock();
  const lossy: Transport = {
    ...inProcessTransport(),
    publish: async () => "taken",
    connected: true,
    echoTimeoutMs: 20,
  };
  const bus = messageBus(lossy, { clock });
  await bus.consume("results", () => {});
  await bus.publish("results", update(1));
  await bus.publish("results", update(2));
  expect(clock.holds).toBe(2);
  await clock.advance(1_000);
  expect(clock.holds).toBe(0);
});

test("a message that the transport does not take holds virtual time no longer", async () => {
  const clock = virtualClock();
  const refused = new BusError({ reason: "refused", message: "no permission" });
  const refusing: Transport = {
    ...inProcessTransport(),
    publish: () => Promise.reject(refused),
    connected: true,
  };
  const bus = messageBus(refusing, { clock });
  await bus.consume("results", () => {});
  await expect(bus.publish("results", update(1))).rejects.toBe(refused);
  expect(clock.holds).toBe(0);
  expect(bus.counts.published).toBe(0);
});

test("closing the bus, or cancelling a consumer, lets go of the time that it held", async () => {
  for (const end of ["close", "cancel"] as const) {
    const clock = virtualClock();
    const lossy: Transport = { ...inProcessTransport(), publish: async () => "taken", connected: true };
    const bus = messageBus(lossy, { clock });
    const cancel = await bus.consume("results", () => {});
    await bus.publish("results", update(1));
    expect(clock.holds).toBe(1);
    if (end === "close") await bus.close();
    else cancel();
    expect(clock.holds).toBe(0);
  }
});

test("two messages without an id hold the time until both have come", async () => {
  const clock = virtualClock();
  const bus = messageBus(inProcessTransport(), { clock });
  let queries = 0;
  await bus.consume("orders", () => {
    queries += 1;
  });
  const query = typed("orders", vector("order.query").body, vector("order.query").subject);
  void bus.publish("orders", query);
  void bus.publish("orders", query);
  expect(clock.holds).toBe(2);
  await clock.settle();
  expect(queries).toBe(2);
});

test("a dead letter that cannot be sent is reported, and nothing else stops", async () => {
  const inner = inProcessTransport();
  const observations: Observation[] = [];
  const refusing: Transport = {
    ...inner,
    connected: true,
    publish: (subject, bytes, headers) =>
      subject.startsWith("purge.v1.dead.")
        ? Promise.reject(new BusError({ reason: "refused", message: "no permission" }))
        : inner.publish(subject, bytes, headers),
  };
  const clock = virtualClock();
  const bus = messageBus(refusing, { clock, observe: (one) => observations.push(one) });
  const seen: unknown[] = [];
  await bus.consume("results", (delivery) => {
    seen.push(delivery.body);
    delivery.dead("no use");
  });
  await bus.publish("results", update(1));
  await bus.publish("results", update(2));
  await clock.settle();
  expect(seen).toEqual([update(1), update(2)]);
  const notes = observations.flatMap((one) => (one.kind === "note" ? [one.message] : []));
  expect(notes).toEqual([expect.stringContaining("is lost"), expect.stringContaining("is lost")]);
});

test("a listener to the connection that throws is noted, and the others are told", async () => {
  const observations: Observation[] = [];
  const bus = messageBus(inProcessTransport(), {
    clock: virtualClock(),
    observe: (one) => observations.push(one),
  });
  const changes: boolean[] = [];
  bus.onConnection(() => {
    throw new Error("boom");
  });
  bus.onConnection((connected) => changes.push(connected));
  await bus.close();
  expect(changes).toEqual([false]);
  expect(observations).toEqual([expect.objectContaining({ kind: "note", level: "error" })]);
});

test("the trace context of the moment goes out with each message", async () => {
  const transport = inProcessTransport();
  const traces = ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", null];
  const clock = virtualClock();
  const bus = messageBus(transport, { clock, traceparent: () => traces.shift() ?? null });
  const headers: unknown[] = [];
  await transport.subscribe("purge.v1.results.*", (message) => headers.push(message.headers["traceparent"]));
  await bus.publish("results", update(1));
  await bus.publish("results", update(2));
  await clock.settle();
  expect(headers).toEqual(["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", undefined]);
});

test("a message that names another mode is set aside, one that names none is taken", async () => {
  const transport = inProcessTransport();
  const clock = virtualClock();
  const [live, paper, plain] = ["live", "paper", undefined].map((mode) =>
    messageBus(transport, { clock, ...(mode === undefined ? {} : { mode }) }),
  );
  const seen: unknown[] = [];
  const letters: string[] = [];
  await paper?.consume("results", (delivery) => {
    seen.push(delivery.body);
    delivery.ack();
  });
  await plain?.consume("dead", ({ body }) => letters.push(body.reason));
  for (const [index, bus] of [live, paper, plain].entries()) await bus?.publish("results", update(index));
  await clock.settle();
  expect(seen).toEqual([update(1), update(2)]);
  expect(letters).toEqual(['header Purge-Mode is "live", and this receiver runs in mode paper']);
});

test("transitions and dead letters are for everyone, and name no mode", async () => {
  const transport = inProcessTransport();
  const clock = virtualClock();
  const bus = messageBus(transport, { clock, mode: "live" });
  const modes: unknown[] = [];
  await transport.subscribe("purge.v1.>", ({ subject, headers }) =>
    modes.push([subject, headers["Purge-Mode"]]),
  );
  const { body, subject } = vector("transition");
  await bus.publish("transitions", typed("transitions", body, subject));
  await bus.publish("results", update(1));
  await clock.settle();
  expect(modes).toEqual([
    ["purge.v1.transitions.BONK-USD", undefined],
    ["purge.v1.results.BONK-USD", "live"],
  ]);
});

test("an order that is published twice is two messages, a result that is published twice is one", async () => {
  const transport = inProcessTransport();
  const clock = virtualClock();
  const bus = messageBus(transport, { clock });
  const ids: (string | undefined)[] = [];
  await transport.subscribe("purge.v1.>", ({ headers }) => ids.push(headers["Nats-Msg-Id"]));
  const query = typed("orders", vector("order.query").body, vector("order.query").subject);
  for (let time = 0; time < 2; time += 1) {
    await bus.publish("orders", query);
    await bus.publish("results", update(1));
  }
  await clock.settle();
  expect([ids.includes(undefined), new Set(ids).size]).toEqual([false, 3]);
});

test("a message that the other side had already holds virtual time no longer", async () => {
  const clock = virtualClock();
  const deduplicating: Transport = {
    ...inProcessTransport(),
    publish: async () => "duplicate",
    connected: true,
  };
  const bus = messageBus(deduplicating, { clock });
  await bus.consume("results", () => {});
  await bus.publish("results", update(1));
  expect(clock.holds).toBe(0);
});

test.each([
  ["transition/main/42/BONK-USD/2025-11-11T03:04:05.678Z", 42],
  ["transition/other/42/BONK-USD/2025-11-11T03:04:05.678Z", null],
  ["transition/main/x/BONK-USD/2025-11-11T03:04:05.678Z", null],
  ["order.update/main/42", null],
  [undefined, null],
])("the last transition is read from the id %s", async (id, seq) => {
  const headers = id === undefined ? {} : { "Nats-Msg-Id": id };
  const last = async () => ({ subject: "purge.v1.transitions.BONK-USD", bytes: new Uint8Array(), headers });
  const bus = messageBus({ ...inProcessTransport(), last, connected: true }, { clock: virtualClock() });
  expect(await bus.lastTransition("main")).toBe(seq);
});
