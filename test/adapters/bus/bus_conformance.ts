// What the bus promises, over any transport: each transport's test runs this whole suite.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  BusError,
  type Channel,
  type ChannelBody,
  type Delivery,
  type Observation,
} from "../../../actors/ports.ts";
import {
  decode,
  type MessageBus,
  type MessageBusOptions,
  messageBus,
  type Transport,
} from "../../../adapters/bus/mod.ts";
import { type VirtualClock, virtualClock } from "../../../adapters/clock/mod.ts";
import type { OrderResult, TradingSymbol } from "../../../machines/mod.ts";
import { JSON_TEXT, MSGPACK, VECTORS, vector } from "./vectors.ts";

/** Where transports that can hear each other come from. */
export interface Station {
  connect(): Promise<Transport>;
  close(): Promise<void>;
  /** Whether a server keeps orders and results until they are answered: there is one consumer of them then, and what it
   * puts back is delivered again by the server, before what follows it. */
  readonly isKept: boolean;
}

/** A body that was plain JSON, as the type of its channel. */
export function typed<C extends Channel>(channel: C, body: unknown, subject: string): ChannelBody[C] {
  const bytes = Buffer.from(JSON.stringify(body));
  const decoded = decode(channel, { subject, bytes, headers: JSON_TEXT });
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.body;
}

/** An update of an order, told from others by its revision. */
export function update(revision: number, symbol = "BONK-USD"): OrderResult {
  return typed("results", { ...vector("order.update").body, revision, symbol }, `purge.v1.results.${symbol}`);
}

function letter(symbol: string): ChannelBody["dead"] {
  const { body, subject } = vector("dead_letter");
  return { ...typed("dead", body, subject), subject: `purge.v1.results.${symbol}` };
}

export function symbolOf(text: string): TradingSymbol {
  return update(1, text).symbol;
}

const revisionOf = ({ body }: Delivery<"results">): number =>
  body.type === "order.update" ? body.revision : -1;
const garbage = Buffer.from([0x81, 0xc1]);

