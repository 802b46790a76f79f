// The streams on a real server: made when they are missing, left alone when they differ, and what is said then.
import { jetstreamManager } from "@nats-io/jetstream";
import { type NatsConnection, nanos } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  connectNats,
  ensureStreams,
  formatStreamReport,
  initStreams,
  isReady,
  type StreamReport,
} from "../../../adapters/bus/mod.ts";
import { CONSUMERS, STREAMS } from "../../../adapters/bus/streams.ts";
import { type NatsServer, startNatsServer } from "../../nats_server.ts";

let server: NatsServer;
let connection: NatsConnection;
beforeAll(async () => {
  server = await startNatsServer();
});
afterAll(() => server?.stop());
beforeEach(async () => {
  connection = await connectNats({ servers: server.url, name: "streams_test" });
  const manager = await jetstreamManager(connection);
  for await (const { config } of manager.streams.list()) await manager.streams.delete(config.name);
});
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await connection.close();
  for (const close of closing.splice(0).reverse()) await close();
});
const elsewhere = async (
  config: string,
  user: string,
  args: readonly string[] = [],
): Promise<NatsConnection> => {
  const other = await startNatsServer({ config, args });
  closing.push(() => other.stop());
  const entered = await connectNats({ servers: other.url, name: "elsewhere", user });
  closing.push(() => entered.close());
  return entered;
};

const NAMES = Object.keys(STREAMS);
const all = ({ streams, consumers }: StreamReport): readonly string[] => [
  ...streams.map(({ name, what }) => `${name} ${what}`),
  ...consumers.map(({ stream, name, what }) => `${stream}/${name} ${what}`),
];
const everything = (what: string): readonly string[] => [
  ...NAMES.map((name) => `${name} ${what}`),
  ...CONSUMERS.map(({ stream, durable }) => `${stream}/${durable} ${what}`),
];
const message = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

describe("streams that are missing", () => {
  test("are made, with their consumers, and found good ever after", async () => {
    expect(all(await ensureStreams(connection, { may: "create" }))).toEqual(everything("created"));
    for (const may of ["verify", "create", "update"] as const) {
      expect(all(await ensureStreams(connection, { may }))).toEqual(everything("unchanged"));
    }
  });

  test("are named to whoever may only look, with who makes them, and are not made", async () => {
    const error = ensureStreams(connection, { may: "verify" });
    await expect(error).rejects.toMatchObject({ _tag: "BusError", reason: "refused" });
    expect(await message(error)).toMatch(
      /^missing: the stream PURGE_ORDERS, .* the consumer gateway of PURGE_ORDERS, .*; a supervisor makes them at its start, or run: purgatory nats init$/,
    );
    await expect(ensureStreams(connection, { may: "verify" })).rejects.toThrow(/^missing/);
  });

  test("that are not asked about are not looked at", async () => {
    const report = await ensureStreams(connection, { may: "create", streams: ["PURGE_ORDERS"] });
    expect(all(report)).toEqual(["PURGE_ORDERS created", "PURGE_ORDERS/gateway created"]);
  });

  test("are made by two at the same time, without a quarrel", async () => {
    const other = await connectNats({ servers: server.url, name: "other" });
    closing.push(() => other.close());
    await Promise.all([connection, other].map((one) => ensureStreams(one, { may: "create" })));
    expect(isReady(await initStreams(connection, { update: false }))).toBe(true);
  });

  test("are kept in files, over a restart of the server", async () => {
    await ensureStreams(connection, { may: "create" });
    const manager = await jetstreamManager(connection);
    for await (const { config } of manager.streams.list()) expect(config.storage).toBe("file");
    await connection.close();
    await server.restart();
    connection = await connectNats({ servers: server.url, name: "streams_test" });
    expect(all(await ensureStreams(connection, { may: "verify" }))).toEqual(everything("unchanged"));
  });
});

