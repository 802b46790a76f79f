// The same over a real nats-server, written to its socket as a foreign client would: nothing crashes, nothing stalls.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect as join } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DeadLetter, Observation } from "../../../actors/ports.ts";
import { type Headers, type MessageBus, messageBus, natsTransport } from "../../../adapters/bus/mod.ts";
import { systemClock } from "../../../adapters/clock/mod.ts";
import { type NatsServer, startNatsServer } from "../../nats_server.ts";
import { carelessly, HOSTILE, RESULTS_OF_BONK } from "./hostile.ts";
import { MSGPACK, VECTORS, vector } from "./vectors.ts";

/** The server itself refuses a longer control line. */
const TAKEN_SUBJECT = 1_000;
const SEI = "purge.v1.results.SEI-USD";

let server: NatsServer;
let bus: MessageBus;
let socket: Socket;
let observations: Observation[];
let letters: DeadLetter[];
let delivered: string[];

beforeEach(async () => {
  // More than the protocol allows, so that what is too long for it arrives.
  server = await startNatsServer({ config: "max_payload: 4MB\n" });
  observations = [];
  letters = [];
  delivered = [];
  const observe = (one: Observation): void => {
    observations.push(one);
  };
  const settings = { servers: server.url, name: "hostile" };
  const transport = await natsTransport(settings, { role: "both", observe });
  bus = messageBus(transport, { clock: systemClock(), observe });
  await bus.consume("dead", (delivery) => {
    letters.push(delivery.body);
    delivery.ack();
  });
  await bus.consume("results", (delivery) => {
    if (delivery.body.type === "order.update")
      delivered.push(`${delivery.body.symbol} ${delivery.body.order_id}`);
    delivery.ack();
  });
  socket = connect(server.port, "127.0.0.1");
  await once(socket, "data");
  socket.on("error", () => {});
  socket.write('CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":false}\r\n');
});
afterEach(async () => {
  socket?.destroy();
  await bus?.close();
  await server?.stop();
});

test("each hostile message becomes a dead letter, and the messages of another symbol between them arrive in order", async () => {
  const sent = HOSTILE.filter(({ subject }) => subject.length < TAKEN_SUBJECT);
  expect(sent.length).toBeGreaterThan(80);
  for (const [index, { subject, bytes, headers }] of sent.entries()) {
    write(subject, headerLines(headers), bytes);
    write(SEI, headerLines(MSGPACK), good(index));
  }
  await settled(sent.length, sent.length);
  expect(delivered).toEqual(sent.map((_, index) => `SEI-USD ${index}`));
  for (const { name, subject, bytes, reason } of sent) {
    const body = Buffer.from(bytes)
      .subarray(0, 512 * 1024)
      .toString("base64");
    const same = letters.filter((letter) => letter.subject === subject && letter.body_base64 === body);
    expect(
      same.some((letter) => reason.test(letter.reason)),
      name,
    ).toBe(true);
  }
});

const LINES = ["Content-Type: application/msgpack", "Schema-Version: 1"] as const;
const BLOCKS: readonly (readonly [name: string, block: string | Uint8Array, isTaken: boolean])[] = [
  ["no header at all", "", false],
  ["the version twice, the right one first", block([...LINES, "Schema-Version: 2"]), true],
  ["the version twice, the wrong one first", block(["Schema-Version: 2", ...LINES]), false],
  ["names in another case", block(["content-TYPE: application/msgpack", "SCHEMA-version: 1"]), true],
  ["spaces around a value", block(["Content-Type:   application/msgpack  ", "Schema-Version:1"]), true],
  ["a line without a colon", block(["Content-Type application/msgpack", "Schema-Version: 1"]), false],
  ["a header without a name", block([...LINES, ": x"]), true],
  ["a header of 30,000 letters", block([...LINES, `X-Long: ${"x".repeat(30_000)}`]), true],
  [
    "a thousand headers",
    block([...LINES, ...Array.from({ length: 1_000 }, (_, index) => `X-${index}: x`)]),
    true,
  ],
  ["a line end inside a value", block([...LINES, "X: a\rb\nc"]), false],
  ["a value with a NUL", block([...LINES, "X: a\0b"]), true],
  [
    "a value that is no UTF-8",
    Buffer.concat([
      Buffer.from(block([...LINES, "X: "])).subarray(0, -4),
      Buffer.from([0xff, 0xfe, 13, 10, 13, 10]),
    ]),
    true,
  ],
  ["names that every object has", block(["__proto__: x", "constructor: y", ...LINES]), true],
  ["a trace that is none", block([...LINES, "traceparent: 00-zz"]), true],
  ["a status in place of headers", "NATS/1.0 503\r\n\r\n", false],
  ["another version of the header line", block([...LINES]).replace("NATS/1.0", "NATS/9.9"), true],
];

