// Holdings that another bot publishes, in place of those that the gateway reads: what is taken, and what must not be.
import { describe, expect, test } from "vitest";
import type { CycleSettings } from "../../actors/cycle.ts";
import { type HoldingsPublished, TradingSymbol } from "../../machines/mod.ts";
import { BONK, position, SEI, SETTINGS, startKit, UNIVERSE, WIF } from "./cycle_kit.ts";

const T = Date.parse("2025-11-11T22:00:00.000Z");
const at = (ms: number) => new Date(T + ms).toISOString();
const SOL = TradingSymbol.make("SOL-USD");

function published(over: Partial<HoldingsPublished> = {}): HoldingsPublished {
  return {
    type: "holdings.published",
    source: "rotation-bot",
    sequence: 1,
    at: at(0),
    positions: [position(BONK, "9.48"), position(SOL, "40"), position(WIF, "20")],
    eligible: null,
    excluded: null,
    ...over,
  };
}

/** A cycle that uses the holdings of `rotation-bot`, after its first cycle, which can know of none. */
async function startFed(over: Partial<CycleSettings> = {}, progress = { done: 0 }) {
  const kit = await startKit({ holdings: { source: "rotation-bot", maxAgeMs: null }, ...over }, progress);
  const say = async (message: HoldingsPublished): Promise<void> => {
    await kit.bus.publish("holdings", message);
    await kit.clock.settle();
  };
  const refusals = () =>
    kit.observed.flatMap((observation) =>
      observation.kind === "holdings.refused" ? [`${observation.source}: ${observation.reason}`] : [],
    );
  return { ...kit, say, refusals };
}
const lastOf = (kit: Awaited<ReturnType<typeof startFed>>) => kit.reports().at(-1);

describe("while a source is configured", () => {
  test("the gateway is asked for nothing, and what the source says is acted on", async () => {
    const kit = await startFed();
    await kit.say(published());
    await kit.clock.advance(60_000);
    expect([kit.asked(), lastOf(kit)?.started]).toEqual([0, [BONK, WIF]]);
    expect(kit.told[0]).toMatchObject({
      symbol: BONK,
      reason: "excluded",
      balance: "9.48",
      value_usd: "9.48",
    });
  });

  test("nothing is purged before its first message, and the report says whom it waits for", async () => {
    const kit = await startFed();
    await kit.clock.advance(60_000);
    expect(kit.reports().map(({ heldBack }) => heldBack)).toEqual([
      "no usable holdings of rotation-bot have come yet; is it running? Older ones than 120 s are not used",
      expect.stringContaining("rotation-bot"),
    ]);
  });

  test("the last message is acted on for two intervals, and then no more", async () => {
    const kit = await startFed();
    await kit.say(published());
    await kit.clock.advance(120_000);
    expect(kit.reports().map(({ heldBack }) => heldBack === null)).toEqual([false, true, true]);
    await kit.clock.advance(60_000);
    expect(lastOf(kit)).toMatchObject({
      started: [],
      heldBack: `the last holdings of rotation-bot (sequence 1) are of ${at(0)}, 180 s ago, and 120 s are allowed; is it running?`,
    });
    await kit.say(published({ sequence: 2, at: at(180_000) }));
    await kit.clock.advance(60_000);
    expect(lastOf(kit)?.heldBack).toBeNull();
  });

  test("another age can be allowed", async () => {
    const kit = await startFed({ holdings: { source: "rotation-bot", maxAgeMs: 59_999 } });
    await kit.say(published());
    await kit.clock.advance(60_000);
    expect(lastOf(kit)?.heldBack).toMatch(/60 s ago, and 60 s are allowed/);
    await kit.say(published({ sequence: 2, at: at(60_001) }));
    await kit.clock.advance(60_000);
    expect(lastOf(kit)?.heldBack).toBeNull();
  });

  test("a snapshot of the gateway is nobody's answer", async () => {
    const kit = await startFed();
    await kit.bus.publish("holdings", {
      type: "holdings.snapshot",
      request_id: "1-0",
      at: at(0),
      positions: [position(BONK, "9")],
    });
    await kit.clock.advance(60_000);
    expect(lastOf(kit)?.started).toEqual([]);
  });

  test("the cycle is held back without the bus, however fresh the holdings are", async () => {
    const kit = await startFed();
    await kit.say(published({ at: at(5_000) }));
    await kit.bus.close();
    await kit.clock.advance(60_000);
    expect(lastOf(kit)?.heldBack).toBe("the bus is not connected");
  });

  test("one reading serves grace once, whatever the number of cycles that look at it, or its sequence", async () => {
    const rules = { ...SETTINGS.rules, graceCycles: 1 };
    const universe = { ...UNIVERSE, excluded: new Set<string>() };
    const kit = await startFed({
      rules,
      universe: () => universe,
      holdings: { source: "rotation-bot", maxAgeMs: 600_000 },
    });
    const positions = [position(BONK, "9"), position(SOL, "40")];
    await kit.say(published({ positions }));
    await kit.clock.advance(180_000);
    await kit.say(published({ positions, sequence: 2 }));
    await kit.clock.advance(120_000);
    expect(kit.told).toEqual([]);
    await kit.say(published({ positions, sequence: 3, at: at(299_000) }));
    await kit.clock.advance(60_000);
    expect(lastOf(kit)?.started).toEqual([BONK]);
  });
});

