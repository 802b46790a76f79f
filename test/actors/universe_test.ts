// What the configured universe says at one moment.
import { expect, test } from "vitest";
import { universeAt } from "../../actors/universe.ts";
import { type Config, configTexts, parseConfig } from "../../config/mod.ts";

const NOW = Date.parse("2025-11-11T22:00:00.000Z");

function universe(text: string): Config["universe"] {
  const result = parseConfig(configTexts({ "universe.yaml": text }), {});
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config.universe;
}

const TIERS = "tiers: { core: { symbols: [SOL-USD] }, more: { symbols: [LINK-USD] } }\n";

test("all tiers are eligible, and what is excluded must go", () => {
  const { eligible, excluded, unusable } = universeAt(
    universe(`${TIERS}exclusions: { never_trade: [BONK-USD] }`),
    NOW,
  );
  expect([[...eligible], [...excluded], unusable]).toEqual([["SOL-USD", "LINK-USD"], ["BONK-USD"], null]);
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
  expect(universeAt(config, NOW).unusable).toBeNull();
  expect(universeAt(config, NOW + 1).unusable).toMatch(
    /of 2025-11-11T20:00:00.000Z, older than its max_age_hours of 2/,
  );
});

test("a universe without a single eligible symbol is taken for a mistake", () => {
  const config = universe("tiers: { core: { symbols: [] } }");
  expect(universeAt(config, NOW).unusable).toMatch(/no eligible symbol/);
});
