// The bus over a real nats-server: the common promises, and what happens when the server goes away.
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { createConnection, createServer } from "node:net";
import { Redacted } from "effect";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { BusError, type BusIncident, type Delivery, type Observation } from "../../../actors/ports.ts";
import { type MessageBus, messageBus, natsTransport, type Transport } from "../../../adapters/bus/mod.ts";
import { type VirtualClock, virtualClock } from "../../../adapters/clock/mod.ts";
import { type NatsServer, type NatsServerOptions, startNatsServer } from "../../nats_server.ts";
import { busConformance, update } from "./bus_conformance.ts";
import { MSGPACK } from "./vectors.ts";

let shared: NatsServer;
beforeAll(async () => {
  shared = await startNatsServer();
});
afterAll(() => shared?.stop());

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
const started = async (options: NatsServerOptions = {}): Promise<NatsServer> => {
  const server = await startNatsServer(options);
  closing.push(() => server.stop());
  return server;
};
const connected = async (servers: string, observe?: (one: Observation) => void): Promise<Transport> => {
  const transport = await natsTransport(
    { servers, name: "nats_test" },
    { role: "both", observe: observe ?? (() => {}) },
  );
  closing.push(() => transport.close());
  return transport;
};

/** What earlier tests left on a server. */
const removeStreams = async (servers: string): Promise<void> => {
  const connection = await connect({ servers, name: "cleaner" });
  const manager = await jetstreamManager(connection);
  for await (const { config } of manager.streams.list()) await manager.streams.delete(config.name);
  await connection.close();
};

busConformance("NATS", async () => {
  const open: Transport[] = [];
  await removeStreams(shared.url);
  return {
    isKept: true,
    async connect() {
      const transport = await natsTransport({ servers: shared.url, name: "conformance" }, { role: "both" });
      open.push(transport);
      return transport;
    },
    async close() {
      for (const transport of open) await transport.close();
    },
  };
});

describe("a server that goes away", () => {
  let server: NatsServer;
  let bus: MessageBus;
  let clock: VirtualClock;
  let observations: Observation[];
  const changes = (): boolean[] =>
    observations.flatMap((one) => (one.kind === "connection" ? [one.connected] : []));
  const incidents = (what: BusIncident): string[] =>
    observations.flatMap((one) => (one.kind === "bus" && one.what === what ? [one.message] : []));
  const deliveries: Delivery<"results">[] = [];

  const begin = async (): Promise<void> => {
    server = await started();
    observations = [];
    deliveries.length = 0;
    clock = virtualClock();
    const observe = (one: Observation): void => {
      observations.push(one);
    };
    bus = messageBus(await connected(server.url, observe), { clock, observe });
    await bus.consume("results", (delivery) => deliveries.push(delivery));
  };

  test("publishing fails while it is gone, and works again once it is back, for old consumers too", async () => {
    await begin();
    const told: boolean[] = [];
    bus.onConnection((now) => told.push(now));
    for (let round = 1; round <= 2; round += 1) {
      await server.kill("SIGKILL");
      await expect.poll(() => bus.connected).toBe(false);
      const attempt = bus.publish("results", update(99));
      await expect(attempt).rejects.toBeInstanceOf(BusError);
      await expect(attempt).rejects.toMatchObject({
        reason: "disconnected",
        message: expect.stringContaining("there is no connection"),
      });
      await server.restart();
      await expect.poll(() => bus.connected, { timeout: 10_000 }).toBe(true);
      await bus.publish("results", update(round));
      await clock.settle();
      expect(deliveries.map(({ body }) => body)).toEqual([update(1), update(2)].slice(0, round));
    }
    expect(changes()).toEqual([false, true, false, true]);
    expect(told).toEqual(changes());
    expect(clock.holds).toBe(0);
  });

  test("a message that it took no notice of is sent again when it is back, and kept once", async () => {
    await begin();
    await server.kill("SIGSTOP");
    const attempt = bus.publish("results", update(1));
    await server.kill("SIGKILL");
    await expect.poll(() => bus.connected).toBe(false);
    expect(clock.holds).toBe(0);
    await server.restart();
    await attempt;
    await expect.poll(() => deliveries.map(({ body }) => body)).toEqual([update(1)]);
    expect(incidents("resent")).toEqual([expect.stringContaining("purge.v1.results.BONK-USD: sent again")]);
  });

  test("a message that it took no notice of is given up with the bus", async () => {
    await begin();
    await server.kill("SIGSTOP");
    const attempt = bus.publish("results", update(1));
    attempt.catch(() => {});
    await server.kill("SIGKILL");
    await expect.poll(() => bus.connected).toBe(false);
    await bus.close();
    await expect(attempt).rejects.toMatchObject({ reason: "closed" });
  });

  test("a dead letter written while it is gone is sent when it is back", async () => {
    await begin();
    const letters: string[] = [];
    await bus.consume("dead", ({ body }) => letters.push(body.reason));
    await bus.publish("results", update(1));
    await clock.settle();
    await server.kill("SIGKILL");
    await expect.poll(() => bus.connected).toBe(false);
    deliveries[0]?.dead("while the server was gone");
    await server.restart();
    await expect.poll(() => letters, { timeout: 10_000 }).toEqual(["while the server was gone"]);
  });

  test("a consumer that starts while it is gone gets what comes later", async () => {
    await begin();
    await server.kill("SIGKILL");
    await expect.poll(() => bus.connected).toBe(false);
    const seen: unknown[] = [];
    await bus.consume("venue", ({ body }) => seen.push(body.state));
    await server.restart();
    await expect.poll(() => bus.connected, { timeout: 10_000 }).toBe(true);
    const at = new Date(clock.now()).toISOString();
    await bus.publish("venue", {
      type: "venue.state",
      at,
      state: "closed",
      cause: null,
      reason: null,
      until: null,
    });
    await expect.poll(() => seen).toEqual(["closed"]);
  });

  test("the client goes on trying after more failures than it would bear by itself", async () => {
    const victim = await started();
    const options = { reconnectTimeWait: 10, reconnectJitter: 0 };
    const transport = await natsTransport({ servers: victim.url, name: "test", options }, { role: "both" });
    closing.push(() => transport.close());
    await victim.kill("SIGKILL");
    let attempts = 0;
    const rude = createServer((socket) => {
      attempts += 1;
      socket.destroy();
    }).listen(victim.port, "127.0.0.1");
    await expect.poll(() => attempts, { timeout: 10_000 }).toBeGreaterThan(20);
    await new Promise((resolve) => rude.close(resolve));
    await victim.restart();
    await expect.poll(() => transport.connected, { timeout: 10_000 }).toBe(true);
  });

  test("the client goes on trying while its user is unknown, and is let in again later", async () => {
    const permitted = 'authorization: { user: u, password: "p" }\n';
    const victim = await started({ config: permitted });
    const refusals: string[] = [];
    const settings = { servers: victim.url, name: "test", user: "u", password: Redacted.make("p") };
    const observe = (one: Observation): void => {
      if (one.kind === "bus" && /Authorization/.test(one.message)) refusals.push(one.message);
    };
    const transport = await natsTransport(settings, { role: "both", observe });
    closing.push(() => transport.close());
    await victim.restart('authorization: { user: u, password: "other" }\n');
    await expect.poll(() => refusals.length, { timeout: 15_000 }).toBeGreaterThan(3);
    await victim.restart(permitted);
    await expect.poll(() => transport.connected, { timeout: 10_000 }).toBe(true);
  });

  test("closing does not wait for it", async () => {
    await begin();
    await server.kill("SIGSTOP");
    const before = performance.now();
    await bus.close();
    expect(performance.now() - before).toBeLessThan(4_000);
    await server.kill("SIGKILL");
  });
});

