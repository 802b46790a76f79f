// The whole check over a real server, against the gateway of this program on the paper exchange that is shipped for it.
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Svcm } from "@nats-io/services";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import * as Result from "effect/Result";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBus } from "../../../adapters/bus/mod.ts";
import { systemClock } from "../../../adapters/clock/mod.ts";
import { checkGateway, CLAUSES, type Report } from "../../../adapters/gateway_check/mod.ts";
import { type NatsServer, startNatsServer } from "../../nats_server.ts";
import { startOurGateway } from "./our_gateway.ts";

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

function faults({ clauses }: Report): readonly object[] {
  return clauses.filter(({ outcome }) => outcome !== "pass");
}

describe("the gateway of this program", () => {
  test("passes every clause, and leaves no order open and no result on the bus", async () => {
    await makeStreams();
    const { exchange } = await startOurGateway(at(server));
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

describe("a second gateway", () => {
  test("does not start beside the first, which goes on", async () => {
    await makeStreams();
    Result.getOrThrow((await startOurGateway(at(server))).started);
    const second = await startOurGateway(at(server));
    expect(Result.isFailure(second.started) && second.started.failure.message).toMatch(
      /another purgatory-gateway is on this bus/,
    );
    expect(second.exchange()).toBeUndefined();
    const report = await checkGateway({ connection, timeoutMs: 5_000, only: ["market.answered"] });
    expect(report.ok).toBe(true);
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
