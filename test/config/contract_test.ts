// The rooms do not import each other, so a test holds their shared shapes together.
import * as Schema from "effect/Schema";
import { expect, test } from "vitest";
import { optionalBot, symbol } from "../../config/keys.ts";
import { configTexts, type ListedSymbol, type PolicyConfig, parseConfig } from "../../config/mod.ts";
import { HoldingsPublished, PurgePolicy, TradingSymbol } from "../../machines/mod.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Mutual<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

test("config.policy is a PurgePolicy, field by field, and travels on events", () => {
  const isSame: Mutual<PolicyConfig, PurgePolicy> = true;
  const areSameKeys: Same<keyof PolicyConfig, keyof PurgePolicy> = true;
  expect([isSame, areSameKeys]).toEqual([true, true]);

  const result = parseConfig(configTexts({ "universe.yaml": "tiers: {core: {symbols: [SOL-USD]}}" }), {});
  if (!result.ok) throw new Error("must be valid");
  const { policy } = result.config;
  expect(Schema.decodeUnknownSync(PurgePolicy)(policy, { onExcessProperty: "error" })).toEqual(policy);
});

test("a listed symbol is a TradingSymbol", () => {
  const isSame: Mutual<ListedSymbol, TradingSymbol> = true;
  expect(isSame).toBe(true);
  const [ours, theirs] = [Schema.is(symbol), Schema.is(TradingSymbol)];
  const texts = [
    "BONK-USD",
    "1INCH-USD",
    "A-US",
    "A-U",
    "-USD",
    "A-",
    "a-USD",
    "A-usd",
    "A.B-USD",
    "A-USD\n",
    "",
  ];
  const limits = [`${"A".repeat(20)}-${"B".repeat(10)}`, `${"A".repeat(21)}-USD`, `A-${"B".repeat(11)}`];
  for (const text of [...texts, ...limits]) expect(ours(text), text).toBe(theirs(text));
});

test("a bot's name in policy.yaml is one that a message can carry", () => {
  const [ours, theirs] = [Schema.is(optionalBot("")), Schema.is(HoldingsPublished.fields.source)];
  const texts = ["bot", "Bot_7.a-b", "7", "", ".bot", "-bot", "_bot", "a bot", "bot\n", "böt", "a*", "a>"];
  for (const text of [...texts, "a".repeat(64), "a".repeat(65)]) expect(ours(text), text).toBe(theirs(text));
});
