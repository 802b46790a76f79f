// What the codec promises: the same bytes for other languages, and a value for any bytes whatever.
import fc from "fast-check";
import { Packr } from "msgpackr";
import { describe, expect, test } from "vitest";
import { BusError, type Channel, type ChannelBody } from "../../../actors/ports.ts";
import {
  decode,
  encode,
  type Headers,
  MAX_BODY_BYTES,
  type TransportMessage,
} from "../../../adapters/bus/mod.ts";
import { HoldingsMessage, OrderResult, PurgeCommand } from "../../../machines/mod.ts";
import { bodyOf } from "./arbitraries.ts";
import { CHANNELS, JSON_TEXT, MSGPACK, VECTORS, vector } from "./vectors.ts";

const BONK = "purge.v1.results.BONK-USD";
/** What msgpackr does when left alone: records, maps with any key, every extension. */
const careless = new Packr({ useRecords: false, moreTypes: true, structuredClone: true });

const pack = (body: unknown): Uint8Array => careless.pack(body);
const json = (body: unknown): Uint8Array => Buffer.from(JSON.stringify(body));
const result = (bytes: Uint8Array, headers: Headers = MSGPACK, subject = BONK): TransportMessage => ({
  subject,
  bytes,
  headers,
});
const update = vector("order.update").body;
const reasonOf = (message: TransportMessage, channel: Channel = "results"): string => {
  const decoded = decode(channel, message);
  if (decoded.ok) throw new Error(`decoded to ${JSON.stringify(decoded.body)}`);
  return decoded.reason;
};

/** A body that was plain JSON, as the type of its channel. */
function typed<C extends Channel>(channel: C, body: unknown, subject = BONK): ChannelBody[C] {
  const decoded = decode(channel, { subject, bytes: json(body), headers: JSON_TEXT });
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.body;
}
const STEP = vector("transition");
const step = typed("transitions", STEP.body, STEP.subject);

describe("test vectors", () => {
  test("there is one of every kind of message", () => {
    const unions = [PurgeCommand.members, OrderResult.members, HoldingsMessage.members];
    const types = unions.flatMap((members): string[] => members.map(({ fields }) => fields.type.literal));
    expect(types).toHaveLength(13);
    expect(VECTORS.map(({ name }) => name)).toEqual(expect.arrayContaining(types));
    expect(new Set(VECTORS.map(({ channel }) => channel))).toEqual(new Set(CHANNELS));
  });

  test.each(VECTORS)("$name is written as these bytes, under this subject, with this id", (one) => {
    const message = encode(one.channel, typed(one.channel, one.body, one.subject));
    expect(Buffer.from(message.bytes).toString("hex")).toBe(one.msgpack_hex);
    expect(message.subject).toBe(one.subject);
    expect(message.headers).toEqual({
      ...MSGPACK,
      ...(one.message_id === null ? {} : { "Nats-Msg-Id": one.message_id }),
    });
  });

  test.each(VECTORS)(
    "$name is read from these bytes, and from JSON",
    ({ channel, subject, body, msgpack_hex }) => {
      const packed = decode(channel, { subject, bytes: Buffer.from(msgpack_hex, "hex"), headers: MSGPACK });
      expect(packed).toEqual({ ok: true, body, traceparent: null });
      expect(decode(channel, { subject, bytes: json(body), headers: JSON_TEXT })).toEqual(packed);
    },
  );
});

describe("every message survives the way there and back", () => {
  for (const channel of CHANNELS) {
    test.each(["msgpack", "json"] as const)(`${channel}, as %s`, (format) => {
      fc.assert(
        fc.property(bodyOf(channel), (body) => {
          const decoded = decode(channel, encode(channel, body, { format }));
          expect(decoded).toEqual({ ok: true, body, traceparent: null });
        }),
        { numRuns: 200 },
      );
    });
  }
});

