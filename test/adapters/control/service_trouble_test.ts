// The control service among strangers: bodies of every bad kind, other tools that look for it, and servers that go away.
import type { NatsConnection } from "@nats-io/transport-node";
import { Packr } from "msgpackr";
import { describe, expect, test } from "vitest";
import { ERROR_STATUS, ErrorReply, OPERATIONS } from "../../../adapters/control/mod.ts";
import { startControlService } from "../../../adapters/control/mod.ts";
import { BONK, startSymbols } from "../../actors/symbols_kit.ts";
import { ASKS, ask, connected, control, server } from "./control_kit.ts";

const MSGPACK = { "Content-Type": "application/msgpack" };
const JSON_TYPE = { "Content-Type": "application/json" };
const packr = new Packr({ useRecords: false });
const pack = (value: unknown): Uint8Array => packr.pack(value);

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** All answers to one question, from whoever gives any. */
async function everyone(client: NatsConnection, subject: string): Promise<readonly unknown[]> {
  const answers = await client.requestMany(subject, "", { strategy: "stall", stall: 100, maxWait: 2_000 });
  return (await Array.fromAsync(answers)).map((msg) => msg.json());
}

const HOSTILE: readonly [string, string | Uint8Array, Record<string, string>, RegExp][] = [
  ["nothing", "", {}, /the body is empty; expected \{"symbol"/],
  ["no JSON", "pause BONK-USD, please", {}, /not JSON/],
  ["JSON that is cut off", '{"symbol":"BONK-USD","by":"a', {}, /not JSON/],
  ["a number", "5", {}, /Expected object/],
  ["null", "null", {}, /Expected object/],
  ["a list", "[]", {}, /Expected object/],
  ["no symbol", '{"by":"ana","reason":"r"}', {}, /Missing key at \["symbol"\]/],
  ["another symbol than any", '{"symbol":"bonk","by":"ana","reason":"r"}', {}, /at \["symbol"\]/],
  ["a symbol with a wildcard", '{"symbol":"*-USD","by":"ana","reason":"r"}', {}, /at \["symbol"\]/],
  ["nobody who asks", '{"symbol":"BONK-USD","reason":"r"}', {}, /Missing key at \["by"\]/],
  ["a blank name", '{"symbol":"BONK-USD","by":"  ","reason":"r"}', {}, /Expected a name of 1 to 100/],
  ["a name of two lines", '{"symbol":"BONK-USD","by":"a\\nb","reason":"r"}', {}, /Expected a name/],
  ["no reason", '{"symbol":"BONK-USD","by":"ana"}', {}, /Missing key at \["reason"\]/],
  [
    "a long reason",
    JSON.stringify({ ...ASKS, reason: "r".repeat(401) }),
    {},
    /Expected a reason of 1 to 400/,
  ],
  ["a key named __proto__", '{"__proto__":{"symbol":"BONK-USD","by":"a","reason":"r"}}', {}, /__proto__/],
  ["deep nesting", `${"[".repeat(50_000)}${"]".repeat(50_000)}`, {}, /not plain JSON|not JSON/],
  ["no such format", JSON.stringify(ASKS), { "Content-Type": "text/html" }, /header Content-Type/],
  ["a later version", JSON.stringify(ASKS), { "Schema-Version": "2" }, /Schema-Version is "2"; expected 1/],
  ["JSON called MessagePack", JSON.stringify(ASKS), MSGPACK, /MessagePack|Expected object/],
  ["MessagePack called JSON", pack(ASKS), JSON_TYPE, /not JSON/],
  ["MessagePack that is cut off", pack(ASKS).slice(0, -3), MSGPACK, /MessagePack/],
  ["a list that claims 2^32-1 items", Uint8Array.of(0xdd, 255, 255, 255, 255), MSGPACK, /MessagePack/],
  ["an extension type", pack({ ...ASKS, symbol: new Date(0) }), MSGPACK, /MessagePack/],
  ["bytes of no kind", Uint8Array.of(0xc1, 0, 0xc1), MSGPACK, /MessagePack/],
];

describe("a body that is no request", () => {
  test("is answered with what is wrong and what is expected, and the next request as if nothing were", async () => {
    const { url } = await server();
    const { kit } = await control({ url });
    const client = await connected(url);
    for (const [what, body, sent, message] of HOSTILE) {
      const answer = await ask(client, "pause", body, sent);
      expect([what, answer.status]).toEqual([what, "400"]);
      expect([what, answer.error]).toEqual([what, expect.stringMatching(message)]);
      expect(answer.error).toMatch(/^purge\.v1\.control\.pause: /);
    }
    expect(kit.ledger.rows).toEqual([]);
    expect(await ask(client, "pause", ASKS)).toMatchObject({ status: null, body: { changed: true } });
  });

  test("is answered on every operation, and noted", async () => {
    const { url } = await server();
    const { notes } = await control({ url });
    const client = await connected(url);
    for (const operation of OPERATIONS) {
      expect([operation, (await ask(client, operation, "[")).status]).toEqual([operation, "400"]);
    }
    const refusals = () => notes().filter((note) => note.startsWith("warn: a control request was refused"));
    expect(refusals()).toHaveLength(8);
    await Promise.all(Array.from({ length: 100 }, () => ask(client, "status", "[")));
    expect(refusals()).toHaveLength(20);
    expect(refusals().at(-1)).toMatch(/further ones of this minute are not told/);
  });

  test("of the largest size is refused without being read", async () => {
    const { url } = await server({ config: "max_payload: 2097152" });
    await control({ url });
    const answer = await ask(await connected(url), "pause", "x".repeat(1_100_000));
    expect(answer).toMatchObject({ status: "400", error: expect.stringMatching(/1100000 bytes/) });
  });

  test("may have fields that this version does not know", async () => {
    const { url } = await server();
    await control({ url });
    const answer = await ask(await connected(url), "pause", { ...ASKS, colour: "red" });
    expect(answer).toMatchObject({ status: null, body: { changed: true } });
  });
});

test("a reply comes in the format of its request, with its version", async () => {
  const { url } = await server();
  await control({ url });
  const client = await connected(url);
  const asked = { "content-type": "application/x-msgpack; charset=binary" };
  const answer = await ask(client, "pause", pack(ASKS), asked);
  expect(answer.contentType).toBe("application/msgpack");
  expect(packr.unpack(answer.msg.data)).toMatchObject({ symbol: BONK, changed: true });
  expect(answer.msg.headers?.get("Schema-Version")).toBe("1");
  const refused = await ask(client, "abort", pack(ASKS), asked);
  expect(packr.unpack(refused.msg.data)).toMatchObject({ code: "not_applicable" });
});

test("a message that nobody waits for an answer to does nothing, and is noted", async () => {
  const { url } = await server();
  const { kit, notes } = await control({ url });
  const client = await connected(url);
  client.publish("purge.v1.control.ban", JSON.stringify(ASKS));
  await until("a note", () => notes().some((note) => note.includes("no way to answer")));
  expect(kit.ledger.rows).toEqual([]);
});

test("each error code has a status, and the schema knows every one", () => {
  const codes = Object.keys(ERROR_STATUS);
  expect(ErrorReply.fields.code.literals.toSorted()).toEqual(codes.toSorted());
});

describe("tools that look for services", () => {
  test("find it by PING, INFO and STATS, with an endpoint for each operation", async () => {
    const { url } = await server();
    const { service } = await control({ url });
    const client = await connected(url);
    const metadata = { mode: "paper", ledger_id: "ledger-1", pid: `${process.pid}` };
    const known = { name: "purgatory", id: service.id, version: "1.2.3" };
    expect(await everyone(client, "$SRV.PING")).toMatchObject([{ ...known, metadata }]);
    expect(await everyone(client, "$SRV.INFO.purgatory")).toMatchObject([
      {
        ...known,
        endpoints: OPERATIONS.map((name) => ({ name, subject: `purge.v1.control.${name}` })),
      },
    ]);
    await ask(client, "pause", ASKS);
    await ask(client, "abort", ASKS);
    expect(await everyone(client, `$SRV.STATS.purgatory.${service.id}`)).toMatchObject([
      {
        endpoints: expect.arrayContaining([
          expect.objectContaining({ name: "pause", num_requests: 1, data: { replies: 1, refusals: {} } }),
          expect.objectContaining({ name: "abort", data: { replies: 1, refusals: { not_applicable: 1 } } }),
        ]),
      },
    ]);
  });

  test("find it again after the server was away, under the same id", async () => {
    const nats = await server();
    const { service } = await control({ url: nats.url });
    await nats.restart();
    const client = await connected(nats.url);
    const ids = async (): Promise<readonly unknown[]> =>
      (await everyone(client, "$SRV.PING.purgatory").catch(() => [])).map(
        (found) => typeof found === "object" && found !== null && "id" in found && found.id,
      );
    await until("an answer", async () => (await ids()).length > 0);
    expect(await ids()).toEqual([service.id]);
    expect(await ask(client, "pause", ASKS)).toMatchObject({ status: null, body: { changed: true } });
  });
});

describe("at the end", () => {
  test("a request under way is answered, and nobody answers afterwards", async () => {
    const { url } = await server();
    const { kit, service } = await control({ url });
    const client = await connected(url);
    kit.faults.hold();
    const asking = ask(client, "pause", ASKS);
    await until("the request is under way", () => kit.faults.held === 1);
    const stopping = service.stop();
    await client.flush();
    kit.faults.release();
    expect(await asking).toMatchObject({ status: null, body: { changed: true, seq: 1 } });
    await stopping;
    expect(await service.stopped).toBeNull();
    await expect(ask(client, "pause", ASKS)).rejects.toThrow(/no responders/);
  });

  test("a request that the journal does not answer is refused, and says that it may still be done", async () => {
    const { url } = await server();
    const { kit, service } = await control({ url, limits: { answerMs: 60_000, lastAnswersMs: 50 } });
    kit.faults.hold();
    const asking = ask(await connected(url), "pause", ASKS);
    await until("the request is under way", () => kit.faults.held === 1);
    await service.stop();
    expect(await asking).toMatchObject({
      ...{ status: "503", body: { code: "not_ready" } },
      error: expect.stringMatching(/stopping: it may still be done/),
    });
    kit.faults.release();
  });

  test("a world that runs fast waits for it", async () => {
    const { url } = await server();
    const { kit, service } = await control({ url });
    let isLate = false;
    kit.clock.schedule(kit.clock.now() + 10_000, () => {
      isLate = true;
    });
    const stopping = service.stop().then(() => isLate);
    await kit.clock.advance(20_000);
    expect([await stopping, isLate]).toEqual([false, true]);
  });

  test("it signs off in time where the server is gone", async () => {
    const nats = await server();
    const { service } = await control({ url: nats.url });
    await nats.kill("SIGKILL");
    const startedAt = Date.now();
    await service.stop();
    expect(Date.now() - startedAt).toBeLessThan(8_000);
  });

  test("a service whose subjects the server does not permit ends, and says which", async () => {
    const { url } = await server({
      config: `authorization { users: [{ user: u, password: p, permissions: { subscribe: { deny: "purge.v1.control.ban" } } }] }`,
    });
    const { service, notes } = await control({ url, connect: { user: "u", pass: "p" } });
    expect(await service.stopped).toMatchObject({ message: expect.stringContaining("purge.v1.control.ban") });
    expect(notes().join()).toMatch(/error: the control service has ended: .*purge\.v1\.control\.ban/);
  });

  test("a version that is none is refused at the start", async () => {
    const { url } = await server();
    const { connection, kit } = await control({ url });
    const options = { connection, version: "latest", mode: "paper", ledgerId: "l" } as const;
    const nothing = { startedAt: "2025-11-11T03:00:00.000Z", connected: true, venue: null };
    await expect(
      startControlService({
        ...options,
        operators: { act: () => Promise.reject(new Error("not asked")) },
        status: () => ({ ...nothing, lastCycle: null, symbols: [] }),
        symbol: () => null,
        clock: kit.clock,
        observe: () => {},
      }),
    ).rejects.toThrow(/semver/);
  });
});

test("a journal that hangs keeps nobody waiting for ever, and no more than so many at a time", async () => {
  const { url } = await server();
  const roomy = await startSymbols({ mailboxSize: 100, maxPending: 100 });
  const { kit } = await control({ url, kit: roomy, limits: { answerMs: 500, lastAnswersMs: 50 } });
  const client = await connected(url);
  kit.faults.hold();
  const answers = await Promise.all(Array.from({ length: 80 }, () => ask(client, "pause", ASKS)));
  const why = answers.map(({ status, error }) => `${status} ${/slow|under way/.exec(error ?? "")?.[0]}`);
  expect(why.filter((one) => one === "503 slow")).toHaveLength(64);
  expect(why.filter((one) => one === "503 under way")).toHaveLength(16);
  expect(kit.observed.filter(({ kind }) => kind === "operator")).toHaveLength(16);
  expect((await ask(client, "status")).status).toBeNull();
  kit.faults.release();
  await until("the journal has caught up", () => kit.ledger.rows.length === 1);
  expect(await ask(client, "pause", ASKS)).toMatchObject({ status: null, body: { changed: false } });
});

test("an error of the program itself is an answer, a note, and no end of the service", async () => {
  const { url } = await server();
  const startNow = (): never => {
    throw new TypeError("a bug");
  };
  const { notes } = await control({ url, startNow });
  const client = await connected(url);
  expect(await ask(client, "purge", ASKS)).toMatchObject({ status: "500", body: { code: "failed" } });
  expect(notes().join()).toContain("a bug");
  expect((await ask(client, "pause", ASKS)).status).toBeNull();
});
