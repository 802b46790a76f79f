// The control client: what it is told, and in one word why it is told nothing.
import { describe, expect, test } from "vitest";
import {
  ControlError,
  controlClient,
  describeSupervisor,
  otherSupervisors,
} from "../../../adapters/control/mod.ts";
import { TradingSymbol } from "../../../machines/mod.ts";
import { BONK, SEI, startSymbols } from "../../actors/symbols_kit.ts";
import { connected, control, server } from "./control_kit.ts";

const REQUEST = { symbol: BONK, by: "ana", reason: "to look at it" } as const;

/** What a promise is rejected with. */
async function failure(work: Promise<unknown>): Promise<ControlError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ControlError) return error;
  throw new Error(`expected a ControlError, got ${String(error)}`);
}

describe("the client", () => {
  test("acts, and tells the durable state or the refusal as it is", async () => {
    const { url } = await server();
    await control({ url });
    const client = controlClient(await connected(url), { timeoutMs: 5_000 });
    expect(await client.act({ ...REQUEST, action: "pause" })).toEqual({
      ...{ ok: true, changed: true, seq: 1, state: "suspended" },
    });
    expect(await client.act({ ...REQUEST, action: "pause" })).toMatchObject({ ok: true, changed: false });
    expect(await client.act({ ...REQUEST, action: "resume", reason: "" })).toMatchObject({ state: "idle" });
    expect(await client.act({ ...REQUEST, action: "abort" })).toMatchObject({
      ...{ ok: false, code: "not_applicable", message: expect.stringContaining("BONK-USD is idle") },
    });
  });

  test("reads one symbol, or hears that there is none", async () => {
    const { url } = await server();
    const { kit } = await control({ url });
    await kit.request(BONK);
    const client = controlClient(await connected(url), { timeoutMs: 5_000 });
    expect(await client.symbol(BONK)).toMatchObject({ symbol: BONK, state: "purging.quoting" });
    expect(await client.symbol(SEI)).toBeNull();
  });

  test("puts all pages of a status together", async () => {
    const { url } = await server({ config: "max_payload: 131072" });
    const { kit } = await control({ url, kit: await startSymbols({ maxPending: 1_000 }) });
    for (let n = 0; n < 400; n += 1) void kit.request(TradingSymbol.make(`C${1_000 + n}-USD`));
    await kit.clock.settle();
    const status = await controlClient(await connected(url), { timeoutMs: 5_000 }).status();
    expect(new Set(status.symbols.map(({ symbol }) => symbol)).size).toBe(400);
    expect(status).toMatchObject({ mode: "paper", total: 400, next: null });
  });

  test("says so at once when nobody is there", async () => {
    const { url } = await server();
    const client = controlClient(await connected(url), { timeoutMs: 60_000 });
    expect(await failure(client.status())).toMatchObject({
      ...{ reason: "nobody", message: expect.stringContaining("purgatory run") },
    });
  });

  test("gives up after its time, and does not say that nothing was done", async () => {
    const { url } = await server();
    const { kit } = await control({ url });
    kit.faults.hold();
    const client = controlClient(await connected(url), { timeoutMs: 100 });
    expect(await failure(client.act({ ...REQUEST, action: "pause" }))).toMatchObject({
      ...{ reason: "timeout", message: expect.stringMatching(/within 0.1 s: .* may still be done/) },
    });
    kit.faults.release();
  });

  test("says at once what the server does not permit: to ask", async () => {
    const { url } = await server({ config: users("publish: { deny: purge.v1.control.ban }") });
    await control({ url, connect: { user: "bot", pass: "b" } });
    const client = controlClient(await connected(url, { user: "ana", pass: "a" }), { timeoutMs: 60_000 });
    expect(await failure(client.act({ ...REQUEST, action: "ban" }))).toMatchObject({
      ...{ reason: "permission", message: expect.stringContaining("publish purge.v1.control.ban") },
    });
    expect(await client.act({ ...REQUEST, action: "pause" })).toMatchObject({ ok: true });
  });

  test("says at once what the server does not permit: to read the answer", async () => {
    const { url } = await server({ config: users('subscribe: { allow: "_INBOX_ana.>" }') });
    await control({ url, connect: { user: "bot", pass: "b" } });
    const login = { user: "ana", pass: "a" };
    const client = controlClient(await connected(url, login), { timeoutMs: 60_000 });
    expect(await failure(client.status())).toMatchObject({ reason: "permission" });
    const own = await connected(url, { ...login, inboxPrefix: "_INBOX_ana" });
    expect(await controlClient(own, { timeoutMs: 5_000 }).status()).toMatchObject({ mode: "paper" });
  });

  test("is refused what is no request", async () => {
    const { url } = await server();
    await control({ url });
    const client = controlClient(await connected(url), { timeoutMs: 5_000 });
    expect(await failure(client.act({ ...REQUEST, action: "pause", by: "" }))).toMatchObject({
      ...{ reason: "refused", message: expect.stringMatching(/^invalid: .*\["by"\]/) },
    });
  });

  test("does not take an answer that it does not understand for one", async () => {
    const { url } = await server();
    const impostor = await connected(url);
    impostor.subscribe("purge.v1.control.status", { callback: (_, msg) => void msg.respond("hello") });
    await impostor.flush();
    const client = controlClient(await connected(url), { timeoutMs: 5_000 });
    expect(await failure(client.status())).toMatchObject({ reason: "malformed" });
  });

  test("says that its connection is closed", async () => {
    const { url } = await server();
    const connection = await connected(url);
    await connection.close();
    const client = controlClient(connection, { timeoutMs: 5_000 });
    expect(await failure(client.status())).toMatchObject({ reason: "disconnected" });
  });
});

