// Whatever arrives: a dead letter with a reason, never a crash, and never a stall of other symbols.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import type { DeadLetter } from "../../../actors/ports.ts";
import {
  decode,
  type Headers,
  inProcessTransport,
  MAX_BODY_BYTES,
  messageBus,
  type Transport,
} from "../../../adapters/bus/mod.ts";
import { virtualClock } from "../../../adapters/clock/mod.ts";
import { bodyOf } from "./arbitraries.ts";
import { carelessly, HOSTILE, RESULTS_OF_BONK } from "./hostile.ts";
import { REFUSED_FILE, refusedJson } from "./refused.ts";
import { CHANNELS, JSON_TEXT, MSGPACK, VECTORS, vector } from "./vectors.ts";

describe("read by itself", () => {
  test.each(HOSTILE)("$name is malformed, with a reason", ({ reason, ...message }) => {
    const decoded = decode("results", message);
    expect(decoded).toEqual({ ok: false, reason: expect.stringMatching(reason) });
    if (!decoded.ok) expect(decoded.reason.length).toBeLessThanOrEqual(400);
  });

  test("the small ones stand in a file for other languages; renew it with: node test/adapters/bus/write_refused.ts", () => {
    const written = readFileSync(REFUSED_FILE, "utf8");
    expect(written).toBe(refusedJson());
    expect(JSON.parse(written).length).toBeGreaterThan(70);
  });

  test("nothing that was refused has changed what an object is", () => {
    for (const { name: _name, reason: _reason, ...message } of HOSTILE) decode("results", message);
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(Object.hasOwn(Object.prototype, "type")).toBe(false);
    expect({}.constructor).toBe(Object);
  });

  test.each(VECTORS)("$name cut off anywhere is malformed, in both formats", (one) => {
    const { channel, subject, body, msgpack_hex } = one;
    const wholes = [
      { whole: Buffer.from(msgpack_hex, "hex"), headers: MSGPACK },
      { whole: Buffer.from(JSON.stringify(body)), headers: JSON_TEXT },
    ];
    for (const { whole, headers } of wholes) {
      for (let length = 0; length < whole.length; length += 1) {
        const bytes = whole.subarray(0, length);
        expect(decode(channel, { subject, bytes, headers }).ok, `${length} bytes`).toBe(false);
      }
    }
  });

  test("a body of four billion of anything is refused as fast as a small one", () => {
    const heads = [0xc6, 0xc9, 0xdb, 0xdd, 0xdf];
    const started = process.cpuUsage();
    const before = process.memoryUsage().arrayBuffers;
    for (let round = 0; round < 10_000; round += 1) {
      const head = heads[round % heads.length] ?? 0;
      const bytes = Buffer.from([0x81, 0xa1, 0x61, head, 0xff, 0xff, 0xff, 0xff]);
      expect(decode("results", { subject: RESULTS_OF_BONK, bytes, headers: MSGPACK }).ok).toBe(false);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
    expect(process.cpuUsage(started).user / 1_000).toBeLessThan(10_000);
  });

  test("a value is the same message, or no message for the same reason, in both formats", () => {
    const odd = fc.jsonValue({ maxDepth: 3 });
    const changed = fc.constantFrom(...VECTORS).chain((one) =>
      fc.record({
        channel: fc.constant(one.channel),
        subject: fc.constant(one.subject),
        body: fc
          .dictionary(fc.constantFrom(...Object.keys(one.body), "more"), odd, { maxKeys: 2 })
          .map((fields): unknown => JSON.parse(JSON.stringify({ ...one.body, ...fields }))),
      }),
    );
    fc.assert(
      fc.property(changed, ({ channel, subject, body }) => {
        const text = Buffer.from(JSON.stringify(body));
        const packed = decode(channel, { subject, bytes: carelessly(body), headers: MSGPACK });
        const plain = decode(channel, { subject, bytes: text, headers: JSON_TEXT });
        if (JSON.stringify(body).includes("__proto__")) expect([packed.ok, plain.ok]).toEqual([false, false]);
        else expect(packed).toEqual(plain);
      }),
      { numRuns: 2_000 },
    );
  });

  test("a body of exactly the limit is read, and one byte more is not", () => {
    const { subject, body } = vector("transition");
    const sized = (length: number): Uint8Array => {
      const empty = JSON.stringify({ ...body, snapshot: "" }).length;
      return Buffer.from(JSON.stringify({ ...body, snapshot: "x".repeat(length - empty) }));
    };
    const read = (length: number) =>
      decode("transitions", { subject, bytes: sized(length), headers: JSON_TEXT }).ok;
    expect([read(MAX_BODY_BYTES), read(MAX_BODY_BYTES + 1)]).toEqual([true, false]);
  });

  test("bytes changed, taken out or put in anywhere give a value, never an exception", () => {
    const edit = fc.record({ at: fc.nat(), cut: fc.nat(8), put: fc.uint8Array({ maxLength: 8 }) });
    const written = fc.constantFrom(...CHANNELS).chain((channel) =>
      fc.record({
        channel: fc.constant(channel),
        body: bodyOf(channel),
        headers: fc.constantFrom(MSGPACK, JSON_TEXT),
      }),
    );
    fc.assert(
      fc.property(
        written,
        fc.array(edit, { minLength: 1, maxLength: 5 }),
        ({ channel, body, headers }, edits) => {
          const whole = headers === MSGPACK ? carelessly(body) : Buffer.from(JSON.stringify(body));
          const bytes = edits.reduce((before, { at, cut, put }) => {
            const start = at % (before.length + 1);
            return Buffer.concat([before.subarray(0, start), put, before.subarray(start + cut)]);
          }, Buffer.from(whole));
          const subject = RESULTS_OF_BONK;
          const decoded = decode(channel, { subject, bytes, headers });
          if (!decoded.ok) expect(decoded.reason.isWellFormed() && decoded.reason.length <= 400).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe("odd, and let through", () => {
  const update = vector("order.update").body;
  const taken = { ok: true, body: update, traceparent: null };
  const read = (bytes: Uint8Array, headers: Headers) =>
    decode("results", { subject: RESULTS_OF_BONK, bytes, headers });
  const text = JSON.stringify(update);

  test("a byte order mark before JSON", () => {
    expect(read(Buffer.from(`\ufeff${text}`), JSON_TEXT)).toEqual(taken);
  });

  test("equal keys, of which the last counts, in both formats", () => {
    expect(read(Buffer.from(text.replace("{", '{"fee":"9",')), JSON_TEXT)).toEqual(taken);
    const packed = carelessly(update);
    const twice = Buffer.concat([
      Buffer.from([0xde, 0, Object.keys(update).length + 1]),
      carelessly("fee"),
      carelessly("9"),
      packed.subarray(packed[0] === 0xde ? 3 : 1),
    ]);
    expect(read(twice, MSGPACK)).toEqual(taken);
  });

  test("unknown fields with the names of what every object has", () => {
    const more = { ...update, constructor: { prototype: { polluted: true } }, toString: 1, prototype: null };
    expect(read(carelessly(more), MSGPACK)).toEqual(taken);
    expect(read(Buffer.from(JSON.stringify(more)), JSON_TEXT)).toEqual(taken);
    expect("polluted" in {}).toBe(false);
  });

  test("a snapshot with such names, which stays data", () => {
    const { subject, body } = vector("transition");
    const snapshot = { constructor: { prototype: { polluted: true } }, hasOwnProperty: 1, toJSON: "x" };
    const bytes = Buffer.from(JSON.stringify({ ...body, snapshot }));
    const decoded = decode("transitions", { subject, bytes, headers: JSON_TEXT });
    expect(decoded).toMatchObject({ ok: true, body: { snapshot } });
    expect("polluted" in {}).toBe(false);
  });

  test("bytes that are not UTF-8, inside a text, and a lone surrogate: repaired, never lost", () => {
    const unknown = vector("order.unknown").body;
    const broken: [Uint8Array, Headers][] = [];
    for (const bad of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
      const message = "?".repeat(bad.length);
      for (const [bytes, headers] of [
        [Buffer.from(carelessly({ ...unknown, message })), MSGPACK],
        [Buffer.from(JSON.stringify({ ...unknown, message })), JSON_TEXT],
      ] as const) {
        const at = bytes.indexOf("?");
        bytes.set(bad, at);
        broken.push([bytes, headers]);
      }
    }
    const escaped = JSON.stringify({ ...unknown, message: "?" }).replace('"?"', '"\\udc00"');
    broken.push([Buffer.from(escaped), JSON_TEXT]);
    for (const [bytes, headers] of broken) {
      expect(read(bytes, headers)).toMatchObject({
        ok: true,
        body: { message: expect.stringMatching(/^\ufffd+$/) },
      });
    }
  });

  test("headers that it does not know, whatever is in them", () => {
    const odd = {
      ...MSGPACK,
      constructor: "x",
      "": "",
      "X-Long": "x".repeat(10_000),
      traceparent: "\r\nX: y",
    };
    expect(read(carelessly(update), odd)).toEqual(taken);
  });
});

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe("on the bus of one process", () => {
  test("each becomes one dead letter with its bytes, and the message of another symbol behind it is delivered", async () => {
    const clock = virtualClock();
    const transport: Transport = inProcessTransport();
    const bus = messageBus(transport, { clock });
    closing.push(() => bus.close());
    const letters: DeadLetter[] = [];
    const delivered: string[] = [];
    await bus.consume("dead", (delivery) => {
      letters.push(delivery.body);
      delivery.ack();
    });
    await bus.consume("results", (delivery) => {
      delivered.push(delivery.body.symbol);
      delivery.ack();
    });
    const behind = carelessly({ ...vector("order.update").body, symbol: "SEI-USD" });
    for (const [index, { subject, bytes, headers, reason }] of HOSTILE.entries()) {
      await transport.publish(subject, bytes, headers);
      await transport.publish("purge.v1.results.SEI-USD", behind, MSGPACK);
      await clock.settle();
      const name = HOSTILE[index]?.name;
      expect(delivered.length, name).toBe(index + 1);
      expect(letters.length, name).toBe(index + 1);
      expect(letters.at(-1), name).toMatchObject({
        subject: subject.slice(0, 500),
        reason: expect.stringMatching(reason),
        body_base64: Buffer.from(bytes)
          .subarray(0, 512 * 1024)
          .toString("base64"),
      });
    }
    expect(new Set(delivered)).toEqual(new Set(["SEI-USD"]));
    expect(bus.counts).toMatchObject({ malformed: HOSTILE.length, handlerErrors: 0 });
  });

  test("a message of another mode is set aside, and one that names none is taken", async () => {
    const clock = virtualClock();
    const transport = inProcessTransport();
    const bus = messageBus(transport, { clock, mode: "paper" });
    closing.push(() => bus.close());
    const letters: DeadLetter[] = [];
    let taken = 0;
    await bus.consume("dead", (delivery) => {
      letters.push(delivery.body);
      delivery.ack();
    });
    await bus.consume("orders", (delivery) => {
      taken += 1;
      delivery.ack();
    });
    const { subject, msgpack_hex } = vector("order.place");
    const send = (headers: Headers) => transport.publish(subject, Buffer.from(msgpack_hex, "hex"), headers);
    for (const mode of ["live", "dry-run", "Paper", "paper, live", ""]) {
      await send({ ...MSGPACK, "Purge-Mode": mode });
      await send({ ...MSGPACK, "purge-mode": mode });
    }
    await clock.settle();
    expect(taken).toBe(0);
    expect(letters).toHaveLength(10);
    for (const { reason } of letters) expect(reason).toMatch(/^header Purge-Mode is ".*", and this receiver/);
    await send(MSGPACK);
    await send({ ...MSGPACK, "Purge-Mode": "paper" });
    await clock.settle();
    expect(taken).toBe(2);
  });

  test("in any mixture of good messages and garbage all of the good ones arrive, in order", async () => {
    const symbol = fc.constantFrom("BONK-USD", "SEI-USD", "DOGE-USD");
    const rows = fc.array(fc.tuple(symbol, fc.option(fc.uint8Array({ maxLength: 40 }))), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(rows, async (messages) => {
        const clock = virtualClock();
        const transport = inProcessTransport();
        const bus = messageBus(transport, { clock });
        const delivered: string[] = [];
        let letters = 0;
        await bus.consume("dead", (delivery) => {
          letters += 1;
          delivery.ack();
        });
        await bus.consume("results", (delivery) => {
          if (delivery.body.type === "order.update") delivered.push(delivery.body.order_id);
          delivery.ack();
        });
        for (const [index, [name, garbage]] of messages.entries()) {
          const good = carelessly({ ...vector("order.update").body, symbol: name, order_id: `${index}` });
          await transport.publish(`purge.v1.results.${name}`, garbage ?? good, MSGPACK);
        }
        await clock.settle();
        const good = [...messages.keys()].filter((index) => messages[index]?.[1] === null);
        expect(delivered).toEqual(good.map(String));
        expect(letters).toBe(messages.length - good.length);
        await bus.close();
      }),
      { numRuns: 50 },
    );
  });
});
