// The whole tree on virtual time, with the real paper exchange: from the first cycle to the last dust, and its ends.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as Result from "effect/Result";
import { afterEach, describe, expect, test } from "vitest";
import type { Observation } from "../../actors/ports.ts";
import { startTree, type TreeOptions } from "../../actors/tree.ts";
import { universeAt } from "../../actors/universe.ts";
import { inProcessTransport, messageBus } from "../../adapters/bus/mod.ts";
import { virtualClock } from "../../adapters/clock/mod.ts";
import { openPaperExchange, type PaperExchange, readPaperScript } from "../../adapters/exchange/mod.ts";
import { memoryJournal, memoryLedger } from "../../adapters/journal/mod.ts";
import { loadConfig, shippedConfigDir } from "../../config/mod.ts";
import { compare, subtract } from "../../machines/mod.ts";
import { faultyJournal, JournalFaults } from "../adapters/journal/faulty_journal.ts";

const HOUR = 3_600_000;
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

type Overrides = Partial<TreeOptions> & { readonly lastCycle?: number | null };

/** The shipped configuration on a paper script, everything in this process. */
async function startKit(script: string, { lastCycle = null, ...over }: Overrides = {}) {
  const dir = mkdtempSync(join(tmpdir(), "purgatory-tree-"));
  stops.push(() => rmSync(dir, { recursive: true, force: true }));
  const loaded = loadConfig(shippedConfigDir, {});
  if (!loaded.ok) throw new Error("the shipped configuration is not valid");
  const { config } = loaded;
  const clock = virtualClock();
  const observed: Observation[] = [];
  const ledger = memoryLedger();
  const faults = new JournalFaults();
  const exchanges: PaperExchange[] = [];
  const file = join(dir, "exchange.sqlite");
  const openExchange = async (): Promise<PaperExchange> => {
    const exchange = openPaperExchange({
      file,
      clock,
      script: readPaperScript(join(shippedConfigDir, script)),
    });
    exchanges.push(exchange);
    return exchange;
  };
  const started = await startTree({
    clock,
    observe: (observation) => observed.push(observation),
    first: [],
    claim: null,
    openBus: async () => messageBus(inProcessTransport(), { clock }),
    openJournal: async () => faultyJournal(memoryJournal({ ledger }), faults),
    openExchange,
    gateway: { ...config.app.gateway, breaker: config.app.breaker, seed: 1 },
    limits: config.app.limits,
    cycle: {
      intervalMs: config.cycle.intervalMs,
      jitterPct: 0,
      maxPerCycle: config.cycle.maxLiquidationsPerCycle,
      rules: { ...config.cycle, maxCandidateShare: 1, graceCycles: config.cycle.ineligibleGraceCycles },
      policy: config.policy,
      universe: (now) => universeAt(config.universe, now),
      isDryRun: false,
      cycles: lastCycle,
      random: () => 0.5,
    },
    extra: () => [],
    ...over,
  });
  if (Result.isSuccess(started)) stops.push(() => started.success.root.stop());
  return { started, clock, observed, ledger, faults, exchange: () => exchanges.at(-1) };
}

function running<T>({ started }: { readonly started: Result.Result<T, Error> }): T {
  return Result.getOrThrow(started);
}

/** What the last attempt left of a symbol, in USD. */
function worthOf(
  rows: readonly { readonly symbol: string; readonly snapshot: string }[],
  symbol: string,
): string {
  const last = rows.filter((row) => row.symbol === symbol).at(-1);
  return JSON.parse(last?.snapshot ?? "{}").context.residual_usd;
}

/** What every run must leave behind, whatever went wrong in it. */
function checkAccount(exchange: PaperExchange | undefined): void {
  if (exchange === undefined) throw new Error("no exchange was opened");
  const sold = new Map<string, string[]>();
  for (const { symbol, size } of exchange.fills()) sold.set(symbol, [...(sold.get(symbol) ?? []), size]);
  for (const { currency, initial, total } of exchange.balances()) {
    const sizes = currency === "USD" ? [] : (sold.get(`${currency}-USD`) ?? []);
    if (currency !== "USD")
      expect([currency, compare(sizes.reduce(subtract, initial), total)]).toEqual([currency, 0]);
  }
  const bodies = new Map<string, string>();
  for (const { client_order_id, body } of exchange.requests()) {
    if (client_order_id === null || body === null) continue;
    expect(bodies.get(client_order_id) ?? body).toBe(body);
    bodies.set(client_order_id, body);
  }
}