describe("a stream that exists with other settings", () => {
  const spoil = async (): Promise<void> => {
    await ensureStreams(connection, { may: "create" });
    const manager = await jetstreamManager(connection);
    await manager.streams.update("PURGE_DEAD", { max_age: nanos(3_600_000), max_msgs: 5 });
    await manager.consumers.update("PURGE_RESULTS", "supervisor", { ack_wait: nanos(1_000) });
  };

  test.each(["verify", "create"] as const)(
    "is refused with every difference, and not changed: %s",
    async (may) => {
      await spoil();
      const lines = (await message(ensureStreams(connection, { may }))).split("\n");
      expect(lines).toEqual([
        "the stream PURGE_DEAD has other settings: max_age is 60 min, expected 90 d; max_msgs is 5, expected unlimited",
        "the consumer supervisor of PURGE_RESULTS has other settings: ack_wait is 1 s, expected 15 s",
        "to bring them in line, run: purgatory nats init --update; nothing was changed",
      ]);
      expect(await message(ensureStreams(connection, { may }))).toBe(lines.join("\n"));
    },
  );

  test("is reported by an init, and brought in line only when that is asked for", async () => {
    await spoil();
    const before = await initStreams(connection, { update: false });
    expect(isReady(before)).toBe(false);
    expect(all(before).filter((line) => !line.endsWith("unchanged"))).toEqual([
      "PURGE_DEAD different",
      "PURGE_RESULTS/supervisor different",
    ]);
    const updated = await initStreams(connection, { update: true });
    expect(isReady(updated)).toBe(true);
    expect(formatStreamReport(updated)).toContain(
      "stream PURGE_DEAD: updated (max_age was 60 min, is now 90 d; max_msgs was 5, is now unlimited)\n",
    );
    expect(all(await initStreams(connection, { update: false }))).toEqual(everything("unchanged"));
  });

  test("is recognized in every setting that this program relies on", async () => {
    const manager = await jetstreamManager(connection);
    await manager.streams.add({
      name: "PURGE_ORDERS",
      subjects: ["purge.v1.orders.BONK-USD"],
      retention: "limits",
      storage: "memory",
      discard: "new",
      max_age: 0,
      max_msgs: 10,
      max_msgs_per_subject: 1,
      max_consumers: 3,
      duplicate_window: nanos(1_000),
      no_ack: true,
      deny_delete: true,
      deny_purge: true,
    });
    await manager.consumers.add("PURGE_ORDERS", {
      durable_name: "gateway",
      ack_policy: "all",
      deliver_policy: "last",
      ack_wait: nanos(2_000),
      max_deliver: 2,
      max_ack_pending: 1,
      replay_policy: "original",
      filter_subject: "purge.v1.orders.BONK-USD",
      inactive_threshold: nanos(60_000),
      headers_only: true,
      mem_storage: true,
    });
    const report = await initStreams(connection, { update: false });
    const fieldsOf = (found: { readonly differences: readonly { readonly field: string }[] } | undefined) =>
      found?.differences.map(({ field }) => field).toSorted();
    expect(fieldsOf(report.streams[0])).toEqual([
      "deny_delete",
      "deny_purge",
      "discard",
      "duplicate_window",
      "max_age",
      "max_consumers",
      "max_msgs",
      "max_msgs_per_subject",
      "no_ack",
      "retention",
      "storage",
      "subjects",
    ]);
    expect(fieldsOf(report.consumers[0])).toEqual([
      "ack_policy",
      "ack_wait",
      "deliver_policy",
      "filter_subject",
      "headers_only",
      "inactive_threshold",
      "max_ack_pending",
      "max_deliver",
      "mem_storage",
      "replay_policy",
    ]);
  });

  test("which the server cannot change is said in its words, with what to do", async () => {
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: "PURGE_VENUE", subjects: ["purge.v1.venue"], storage: "memory" });
    const said = await message(initStreams(connection, { update: true }));
    expect(said).toMatch(/^the stream PURGE_VENUE: JetStream refused: .*storage type/);
    expect(said).toContain("remove it with: nats stream rm PURGE_VENUE");
  });

  test("may have a limit of bytes that an operator has set", async () => {
    await ensureStreams(connection, { may: "create" });
    const manager = await jetstreamManager(connection);
    await manager.streams.update("PURGE_RESULTS", { max_bytes: 1_000_000 });
    expect(all(await ensureStreams(connection, { may: "update" }))).toEqual(everything("unchanged"));
    expect((await manager.streams.info("PURGE_RESULTS")).config.max_bytes).toBe(1_000_000);
  });
});

