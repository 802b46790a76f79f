// Who should go: what is excluded, what has been ineligible for long enough, and when to doubt the universe instead.
import { describe, expect, test } from "vitest";
import { assess, type EligibilityRules, type Universe } from "../../actors/eligibility.ts";
import type { Position } from "../../machines/mod.ts";
import { TradingSymbol } from "../../machines/mod.ts";

const RULES: EligibilityRules = {
  autoLiquidateIneligible: true,
  minLiquidationValueUsd: "5",
  dustThresholdUsd: "1",
  maxCandidateShare: 0.5,
  graceCycles: 2,
};
const UNIVERSE: Universe = {
  eligible: new Set(["SOL-USD", "LINK-USD", "DOT-USD"]),
  excluded: new Set(["BONK-USD", "SEI-USD"]),
  bans: new Map(),
  protectedCurrencies: new Set(["USD", "USDC", "USDT", "BTC", "ETH"]),
  stale: null,
};

function position(currency: string, balance: string, price: string | null = "1"): Position {
  const symbol = TradingSymbol.make(`${currency}-USD`);
  return { currency, symbol, balance, available: balance, price_usd: price };
}

const HELD = [
  position("USD", "1000"),
  position("BTC", "1", "100000"),
  position("SOL", "40"),
  position("LINK", "40"),
  position("DOT", "40"),
];
const who = (positions: readonly Position[], universe = UNIVERSE, rules = RULES, seen = new Map()) => {
  const { candidates, heldBack } = assess(positions, universe, rules, seen);
  return heldBack ?? candidates.map(({ symbol, reason }) => `${symbol} ${reason}`);
};

/** Assesses the same positions cycle after cycle. */
function cycles(count: number, positions: readonly Position[], rules = RULES, universe = UNIVERSE) {
  const seen: string[][] = [];
  let before: ReturnType<typeof assess>["seen"] = new Map();
  for (let n = 0; n < count; n += 1) {
    const assessment = assess(positions, universe, rules, before);
    before = assessment.seen;
    seen.push(assessment.candidates.map(({ symbol }) => symbol));
  }
  return seen;
}

describe("an excluded position", () => {
  test("goes at once, with its balance and value", () => {
    const { candidates } = assess(
      [...HELD, position("BONK", "889587.0", "0.00001066")],
      UNIVERSE,
      RULES,
      new Map(),
    );
    expect(candidates).toEqual([
      { symbol: "BONK-USD", reason: "excluded", balance: "889587.0", valueUsd: "9.48299742" },
    ]);
  });

  test("is left alone below the minimum value, and at it it goes", () => {
    expect(who([...HELD, position("SEI", "4.99")])).toEqual([]);
    expect(who([...HELD, position("SEI", "5")])).toEqual(["SEI-USD excluded"]);
  });

  test("goes even where ineligible ones are not to be sold", () => {
    const rules = { ...RULES, autoLiquidateIneligible: false, graceCycles: 0 };
    expect(who([...HELD, position("SEI", "9"), position("WLFI", "9")], UNIVERSE, rules)).toEqual([
      "SEI-USD excluded",
    ]);
  });
});

describe("an ineligible position", () => {
  const wlfi = [...HELD, position("WLFI", "57.5", "0.1431")];

  test("is a candidate only after the grace cycles", () => {
    expect(cycles(4, wlfi)).toEqual([[], [], ["WLFI-USD"], ["WLFI-USD"]]);
  });

  test("starts over when it was eligible again in between", () => {
    const once = assess(wlfi, UNIVERSE, RULES, new Map());
    const back = assess(HELD, UNIVERSE, RULES, once.seen);
    expect(back.seen.size).toBe(0);
    expect(who(wlfi, UNIVERSE, RULES, new Map(back.seen))).toEqual([]);
  });

  test("goes at once without grace cycles", () => {
    expect(who(wlfi, UNIVERSE, { ...RULES, graceCycles: 0 })).toEqual(["WLFI-USD ineligible"]);
  });
});

describe("what is never touched", () => {
  test("protected currencies, even where the universe excludes their symbol", () => {
    const universe = { ...UNIVERSE, excluded: new Set(["BTC-USD", "USDC-USD"]) };
    expect(who([...HELD, position("USDC", "900")], universe)).toEqual([]);
  });

  test("a position without a price, or without a product", () => {
    const orphan: Position = { ...position("OLD", "100"), symbol: null };
    const rules = { ...RULES, graceCycles: 0 };
    expect(who([...HELD, position("SEI", "100", null), orphan], UNIVERSE, rules)).toEqual([]);
  });

  test("dust, which does not even count as a position", () => {
    const { held } = assess([...HELD, position("SEI", "0.99")], UNIVERSE, RULES, new Map());
    expect(held.map(({ symbol }) => symbol)).toEqual(["SOL-USD", "LINK-USD", "DOT-USD"]);
  });
});