describe("connecting", () => {
  const failure = async (settings: Parameters<typeof natsTransport>[0]): Promise<BusError> => {
    const outcome = await natsTransport(settings, { role: "both" }).then(
      (transport) => transport.close().then(() => "connected"),
      (error: unknown) => error,
    );
    if (!(outcome instanceof BusError)) throw new Error(`expected a BusError, got ${String(outcome)}`);
    return outcome;
  };
  const freePort = async (): Promise<number> => {
    const listener = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => listener.once("listening", resolve));
    const address = listener.address();
    await new Promise((resolve) => listener.close(resolve));
    return typeof address === "object" && address !== null ? address.port : 0;
  };

  test("to a port where nothing listens fails in time, names the address, and keeps the password to itself", async () => {
    const port = await freePort();
    const servers = `nats://trader:hunter2@127.0.0.1:${port}`;
    const error = await failure({ servers, name: "test", connectDeadlineMs: 300 });
    expect(error.reason).toBe("disconnected");
    expect(error.message).toContain(`NATS at nats://***@127.0.0.1:${port} did not answer within 300 ms`);
    expect(error.message).toContain("connection refused");
    expect(error.message).not.toContain("hunter2");
  });

  test("to something that never says it is NATS fails in time", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    const address = silent.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const error = await failure({
      servers: `nats://127.0.0.1:${port}`,
      name: "test",
      connectDeadlineMs: 300,
    });
    expect(error).toMatchObject({
      reason: "disconnected",
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
    silent.close();
  });

  test("succeeds when the server starts a little later", async () => {
    const server = await started();
    await server.kill("SIGKILL");
    const connecting = natsTransport({ servers: server.url, name: "test" }, { role: "both" });
    await server.restart();
    const transport = await connecting;
    expect(transport.connected).toBe(true);
    await transport.close();
  });

  test("with the right password works, and with a wrong one is refused at once", async () => {
    const server = await started({ args: ["--user", "trader", "--pass", "hunter2"] });
    const settings = { servers: server.url, name: "test", user: "trader" };
    const transport = await natsTransport(
      { ...settings, password: Redacted.make("hunter2") },
      { role: "both" },
    );
    await transport.publish("purge.v1.venue", new Uint8Array(), {});
    await transport.close();
    const error = await failure({ ...settings, password: Redacted.make("swordfish") });
    expect(error).toMatchObject({
      reason: "refused",
      message: expect.stringMatching(/Authorization Violation/i),
    });
    expect(error.message).not.toContain("swordfish");
  });

  test("the server knows the client by its name", async () => {
    const server = await started({ args: ["--trace"] });
    await connected(server.url);
    await expect.poll(() => server.log).toContain('"name":"nats_test"');
  });

  test("with a token works", async () => {
    const server = await started({ args: ["--auth", "sesame"] });
    const transport = await natsTransport(
      { servers: server.url, name: "test", token: Redacted.make("sesame") },
      { role: "both" },
    );
    expect(transport.connected).toBe(true);
    await transport.close();
  });
});