describe("headers", () => {
  test("names and types are read in any case, with parameters, and by their older names", () => {
    const spellings: Headers[] = [
      { "content-type": "Application/MsgPack", "schema-version": "1" },
      { "CONTENT-TYPE": "application/x-msgpack", "SCHEMA-VERSION": "1" },
      { "Content-Type": "application/vnd.msgpack; v=1", "Schema-Version": "1" },
    ];
    for (const headers of spellings) expect(decode("results", result(pack(update), headers)).ok).toBe(true);
    const text = { ...JSON_TEXT, "Content-Type": "application/json; charset=utf-8" };
    expect(decode("results", result(json(update), text)).ok).toBe(true);
  });

  test("a trace context passes through, and anything else in its place does not", () => {
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const body = typed("results", update);
    const message = encode("results", body, { traceparent });
    expect(message.headers).toMatchObject({ traceparent });
    expect(decode("results", message)).toMatchObject({ traceparent });
    expect(encode("results", body, { traceparent: "x\r\nevil: 1" }).headers).not.toHaveProperty(
      "traceparent",
    );
    const bad = { ...MSGPACK, traceparent: "nonsense" };
    expect(decode("results", result(pack(update), bad))).toMatchObject({ ok: true, traceparent: null });
  });
});

describe("ids", () => {
  const idOf = (body: unknown): string | undefined =>
    encode("results", typed("results", body)).headers["Nats-Msg-Id"];

  test("the same message has the same id, an answer given again has another", () => {
    expect(idOf(update)).toBe(idOf({ ...update }));
    expect(idOf(update)).not.toBe(idOf({ ...update, at: "2025-11-11T03:04:06.000Z" }));
    expect(idOf(update)).not.toBe(idOf({ ...update, revision: 3 }));
  });

  test("the same step of two ledgers has two ids", () => {
    const [paper, live] = ["paper", "live"].map(
      (ledger_id) => encode("transitions", { ...step, ledger_id }).headers,
    );
    expect(paper?.["Nats-Msg-Id"]).not.toBe(live?.["Nats-Msg-Id"]);
  });

  test("two messages that differ in their headers alone, set aside at one time for one reason, are two dead letters", () => {
    const { subject, body } = vector("dead_letter");
    const letter = typed("dead", body, subject);
    const [one, other] = [{ "Schema-Version": "2" }, { "Schema-Version": "2", "Nats-Msg-Id": "x" }].map(
      (headers) => encode("dead", { ...letter, headers }).headers["Nats-Msg-Id"],
    );
    expect(one).not.toBe(other);
  });

  test("text from outside in an id is never long and never ends a line", () => {
    const snapshot = { ...vector("market.snapshot").body, request_id: `x\r\nPUB evil 0 ${"y".repeat(400)}` };
    expect(idOf(snapshot)).toMatch(/^[\w./:-]{1,200}$/);
  });
});