describe("the mass-purge guard", () => {
  const rules = { ...RULES, graceCycles: 0 };
  const strangers = ["A", "B", "C", "D"].map((currency) => position(currency, "50"));

  test("purges nobody when more than the share turns ineligible at once, and says why", () => {
    expect(who([...HELD, ...strangers], UNIVERSE, rules)).toMatch(
      /4 of 7 positions turned ineligible at once/,
    );
  });

  test("lets exactly the share go", () => {
    expect(who([...HELD, ...strangers.slice(0, 3)], UNIVERSE, rules)).toHaveLength(3);
  });

  test("holds back the excluded too: the universe is in doubt", () => {
    expect(who([...HELD.slice(0, 4), ...strangers, position("SEI", "50")], UNIVERSE, rules)).toMatch(
      /turned ineligible/,
    );
  });

  test("does not let the doubtful ones serve their grace meanwhile", () => {
    const all = [...HELD, ...strangers];
    expect(cycles(6, all).flat()).toEqual([]);
  });

  test("does not count those that were candidates before", () => {
    const few = [...HELD, ...strangers.slice(0, 3)];
    const before = assess(few, UNIVERSE, rules, new Map());
    const { candidates, heldBack } = assess(
      [...HELD.slice(0, 3), ...strangers.slice(0, 3)],
      UNIVERSE,
      rules,
      before.seen,
    );
    expect([heldBack, candidates.length]).toEqual([null, 3]);
  });

  test("lets the only position of an account go", () => {
    expect(who([position("WLFI", "9")], UNIVERSE, rules)).toEqual(["WLFI-USD ineligible"]);
  });

  test("purges nobody under a universe that is stale", () => {
    expect(who([...HELD, position("SEI", "9")], { ...UNIVERSE, stale: "of last year" })).toBe("of last year");
  });

  test("purges nobody under a universe without a single eligible symbol: it is taken for a mistake", () => {
    expect(who([...HELD, position("SEI", "9")], { ...UNIVERSE, eligible: new Set() })).toMatch(
      /names no eligible symbol/,
    );
  });

  test("purges nobody under a universe that wants a symbol to stay and to go", () => {
    const universe = { ...UNIVERSE, excluded: new Set(["SEI-USD", "SOL-USD"]) };
    expect(who([...HELD, position("SEI", "9")], universe)).toBe(
      "SOL-USD may stay and must go at once; take it out of one of the lists",
    );
  });
});

describe("what is eligible under one quote currency", () => {
  const rules = { ...RULES, graceCycles: 0 };
  const inUsdc = { ...position("SOL", "40"), symbol: TradingSymbol.make("SOL-USDC") };

  test("is not sold under another", () => {
    expect(who([...HELD.slice(3), inUsdc], UNIVERSE, rules)).toEqual([]);
  });

  test("is not sold even where the other is excluded", () => {
    const universe = { ...UNIVERSE, excluded: new Set(["SOL-USDC"]) };
    expect(who([...HELD.slice(3), inUsdc], universe, rules)).toEqual([]);
  });

  test("protects no currency of which it is only the beginning", () => {
    expect(who([...HELD, position("SO", "40"), position("SOLX", "40")], UNIVERSE, rules)).toEqual([
      "SO-USD ineligible",
      "SOLX-USD ineligible",
    ]);
  });
});

describe("a reading that was assessed before", () => {
  const wlfi = [...HELD, position("WLFI", "9")];

  test("serves nobody's grace", () => {
    let seen = assess(wlfi, UNIVERSE, RULES, new Map()).seen;
    for (let again = 0; again < 5; again += 1) {
      const assessment = assess(wlfi, UNIVERSE, RULES, seen, false);
      expect(assessment.candidates).toEqual([]);
      seen = assessment.seen;
    }
    seen = assess(wlfi, UNIVERSE, RULES, seen).seen;
    expect(assess(wlfi, UNIVERSE, RULES, seen).candidates).toHaveLength(1);
  });

  test("keeps those candidates whose grace is over", () => {
    const seen = new Map([[TradingSymbol.make("WLFI-USD"), 3]]);
    const assessment = assess(wlfi, UNIVERSE, RULES, seen, false);
    expect([assessment.candidates.length, [...assessment.seen]]).toEqual([1, [...seen]]);
  });
});
