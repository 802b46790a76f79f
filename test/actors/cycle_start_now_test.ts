// An operator wants one symbol gone now: what has to hold for it, and what is answered where it does not.
import { describe, expect, test } from "vitest";
import { PurgeRequested, TradingSymbol } from "../../machines/mod.ts";
import { Schema } from "effect";
import { POLICY } from "../machines/scenario.ts";
import { BONK, position, SEI, SETTINGS, startKit, UNIVERSE, WIF } from "./cycle_kit.ts";

const SOL = TradingSymbol.make("SOL-USD");
const BTC = TradingSymbol.make("BTC-USD");
const NEAR = TradingSymbol.make("NEAR-USD");

/** After a first cycle that had nothing to start, so that all of its limit is left. */
async function startIdle(over: Parameters<typeof startKit>[0] = {}) {
  const universe = {
    ...UNIVERSE,
    eligible: new Set(["SOL-USD", "AVAX-USD"]),
    excluded: new Set<string>(),
    protectedCurrencies: new Set(["USD", "BTC"]),
  };
  const rules = { ...SETTINGS.rules, graceCycles: 100, maxCandidateShare: 1 };
  const kit = await startKit({ rules, universe: () => universe, ...over });
  const ask = (symbol: TradingSymbol) => {
    const answer = kit.running.startNow(symbol);
    return answer.ok ? answer.event.symbol : `${answer.code}: ${answer.message}`;
  };
  /** Reads the account again. */
  const hold = async (...account: ReturnType<typeof position>[]): Promise<void> => {
    kit.kit.account = account;
    await kit.clock.advance(60_000);
  };
  return { ...kit, universe, rules, ask, hold };
}

describe("an attempt may be started on an operator's word", () => {
  test("on what is held and not eligible, without its serving grace", async () => {
    const { running, clock, told } = await startIdle();
    const answer = running.startNow(BONK);
    expect(answer).toEqual({
      ok: true,
      event: {
        type: "purge.requested",
        symbol: BONK,
        at: new Date(clock.now()).toISOString(),
        reason: "operator",
        balance: "9.48",
        value_usd: "9.48",
        policy: POLICY,
      },
    });
    expect(answer.ok && Schema.is(PurgeRequested)(answer.event)).toBe(true);
    expect(told).toEqual([]);
  });

  test.each(["failed", "backoff.due", "cleared"])("on a symbol that is %s", async (state) => {
    const { views, ask } = await startIdle();
    views.set(BONK, { state, failures: 3 });
    expect(ask(BONK)).toBe(BONK);
  });

  test("even while ineligible positions are not sold by themselves", async () => {
    const rules = { ...SETTINGS.rules, autoLiquidateIneligible: false };
    const { ask } = await startIdle({ rules: { ...rules, maxCandidateShare: 1 } });
    expect(ask(BONK)).toBe(BONK);
  });

  test("by the holdings that another bot published", async () => {
    const { ask, bus, clock } = await startIdle({ holdings: { source: "bot", maxAgeMs: 90_000 } });
    expect(ask(BONK)).toMatch(/^not_ready: the account has not been read yet/);
    const at = new Date(clock.now()).toISOString();
    const positions = [position(BONK, "9"), position(SEI, "9"), position(SOL, "9")];
    const lists = { eligible: [SEI], excluded: null };
    await bus.publish("holdings", {
      type: "holdings.published",
      source: "bot",
      sequence: 1,
      at,
      positions,
      ...lists,
    });
    await clock.settle();
    expect(ask(BONK)).toBe(BONK);
    expect(ask(SEI)).toMatch(/^protected: SEI-USD is eligible by bot/);
    expect(ask(SOL)).toBe(SOL);
    await clock.advance(90_001);
    expect(ask(BONK)).toMatch(/^not_ready: the account was last read 91 s ago, and 90 s are allowed/);
  });
});

