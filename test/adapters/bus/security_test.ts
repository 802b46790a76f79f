// The shipped server configuration: each user can do all that its part does, and nothing else.
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { NatsConnection } from "@nats-io/transport-node";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Redacted } from "effect";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Delivery, Observation } from "../../../actors/ports.ts";
import {
  connectNats,
  initStreams,
  isReady,
  type MessageBus,
  messageBus,
  type NatsSettings,
  natsTransport,
  type Role,
} from "../../../adapters/bus/mod.ts";
import { STREAMS as streams } from "../../../adapters/bus/streams.ts";
import { virtualClock } from "../../../adapters/clock/mod.ts";
import { claimName, controlClient, otherSupervisors } from "../../../adapters/control/mod.ts";
import { findNatsServer, type NatsServer, startNatsServer } from "../../nats_server.ts";
import { ASKS, ask, control } from "../control/control_kit.ts";
import { symbolOf, typed, update } from "./bus_conformance.ts";
import { vector } from "./vectors.ts";

const SHIPPED = resolve(import.meta.dirname, "../../../config/nats");
const USERS = ["supervisor", "gateway", "observer", "operator", "purgatory", "feeder"] as const;
type User = (typeof USERS)[number];
const passwordOf = (user: User): string => `pw4${user}`;

let dir = "";
let server: NatsServer;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "purgatory-users-"));
  cpSync(SHIPPED, dir, { recursive: true });
  // The two users that are commented out are tried as well; the store is the test server's own.
  const config = readFileSync(join(SHIPPED, "server.conf"), "utf8");
  writeFileSync(join(dir, "server.conf"), config.replaceAll(/# (\{ user:|include)|^ *store_dir.*$/gm, "$1"));
  for (const user of USERS) {
    const name = user === "purgatory" ? "PURGATORY_PASSWORD" : `PURGATORY_${user.toUpperCase()}_PASSWORD`;
    vi.stubEnv(name, passwordOf(user));
  }
  server = await startNatsServer({ args: ["--config", join(dir, "server.conf")] });
  const supervisor = await connectNats(access("supervisor"));
  await initStreams(supervisor, { update: false });
  await supervisor.close();
});
afterAll(async () => {
  await server?.stop();
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function access(user: User, password = passwordOf(user)): NatsSettings {
  return { servers: server.url, name: user, user, password: Redacted.make(password) };
}
async function as(user: User): Promise<NatsConnection> {
  const connection = await connectNats(access(user));
  closing.push(() => connection.close());
  return connection;
}

/** Which of the operations the server refuses, in its own words. */
async function refusals(connection: NatsConnection, act: () => void): Promise<ReadonlySet<string>> {
  const refused = new Set<string>();
  const watching = (async () => {
    for await (const status of connection.status()) {
      if (status.type === "error") refused.add(status.error.message);
    }
  })();
  act();
  // The server answers in order: every refusal comes before the answer to this.
  await connection.flush();
  await connection.close();
  await watching;
  return new Set([...refused].map((words) => /"([^"]+)"/.exec(words)?.[1] ?? words));
}
async function publishable(user: User, subjects: readonly string[]): Promise<readonly string[]> {
  const connection = await connectNats(access(user));
  const refused = await refusals(connection, () => {
    for (const subject of subjects) connection.publish(subject, "not a message", { reply: "nowhere" });
  });
  return subjects.filter((subject) => !refused.has(subject));
}
async function readable(user: User, subjects: readonly string[]): Promise<readonly string[]> {
  const connection = await connectNats(access(user));
  const refused = await refusals(connection, () => {
    for (const subject of subjects) connection.subscribe(subject, { callback: () => {} });
  });
  return subjects.filter((subject) => !refused.has(subject));
}

const CHANNELS = ["orders", "results", "transitions", "dead"].map((one) => `purge.v1.${one}.BONK-USD`);
const ALL_CHANNELS = [...CHANNELS, "purge.v1.account", "purge.v1.holdings", "purge.v1.venue"];
const on = (...names: string[]): string[] =>
  ALL_CHANNELS.filter((subject) => names.some((name) => subject.split(".")[2] === name));
const ACTIONS = ["purge", "pause", "resume", "reset", "ban", "abort"].map((one) => `purge.v1.control.${one}`);
const QUESTIONS = ["purge.v1.control.status", "purge.v1.control.symbol"];
const STREAMS = Object.keys(streams);

/** A follower of the venue is its own; and orders left behind are dropped by whoever is alone on both sides of them. */
const FOLLOWER = "$JS.API.CONSUMER.DELETE.PURGE_VENUE.gateway";
const HARMLESS: ReadonlyMap<User, readonly string[]> = new Map<User, readonly string[]>([
  ["supervisor", [FOLLOWER]],
  ["purgatory", [FOLLOWER, "$JS.API.STREAM.PURGE.PURGE_ORDERS"]],
]);

describe("what each user may publish", () => {
  test.each<[User, readonly string[]]>([
    ["supervisor", on("orders", "transitions", "dead", "account")],
    ["gateway", on("results", "dead", "holdings", "venue")],
    ["purgatory", ALL_CHANNELS],
    ["observer", []],
    ["operator", []],
    ["feeder", on("holdings")],
  ])("%s, on the channels", async (user, allowed) => {
    expect(await publishable(user, ALL_CHANNELS)).toEqual(allowed);
  });

  test.each<[User, readonly string[]]>([
    ["supervisor", []],
    ["gateway", []],
    ["purgatory", []],
    ["observer", QUESTIONS],
    ["operator", [...QUESTIONS, ...ACTIONS]],
    ["feeder", []],
  ])("%s, to the control service", async (user, allowed) => {
    expect(await publishable(user, [...QUESTIONS, ...ACTIONS])).toEqual(allowed);
  });

  test.each<[User, readonly string[]]>([
    ["supervisor", STREAMS],
    ["gateway", []],
    ["purgatory", STREAMS],
    ["observer", []],
    ["operator", []],
    ["feeder", []],
  ])("%s, to make streams; and to take one away, nobody", async (user, allowed) => {
    const made = await publishable(
      user,
      STREAMS.map((name) => `$JS.API.STREAM.CREATE.${name}`),
    );
    expect(made).toEqual(allowed.map((name) => `$JS.API.STREAM.CREATE.${name}`));
    const ruinous = STREAMS.flatMap((name) => [
      `$JS.API.STREAM.DELETE.${name}`,
      `$JS.API.STREAM.PURGE.${name}`,
      `$JS.API.STREAM.SNAPSHOT.${name}`,
      `$JS.API.CONSUMER.DELETE.${name}.gateway`,
    ]).filter((subject) => !HARMLESS.get(user)?.includes(subject));
    expect(await publishable(user, [...ruinous, "$JS.API.STREAM.CREATE.OTHER"])).toEqual([]);
  });

  test.each<[User]>([["observer"], ["operator"], ["feeder"]])(
    "%s makes no consumer, which could have kept messages delivered to any subject, results included",
    async (user) => {
      const subjects = STREAMS.flatMap((name) => [
        `$JS.API.CONSUMER.CREATE.${name}`,
        `$JS.API.CONSUMER.CREATE.${name}.mine`,
        `$JS.API.CONSUMER.DURABLE.CREATE.${name}.mine`,
        `$JS.API.CONSUMER.MSG.NEXT.${name}.supervisor`,
        `$JS.ACK.${name}.supervisor.1.1.1.1.1`,
        `$JS.API.DIRECT.GET.${name}`,
      ]);
      expect(await publishable(user, subjects)).toEqual([]);
    },
  );
});

describe("what each user may read", () => {
  test.each<[User, readonly string[]]>([
    ["supervisor", on("results", "dead", "holdings", "venue")],
    ["gateway", ["purge.v1.account"]],
    ["purgatory", on("results", "dead", "account", "holdings", "venue")],
    ["observer", ALL_CHANNELS],
    ["operator", []],
    ["feeder", []],
  ])("%s, as it is published", async (user, allowed) => {
    expect(await readable(user, ALL_CHANNELS)).toEqual(allowed);
  });

  test.each<[User, readonly string[]]>([
    ["supervisor", ["ORDERS", "RESULTS", "TRANSITIONS", "VENUE"]],
    ["gateway", []],
    ["purgatory", ["ORDERS", "RESULTS", "TRANSITIONS", "VENUE"]],
    ["observer", ["ORDERS", "RESULTS", "TRANSITIONS", "DEAD", "VENUE"]],
    ["operator", []],
    ["feeder", []],
  ])("%s, from what is kept", async (user, allowed) => {
    const subjects = STREAMS.map((name) => `$JS.API.STREAM.MSG.GET.${name}`);
    expect(await publishable(user, subjects)).toEqual(
      allowed.map((name) => `$JS.API.STREAM.MSG.GET.PURGE_${name}`),
    );
  });

  test.each(USERS)(
    "%s, no reply to another, and no request to the service that is not its own",
    async (user) => {
      const subjects = [
        "_INBOX.>",
        ">",
        "purge.>",
        "$JS.>",
        "$JS.API.>",
        ...USERS.filter((other) => other !== user).map((other) => `_INBOX_${other}.>`),
        ...(user === "supervisor" || user === "purgatory"
          ? []
          : ["purge.v1.control.*", "purge.v1.control.ban"]),
      ];
      expect(await readable(user, subjects)).toEqual([]);
      expect(await readable(user, [`_INBOX_${user}.>`])).toEqual([`_INBOX_${user}.>`]);
    },
  );
});

describe("entering", () => {
  test.each(USERS)("%s with another's password is turned away", async (user) => {
    const other = user === "observer" ? "operator" : "observer";
    await expect(connectNats(access(user, passwordOf(other)))).rejects.toMatchObject({ reason: "refused" });
  });

  test("nobody comes in without a name", async () => {
    await expect(connectNats({ servers: server.url, name: "nobody" })).rejects.toMatchObject({
      reason: "refused",
    });
  });

  const tried = (file: string, env: Readonly<Record<string, string>>): SpawnSyncReturns<string> =>
    spawnSync(findNatsServer(process.env), ["-t", "-c", file], { encoding: "utf8", env });

  test("the configuration is good as it ships, and a server does not start while a password is not set", () => {
    const file = join(SHIPPED, "server.conf");
    const env = Object.fromEntries(
      USERS.map((user) => [`PURGATORY_${user.toUpperCase()}_PASSWORD`, passwordOf(user)]),
    );
    expect(tried(file, env)).toMatchObject({ status: 0 });
    const { PURGATORY_GATEWAY_PASSWORD: _, ...rest } = env;
    expect(tried(file, rest)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("PURGATORY_GATEWAY_PASSWORD"),
    });
  });

  test("the server listens on this machine only, until somebody decides otherwise", () => {
    expect(readFileSync(join(SHIPPED, "server.conf"), "utf8")).toMatch(/^listen: "127\.0\.0\.1:4222"$/m);
  });
});

describe("every part does its work", () => {
  const incidents: Observation[] = [];
  const bus = async (user: User, role: Role): Promise<MessageBus> => {
    const observe = (one: Observation): void => {
      if (one.kind === "bus" && one.what === "error") incidents.push(one);
    };
    const transport = await natsTransport(access(user), { role, observe });
    const opened = messageBus(transport, { clock: virtualClock(), observe, mode: "paper" });
    closing.push(() => opened.close());
    return opened;
  };
  const BONK = symbolOf("BONK-USD");
  const place = typed("orders", vector("order.place").body, vector("order.place").subject);
  const transition = typed("transitions", vector("transition").body, vector("transition").subject);
  const venue = typed("venue", vector("venue.state").body, "purge.v1.venue");
  const refresh = typed("account", vector("holdings.refresh").body, "purge.v1.account");
  const holdings = typed("holdings", vector("holdings.snapshot").body, "purge.v1.holdings");

  /** Everything that a supervisor and a gateway say to each other, over two buses or one. The server drops a revision
   * that it has seen. */
  async function work(supervisor: MessageBus, gateway: MessageBus, revision: number): Promise<void> {
    const seen: string[] = [];
    const take =
      (what: string) =>
      (
        delivery:
          | Delivery<"orders">
          | Delivery<"results">
          | Delivery<"venue">
          | Delivery<"account">
          | Delivery<"holdings">,
      ) => {
        seen.push(what);
        delivery.ack();
      };
    await gateway.consume("orders", take("order"));
    await gateway.consume("account", take("account"));
    await gateway.publish("venue", venue);
    await supervisor.consume("venue", take("venue"));
    await supervisor.consume("holdings", take("holdings"));
    await supervisor.consume("results", (delivery) => {
      seen.push("result");
      if (delivery.body.type === "order.update" && delivery.body.revision > revision)
        delivery.dead("as a test");
      else delivery.ack();
    });
    await supervisor.publish("orders", place);
    await supervisor.publish("account", refresh);
    await gateway.publish("holdings", holdings);
    await gateway.publish("results", update(revision));
    await gateway.publish("results", update(revision + 1));
    await supervisor.publish("transitions", transition);
    const expected = ["account", "holdings", "order", "result", "result", "venue"];
    await expect.poll(() => seen.toSorted(), { timeout: 10_000 }).toEqual(expected);
    expect(await supervisor.lastTransition(transition.ledger_id)).toBe(transition.seq);
  }
  const unanswered = async (user: User): Promise<readonly number[]> => {
    const manager = await jetstreamManager(await as(user), { checkAPI: false });
    const taken = [
      await manager.consumers.info("PURGE_ORDERS", "gateway"),
      await manager.consumers.info("PURGE_RESULTS", "supervisor"),
    ];
    return taken.map(({ num_ack_pending, num_pending }) => num_ack_pending + num_pending);
  };
  let logged = 0;
  beforeEach(() => {
    incidents.length = 0;
    logged = server.log.length;
  });

  test("a supervisor and a gateway, each its own user, exchange all they have to, and the server refuses nothing", async () => {
    await work(await bus("supervisor", "supervisor"), await bus("gateway", "gateway"), 7);
    await expect.poll(() => unanswered("supervisor"), { timeout: 10_000 }).toEqual([0, 0]);
    expect(incidents).toEqual([]);
    expect(server.log.slice(logged)).not.toContain("Violation");
  });

  test("a user that is both does the same in one process", async () => {
    const both = await bus("purgatory", "both");
    await work(both, both, 17);
    await expect.poll(() => unanswered("purgatory"), { timeout: 10_000 }).toEqual([0, 0]);
    expect(incidents).toEqual([]);
    expect(server.log.slice(logged)).not.toContain("Violation");
  });

  test("the supervisor's user can check the streams, and bring them in line", async () => {
    const report = await initStreams(await as("supervisor"), { update: true });
    expect(isReady(report)).toBe(true);
  });

  test("a gateway's user that tries to make the streams is told so", async () => {
    await expect(initStreams(await as("gateway"), { update: false, timeoutMs: 2_000 })).rejects.toMatchObject(
      {
        reason: "refused",
        message: expect.stringContaining("the server does not allow this user to publish to $JS.API.STREAM"),
      },
    );
  });

  test("a gateway's and a supervisor's name is claimed, and seen by the next", async () => {
    for (const [user, name] of [
      ["gateway", "purgatory-gateway"],
      ["supervisor", "purgatory-supervisor"],
      ["supervisor", "purgatory"],
    ] as const) {
      const claim = { name, description: "a test", version: "1.0.0", mode: "paper" };
      const claimed = await claimName(await as(user), claim);
      closing.push(() => claimed.stop());
      expect(await otherSupervisors(await as(user), { name, waitMs: 500 })).toHaveLength(1);
    }
  });

  test("an observer reads what is kept, one message after the other, and what comes", async () => {
    const [watcher, gateway] = [await as("observer"), await bus("gateway", "gateway")];
    const heard: string[] = [];
    watcher.subscribe("purge.v1.results.*", {
      callback: (_error, message) => {
        heard.push(message.subject);
      },
    });
    await watcher.flush();
    await gateway.publish("results", update(27));
    await expect.poll(() => heard).toEqual(["purge.v1.results.BONK-USD"]);
    const manager = await jetstreamManager(watcher, { checkAPI: false });
    const { state } = await manager.streams.info("PURGE_RESULTS");
    const last = await manager.streams.getMessage("PURGE_RESULTS", { seq: state.last_seq });
    expect(last?.subject).toBe("purge.v1.results.BONK-USD");
  });

  test("an observer cannot publish a result, over JetStream either", async () => {
    const publish = jetstream(await as("observer")).publish("purge.v1.results.BONK-USD", "x");
    await expect(publish).rejects.toThrow(
      /Permissions Violation for Publish to "purge\.v1\.results\.BONK-USD"/,
    );
  });

  test("an answer that an observer has sent to a result's subject is a dead letter, and no result", async () => {
    const supervisor = await bus("supervisor", "supervisor");
    const taken: unknown[] = [];
    await supervisor.consume("results", (delivery) => {
      if (delivery.body.symbol === "WIF-USD") taken.push(delivery.body);
      delivery.ack();
    });
    const observer = await as("observer");
    const manager = await jetstreamManager(observer, { checkAPI: false });
    const { state } = await manager.streams.info("PURGE_RESULTS");
    observer.publish("$JS.API.STREAM.MSG.GET.PURGE_RESULTS", JSON.stringify({ seq: state.last_seq }), {
      reply: "purge.v1.results.WIF-USD",
    });
    const lastDead = async (): Promise<string> => {
      const last = await manager.streams.getMessage("PURGE_DEAD", { last_by_subj: "purge.v1.dead.WIF-USD" });
      return last?.string() ?? "";
    };
    await expect.poll(lastDead, { timeout: 10_000 }).toContain("Schema-Version is missing");
    expect(taken).toEqual([]);
  });

  test("the operator bans, the observer asks; an observer or a gateway that bans is refused", async () => {
    const password = passwordOf("supervisor");
    const service = { user: "supervisor", pass: password, inboxPrefix: "_INBOX_supervisor" };
    await control({ url: server.url, connect: service });
    const request = { ...ASKS, symbol: BONK, action: "ban" } as const;
    for (const user of ["observer", "gateway", "supervisor"] as const) {
      const client = controlClient(await as(user), { timeoutMs: 2_000 });
      await expect(client.act(request)).rejects.toMatchObject({ reason: "permission" });
    }
    const observer = controlClient(await as("observer"), { timeoutMs: 5_000 });
    expect(await observer.status()).toMatchObject({ ledger_id: "ledger-1" });
    const operator = controlClient(await as("operator"), { timeoutMs: 5_000 });
    expect(await operator.act(request)).toMatchObject({ ok: true, changed: true, state: "suspended" });
    expect((await ask(await as("operator"), "status")).status).toBeNull();
    expect(await otherSupervisors(await as("observer"), { waitMs: 500 })).toHaveLength(1);
  });
});
