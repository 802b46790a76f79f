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
