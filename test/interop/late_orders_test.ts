// Orders that the gateway in Python must not place: another's money, and orders that come late.
import { randomUUID } from "node:crypto";
import { type Consumer, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { connectNats, initStreams } from "../../adapters/bus/mod.ts";
import { type NatsServer, startNatsServer } from "../nats_server.ts";
import { type PythonProgram, startPython } from "./python_program.ts";
import { exchangeFile } from "./python_story.ts";

let server: NatsServer;
let connection: NatsConnection;
let orders: Consumer;
beforeAll(async () => {
  server = await startNatsServer();
  connection = await connectNats({ servers: server.url, name: "supervisor" });
  await initStreams(connection, { update: false });
  orders = await jetstream(connection).consumers.get("PURGE_ORDERS", "gateway");
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

let gateway: PythonProgram;
beforeEach(() => {
  heard.length = 0;
  const said = ["purge.v1.results.*", "purge.v1.dead.*"].map((subject) =>
    connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) heard.push(JSON.parse(message.string()));
      },
    }),
  );
  stopHearing = () => {
    for (const each of said) each.unsubscribe();
  };
});
afterEach(async () => {
  stopHearing();
  gateway.signal("SIGKILL");
  await gateway.ended;
});
const heard: unknown[] = [];
let stopHearing = (): void => {};

async function startGateway(): Promise<void> {
  const exchange = ["--exchange", exchangeFile("gateway_check.json")];
  // In JSON, so that what it says is read here without ado.
  gateway = startPython("gateway.py", ["--nats", server.url, "--format", "json", ...exchange]);
  await gateway.until((lines) => lines.includes("gateway ready"));
}

async function send(body: object, more: Readonly<Record<string, string>> = {}): Promise<void> {
  const its = headers();
  const all = { "Content-Type": "application/json", "Schema-Version": "1", ...more };
  for (const [name, value] of Object.entries(all)) its.set(name, value);
  await jetstream(connection).publish("purge.v1.orders.ACCEPT-USD", JSON.stringify(body), { headers: its });
}

function placing(): { readonly id: string; readonly body: object } {
  const id = randomUUID();
  const order = {
    client_order_id: id,
    symbol: "ACCEPT-USD",
    side: "SELL",
    kind: "post_only",
    base_size: "10",
    limit_price: "2",
  };
  return { id, body: { type: "order.place", symbol: "ACCEPT-USD", order } };
}

const answersTo = (id: string) => heard.filter((body) => JSON.stringify(body).includes(id));
const pending = async (): Promise<number> => {
  const info = await orders.info();
  return info.num_ack_pending + info.num_pending;
};
const allAcknowledged = () => expect.poll(pending, { timeout: 20_000 }).toBe(0);
/** Waits for the acknowledgement too: a gateway that is killed before it leaves its command to the next test. */
async function answered(id: string, count: number): Promise<void> {
  await expect.poll(() => answersTo(id).length, { timeout: 20_000 }).toBe(count);
  await allAcknowledged();
}

test("an order of another mode is set aside: a paper gateway takes no live order", async () => {
  await startGateway();
  const { id, body } = placing();
  await send(body, { "Purge-Mode": "live" });
  await expect
    .poll(() => heard, { timeout: 20_000 })
    .toEqual([
      expect.objectContaining({
        subject: "purge.v1.orders.ACCEPT-USD",
        reason: "header Purge-Mode is 'live', and this gateway runs in mode paper",
        body_base64: Buffer.from(JSON.stringify(body)).toString("base64"),
      }),
    ]);
  const query = { type: "order.query", symbol: "ACCEPT-USD", client_order_id: id };
  await send({ ...query, order_id: null }, { "Purge-Mode": "paper" });
  await answered(id, 1);
  expect(answersTo(id)).toEqual([expect.objectContaining({ type: "order.unknown", outcome: "not_found" })]);
});

test("an order that another gateway had before is not placed, until its machine repeats it", async () => {
  const { id, body } = placing();
  await send(body);
  const first = await orders.next({ expires: 10_000 });
  first?.nak();
  await startGateway();
  await answered(id, 1);
  expect(answersTo(id)).toEqual([
    expect.objectContaining({ type: "order.unknown", outcome: "not_found", client_order_id: id }),
  ]);
  await send(body);
  await answered(id, 2);
  expect(answersTo(id).at(-1)).toMatchObject({ type: "order.accepted", client_order_id: id });
});

test("a command whose answers were not stored is not acknowledged: it comes again, and is carried out once", async () => {
  await startGateway();
  const manager = await jetstreamManager(connection);
  const { config } = await manager.streams.info("PURGE_RESULTS");
  // The stream takes nothing for now.
  await manager.streams.update("PURGE_RESULTS", { ...config, max_msg_size: 1 });
  const { id, body } = placing();
  await send(body);
  await expect.poll(() => gateway.errors, { timeout: 20_000 }).toContain("comes again");
  expect(await pending()).toBe(1);
  await manager.streams.update("PURGE_RESULTS", { ...config, max_msg_size: -1 });
  await allAcknowledged();
  expect(answersTo(id).at(-1)).toMatchObject({ type: "order.accepted", client_order_id: id });
  expect(gateway.errors).toContain("message size exceeds maximum allowed");
});

test("an order that comes while there is no gateway waits for the next one", async () => {
  await startGateway();
  gateway.signal("SIGTERM");
  expect((await gateway.ended).code).toBe(0);
  const { id, body } = placing();
  await send(body);
  await startGateway();
  await answered(id, 1);
  expect(answersTo(id)).toEqual([expect.objectContaining({ type: "order.accepted" })]);
});