describe("the lists of a message", () => {
  const spare = { positions: [position(BONK, "9"), position(SEI, "9"), position(SOL, "40")] };

  test("take the place of the tiers and of never_trade", async () => {
    const kit = await startFed();
    await kit.say(published({ ...spare, eligible: [BONK, SEI], excluded: [SOL] }));
    await kit.clock.advance(60_000);
    expect(kit.told).toMatchObject([{ symbol: SOL, reason: "excluded" }]);
  });

  test("leave protected currencies alone, and bans in force", async () => {
    const BTC = TradingSymbol.make("BTC-USD");
    const protectedCurrencies = new Set(["USD", "BTC"]);
    const universe = { ...UNIVERSE, protectedCurrencies, bans: new Map([[BONK as string, "lawyers"]]) };
    const kit = await startFed({ universe: () => universe });
    const positions = [...spare.positions, position(BTC, "5000")];
    await kit.say(published({ positions, eligible: [SOL], excluded: [BTC, BONK, SEI] }));
    await kit.clock.advance(60_000);
    expect(kit.told.map(({ symbol }) => symbol)).toEqual([SEI]);
    expect(kit.skips()).toMatchObject([{ symbol: BONK, why: "suspended" }]);
  });

  test("are doubted like any other when too many turn ineligible at once", async () => {
    const kit = await startFed();
    await kit.say(published({ ...spare, eligible: [WIF], excluded: [] }));
    await kit.clock.advance(60_000);
    expect([kit.told, lastOf(kit)?.heldBack]).toEqual([[], expect.stringMatching(/3 of 3 positions turned/)]);
  });

  test("leave dust and what is under the minimum where they are", async () => {
    const kit = await startFed();
    const positions = [position(BONK, "0.99"), position(SEI, "4.99"), position(SOL, "40")];
    await kit.say(published({ positions, eligible: [SOL], excluded: [BONK, SEI] }));
    await kit.clock.advance(60_000);
    expect([kit.told, lastOf(kit)?.heldBack]).toEqual([[], null]);
  });

  test("that contradict what is left of universe.yaml purge nothing", async () => {
    const kit = await startFed();
    await kit.say(published({ ...spare, excluded: [SOL, SEI] }));
    await kit.clock.advance(60_000);
    expect(lastOf(kit)?.heldBack).toMatch(/SOL-USD may stay and must go at once/);
  });

  test("make up for a universe.yaml without tiers, and for one that is stale when both are given", async () => {
    const universe = { ...UNIVERSE, eligible: new Set<string>(), stale: "universe.yaml is old" };
    const kit = await startFed({ universe: () => universe });
    await kit.say(published({ ...spare, eligible: [SOL], excluded: [SEI] }));
    await kit.clock.advance(60_000);
    expect(lastOf(kit)?.heldBack).toBeNull();
    await kit.say(published({ ...spare, sequence: 2, eligible: [SOL] }));
    await kit.clock.advance(60_000);
    expect(lastOf(kit)?.heldBack).toBe("universe.yaml is old");
  });
});

