// The shipped paper account, as `npm start -- --cycles 700 --speed 3600 --json` tells it: the first live run on record.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Schema } from "effect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { virtualClock } from "../../adapters/clock/mod.ts";
import { openPaperExchange, type PaperExchange, readPaperScript } from "../../adapters/exchange/mod.ts";
import { openJournalReader } from "../../adapters/journal/mod.ts";
import { PurgeContext } from "../../machines/mod.ts";
import { runPurgatory } from "./killable_run.ts";

const HOUR = 3_600_000;
const CYCLE = 60_000;
const SHIPPED = join(import.meta.dirname, "../../config");

const Line = Schema.fromJsonString(
  Schema.Struct({
    msg: Schema.String,
    time: Schema.String,
    symbol: Schema.optionalKey(Schema.String),
    line: Schema.optionalKey(Schema.String),
    raw_response: Schema.optionalKey(Schema.Unknown),
  }),
);
const decodeLine = Schema.decodeUnknownSync(Line);
const decodeContext = Schema.decodeUnknownSync(Schema.Struct({ context: PurgeContext }));

const state = mkdtempSync(join(tmpdir(), "purgatory-story-"));
const ledger = join(state, "paper");
let lines: readonly (typeof Line.Type)[] = [];
let exchange: PaperExchange;
/** Every record of BONK, with its context. */
const bonk: {
  readonly at: number;
  readonly state: string;
  readonly path: readonly string[];
  readonly context: PurgeContext;
}[] = [];

beforeAll(async () => {
  const run = await runPurgatory(["run", "--cycles", "700", "--speed", "3600", "--json", "--state", state]);
  expect([run.code, run.errors]).toEqual([0, ""]);
  lines = run.lines.filter((line) => line.startsWith('{"level"')).map((line) => decodeLine(line));
  const file = join(ledger, "exchange.sqlite");
  exchange = openPaperExchange({
    file,
    script: readPaperScript(join(SHIPPED, "paper.yaml")),
    clock: virtualClock(0),
  });
  const journal = await openJournalReader(join(ledger, "journal.sqlite"));
  for await (const { symbol, at, state: to, path, snapshot } of journal.read()) {
    if (symbol !== "BONK-USD") continue;
    bonk.push({ at: Date.parse(at), state: to, path, context: decodeContext(snapshot).context });
  }
  await journal.close();
}, 180_000);

afterAll(async () => {
  await exchange.close();
  rmSync(state, { recursive: true, force: true });
});

const messages = (pattern: RegExp) => lines.map(({ msg }) => msg).filter((msg) => pattern.test(msg));
const failedAt = () =>
  bonk
    .filter(({ path, context }) => path.includes("failed") && context.last_outcome?.kind === "stuck")
    .map(({ at }) => at);

describe("BONK", () => {
  test("fails in three cycles in a row, then once after each rest, and is sold when the venue heals", () => {
    expect(messages(/Tracked purge failure/)).toEqual(
      [1, 2, 3, 4, 5, 6].map((n) => `📝 Tracked purge failure: count=${n}, balance=889587.0, value=$9.48`),
    );
    const [first = 0, second = 0, third = 0] = failedAt();
    expect([Math.round((second - first) / CYCLE), Math.round((third - second) / CYCLE)]).toEqual([1, 1]);
    expect(messages(/Purge success for BONK-USD/)).toEqual([
      "✅ Purge success for BONK-USD, cleared failure tracking",
    ]);
    expect(bonk.at(-1)).toMatchObject({ state: "cleared", context: { failures: 0, last_failure: null } });
  });

  test("rests 1 h, 2 h, 4 h and 4 h, and sends nothing to the exchange meanwhile", () => {
    const rests = bonk.filter(({ path }) => path.includes("backoff.waiting"));
    expect(rests.map(({ context }) => context.backoff_ms / HOUR)).toEqual([1, 2, 4, 4]);
    const calls = exchange.requests().filter(({ symbol }) => symbol === "BONK-USD");
    for (const { at, context } of rests) {
      const until = Date.parse(context.retry_at ?? "");
      expect(calls.filter((call) => call.at > at && call.at < until)).toEqual([]);
      const back = calls.find((call) => call.at >= until)?.at ?? 0;
      expect(back - until).toBeLessThan(2 * CYCLE);
    }
  });

  test("finds no buyer for the first slice, and the second is refused in the exchange's own words", () => {
    const orders = exchange.orders().filter(({ symbol }) => symbol === "BONK-USD");
    expect(orders.filter(({ status }) => status === "cancelled")).toHaveLength(6);
    const [line] = lines.filter(({ msg }) => msg.startsWith("ORDER_REJECT BONK-USD SELL client_id="));
    expect(line?.msg).toMatch(
      /\| Order placement failed: API error \| error=INVALID_ORDER_CONFIGURATION \| message=Invalid order size \| preview_failure=/,
    );
    expect(JSON.stringify(line?.raw_response)).toContain("error_response");
  });

  test("is skipped with the time that is left, and its retries are announced", () => {
    expect(messages(/Skipping purge for BONK-USD: 3 recent failures, backoff 1h, 42min remaining/)).toEqual([
      "⏸️  Skipping purge for BONK-USD: 3 recent failures, backoff 1h, 42min remaining",
    ]);
    expect(messages(/Retrying purge/)).toEqual([
      "🔄 Retrying purge for BONK-USD: backoff expired (3 failures, last 1h ago)",
      "🔄 Retrying purge for BONK-USD: backoff expired (4 failures, last 2h ago)",
      "🔄 Retrying purge for BONK-USD: backoff expired (5 failures, last 4h ago)",
      "🔄 Retrying purge for BONK-USD: backoff expired (6 failures, last 4h ago)",
    ]);
  });
});

test("SEI sells at once, WLFI in two slices, and what is left is dust", () => {
  const fills = (symbol: string) =>
    exchange
      .fills()
      .filter((fill) => fill.symbol === symbol)
      .map(({ size }) => size);
  expect([fills("SEI-USD"), fills("WLFI-USD")]).toEqual([["36.2"], ["34.9", "22.6"]]);
  const left = Object.fromEntries(exchange.balances().map(({ currency, total }) => [currency, total]));
  expect(left).toMatchObject({ SEI: "0.2", WLFI: "0", BONK: "0" });
});

test("what is protected, too small or eligible is never touched", () => {
  const touched = new Set(exchange.orders().map(({ symbol }) => symbol));
  expect([...touched].sort()).toEqual(["BONK-USD", "SEI-USD", "WLFI-USD"]);
  for (const { currency, initial, total } of exchange.balances()) {
    if (["USDC", "USDT", "BTC", "ETH", "SOL", "PEPE"].includes(currency))
      expect([currency, total]).toEqual([currency, initial]);
  }
});
