// A cycle: who is started, who is skipped and why, and what holds a whole cycle back.
import { describe, expect, test } from "vitest";
import { POLICY } from "../machines/scenario.ts";
import { startCycle } from "../../actors/cycle.ts";
import { BONK, position, SEI, SETTINGS, startKit, UNIVERSE, WIF } from "./cycle_kit.ts";

describe("a cycle", () => {
  test("starts at once, and asks for every candidate's purge with the policy in force", async () => {
    const { told, reports } = await startKit();
    expect(told).toMatchObject([
      {
        type: "purge.requested",
        symbol: BONK,
        reason: "excluded",
        balance: "9.48",
        value_usd: "9.48",
        policy: POLICY,
      },
      { type: "purge.requested", symbol: SEI },
      { type: "purge.requested", symbol: WIF },
    ]);
    expect(reports()).toMatchObject([{ cycle: 1, positions: 3, started: [BONK, SEI, WIF], heldBack: null }]);
  });

  test("comes again every interval, whatever became of the attempts", async () => {
    const { clock, reports } = await startKit();
    await clock.advance(180_000);
    expect(reports().map(({ cycle, at }) => [cycle, at.slice(11, 19)])).toEqual([
      [1, "22:00:00"],
      [2, "22:01:00"],
      [3, "22:02:00"],
      [4, "22:03:00"],
    ]);
  });

  test("starts at most so many attempts, and says who has to wait", async () => {
    const { reports, skips } = await startKit({ maxPerCycle: 2 });
    expect(reports()[0]?.started).toEqual([BONK, SEI]);
    expect(skips()).toEqual([expect.objectContaining({ symbol: WIF, why: "limit" })]);
  });

  test("does not count the skipped against the limit", async () => {
    const { clock, told, views } = await startKit({ maxPerCycle: 1 });
    views.set(BONK, { state: "purging.resting", isBusy: true });
    await clock.advance(60_000);
    expect(told.map(({ symbol }) => symbol)).toEqual([BONK, SEI]);
  });

  test("with jitter comes a little earlier or later", async () => {
    const early = await startKit({ jitterPct: 10, random: () => 0 });
    await early.clock.advance(54_000);
    expect(early.reports()).toHaveLength(2);
    const late = await startKit({ jitterPct: 10, random: () => 0.999 });
    await late.clock.advance(65_000);
    expect(late.reports()).toHaveLength(1);
  });

  test("ends after the last one, and goes on counting after a restart", async () => {
    const { clock, kit, reports, progress } = await startKit({ cycles: 2 });
    await clock.advance(600_000);
    expect([reports().length, kit.ended, progress.done]).toEqual([2, 1, 2]);
  });

  test("once stopped starts nothing more", async () => {
    const { clock, running, reports } = await startKit();
    running.stop();
    await clock.advance(600_000);
    expect(reports()).toHaveLength(1);
  });
});

describe("a candidate is skipped", () => {
  test("in backoff, with what the operator wants to know", async () => {
    const { clock, views, skips } = await startKit();
    const retryAt = new Date(clock.now() + 60_000 + 42 * 60_000).toISOString();
    views.set(BONK, { state: "backoff.waiting", failures: 3, backoffMs: 3_600_000, retryAt });
    await clock.advance(60_000);
    expect(skips()).toEqual([
      { symbol: BONK, why: "backoff", failures: 3, backoffMs: 3_600_000, remainingMs: 42 * 60_000 },
    ]);
  });

  test.each([
    ["an attempt is under way", { state: "retrying.placing", isBusy: true }, "busy"],
    ["it is suspended", { state: "suspended", suspendedFor: "pause by ada: holiday" }, "suspended"],
  ])("while %s", async (_, view, why) => {
    const { clock, views, skips } = await startKit();
    views.set(BONK, view);
    await clock.advance(60_000);
    expect(skips()).toMatchObject([{ symbol: BONK, why }]);
  });

  test("while the universe bans its purging", async () => {
    const universe = { ...UNIVERSE, bans: new Map([[BONK as string, "lawyers"]]) };
    const { reports, skips } = await startKit({ universe: () => universe });
    expect(reports()[0]?.started).toEqual([SEI, WIF]);
    expect(skips()).toMatchObject([
      { symbol: BONK, why: "suspended", detail: "banned in universe.yaml: lawyers" },
    ]);
  });

  test("in a dry run, which starts nothing at all", async () => {
    const { told, skips } = await startKit({ isDryRun: true });
    expect(told).toEqual([]);
    expect(skips()[0]).toMatchObject({ why: "dry_run", detail: "would sell BONK-USD, worth $9.48" });
  });

  test("while the venue breaker is open, and not when it is half open", async () => {
    const { bus, clock, reports, skips, observed } = await startKit();
    const at = new Date(clock.now()).toISOString();
    const open = {
      type: "venue.state",
      at,
      state: "open",
      cause: "venue",
      reason: "503",
      until: at,
    } as const;
    await bus.publish("venue", open);
    await clock.advance(60_000);
    expect(skips()).toHaveLength(3);
    expect(skips()[0]).toMatchObject({ why: "venue", detail: expect.stringContaining("503") });
    await bus.publish("venue", { ...open, state: "half_open" });
    await clock.advance(60_000);
    expect(reports().map(({ started }) => started.length)).toEqual([3, 0, 3]);
    expect(observed).toContainEqual({ kind: "venue", venue: open });
  });
});