describe("publishing", () => {
  test("more than the server takes is refused, and the connection lives on", async () => {
    const server = await started({ config: "max_payload: 1024\n" });
    const transport = await connected(server.url);
    const attempt = transport.publish("purge.v1.venue", new Uint8Array(2_000), {});
    await expect(attempt).rejects.toMatchObject({
      reason: "refused",
      message: expect.stringContaining("max_payload"),
    });
    await transport.publish("purge.v1.venue", new Uint8Array(10), {});
  });

  test("a subject or a header that would break out of its line is refused", async () => {
    const transport = await connected(shared.url);
    const bytes = new Uint8Array();
    const attempts = [
      transport.publish("purge.v1.venue 0\r\n\r\nPUB evil 0", bytes, {}),
      transport.publish("purge.v1.venue", bytes, { "Content-Type": "x\r\nevil: 1" }),
      transport.publish("purge.v1.venue", bytes, { "a b": "x" }),
    ];
    for (const attempt of attempts) await expect(attempt).rejects.toMatchObject({ reason: "refused" });
  });

  test("what was published before closing arrives", async () => {
    const listener = await connected(shared.url);
    let received = 0;
    await listener.subscribe("purge.v1.transitions.*", () => {
      received += 1;
    });
    const transport = await natsTransport({ servers: shared.url, name: "test" }, { role: "both" });
    const published = Array.from({ length: 1_000 }, () =>
      transport.publish("purge.v1.transitions.BONK-USD", new Uint8Array(100), {}),
    );
    await transport.close();
    await Promise.all(published);
    await expect.poll(() => received).toBe(1_000);
  });
});

describe("receiving", () => {
  test("a subscription is not promised before the server has it", async () => {
    const server = await started();
    const transport = await connected(server.url);
    await server.kill("SIGSTOP");
    let isPromised = false;
    const subscribed = transport
      .subscribe("purge.v1.account", () => {})
      .then(() => {
        isPromised = true;
      });
    for (let turn = 0; turn < 50; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(isPromised).toBe(false);
    await server.kill("SIGCONT");
    await subscribed;
  });

  test("a listener that throws is reported, and the reader of the connection goes on", async () => {
    const observations: Observation[] = [];
    const transport = await connected(shared.url, (one) => observations.push(one));
    let calls = 0;
    await transport.subscribe("purge.v1.account", () => {
      calls += 1;
      if (calls === 1) throw new Error("boom");
    });
    await transport.publish("purge.v1.account", new Uint8Array(), {});
    await transport.publish("purge.v1.account", new Uint8Array(), {});
    await expect.poll(() => calls).toBe(2);
    expect(observations).toEqual([expect.objectContaining({ message: expect.stringContaining("boom") })]);
  });

  test("headers that are against the rules make a dead letter, not a broken connection", async () => {
    const clock = virtualClock();
    const bus = messageBus(await connected(shared.url), { clock });
    const seen: unknown[] = [];
    await bus.consume("results", ({ body }) => seen.push(body));
    const socket = createConnection(shared.port, "127.0.0.1");
    const head = "NATS/1.0\r\nbad name: x\r\n\r\n";
    socket.write('CONNECT {"verbose":false,"headers":true}\r\n');
    socket.write(`HPUB purge.v1.results.BONK-USD ${head.length} ${head.length + 1}\r\n${head}x\r\n`);
    socket.write("PUB purge.v1.results.BONK-USD 1\r\nx\r\n");
    await expect.poll(() => bus.counts.malformed).toBe(2);
    socket.destroy();
    await bus.publish("results", update(1));
    await clock.settle();
    expect(seen).toEqual([update(1)]);
  });

  test("a subscription that the server does not permit is reported", async () => {
    const user = '{ user: u, password: p, permissions: { publish: ">", subscribe: "_INBOX_u.>" } }';
    const server = await started({ config: `authorization: { users: [${user}] }\n` });
    const observations: Observation[] = [];
    const transport = await natsTransport(
      { servers: server.url, name: "test", user: "u", password: Redacted.make("p") },
      { role: "both", observe: (one) => observations.push(one) },
    );
    closing.push(() => transport.close());
    await transport.subscribe("purge.v1.account", () => {});
    await expect.poll(() => JSON.stringify(observations)).toContain("Permissions Violation");
    await transport.publish("purge.v1.results.BONK-USD", new Uint8Array(), MSGPACK);
    expect(transport.connected).toBe(true);
  });
});