describe("hostile bodies", () => {
  test("a body of another symbol than its subject's is malformed", () => {
    expect(reasonOf(result(pack(update), MSGPACK, "purge.v1.results.SEI-USD"))).toMatch(
      /belongs under purge\.v1\.results\.BONK-USD/,
    );
    const place = vector("order.place").body;
    const other = { ...place, symbol: "SEI-USD" };
    const message = result(pack(other), MSGPACK, "purge.v1.orders.SEI-USD");
    expect(reasonOf(message, "orders")).toMatch(/order\.symbol is not the command's symbol/);
    const foreign = result(pack({ ...step, symbol: "SEI-USD" }), MSGPACK, "purge.v1.transitions.SEI-USD");
    expect(reasonOf(foreign, "transitions")).toMatch(/of another symbol/);
  });

  test("a message under another channel's subject is malformed", () => {
    expect(reasonOf(result(pack(update), MSGPACK, "purge.v1.orders.BONK-USD"))).toMatch(/none of results/);
  });

  test("any bytes at all give a value, under any headers", () => {
    const headers = fc.oneof(fc.constantFrom(MSGPACK, JSON_TEXT), fc.dictionary(fc.string(), fc.string()));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .anything({ withMap: true, withSet: true, withDate: true, withBigInt: true })
        .map((value) => safePack(value)),
      fc.tuple(fc.constantFrom(...VECTORS), fc.nat(), fc.nat(255)).map(([one, at, byte]) => {
        const changed = Buffer.from(one.msgpack_hex, "hex");
        changed[at % changed.length] = byte;
        return changed;
      }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...CHANNELS),
        fc.constantFrom(...VECTORS),
        bytes,
        headers,
        (channel, one, body, head) => {
          const decoded = decode(channel, { subject: one.subject, bytes: body, headers: head });
          if (!decoded.ok) expect(decoded.reason.length).toBeLessThanOrEqual(400);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  function safePack(value: unknown): Uint8Array {
    try {
      return pack(value);
    } catch {
      return new Uint8Array([0xc1]);
    }
  }
});

describe("what is let through", () => {
  test("unknown fields are ignored, binary ones too", () => {
    const body = { ...update, extra: { nested: [1, Buffer.from("x")] }, sequence: 2n ** 60n };
    expect(decode("results", result(pack(body)))).toEqual({ ok: true, body: update, traceparent: null });
  });

  test("a small integer may come as 64 bits, as Go writes it", () => {
    const bytes = Buffer.concat([
      Buffer.from([0x81]),
      pack("revision"),
      Buffer.from([0xcf, 0, 0, 0, 0, 0, 0, 0, 2]),
    ]);
    const fields = Object.entries(update).filter(([name]) => name !== "revision");
    const rest = Buffer.from(pack(Object.fromEntries(fields)));
    const body = Buffer.concat([
      Buffer.from([0x80 + fields.length + 1]),
      bytes.subarray(1),
      rest.subarray(3),
    ]);
    expect(decode("results", result(body))).toEqual({ ok: true, body: update, traceparent: null });
  });

  test("text that is not valid Unicode is repaired: no result is lost over an exchange's garbled words", () => {
    const unknown = vector("order.unknown").body;
    const broken = Buffer.from(JSON.stringify({ ...unknown, message: "?" }).replace('"?"', '"\\ud800!"'));
    expect(decode("results", result(broken, JSON_TEXT))).toMatchObject({ body: { message: "\ufffd!" } });
    const packed = Buffer.from(pack({ ...unknown, message: "??" }));
    packed[packed.indexOf("??")] = 0xe2;
    expect(decode("results", result(packed))).toMatchObject({ body: { message: "\ufffd?" } });
    const body = typed("results", unknown);
    if (body.type !== "order.unknown") throw new Error(body.type);
    for (const format of ["msgpack", "json"] as const) {
      const message = encode("results", { ...body, message: "\udfff" }, { format });
      expect(decode("results", message)).toMatchObject({ ok: true, body: { message: "\ufffd" } });
    }
  });

  test("decoding leaves the bytes as they were, and can be done again", () => {
    const bytes = Buffer.from(vector("order.update").msgpack_hex, "hex");
    const before = Buffer.from(bytes);
    expect(decode("results", result(bytes))).toEqual(decode("results", result(bytes)));
    expect(Object.keys(bytes)).toEqual(Object.keys(before));
    expect(bytes.equals(before)).toBe(true);
  });
});

describe("encoding", () => {
  const body = typed("results", update);

  test("a body that its receiver would refuse is not sent", () => {
    if (body.type !== "order.update") throw new Error(body.type);
    const attempts = [
      () => encode("results", { ...body, fee: "a lot" }),
      () => encode("results", { ...body, revision: Number.NaN }),
      () => encode("results", Object.assign({ ...body }, { symbol: "purge.v1.>" })),
    ];
    for (const attempt of attempts) {
      expect(attempt).toThrow(BusError);
      expect(attempt).toThrow(expect.objectContaining({ reason: "encode" }));
    }
  });

  test("a snapshot that is no JSON is not sent", () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    for (const snapshot of [new Map(), () => 1, 10n, Number.NaN, { at: new Date() }, circular, [undefined]]) {
      expect(() => encode("transitions", { ...step, snapshot })).toThrow(BusError);
    }
    const sent = encode("transitions", { ...step, snapshot: { a: 1, b: undefined } });
    expect(decode("transitions", sent)).toMatchObject({ body: { snapshot: { a: 1 } } });
  });

  test("a body over the limit is not sent", () => {
    const big = { ...step, snapshot: "x".repeat(MAX_BODY_BYTES) };
    expect(() => encode("transitions", big)).toThrow(/at most 1048576 can be sent/);
  });

  test("fields that the protocol does not know stay at home", () => {
    const message = encode("results", Object.assign({ ...body }, { api_key: "secret" }), { format: "json" });
    expect(Buffer.from(message.bytes).toString()).not.toContain("secret");
  });
});