test("a gateway that starts after it was asked is asked again, as soon as it speaks", async () => {
  const { bus, clock, kit, reports, asked } = await startKit();
  kit.isGatewayThere = false;
  await clock.advance(60_000);
  expect([asked(), reports().length]).toEqual([2, 1]);
  kit.isGatewayThere = true;
  const at = new Date(clock.now()).toISOString();
  await bus.publish("venue", {
    type: "venue.state",
    at,
    state: "closed",
    cause: null,
    reason: null,
    until: null,
  });
  await clock.settle();
  expect([asked(), reports().length]).toEqual([3, 2]);
  expect(reports().at(-1)?.heldBack).toBeNull();
});

describe("what was heard of the venue", () => {
  const T = Date.parse("2025-11-11T22:00:00.000Z");
  const at = (ms: number) => new Date(T + ms).toISOString();
  const open = { type: "venue.state", state: "open", cause: "venue", reason: "503" } as const;
  const closed = { type: "venue.state", state: "closed", cause: null, reason: null, until: null } as const;
  const isBlocked = (kit: Awaited<ReturnType<typeof startKit>>) =>
    kit
      .reports()
      .at(-1)
      ?.skipped.every(({ skip }) => skip.why === "venue") === true &&
    kit.reports().at(-1)?.started.length === 0;

  test("is not believed long after its end: a gateway that is gone would block for ever", async () => {
    const kit = await startKit();
    await kit.bus.publish("venue", { ...open, at: at(0), until: at(600_000) });
    await kit.clock.advance(720_000);
    expect(isBlocked(kit)).toBe(true);
    await kit.clock.advance(60_000);
    expect(kit.reports().at(-1)?.started).toEqual([BONK, SEI, WIF]);
  });

  test("without an end is believed for a quarter of an hour", async () => {
    const kit = await startKit();
    await kit.bus.publish("venue", { ...open, at: at(0), until: null });
    await kit.clock.advance(15 * 60_000);
    expect(isBlocked(kit)).toBe(true);
    await kit.clock.advance(60_000);
    expect(isBlocked(kit)).toBe(false);
  });

  test("is no longer believed than any breaker rests, whatever end it names", async () => {
    const kit = await startKit({ intervalMs: 86_400_000 });
    await kit.bus.publish("venue", { ...open, at: at(0), until: "2999-01-01T00:00:00.000Z" });
    await kit.clock.advance(7 * 86_400_000);
    expect(isBlocked(kit)).toBe(true);
    await kit.clock.advance(86_400_000);
    expect(isBlocked(kit)).toBe(false);
  });

  test("does not yield to an older word that comes late", async () => {
    const kit = await startKit();
    await kit.clock.advance(30_000);
    await kit.bus.publish("venue", { ...open, at: at(20_000), until: at(600_000) });
    await kit.bus.publish("venue", { ...closed, at: at(10_000) });
    await kit.clock.advance(30_000);
    expect(isBlocked(kit)).toBe(true);
    await kit.bus.publish("venue", { ...closed, at: at(50_000) });
    await kit.clock.advance(60_000);
    expect(isBlocked(kit)).toBe(false);
  });

  test("yields to the next word even when it was dated in time to come", async () => {
    const kit = await startKit();
    await kit.bus.publish("venue", { ...open, at: at(3_600_000), until: at(7_200_000) });
    await kit.clock.advance(30_000);
    await kit.bus.publish("venue", { ...closed, at: at(30_000) });
    await kit.clock.advance(30_000);
    expect(isBlocked(kit)).toBe(false);
  });

  test("the last word counts for a cycle that was not there when it was said", async () => {
    const kit = await startKit();
    await kit.bus.publish("venue", { ...open, at: at(0), until: at(600_000) });
    kit.running.stop();
    const { clock, observe, symbols, bus, observed } = kit;
    const settings = { ...SETTINGS };
    const again = await startCycle({
      bus,
      clock,
      observe,
      symbols,
      settings,
      isGatewayElsewhere: true,
      progress: { done: 1 },
      onLast: () => {},
    });
    observed.length = 0;
    await clock.settle();
    await clock.advance(60_000);
    expect(isBlocked(kit)).toBe(true);
    again.stop();
  });
});