test("a stream of somebody else on our subjects is named as the trouble", async () => {
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: "MINE", subjects: ["purge.>"] });
  expect(await message(ensureStreams(connection, { may: "create" }))).toMatch(
    /^the stream PURGE_ORDERS: JetStream refused: subjects overlap/,
  );
});

test("more replicas than there are servers are refused by the server, in its words", async () => {
  expect(await message(initStreams(connection, { update: false, replicas: 3 }))).toMatch(
    /^the stream PURGE_ORDERS: JetStream refused: .*replicas/,
  );
});

describe("a cluster that has no leader yet", () => {
  /** Answers in JetStream's stead: that often that it is not ready, then that there is no such stream. */
  const early = async (times: number): Promise<NatsConnection> => {
    const bare = await elsewhere("", "a", ["--jetstream=false"]);
    const unready = { code: 503, err_code: 10_008, description: "JetStream system temporarily unavailable" };
    const unknown = { code: 404, err_code: 10_059, description: "stream not found" };
    let asked = 0;
    bare.subscribe("$JS.API.STREAM.INFO.*", {
      callback: (_error, msg) => {
        asked += 1;
        msg.respond(JSON.stringify({ type: "", error: asked > times ? unknown : unready }));
      },
    });
    return bare;
  };

  test("is asked again until it has one", async () => {
    const asked = ensureStreams(await early(2), { may: "verify", streams: ["PURGE_DEAD"] });
    expect(await message(asked)).toMatch(/^missing: the stream PURGE_DEAD;/);
  });

  test("is given up after a while, as one that is not there", async () => {
    const asked = ensureStreams(await early(1_000), { may: "verify", timeoutMs: 300 });
    await expect(asked).rejects.toMatchObject({
      reason: "disconnected",
      message: "the stream PURGE_ORDERS: JetStream did not answer: JetStream system temporarily unavailable",
    });
  });
});

describe("a server that cannot keep messages", () => {
  test.each([
    ["it runs without JetStream", "", ["--jetstream=false"], /^the server has no JetStream/],
    [
      "the account has none",
      "accounts { A { users: [ { user: a } ] } }",
      [],
      /^this account has no JetStream/,
    ],
  ])("because %s", async (_name, config, args, said) => {
    const bare = await elsewhere(config, "a", args);
    const asked = ensureStreams(bare, { may: "create" });
    await expect(asked).rejects.toMatchObject({ reason: "refused" });
    expect(await message(asked)).toMatch(said);
    expect(await message(asked)).toContain("start nats-server with --jetstream --store_dir DIR");
  });

  test("because the user may not ask for it", async () => {
    const config =
      'authorization { users: [ { user: a, permissions: { publish: ["purge.>"], subscribe: [">"] } } ] }';
    const restricted = await elsewhere(config, "a");
    expect(await message(ensureStreams(restricted, { may: "verify", timeoutMs: 1_000 }))).toBe(
      "the stream PURGE_ORDERS: the server does not allow this user to publish to $JS.API.STREAM.INFO.PURGE_ORDERS; see config/nats",
    );
  });

  test("because the user may not read the answers", async () => {
    const config = 'authorization { users: [ { user: a, permissions: { subscribe: ["_INBOX_b.>"] } } ] }';
    const restricted = await elsewhere(config, "a");
    const said = await message(ensureStreams(restricted, { may: "verify", timeoutMs: 1_000 }));
    expect(said).toContain("the server does not allow this user to subscribe to _INBOX_a.");
  });

  test("because it is not there any more", async () => {
    const other = await startNatsServer();
    const gone = await connectNats({ servers: other.url, name: "gone" });
    closing.push(() => gone.close());
    await other.stop();
    await expect(ensureStreams(gone, { may: "verify", timeoutMs: 300 })).rejects.toMatchObject({
      reason: "disconnected",
    });
  });
});