describe("an operator is refused", () => {
  test("what is not held, has no price, or is worth too little", async () => {
    const { ask, hold } = await startIdle();
    await hold(position(SEI, "4.99"), { ...position(WIF, "9"), price_usd: null }, position(BONK, "9"));
    expect([ask(NEAR), ask(SEI), ask(WIF)]).toEqual([
      "not_held: NEAR-USD is not held, as the account was last read",
      "not_held: SEI-USD is worth $4.99, under the minimum of $5",
      "not_held: WIF-USD has no price, so its worth is not known",
    ]);
  });

  test("what is protected, and what is eligible: the universe is what must be changed", async () => {
    const { ask, hold } = await startIdle();
    await hold(position(BTC, "5000"), position(SOL, "40"), position(TradingSymbol.make("AVAX-USDC"), "40"));
    expect(ask(BTC)).toMatch(/^protected: BTC is among the protected currencies of universe.yaml/);
    expect(ask(SOL)).toMatch(/^protected: SOL-USD is eligible by universe.yaml; take it out of its tier/);
    expect(ask(TradingSymbol.make("AVAX-USDC"))).toMatch(/^protected: AVAX-USDC is eligible/);
  });

  test.each([
    ["stale", { stale: "universe.yaml is of last year" }],
    ["empty", { eligible: new Set<string>() }],
  ])("everything under a universe that is %s", async (_, fault) => {
    const { ask } = await startIdle({ universe: () => ({ ...UNIVERSE, ...fault }) });
    expect(ask(BONK)).toMatch(/^protected: nothing is sold now: universe.yaml/);
  });

  test("everything while so much turns ineligible that the universe is in doubt", async () => {
    const { ask, rules } = await startIdle();
    expect(ask(BONK)).toBe(BONK);
    const doubtful = await startIdle({ rules: { ...rules, maxCandidateShare: 0.5 } });
    expect(doubtful.ask(BONK)).toMatch(/^protected: nothing is sold now: 3 of 3 positions turned/);
  });

  test.each([
    [{ state: "retrying.placing", isBusy: true }, /^busy: BONK-USD is retrying.placing/],
    [{ state: "suspended", suspendedFor: "pause by ada: holiday" }, /^suspended: .*pause by ada: holiday$/],
    [
      { state: "backoff.waiting", failures: 3, retryAt: "2025-11-11T22:41:30.000Z" },
      /^in_backoff: BONK-USD rests 42 min more after 3 failures; reset ends that$/,
    ],
  ])("a symbol that is %o", async (view, refusal) => {
    const { ask, views } = await startIdle();
    views.set(BONK, view);
    expect(ask(BONK)).toMatch(refusal);
  });

  test("a symbol that universe.yaml bans", async () => {
    const { ask, universe } = await startIdle();
    expect(ask(BONK)).toBe(BONK);
    const bans = new Map([["BONK-USD", "lawyers"]]);
    const banned = await startIdle({ universe: () => ({ ...universe, bans }) });
    expect(banned.ask(BONK)).toBe("suspended: BONK-USD is suspended: banned in universe.yaml: lawyers");
  });

  test("everything in a dry run, and while the venue breaker is open", async () => {
    const { ask, bus, clock } = await startIdle();
    const at = new Date(clock.now()).toISOString();
    const open = {
      type: "venue.state",
      at,
      state: "open",
      cause: "venue",
      reason: "503",
      until: null,
    } as const;
    await bus.publish("venue", open);
    await clock.settle();
    expect(ask(BONK)).toMatch(/^venue: no order is placed now: venue: 503/);
    const dry = await startIdle({ isDryRun: true });
    expect(dry.ask(BONK)).toMatch(/^dry_run: a dry run sells nothing/);
  });

  test("before the account was read, when that is too long ago, and without the bus", async () => {
    const { ask, bus, clock, kit } = await startIdle();
    kit.isGatewayThere = false;
    await clock.advance(120_000);
    expect(ask(BONK)).toBe(BONK);
    await clock.advance(1);
    expect(ask(BONK)).toMatch(/^not_ready: the account was last read 121 s ago, and 120 s are allowed/);
    await bus.close();
    expect(ask(BONK)).toMatch(/^not_ready: the bus is not connected/);
  });
});

describe("max_liquidations_per_cycle", () => {
  test("counts what operators start, until the next cycle", async () => {
    const { ask, hold, reports } = await startIdle({ maxPerCycle: 2 });
    expect([ask(BONK), ask(SEI)]).toEqual([BONK, SEI]);
    expect(ask(WIF)).toBe(
      "limit: max_liquidations_per_cycle 2 attempts started in this cycle; try again in the next",
    );
    await hold(position(WIF, "9"));
    expect([reports().length, ask(WIF)]).toEqual([2, WIF]);
  });

  test("counts what the cycle has started, against operators", async () => {
    const { running } = await startKit({ maxPerCycle: 2 });
    expect(running.startNow(WIF)).toMatchObject({ ok: false, code: "limit" });
  });

  test("does not count what was refused", async () => {
    const { ask, views } = await startIdle({ maxPerCycle: 1 });
    views.set(BONK, { state: "suspended", suspendedFor: "ban by ada: law" });
    expect([ask(NEAR), ask(BONK)].every((answer) => answer.includes(": "))).toBe(true);
    expect(ask(SEI)).toBe(SEI);
  });
});

test("what is held is known from the last reading, however old; a balance of nothing is not held", async () => {
  const { running, hold, kit, clock } = await startIdle();
  await hold(position(BONK, "1"), position(SEI, "0.000"));
  kit.isGatewayThere = false;
  await clock.advance(3_600_000);
  expect([BONK, SEI, NEAR].map((symbol) => running.heldNow(symbol))).toEqual([true, false, false]);
});