describe("a retry", () => {
  test("after a rest is announced with how long ago the last failure was", async () => {
    const { clock, observed, views, told } = await startKit();
    const lastFailedAt = new Date(clock.now()).toISOString();
    views.set(BONK, { state: "backoff.due", failures: 3, lastFailedAt });
    told.length = 0;
    await clock.advance(60_000);
    expect(observed).toContainEqual({
      kind: "purge.retrying",
      symbol: BONK,
      failures: 3,
      lastFailedAt,
      at: new Date(clock.now()).toISOString(),
    });
    expect(told[0]).toMatchObject({ type: "purge.requested", symbol: BONK });
  });

  test("without a rest needs no announcement", async () => {
    const { clock, observed, views } = await startKit();
    views.set(BONK, { state: "failed", failures: 1, lastFailedAt: new Date(clock.now()).toISOString() });
    await clock.advance(60_000);
    expect(observed.some(({ kind }) => kind === "purge.retrying")).toBe(false);
  });
});

test("a cleared symbol that is held again goes back to idle first, and is purged in the cycle after", async () => {
  const { clock, told, views } = await startKit();
  views.set(BONK, { state: "cleared" });
  told.length = 0;
  await clock.advance(60_000);
  expect(told.filter(({ symbol }) => symbol === BONK)).toMatchObject([
    { type: "position.held", balance: "9.48" },
  ]);
});

test("what is left of a cleared symbol below the minimum value leaves it cleared", async () => {
  const { clock, kit, told, views } = await startKit();
  views.set(BONK, { state: "cleared" });
  kit.account = [position(BONK, "4.99")];
  told.length = 0;
  await clock.advance(60_000);
  expect(told).toEqual([]);
});

describe("nothing is purged, and the report says why,", () => {
  test("when the account cannot be read", async () => {
    const { clock, kit, reports } = await startKit();
    kit.account = "refused";
    await clock.advance(60_000);
    expect(reports()[1]).toMatchObject({ started: [], heldBack: expect.stringContaining("UNAUTHORIZED") });
  });

  test("when nobody answers within a minute; the cycles meanwhile are left out, not piled up", async () => {
    const { clock, kit, reports, observed } = await startKit({ intervalMs: 25_000 });
    kit.isGatewayThere = false;
    await clock.advance(25_000 + 59_999);
    expect(reports()).toHaveLength(1);
    expect(observed.filter(({ kind }) => kind === "note")).toHaveLength(2);
    await clock.advance(1);
    expect(reports()[1]).toMatchObject({
      heldBack:
        "the account could not be read within 60 s: no gateway answered on the bus; is one running, and in this mode?",
    });
    kit.isGatewayThere = true;
    await clock.advance(25_000);
    expect(reports().at(-1)?.heldBack).toBeNull();
  });

  test("when the bus is gone", async () => {
    const { bus, clock, reports } = await startKit();
    await bus.close();
    await clock.advance(60_000);
    expect(reports()[1]).toMatchObject({ heldBack: "the bus is not connected" });
  });

  test("when the gateway's reading lists a currency twice", async () => {
    const { clock, kit, reports } = await startKit();
    kit.account = [position(BONK, "9"), position(SEI, "9"), position(BONK, "0")];
    await clock.advance(60_000);
    expect(reports()[1]?.heldBack).toMatch(/in doubt: BONK is listed twice/);
  });

  test("and nobody serves grace in a cycle that could not read the account, or had no bus", async () => {
    const universe = { ...UNIVERSE, excluded: new Set<string>(), eligible: new Set(["SEI-USD", "WIF-USD"]) };
    const rules = { ...SETTINGS.rules, graceCycles: 1 };
    const { clock, kit, reports } = await startKit({ universe: () => universe, rules });
    for (const account of ["refused", "refused"] as const) {
      kit.account = account;
      await clock.advance(60_000);
    }
    expect(reports().at(-1)?.candidates).toEqual([]);
    kit.account = [position(BONK, "9"), position(SEI, "9"), position(WIF, "9")];
    await clock.advance(60_000);
    expect(reports().at(-1)?.candidates).toEqual([BONK]);
  });

  test("when the universe cannot be used", async () => {
    const universe = { ...UNIVERSE, stale: "universe.yaml is of last year" };
    const { told, reports } = await startKit({ universe: () => universe });
    expect([told, reports()[0]?.heldBack]).toEqual([[], "universe.yaml is of last year"]);
  });

  test("when an answer comes to a question of an earlier cycle", async () => {
    const { bus, clock, kit, reports } = await startKit();
    kit.isGatewayThere = false;
    const at = new Date(clock.now()).toISOString();
    await clock.advance(60_000);
    await bus.publish("holdings", { type: "holdings.snapshot", request_id: "1-0", at, positions: [] });
    await clock.settle();
    expect(reports()).toHaveLength(1);
  });
});