test("whatever the headers are, the message is taken or set aside, and none behind it waits", async () => {
  for (const [index, [, lines]] of BLOCKS.entries()) {
    write(RESULTS_OF_BONK, lines, carelessly({ ...vector("order.update").body, order_id: `${index}` }));
    write(SEI, headerLines(MSGPACK), good(index));
  }
  const taken = BLOCKS.flatMap(([, , isTaken], index) => (isTaken ? [`BONK-USD ${index}`] : []));
  await settled(BLOCKS.length + taken.length, BLOCKS.length - taken.length);
  expect(delivered.filter((one) => one.startsWith("SEI"))).toEqual(
    BLOCKS.map((_, index) => `SEI-USD ${index}`),
  );
  expect(delivered.filter((one) => one.startsWith("BONK"))).toEqual(taken);
});

test("what is said on any other subject stops nothing there either", async () => {
  const heard: string[] = [];
  const others = ["orders", "account", "holdings", "venue", "transitions"] as const;
  for (const channel of others) {
    await bus.consume(channel, (delivery) => {
      heard.push(channel);
      delivery.ack();
    });
  }
  const examples = others.map((channel) => VECTORS.find((one) => one.channel === channel));
  for (const one of examples) {
    if (one === undefined) throw new Error("every channel has a test vector");
    const bytes = Buffer.from(one.msgpack_hex, "hex");
    for (const [, lines] of BLOCKS.filter(([, , isTaken]) => !isTaken)) write(one.subject, lines, bytes);
    for (let length = 0; length < bytes.length; length += 7) {
      write(one.subject, headerLines(MSGPACK), bytes.subarray(0, length));
    }
    write(one.subject, headerLines(MSGPACK), bytes);
  }
  await expect.poll(() => heard.toSorted(), { timeout: 30_000 }).toEqual([...others].toSorted());
  await expect.poll(() => bus.counts.malformed).toBeGreaterThan(100);
  expect(bus.counts.handlerErrors).toBe(0);
});

/** Waits until this many were delivered and set aside, and the server has nothing left that was not answered. */
async function settled(messages: number, setAside: number): Promise<void> {
  const connection = await join({ servers: server.url });
  const manager = await jetstreamManager(connection, { checkAPI: false });
  try {
    await expect
      .poll(
        async () => {
          const { num_pending, num_ack_pending } = await manager.consumers.info(
            "PURGE_RESULTS",
            "supervisor",
          );
          return { delivered: delivered.length, letters: letters.length, num_pending, num_ack_pending };
        },
        { timeout: 30_000, interval: 50 },
      )
      .toEqual({ delivered: messages, letters: setAside, num_pending: 0, num_ack_pending: 0 });
  } finally {
    await connection.close();
  }
  expect(bus.counts).toMatchObject({ handlerErrors: 0, deadLetters: setAside });
  const errors = observations.filter((one) => one.kind === "note" && one.level === "error");
  expect(errors).toEqual([]);
}

function good(index: number): Uint8Array {
  return carelessly({ ...vector("order.update").body, symbol: "SEI-USD", order_id: `${index}` });
}

function headerLines(headers: Headers): string {
  return block(Object.entries(headers).map(([name, value]) => `${name}: ${value}`));
}

function block(lines: readonly string[]): string {
  return lines.length === 0 ? "" : `NATS/1.0\r\n${lines.join("\r\n")}\r\n\r\n`;
}

function write(subject: string, headers: string | Uint8Array, bytes: Uint8Array): void {
  const head = Buffer.from(headers);
  const verb =
    head.length === 0
      ? `PUB ${subject} ${bytes.length}`
      : `HPUB ${subject} ${head.length} ${head.length + bytes.length}`;
  socket.write(Buffer.concat([Buffer.from(`${verb}\r\n`), head, bytes, Buffer.from("\r\n")]));
}