export function busConformance(name: string, make: () => Promise<Station>): void {
  describe(name, () => {
    let station: Station;
    let transport: Transport;
    let clock: VirtualClock;
    let bus: MessageBus;
    let observations: Observation[];
    const buses: MessageBus[] = [];

    const open = async (options: Partial<MessageBusOptions> = {}): Promise<MessageBus> => {
      transport = await station.connect();
      const opened = messageBus(transport, { clock, observe: (one) => observations.push(one), ...options });
      buses.push(opened);
      return opened;
    };
    const notes = (): string[] => observations.flatMap((one) => (one.kind === "note" ? [one.message] : []));
    /** Consumes results and keeps the deliveries, unanswered. */
    const collect = async (
      options: { readonly maxInFlight?: number; readonly symbol?: TradingSymbol } = {},
    ) => {
      const deliveries: Delivery<"results">[] = [];
      const cancel = await bus.consume("results", (delivery) => deliveries.push(delivery), options);
      return { deliveries, cancel, revisions: () => deliveries.map(revisionOf) };
    };
    const publish = async (...revisions: number[]): Promise<void> => {
      for (const revision of revisions) await bus.publish("results", update(revision));
      await clock.settle();
    };

    beforeEach(async () => {
      station = await make();
      clock = virtualClock();
      observations = [];
      bus = await open();
    });
    afterEach(async () => {
      for (const one of buses.splice(0)) await one.close();
      await station.close();
      expect(clock.holds, "holds that nobody released").toBe(0);
    });

    describe.each(["msgpack", "json"] as const)("in %s", (format) => {
      test.each(VECTORS)(
        "$name crosses from one bus to another unchanged",
        async ({ channel, subject, body }) => {
          const other = await open({ format });
          const received: unknown[] = [];
          await bus.consume(channel, (delivery) => {
            received.push({
              subject: delivery.subject,
              body: delivery.body,
              deliveries: delivery.deliveries,
            });
            delivery.ack();
          });
          await other.publish(channel, typed(channel, body, subject));
          await expect.poll(() => received).toEqual([{ subject, body, deliveries: 1 }]);
        },
      );
    });

    describe("order", () => {
      test("messages come in the order in which they were published", async () => {
        const { revisions } = await collect();
        const numbers = Array.from({ length: 500 }, (_, index) => index + 1);
        await Promise.all(numbers.map((revision) => bus.publish("results", update(revision))));
        await clock.settle();
        expect(revisions()).toEqual(numbers);
      });

      test("a message never arrives inside the call that publishes it", async () => {
        const { deliveries } = await collect();
        const published = bus.publish("results", update(1));
        expect(deliveries).toEqual([]);
        await published;
        await clock.settle();
        expect(deliveries).toHaveLength(1);
      });

      test("what was put back waits for its time, and no other symbol waits for it", async () => {
        const { deliveries, revisions } = await collect();
        await publish(1, 2, 3);
        deliveries[0]?.nak(1_000);
        deliveries[1]?.ack();
        await bus.publish("results", update(4, "SEI-USD"));
        await clock.advance(999);
        expect(revisions()).toEqual([1, 2, 3, 4]);
        await clock.advance(1);
        expect(revisions()).toEqual([1, 2, 3, 4, 1]);
        expect(deliveries[4]?.body).toEqual(deliveries[0]?.body);
        expect(deliveries.map((one) => one.deliveries)).toEqual([1, 1, 1, 1, 2]);
      });

      test("what follows it under its symbol waits for it only where a server keeps the order", async () => {
        const { deliveries, revisions } = await collect();
        await publish(1);
        deliveries[0]?.nak(1_000);
        await publish(2, 3);
        expect(revisions()).toEqual(station.isKept ? [1] : [1, 2, 3]);
        await clock.advance(1_000);
        expect(revisions()).toEqual(station.isKept ? [1, 1, 2, 3] : [1, 2, 3, 1]);
      });

      test("messages put back together come again in their order, before the ones still waiting", async () => {
        const { deliveries, revisions } = await collect({ maxInFlight: 2 });
        await publish(1, 2);
        for (const other of [3, 4, 5]) await bus.publish("results", update(other, "SEI-USD"));
        deliveries[0]?.nak(1_000);
        deliveries[1]?.nak(1_000);
        await clock.settle();
        await clock.advance(1_000);
        expect(revisions()).toEqual([1, 2, 3, 4]);
        for (const delivery of deliveries.slice(2)) delivery.ack();
        await clock.settle();
        expect(revisions()).toEqual([1, 2, 3, 4, 1, 2]);
      });

      test.each([0, -5, Number.NaN, Number.POSITIVE_INFINITY])(
        "nak(%d) brings it back as well",
        async (delay) => {
          const { deliveries, revisions } = await collect();
          await publish(1);
          deliveries[0]?.nak(delay);
          await clock.advance(1_000);
          expect(revisions()).toEqual([1, 1]);
        },
      );
    });

    describe("consumers", () => {
      test("one symbol's observer gets that symbol only", async () => {
        const subjects: string[] = [];
        const symbol = symbolOf("SEI-USD");
        await bus.consume("dead", (delivery) => subjects.push(delivery.subject), { symbol });
        for (const of of ["BONK-USD", "SEI-USD"]) await bus.publish("dead", letter(of));
        await clock.settle();
        expect(subjects).toEqual(["purge.v1.dead.SEI-USD"]);
      });

      test("each of two observers gets every message, and answers for itself", async () => {
        const seen: string[] = [];
        await bus.consume("dead", (one) => {
          seen.push("one");
          one.ack();
        });
        await bus.consume("dead", (two) => {
          seen.push(`two ${two.deliveries}`);
          if (two.deliveries === 1) two.nak(10);
          else two.ack();
        });
        await bus.publish("dead", letter("BONK-USD"));
        await clock.advance(10);
        expect(seen.toSorted()).toEqual(["one", "two 1", "two 2"]);
      });

      test("no more than maxInFlight are unanswered at a time; the rest follow in order", async () => {
        const { deliveries, revisions } = await collect({ maxInFlight: 2 });
        await bus.publish("results", update(1, "SEI-USD"));
        await publish(2, 3, 4, 5);
        expect(revisions()).toEqual([1, 2]);
        deliveries[1]?.ack();
        await clock.settle();
        expect(revisions()).toEqual([1, 2, 3]);
        deliveries[0]?.nak(60_000);
        deliveries[2]?.dead("no use");
        await clock.settle();
        expect(revisions()).toEqual([1, 2, 3, 4, 5]);
      });

      test("an answer never calls the handler before it returns", async () => {
        const { deliveries } = await collect({ maxInFlight: 1 });
        await publish(1, 2);
        deliveries[0]?.ack();
        expect(deliveries).toHaveLength(1);
        await clock.settle();
        expect(deliveries).toHaveLength(2);
      });

      test("a cancelled consumer hears nothing more, not even what it put back", async () => {
        const { deliveries, cancel, revisions } = await collect();
        await publish(1, 2);
        deliveries[0]?.nak(10);
        cancel();
        cancel();
        deliveries[1]?.nak(10);
        deliveries[1]?.ack();
        expect(clock.nextAt()).toBeNull();
        await bus.publish("results", update(3));
        await clock.advance(1_000);
        expect(revisions()).toEqual([1, 2]);
        expect(bus.counts).toMatchObject({ delivered: 2, acked: 0, nacked: 1 });
      });

      test("a consumer that can never get anything is refused", async () => {
        const bad = [
          bus.consume("venue", () => {}, { symbol: symbolOf("BONK-USD") }),
          bus.consume("results", () => {}, { maxInFlight: 0 }),
          bus.consume("results", () => {}, { maxInFlight: Number.NaN }),
        ];
        for (const attempt of bad) {
          await expect(attempt).rejects.toBeInstanceOf(BusError);
          await expect(attempt).rejects.toMatchObject({ reason: "refused" });
        }
      });
    });

    describe("answers", () => {
      test("a second answer is ignored, noted and counted, and frees no second place", async () => {
        const { deliveries, revisions } = await collect({ maxInFlight: 1 });
        await publish(1, 2, 3);
        const [first] = deliveries;
        first?.ack();
        first?.ack();
        first?.nak(0);
        first?.dead("too late");
        await clock.advance(10);
        expect(revisions()).toEqual([1, 2]);
        expect(bus.counts).toMatchObject({ acked: 1, nacked: 0, deadLetters: 0, answeredTwice: 3 });
        expect(notes()).toHaveLength(3);
        expect(notes()[0]).toMatch(/purge\.v1\.results\.BONK-USD: a second answer/);
      });

      test("a handler that throws gets the message again later, and the others meanwhile", async () => {
        const seen: number[] = [];
        await bus.consume("results", (delivery) => {
          seen.push(revisionOf(delivery));
          if (seen.length === 1) throw new Error("boom");
          delivery.ack();
        });
        await bus.publish("results", update(1, "SEI-USD"));
        await publish(2);
        expect(seen).toEqual([1, 2]);
        await clock.advance(1_000);
        expect(seen).toEqual([1, 2, 1]);
        expect(bus.counts).toMatchObject({ handlerErrors: 1, nacked: 1, acked: 2, answeredTwice: 0 });
        expect(notes()).toEqual([expect.stringContaining("boom")]);
      });

      test("a handler that is asynchronous after all and rejects is treated alike", async () => {
        let calls = 0;
        await bus.consume("results", async (delivery) => {
          calls += 1;
          if (calls === 1) throw new Error("boom");
          delivery.ack();
        });
        await publish(1);
        await clock.advance(1_000);
        expect(calls).toBe(2);
        expect(bus.counts).toMatchObject({ handlerErrors: 1, acked: 1 });
      });

      test("a handler that has answered and then throws does not get the message again", async () => {
        let calls = 0;
        await bus.consume("results", (delivery) => {
          calls += 1;
          delivery.ack();
          throw new Error("boom");
        });
        await publish(1);
        await clock.advance(10_000);
        expect(calls).toBe(1);
        expect(bus.counts).toMatchObject({ handlerErrors: 1, acked: 1, nacked: 0, answeredTwice: 0 });
      });
    });

    describe("dead letters", () => {
      const letters = async (): Promise<Delivery<"dead">[]> => {
        const taken: Delivery<"dead">[] = [];
        await bus.consume("dead", (delivery) => {
          taken.push(delivery);
          delivery.ack();
        });
        return taken;
      };

      test("what a handler sets aside goes there with its bytes and the reason", async () => {
        const taken = await letters();
        const { deliveries } = await collect();
        await publish(7);
        deliveries[0]?.dead("no such order");
        await clock.settle();
        expect(taken).toHaveLength(1);
        const [letter] = taken;
        expect(letter?.subject).toBe("purge.v1.dead.BONK-USD");
        const { body_base64 = "", headers = {}, subject = "" } = letter?.body ?? {};
        const again = decode("results", { subject, headers, bytes: Buffer.from(body_base64, "base64") });
        expect(again).toMatchObject({ ok: true, body: deliveries[0]?.body });
        expect(letter?.body).toMatchObject({
          reason: "no such order",
          at: new Date(clock.now()).toISOString(),
        });
        expect(observations).toContainEqual({
          kind: "dead_letter",
          symbol: "BONK-USD",
          reason: "no such order",
        });
      });

      test("a body that does not decode never reaches a handler; the ones around it do", async () => {
        const taken = await letters();
        const { revisions } = await collect();
        await publish(1);
        await transport.publish("purge.v1.results.SEI-USD", garbage, MSGPACK);
        await transport.publish("purge.v1.results.SEI-USD", garbage, { ...MSGPACK, "Schema-Version": "9" });
        await transport.publish("purge.v1.results.nonsense", garbage, {});
        await publish(2);
        await expect.poll(() => taken.length).toBe(3);
        expect(revisions()).toEqual([1, 2]);
        expect(bus.counts).toMatchObject({ malformed: 3, deadLetters: 3 });
        expect(taken.map(({ subject }) => subject)).toEqual([
          "purge.v1.dead.SEI-USD",
          "purge.v1.dead.SEI-USD",
          "purge.v1.dead._",
        ]);
        expect(taken.map(({ body }) => body.reason)).toEqual([
          expect.stringContaining("not plain MessagePack"),
          expect.stringContaining('Schema-Version is "9"'),
          expect.stringContaining("Schema-Version is missing"),
        ]);
        expect(taken[0]?.body).toMatchObject({ body_base64: garbage.toString("base64"), headers: MSGPACK });
      });

      test("a dead letter that does not decode is counted, and does not breed", async () => {
        const taken = await letters();
        await transport.publish("purge.v1.dead.BONK-USD", garbage, MSGPACK);
        await publish(1);
        await expect.poll(() => bus.counts.malformed).toBe(1);
        await clock.settle();
        expect(taken).toEqual([]);
      });

      test("a large body is kept in part, and says so", async () => {
        const taken = await letters();
        await collect();
        const large = Buffer.alloc(900_000, 1);
        await transport.publish("purge.v1.results.BONK-USD", large, MSGPACK);
        await expect.poll(() => taken.length).toBe(1);
        expect(taken[0]?.body.reason).toMatch(/the first 524288 of 900000 bytes are kept/);
        expect(Buffer.from(taken[0]?.body.body_base64 ?? "", "base64")).toHaveLength(524_288);
      });

      test("what is too much for a consumer, and kept by no server, is set aside, and the consumer goes on", async () => {
        bus = await open({ maxWaiting: 2 });
        const taken = await letters();
        const questions: Delivery<"account">[] = [];
        const asked = (): string[] => questions.map(({ body }) => body.request_id);
        await bus.consume("account", (question) => questions.push(question), { maxInFlight: 1 });
        for (const request_id of ["a", "b", "c", "d"]) {
          await bus.publish(
            "account",
            typed("account", { type: "holdings.refresh", request_id }, "purge.v1.account"),
          );
        }
        await clock.settle();
        expect(taken.map(({ body }) => body.reason)).toEqual([
          "the consumer of account has 2 messages waiting already",
        ]);
        questions[0]?.ack();
        await clock.settle();
        questions[1]?.ack();
        await clock.settle();
        expect(asked()).toEqual(["a", "b", "c"]);
      });
    });

    describe("virtual time", () => {
      test("stands still while a message is on its way to this process", async () => {
        const seen: string[] = [];
        await bus.consume("results", () => seen.push(`message at +${clock.now() - start}`));
        const start = clock.now();
        clock.schedule(start + 10, () => seen.push("timer"));
        void bus.publish("results", update(1));
        expect(clock.holds).toBe(1);
        await clock.advance(10);
        expect(seen).toEqual(["message at +0", "timer"]);
        expect(clock.holds).toBe(0);
      });

      test("is not held by what waits behind unanswered deliveries, or for a consumer to come", async () => {
        const { deliveries } = await collect({ maxInFlight: 1 });
        await publish(1, 2);
        await bus.publish(
          "orders",
          typed("orders", vector("order.place").body, vector("order.place").subject),
        );
        clock.schedule(clock.now() + 5_000, () => deliveries[0]?.ack());
        await clock.advance(5_000);
        expect(deliveries).toHaveLength(2);
      });

      test("is not held by a publish that fails", async () => {
        await collect();
        const wrong = Object.assign(update(1), { fee: "a lot" });
        await expect(bus.publish("results", wrong)).rejects.toMatchObject({ reason: "encode" });
        expect(clock.holds).toBe(0);
      });
    });

    test("a closed bus takes nothing and delivers nothing", async () => {
      const { deliveries, revisions } = await collect();
      await publish(1);
      deliveries[0]?.nak(10);
      const changes: boolean[] = [];
      bus.onConnection((connected) => changes.push(connected));
      expect(bus.connected).toBe(true);
      const closing = bus.close();
      for (const attempt of [bus.publish("results", update(2)), bus.consume("results", () => {})]) {
        await expect(attempt).rejects.toMatchObject({ reason: "closed" });
      }
      await closing;
      await bus.close();
      await clock.advance(1_000);
      expect(revisions()).toEqual([1]);
      expect(bus.connected).toBe(false);
      expect(changes).toEqual([false]);
    });
  });
}