describe("a message is refused, told of and set aside", () => {
  const before = published({ sequence: 7, at: at(-10_000) });
  const bonk = position(BONK, "9");

  test.each<[string, Partial<HoldingsPublished>, RegExp]>([
    ["of another source", { source: "other-bot" }, /policy.yaml names rotation-bot, not other-bot/],
    ["whose sequence is lower", { sequence: 6 }, /sequence 6 is not above 7/],
    ["whose sequence is the last one's, with another body", { sequence: 7 }, /sequence 7 is not above 7/],
    ["that was read before the last", { at: at(-10_001) }, /before the one it follows/],
    ["from too far in the future", { at: at(5_001) }, /6 s from now; set the clocks/],
    ["with a currency listed twice", { positions: [bonk, position(SEI, "9"), bonk] }, /BONK is listed twice/],
    [
      "that would sell one currency for another",
      { positions: [{ ...position(BONK, "9"), currency: "SOL" }] },
      /the position in SOL is to be sold as BONK-USD, which sells BONK/,
    ],
    ["with an empty eligible set", { eligible: [] }, /eligible set is empty/],
    ["that lists a symbol as both", { eligible: [SOL, BONK], excluded: [BONK] }, /BONK-USD is both/],
  ])("%s", async (_, over, reason) => {
    const kit = await startFed();
    await kit.say(before);
    await kit.say(published({ sequence: 8, positions: [position(SEI, "9")], ...over }));
    expect(kit.refusals()).toEqual([expect.stringMatching(reason)]);
    expect(kit.dead).toEqual([expect.stringMatching(reason)]);
    await kit.clock.advance(60_000);
    expect(lastOf(kit)?.started).toEqual([BONK, WIF]);
  });

  test("that is older than what is allowed, be it the first", async () => {
    const kit = await startFed();
    await kit.say(published({ at: at(-120_001) }));
    expect(kit.refusals()).toEqual([`rotation-bot: read at ${at(-120_001)}, 121 s ago; 120 s are allowed`]);
    await kit.say(published({ at: at(-120_000) }));
    expect(kit.refusals()).toHaveLength(1);
  });

  test("but not when it is a mere repeat: that is acknowledged, and nothing more", async () => {
    const kit = await startFed();
    await kit.say(before);
    await kit.say(before);
    expect([kit.refusals(), kit.dead, kit.bus.counts.acked]).toEqual([[], [], 2]);
  });

  test("and a refused one does not move the sequence", async () => {
    const kit = await startFed();
    await kit.say(published({ sequence: 900, eligible: [] }));
    await kit.say(published({ sequence: 8 }));
    await kit.clock.advance(60_000);
    expect(lastOf(kit)?.heldBack).toBeNull();
  });

  test("also by the cycle that takes over from a crashed one: the sequence does not begin anew", async () => {
    const first = await startFed();
    await first.say(before);
    first.running.stop();
    const second = await startFed({}, first.progress);
    await second.say(published({ sequence: 6 }));
    expect(second.refusals()).toEqual([expect.stringMatching(/not above 7/)]);
    expect(lastOf(second)?.started).toEqual([BONK, WIF]);
  });
});

test("five seconds ahead is a clock that is a little fast", async () => {
  const kit = await startFed();
  await kit.say(published({ at: at(5_000) }));
  expect(kit.refusals()).toEqual([]);
});

test("without a source what others publish is mentioned once for each, and otherwise ignored", async () => {
  const kit = await startFed({ holdings: { source: null, maxAgeMs: null } });
  for (const source of ["rotation-bot", "other-bot", "rotation-bot"]) {
    await kit.say(published({ source, positions: [], eligible: [] }));
  }
  await kit.clock.advance(60_000);
  const notes = kit.observed.flatMap((seen) => (seen.kind === "note" ? [seen.message.split(" ")[0]] : []));
  expect(notes).toEqual(["rotation-bot", "other-bot"]);
  expect([kit.dead, kit.refusals(), kit.asked(), lastOf(kit)?.started]).toEqual([
    [],
    [],
    2,
    [BONK, SEI, WIF],
  ]);
});
