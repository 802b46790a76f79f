// The control service, asked by any client over a real server: every operation, every refusal, and what no body may do.
import { Schema } from "effect";
import { unpack } from "msgpackr";
import { describe, expect, test } from "vitest";
import type { StartNow } from "../../../actors/operators.ts";
import type { OperatorRefusal } from "../../../actors/ports.ts";
import { writePlain } from "../../../adapters/bus/mod.ts";
import { ERROR_STATUS, ErrorReply, StatusReply, SymbolReply } from "../../../adapters/control/mod.ts";
import { memoryLedger } from "../../../adapters/journal/mod.ts";
import { TradingSymbol } from "../../../machines/mod.ts";
import { BONK, SEI, startSymbols } from "../../actors/symbols_kit.ts";
import { rejection } from "../../machines/scenario.ts";
import { ASKS, ask, connected, control, server } from "./control_kit.ts";

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

const done = (action: string, state: string, seq: number) => ({
  status: null,
  body: { symbol: BONK, action, changed: true, seq, state },
});

describe("an operator", () => {
  test("pauses, resumes, bans, resets, purges and aborts, and each is answered with its journal record", async () => {
    const { url } = await server();
    const { kit } = await control({ url });
    const client = await connected(url);
    expect(await ask(client, "pause", ASKS)).toMatchObject(done("pause", "suspended", 1));
    expect(await ask(client, "resume", { symbol: BONK, by: "ana" })).toMatchObject(done("resume", "idle", 2));
    expect(await ask(client, "ban", ASKS)).toMatchObject(done("ban", "suspended", 3));
    expect(await ask(client, "reset", ASKS)).toMatchObject(done("reset", "idle", 4));
    expect(await ask(client, "purge", ASKS)).toMatchObject(done("purge", "purging.quoting", 5));
    expect(await ask(client, "abort", ASKS)).toMatchObject(done("abort", "idle", 6));
    expect(kit.transitions.map(({ event }) => ("by" in event ? event.by : event.type))).toEqual(
      Array.from({ length: 6 }, () => "ana"),
    );
  });

  test("is told when a symbol is so already", async () => {
    const { url } = await server();
    await control({ url });
    const client = await connected(url);
    await ask(client, "pause", ASKS);
    expect((await ask(client, "pause", ASKS)).body).toEqual({
      ...{ symbol: BONK, action: "pause", changed: false, seq: null, state: "suspended" },
    });
  });

  test("is refused with a code, a status and a sentence", async () => {
    const { url } = await server();
    await control({ url });
    const client = await connected(url);
    await ask(client, "ban", ASKS);
    const banned = await ask(client, "resume", ASKS);
    expect(banned).toMatchObject({ status: "409", body: { code: "suspended" } });
    expect(banned.error).toMatch(/a ban is lifted by reset/);
    const unknown = await ask(client, "pause", { ...ASKS, symbol: SEI });
    expect(unknown).toMatchObject({ status: "404", body: { code: "unknown_symbol" } });
    expect(Schema.is(ErrorReply)(unknown.body)).toBe(true);
  });

  test.each<OperatorRefusal>([
    ...(["not_held", "busy", "in_backoff", "suspended", "limit", "venue"] as const),
    ...(["dry_run", "protected", "not_ready"] as const),
  ])("hears the cycle's refusal of a purge: %s", async (code) => {
    const { url } = await server();
    const startNow: StartNow = () => ({ ok: false, code, message: `because of ${code}` });
    await control({ url, startNow });
    const answer = await ask(await connected(url), "purge", ASKS);
    expect(answer).toMatchObject({
      ...{ status: `${ERROR_STATUS[code]}`, error: `because of ${code}` },
      body: { code, message: `because of ${code}` },
    });
  });

  test("is not answered before the record is durable", async () => {
    const { url } = await server();
    const { kit } = await control({ url });
    const client = await connected(url);
    kit.faults.hold();
    let answered = false;
    const asking = ask(client, "pause", ASKS).finally(() => {
      answered = true;
    });
    while (kit.faults.held === 0) await turns(1);
    await client.flush();
    expect([answered, kit.ledger.rows.length]).toEqual([false, 0]);
    kit.faults.release();
    expect(await asking).toMatchObject(done("pause", "suspended", 1));
  });

  test("is told `not_ready` when the journal fails", async () => {
    const { url } = await server();
    const { kit } = await control({ url });
    kit.faults.failNext();
    expect(await ask(await connected(url), "pause", ASKS)).toMatchObject({
      ...{ status: "503", body: { code: "not_ready" } },
    });
    expect(kit.ledger.rows).toEqual([]);
  });

  test("leaves an audit line and a record with who asked and through which inbox", async () => {
    const { url } = await server();
    const { kit } = await control({ url });
    const client = await connected(url, { inboxPrefix: "_INBOX_operator" });
    await ask(client, "pause", ASKS);
    await ask(client, "pause", { ...ASKS, symbol: SEI });
    const by = "ana (inbox operator)";
    expect(kit.transitions[0]?.event).toMatchObject({ type: "operator.pause", by, reason: "to look at it" });
    expect(kit.observed.filter(({ kind }) => kind === "operator")).toMatchObject([
      { request: { action: "pause", symbol: BONK, by }, answer: { ok: true } },
      { request: { action: "pause", symbol: SEI, by }, answer: { ok: false, code: "unknown_symbol" } },
    ]);
  });

  test("from another account is recorded as its server tells", async () => {
    const { url } = await server({
      config: `accounts {
        BOTS { users: [{ user: bot, password: b }], exports: [{ service: "purge.v1.control.>" }] }
        DESK { users: [{ user: desk, password: d }],
               imports: [{ service: { account: BOTS, subject: "purge.v1.control.>" }, share: true }] }
      }`,
    });
    const { kit } = await control({ url, connect: { user: "bot", pass: "b" } });
    const client = await connected(url, { user: "desk", pass: "d", name: "night desk" });
    await ask(client, "pause", ASKS);
    expect(kit.transitions[0]?.event).toMatchObject({ by: expect.stringMatching(/^ana \(.*account DESK/) });
  });

  test("goes on where a crash left off: what was answered is there after a restart", async () => {
    const { url } = await server();
    const ledger = memoryLedger();
    const before = await control({ url, kit: await startSymbols({ ledger }) });
    const client = await connected(url);
    await ask(client, "ban", ASKS);
    await before.service.stop();
    await before.kit.stop();
    await control({ url, kit: await startSymbols({ ledger, clock: before.kit.clock }) });
    expect((await ask(client, "symbol", { symbol: BONK })).body).toMatchObject({
      symbol: { symbol: BONK, state: "suspended" },
    });
    expect((await ask(client, "reset", ASKS)).body).toMatchObject({ changed: true, seq: 2 });
  });
});

describe("status", () => {
  test("tells the run and every symbol, in either format, to a request without a body", async () => {
    const { url } = await server();
    const { kit } = await control({ url });
    await kit.request(BONK);
    const client = await connected(url);
    const answer = await ask(client, "status");
    expect(Schema.is(StatusReply)(answer.body)).toBe(true);
    expect(answer.body).toMatchObject({
      ...{ mode: "paper", ledger_id: "ledger-1", version: "1.2.3", pid: process.pid, total: 1, next: null },
      ...{ connection: { connected: true }, venue: null, last_cycle: null },
      symbols: [{ symbol: BONK, state: "purging.quoting" }],
    });
    const packed = await ask(client, "status", writePlain("msgpack", {}), {
      "Content-Type": "application/msgpack",
    });
    expect(packed.contentType).toBe("application/msgpack");
    expect(Schema.is(StatusReply)(unpack(packed.msg.data))).toBe(true);
  });

  test("counts the last cycle and says what held it back", async () => {
    const { url } = await server();
    const at = "2025-11-11T03:04:05.678Z";
    const counted = { positions: 3, candidates: [BONK, SEI], started: [BONK], skipped: [] };
    await control({
      url,
      overview: {
        lastCycle: { cycle: 7, at, durationMs: 1.5, ...counted, heldBack: "refused: api_key=hunter2" },
      },
    });
    expect((await ask(await connected(url), "status")).body).toMatchObject({
      last_cycle: {
        ...{ cycle: 7, positions: 3, candidates: 2, started: 1, skipped: 0 },
        duration_ms: 1.5,
        held_back: "refused: api_key=[redacted]",
      },
    });
  });

  test("comes in pages that fit the server's largest message, and no symbol is lost or told twice", async () => {
    const { url } = await server({ config: "max_payload: 131072" });
    const { kit } = await control({ url, kit: await startSymbols({ maxPending: 1_000 }) });
    const names = Array.from({ length: 400 }, (_, n) => TradingSymbol.make(`C${1_000 + n}-USD`));
    for (const symbol of names) void kit.request(symbol);
    await kit.clock.settle();
    const client = await connected(url);
    const seen: string[] = [];
    let after: string | null = "";
    let pages = 0;
    while (after !== null) {
      const answer = await ask(client, "status", after === "" ? "" : { after });
      const body = Schema.decodeUnknownSync(StatusReply)(answer.body);
      expect(body.total).toBe(400);
      seen.push(...body.symbols.map(({ symbol }) => symbol));
      after = body.next;
      pages += 1;
    }
    expect(pages).toBeGreaterThan(1);
    expect(seen).toEqual(names);
    const two = await ask(client, "status", { limit: 2, after: "C1001-USD" });
    expect(two.body).toMatchObject({ symbols: [{ symbol: "C1002-USD" }, { symbol: "C1003-USD" }] });
  });

  test("says who suspended a symbol, and why", async () => {
    const { url } = await server();
    await control({ url });
    const client = await connected(url);
    await ask(client, "pause", ASKS);
    const suspended_for = "pause by ana: to look at it";
    expect((await ask(client, "status")).body).toMatchObject({ symbols: [{ suspended_for }] });
    expect((await ask(client, "symbol", { symbol: BONK })).body).toMatchObject({ symbol: { suspended_for } });
    await ask(client, "resume", ASKS);
    expect((await ask(client, "status")).body).toMatchObject({ symbols: [{ suspended_for: null }] });
  });

  test("of one symbol keeps the exchange's words whole, less the secrets", async () => {
    const { url } = await server();
    const { kit } = await control({ url });
    await kit.request(BONK);
    await kit.quote(BONK);
    const { client_order_id } = kit.lastOrder(BONK);
    const refused = { ...rejection(), raw_response: '{"error":"no","api_key":"hunter2"}' };
    const at = new Date(kit.clock.now()).toISOString();
    await kit.answer({ type: "order.rejected", symbol: BONK, at, client_order_id, rejection: refused });
    const client = await connected(url);
    const one = await ask(client, "symbol", { symbol: BONK });
    const { symbol } = Schema.decodeUnknownSync(SymbolReply)(one.body);
    expect(symbol.last_rejection).toMatchObject({ code: refused.code, class: refused.class });
    expect(symbol.last_rejection?.raw_response).toContain('"error":"no"');
    expect(JSON.stringify(one.body)).not.toContain("hunter2");
    const all = Schema.decodeUnknownSync(StatusReply)((await ask(client, "status")).body);
    expect(all.symbols[0]?.last_rejection?.raw_response).toBeNull();
    expect(await ask(client, "symbol", { symbol: SEI })).toMatchObject({
      status: "404",
      body: { code: "unknown_symbol" },
    });
  });
});
