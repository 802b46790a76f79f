// What the configured universe says at one moment.
import { describe, expect, test } from "vitest";
import { universeAt, withLists } from "../../actors/universe.ts";
import { type Config, configTexts, parseConfig } from "../../config/mod.ts";
import { TradingSymbol } from "../../machines/mod.ts";

const NOW = Date.parse("2025-11-11T22:00:00.000Z");

function universe(text: string): Config["universe"] {
  const result = parseConfig(configTexts({ "universe.yaml": text }), {});
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config.universe;
}

const TIERS = "tiers: { core: { symbols: [SOL-USD] }, more: { symbols: [LINK-USD] } }\n";

test("all tiers are eligible, and what is excluded must go", () => {
  const { eligible, excluded, stale } = universeAt(
    universe(`${TIERS}exclusions: { never_trade: [BONK-USD] }`),
    NOW,
  );
  expect([[...eligible], [...excluded], stale]).toEqual([["SOL-USD", "LINK-USD"], ["BONK-USD"], null]);
});

test("a ban holds until its time, and one without a time for ever", () => {
  const config = universe(
    `${TIERS}bans: [{ symbol: BONK-USD, until: 2025-11-11T22:00:00Z }, { symbol: SEI-USD, reason: lawyers }]`,
  );
  expect([...universeAt(config, NOW - 1).bans.keys()]).toEqual(["BONK-USD", "SEI-USD"]);
  expect([...universeAt(config, NOW).bans]).toEqual([["SEI-USD", "lawyers"]]);
});

test("a universe is stale after its hours, and says so", () => {
  const config = universe(`${TIERS}updated_at: 2025-11-11T20:00:00Z\nmax_age_hours: 2`);
  expect(universeAt(config, NOW).stale).toBeNull();
  expect(universeAt(config, NOW + 1).stale).toMatch(
    /of 2025-11-11T20:00:00.000Z, older than its max_age_hours of 2/,
  );
});

describe("the lists of a message", () => {
  const own = universe(
    `${TIERS}exclusions: { never_trade: [BONK-USD] }\nbans: [{ symbol: SEI-USD }]\nprotected: [USD]\nupdated_at: 2025-11-11T20:00:00Z\nmax_age_hours: 1`,
  );
  const eligible = [TradingSymbol.make("DOT-USD")];
  const excluded = [TradingSymbol.make("WIF-USD")];
  const lists = (given: { eligible?: TradingSymbol[]; excluded?: TradingSymbol[] }) =>
    withLists(universeAt(own, NOW), { eligible: null, excluded: null, ...given });

  test("take the place of those of universe.yaml, each for itself", () => {
    const both = lists({ eligible, excluded });
    expect([[...both.eligible], [...both.excluded]]).toEqual([["DOT-USD"], ["WIF-USD"]]);
    const one = lists({ eligible });
    expect([[...one.eligible], [...one.excluded]]).toEqual([["DOT-USD"], ["BONK-USD"]]);
    const other = lists({ excluded });
    expect([[...other.eligible], [...other.excluded]]).toEqual([["SOL-USD", "LINK-USD"], ["WIF-USD"]]);
  });

  test("leave its bans and protected currencies in force", () => {
    const { bans, protectedCurrencies } = lists({ eligible, excluded });
    expect([[...bans.keys()], [...protectedCurrencies]]).toEqual([["SEI-USD"], ["USD"]]);
  });

  test("leave it as old as it is, as long as it has a word in it", () => {
    expect(lists({ eligible, excluded }).stale).toBeNull();
    for (const given of [{ eligible }, { excluded }, {}]) {
      expect(lists(given).stale).toMatch(/older than its max_age_hours/);
    }
  });
});
