// The whole check over a real server, against the gateway of this program on the paper exchange that is shipped for it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Svcm } from "@nats-io/services";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import * as Result from "effect/Result";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startGatewayTree } from "../../../actors/gateway_tree.ts";
import type { Observation } from "../../../actors/ports.ts";
import { openBus } from "../../../adapters/bus/mod.ts";
import { systemClock } from "../../../adapters/clock/mod.ts";
import { openPaperExchange, type PaperExchange, readPaperScript } from "../../../adapters/exchange/mod.ts";
import { checkGateway, CLAUSES, type Report } from "../../../adapters/gateway_check/mod.ts";
import { loadConfig, shippedConfigDir } from "../../../config/mod.ts";
import { type NatsServer, startNatsServer } from "../../nats_server.ts";

let server: NatsServer;
let connection: NatsConnection;
beforeAll(async () => {
  server = await startNatsServer();
  connection = await connect({ servers: server.url });
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Streams are made by a supervisor; there is none here. */
async function makeStreams(): Promise<void> {
  const clock = systemClock();
  const bus = await openBus({
    nats: at(server),
    role: "supervisor",
    mode: "paper",
    clock,
    observe: () => {},
  });
  await bus.close();
  clock.close();
}

const at = ({ url }: NatsServer) => ({ servers: url, name: "gateway check test" });

interface Running {
  readonly exchange: () => PaperExchange | undefined;
  readonly observed: Observation[];
}

async function startOurGateway(): Promise<Running> {
  const dir = mkdtempSync(join(tmpdir(), "purgatory-check-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const loaded = loadConfig(shippedConfigDir, {});
  if (!loaded.ok) throw new Error("the shipped configuration is not valid");
  const { app } = loaded.config;
  const clock = systemClock();
  const observed: Observation[] = [];
  const exchanges: PaperExchange[] = [];
  const started = await startGatewayTree({
    clock,
    observe: (observation) => observed.push(observation),
    openBus: () =>
      openBus({
        nats: at(server),
        role: "gateway",
        mode: "paper",
        clock,
        observe: (observation) => observed.push(observation),
      }),
    claim: null,
    openExchange: async () => {
      const script = readPaperScript(join(shippedConfigDir, "gateway_check.yaml"));
      const exchange = openPaperExchange({ file: join(dir, "exchange.sqlite"), script, clock });
      exchanges.push(exchange);
      return exchange;
    },
    gateway: { ...app.gateway, breaker: app.breaker, seed: 1 },
  });
  const { root } = Result.getOrThrow(started);
  stops.push(async () => {
    await root.stop();
    clock.close();
  });
  return { observed, exchange: () => exchanges.at(-1) };
}

function faults({ clauses }: Report): readonly object[] {
  return clauses.filter(({ outcome }) => outcome !== "pass");
}

describe("the gateway of this program", () => {
  test("passes every clause, and leaves no order open and no result on the bus", async () => {
    await makeStreams();
    const { exchange } = await startOurGateway();
    const report = await checkGateway({ connection, timeoutMs: 5_000 });
    expect(faults(report)).toEqual([]);
    expect(report.clauses).toHaveLength(CLAUSES.length);
    expect(report).toMatchObject({ ok: true, modes: ["paper"], notes: [] });
    expect(
      exchange()
        ?.orders()
        .filter(({ status }) => status === "open"),
    ).toEqual([]);
    const { state } = await (await jetstreamManager(connection)).streams.info("PURGE_RESULTS");
    expect(state.messages).toBe(0);
  });
});

describe("the check refuses", () => {
  test("to run where the streams are not there, and says who makes them", async () => {
    const bare = await startNatsServer();
    const other = await connect({ servers: bare.url });
    try {
      await expect(checkGateway({ connection: other })).rejects.toThrow(/PURGE_RESULTS.*purgatory nats init/);
    } finally {
      await other.close();
      await bare.stop();
    }
  });

  test("to run while a supervisor answers, and names it", async () => {
    await makeStreams();
    const service = await new Svcm(connection).add({
      name: "purgatory",
      version: "1.2.3",
      metadata: { mode: "paper", pid: "4711", host: "here", ledger_id: "paper-main" },
    });
    try {
      await expect(checkGateway({ connection })).rejects.toThrow(/a supervisor is on this bus.*process 4711/);
    } finally {
      await service.stop();
    }
  });

  test("to run while somebody reads the supervisor's consumer, in whichever language", async () => {
    await makeStreams();
    const other = await connect({ servers: server.url });
    try {
      const consumer = await jetstream(other).consumers.get("PURGE_RESULTS", "supervisor");
      const messages = await consumer.fetch({ max_messages: 1, expires: 30_000 });
      const first = messages[Symbol.asyncIterator]().next();
      const manager = await jetstreamManager(connection);
      const waiting = async (): Promise<number> =>
        (await manager.consumers.info("PURGE_RESULTS", "supervisor")).num_waiting;
      await expect.poll(waiting, { timeout: 10_000 }).toBeGreaterThan(0);
      await expect(checkGateway({ connection })).rejects.toThrow(/someone reads its durable consumer/);
      messages.stop();
      await first;
    } finally {
      await other.close();
    }
  });
});

describe("without a gateway", () => {
  test("the first clause fails, and the rest is not tried", async () => {
    await makeStreams();
    const manager = await jetstreamManager(connection);
    await manager.streams.purge("PURGE_ORDERS");
    const report = await checkGateway({ connection, timeoutMs: 300 });
    expect(report.clauses[0]).toMatchObject({ outcome: "fail", because: "the gateway does not answer" });
    expect(report.clauses.slice(1).every(({ outcome }) => outcome === "not_shown")).toBe(true);
  });
});