describe("a run", () => {
  test("of the shipped account ends with every candidate cleared", async () => {
    const kit = await startKit("paper.yaml");
    await kit.clock.advance(12 * HOUR);
    const { symbols } = running(kit);
    const states = ["BONK-USD", "SEI-USD", "WLFI-USD"].map(
      (symbol) => kit.ledger.rows.filter((row) => row.symbol === symbol).at(-1)?.state,
    );
    expect([states, symbols()?.busy]).toEqual([["cleared", "cleared", "cleared"], 0]);
    checkAccount(kit.exchange());
  });

  test("tells in every cycle how much waits, and at rest nothing does", async () => {
    const kit = await startKit("paper.yaml");
    await kit.clock.advance(12 * HOUR);
    const queues = kit.observed.filter(({ kind }) => kind === "queue");
    expect(queues).toHaveLength(2 * kit.observed.filter(({ kind }) => kind === "cycle.completed").length);
    expect(queues.slice(-2)).toEqual([
      { kind: "queue", name: "journal", depth: 0 },
      { kind: "queue", name: "mailboxes", depth: 0 },
    ]);
  });

  test("through a stormy day sells everything that may go, and nothing twice", {
    timeout: 120_000,
  }, async () => {
    const kit = await startKit("scripts/stormy.yaml");
    await kit.clock.advance(24 * HOUR);
    const last = new Map(kit.ledger.rows.map(({ symbol, state }) => [symbol, state]));
    expect(last.size).toBeGreaterThan(8);
    for (const [symbol, state] of last) {
      // Cleared, or an attempt was cut short and what it left is not worth another.
      const isLeftAlone = state === "idle" && compare(worthOf(kit.ledger.rows, symbol), "5") < 0;
      expect([symbol, state === "cleared" || isLeftAlone]).toEqual([symbol, true]);
    }
    checkAccount(kit.exchange());
  });

  test("does not hammer an exchange that is in trouble", { timeout: 120_000 }, async () => {
    const kit = await startKit("scripts/stormy.yaml");
    await kit.clock.advance(2 * HOUR);
    const perMinute = new Map<string, number>();
    for (const { symbol, at, call } of kit.exchange()?.requests() ?? []) {
      if (symbol === null || call === "market") continue;
      const key = `${symbol} ${Math.floor(at / 60_000)}`;
      perMinute.set(key, (perMinute.get(key) ?? 0) + 1);
    }
    // One open order asked for every two seconds, and the odd retry.
    expect(Math.max(...perMinute.values())).toBeLessThan(60);
  });

  test("goes on after its journal failed once, from what is on disk", async () => {
    const kit = await startKit("paper.yaml");
    await kit.clock.advance(10_000);
    kit.faults.failNext();
    await kit.clock.advance(12 * HOUR);
    const last = new Map(kit.ledger.rows.map(({ symbol, state }) => [symbol, state]));
    expect([...last.values()]).toEqual(["cleared", "cleared", "cleared"]);
    expect(kit.observed).toContainEqual(
      expect.objectContaining({ kind: "child", child: "journal", what: "restarted" }),
    );
    checkAccount(kit.exchange());
  });
});

describe("the end", () => {
  test("comes after the last cycle, when no attempt is under way any more", async () => {
    const kit = await startKit("paper.yaml", { lastCycle: 1 });
    let finishedAt: number | null = null;
    const startedAt = kit.clock.now();
    void running(kit).finished.then(() => {
      finishedAt = kit.clock.now() - startedAt;
    });
    await kit.clock.advance(4_000);
    expect([kit.observed.filter(({ kind }) => kind === "cycle.completed").length, finishedAt]).toEqual([
      1,
      null,
    ]);
    await kit.clock.advance(HOUR);
    expect(kit.observed.filter(({ kind }) => kind === "cycle.completed")).toHaveLength(1);
    // BONK's first slice rests for 45 s, and its second is refused.
    expect(finishedAt).toBeGreaterThan(45_000);
    expect(finishedAt).toBeLessThan(50_000);
  });

  test("stops the parts in reverse, each within its deadline", async () => {
    const kit = await startKit("paper.yaml");
    await kit.clock.advance(5_000);
    await running(kit).root.stop();
    const ended = kit.observed.flatMap((observation) =>
      observation.kind === "child" && observation.supervisor === "purgatory" && observation.what === "exited"
        ? [observation.child]
        : [],
    );
    expect(ended).toEqual(["cycle", "symbols", "gateway", "transitions", "journal", "bus"]);
    expect(await running(kit).root.exited).toEqual({ kind: "stopped" });
    expect(kit.clock.holds).toBe(0);
  });

  test("comes at once when a part does not start, and what ran is stopped", async () => {
    let isClosed = false;
    const clock = virtualClock();
    const bus = messageBus(inProcessTransport(), { clock });
    const openBus = async () => ({
      ...bus,
      connected: true,
      close: async () => {
        isClosed = true;
      },
      onConnection: () => () => {},
    });
    const openJournal = async () => {
      throw new Error("another process writes here");
    };
    const kit = await startKit("paper.yaml", { openBus, openJournal });
    expect(Result.isFailure(kit.started) && kit.started.failure.message).toMatch(
      /another process writes here/,
    );
    expect(isClosed).toBe(true);
  });

  test("of a journal that never recovers names it", async () => {
    const kit = await startKit("paper.yaml");
    for (let n = 0; n < 10; n += 1) kit.faults.failNext();
    await kit.clock.advance(HOUR);
    const end = await running(kit).root.exited;
    expect(end).toMatchObject({ kind: "escalated", supervisor: "purgatory", child: "journal" });
  });
});