describe("other supervisors", () => {
  test("are named by what they say of themselves, oneself left out", async () => {
    const { url } = await server();
    const mine = await control({ url });
    const other = await control({ url });
    const all = await otherSupervisors(await connected(url), { waitMs: 300 });
    expect(all.map(({ id }) => id).toSorted()).toEqual([mine.service.id, other.service.id].toSorted());
    const others = await otherSupervisors(mine.connection, { waitMs: 300, except: mine.service.id });
    expect(others).toMatchObject([{ id: other.service.id, mode: "paper", ledgerId: "ledger-1" }]);
    expect(others.map(describeSupervisor).join()).toMatch(
      new RegExp(`^purgatory 1\\.2\\.3 \\(paper, process ${process.pid} on .+, ledger ledger-1\\)$`),
    );
  });

  test("are none where nobody answers, and that takes no time", async () => {
    const { url } = await server();
    const startedAt = Date.now();
    expect(await otherSupervisors(await connected(url), { waitMs: 30_000 })).toEqual([]);
    expect(Date.now() - startedAt).toBeLessThan(5_000);
  });

  test("are not said to be none where the server does not let this user ask", async () => {
    const { url } = await server({ config: users('publish: { deny: "$SRV.>" }') });
    await control({ url, connect: { user: "bot", pass: "b" } });
    const asking = otherSupervisors(await connected(url, { user: "ana", pass: "a" }), { waitMs: 2_000 });
    expect(await failure(asking)).toMatchObject({ reason: "permission" });
  });

  test("count even when their words are not understood", async () => {
    const { url } = await server();
    const stranger = await connected(url);
    stranger.subscribe("$SRV.PING.purgatory", { callback: (_, msg) => void msg.respond("hello") });
    await stranger.flush();
    expect(await otherSupervisors(await connected(url), { waitMs: 300 })).toHaveLength(1);
  });
});

/** A server configuration with a bot that may do all, and ana with `permissions`. */
function users(permissions: string): string {
  return `authorization { users: [
    { user: bot, password: b },
    { user: ana, password: a, permissions: { ${permissions} } }
  ] }`;
}
