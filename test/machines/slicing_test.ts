import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  ceilTo,
  compare,
  floorTo,
  isResidualSettled,
  isZero,
  type MakerInput,
  min,
  multiply,
  planMakerSlice,
  planTakerSlice,
  type SlicePlan,
  subtract,
  toFixedUsd,
  valueUsd,
} from "../../machines/mod.ts";
import { POLICY, PRODUCT } from "./scenario.ts";

/** An independent reading of a decimal: a whole number of 10^-90. Products of two need twice that. */
const PLACES = 90;
const exact = (text: string): bigint => {
  const [whole = "", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(PLACES, "0"));
};
const ONE = exact("1");
const product = (a: string, b: string): bigint => exact(a) * exact(b);

const decimals = (places: number, largest = 10n ** 15n) =>
  fc
    .tuple(fc.bigInt({ min: 0n, max: largest }), fc.integer({ min: 0, max: places }))
    .map(([digits, scale]) => decimal(digits, scale));
function decimal(digits: bigint, scale: number): string {
  const text = String(digits).padStart(scale + 1, "0");
  return scale === 0 ? text : `${text.slice(0, -scale)}.${text.slice(-scale)}`;
}
const positive = (places: number, largest?: bigint) =>
  decimals(places, largest).filter((text) => !isZero(text));

describe("decimals", () => {
  test("agree with whole-number arithmetic", () => {
    fc.assert(
      fc.property(decimals(15), decimals(15), (a, b) => {
        expect(exact(add(a, b))).toBe(exact(a) + exact(b));
        expect(exact(multiply(a, b)) * ONE).toBe(product(a, b));
        expect(compare(a, b)).toBe(exact(a) < exact(b) ? -1 : exact(a) > exact(b) ? 1 : 0);
        expect([a, b].map(exact)).toContain(exact(min(a, b)));
        expect([a, b].every((each) => exact(min(a, b)) <= exact(each))).toBe(true);
        const [large, small] = compare(a, b) < 0 ? [b, a] : [a, b];
        expect(exact(subtract(large, small))).toBe(exact(large) - exact(small));
        expect(valueUsd(a, b)).toBe(multiply(a, b));
      }),
    );
  });

  test("are written plainly and without idle zeros, at any size", () => {
    expect(add("889587.0", "0.00")).toBe("889587");
    expect(multiply("0.000000000000001", "0.00000000001")).toBe("0.00000000000000000000000001");
    expect(multiply("1000000000000000", "10000000000000")).toBe("10000000000000000000000000000");
    expect(subtract("0.10", "0.1")).toBe("0");
  });

  test("have at most thirty decimal places: what is smaller is dropped", () => {
    expect(multiply("0.1", "0.000000000000000000000000000019")).toBe("0.000000000000000000000000000001");
  });

  test("are never below zero", () => {
    expect(() => subtract("1", "1.01")).toThrow(new RangeError("1 − 1.01 is below zero"));
  });

  test.each(["", "-1", "1e5", ".5", "01", "1.", "NaN", " 1", "0x10", "１"])("do not read %j", (text) => {
    expect(() => add(text, "1")).toThrow(`${JSON.stringify(text)} is not a non-negative plain decimal`);
  });

  test("do not outgrow what can be journaled", () => {
    expect(() => multiply("100000000000000000000", "100000000000000000000")).toThrow(
      "larger than any amount",
    );
  });

  test("zero is zero however it is written", () => {
    expect([isZero("0"), isZero("0.000"), isZero("0.0001")]).toEqual([true, true, false]);
  });
});

describe("rounding to an increment", () => {
  test("is exact where floats are not: 0.3 in steps of 0.1 stays 0.3", () => {
    expect(Math.floor(0.3 / 0.1) * 0.1).toBe(0.2);
    expect(floorTo("0.3", "0.1")).toBe("0.3");
    expect(ceilTo("0.3", "0.1")).toBe("0.3");
  });

  test("moves by less than one increment, down or up, and lands on it", () => {
    fc.assert(
      fc.property(decimals(15), positive(15, 10n ** 6n), (value, increment) => {
        const down = exact(floorTo(value, increment));
        const up = exact(ceilTo(value, increment));
        const step = exact(increment);
        expect([down % step, up % step]).toEqual([0n, 0n]);
        expect(exact(value) - down >= 0n && exact(value) - down < step).toBe(true);
        expect(up - exact(value) >= 0n && up - exact(value) < step).toBe(true);
      }),
    );
  });

  test("to no increment at all is a bug, not a division by zero", () => {
    expect(() => floorTo("1", "0")).toThrow("an increment of zero");
    expect(() => ceilTo("1", "0.00")).toThrow("an increment of zero");
  });
});

test("amounts for people have a fixed number of places, halves up", () => {
  expect(toFixedUsd("8.955", 2)).toBe("8.96");
  expect(toFixedUsd("8.9549", 2)).toBe("8.95");
  expect(toFixedUsd("9", 2)).toBe("9.00");
  expect(toFixedUsd("0.004", 2)).toBe("0.00");
  expect(toFixedUsd("999.5", 0)).toBe("1000");
});

const bonk: MakerInput = {
  available: "889587.0",
  best_bid: "0.00001066",
  best_ask: "0.00001068",
  product: PRODUCT,
  policy: POLICY,
  cushion_ticks: 1,
};
const sei: MakerInput = {
  ...bonk,
  available: "36.2",
  best_bid: "0.1563",
  best_ask: "0.1565",
  product: { ...PRODUCT, base_increment: "0.1", price_increment: "0.0001", base_min_size: "0.1" },
};
const wlfi: MakerInput = { ...sei, available: "57.5", best_bid: "0.1431", best_ask: "0.1433" };

/** Sells slice after slice at one unmoving quote. */
function sellDown(input: MakerInput, plan = planMakerSlice): { orders: SlicePlan[]; end: SlicePlan } {
  const orders: SlicePlan[] = [];
  let { available } = input;
  while (orders.length < 1_000) {
    const next = plan({ ...input, available });
    if (next.kind !== "order") return { orders, end: next };
    orders.push(next);
    available = subtract(available, next.base_size);
  }
  throw new Error("does not end");
}
const sizes = (orders: readonly SlicePlan[]) =>
  orders.map((each) => (each.kind === "order" ? each.base_size : ""));

describe("a maker slice", () => {
  test("of BONK is priced in hundred-millionths of a dollar, not at a cent", () => {
    const order = { base_size: "468603", limit_price: "0.00001067", notional_usd: "4.99999401" };
    expect(planMakerSlice(bonk)).toEqual({ kind: "order", ...order });
  });

  test("takes the rest along when the rest would be under the minimum", () => {
    expect(sizes(sellDown(sei).orders)).toEqual(["36.2"]);
    expect(sizes(sellDown(wlfi).orders)).toEqual(["34.9", "22.6"]);
    expect(sizes(sellDown(bonk).orders)).toEqual(["468603", "420984"]);
  });

  test("leaves a rest that is just the minimum at the bid, and takes along one that only reaches it at its own price", () => {
    const product = { ...PRODUCT, price_increment: "0.1" };
    const policy = { ...POLICY, slice_usd: "6", min_notional_usd: "3" };
    const coarse = { ...bonk, best_bid: "0.5", best_ask: "0.8", product, policy };
    expect(planMakerSlice({ ...coarse, available: "16" })).toMatchObject({
      base_size: "10",
      limit_price: "0.6",
    });
    expect(planMakerSlice({ ...coarse, available: "15" })).toMatchObject({ base_size: "15" });
  });

  test("sits above the bid by the cushion, on the tick", () => {
    const price = (over: Partial<MakerInput>) => {
      const plan = planMakerSlice({ ...sei, ...over });
      return plan.kind === "order" ? plan.limit_price : plan.kind;
    };
    expect(price({})).toBe("0.1564");
    expect(price({ cushion_ticks: 3 })).toBe("0.1566");
    expect(price({ cushion_ticks: 0 })).toBe("0.1564");
    expect(price({ best_bid: "0.15631" })).toBe("0.1565");
    expect(price({ best_bid: "0.15631", cushion_ticks: 0 })).toBe("0.1564");
  });

  test("may be priced above the ask, or a raised cushion would not outrun a rising market", () => {
    const plan = planMakerSlice({ ...sei, best_ask: "0.1564", cushion_ticks: 3 });
    expect(plan).toMatchObject({ limit_price: "0.1566" });
  });

  test("is never smaller than the smallest order", () => {
    const policy = { ...POLICY, slice_usd: "0.5", min_notional_usd: "2" };
    expect(planMakerSlice({ ...sei, policy })).toMatchObject({ base_size: "12.8", notional_usd: "2.00192" });
    const product = { ...sei.product, quote_min_size: "3" };
    expect(planMakerSlice({ ...sei, available: "60", policy, product })).toMatchObject({ base_size: "19.2" });
    const byBase = { ...sei.product, base_min_size: "25.03" };
    expect(planMakerSlice({ ...sei, available: "60", policy, product: byBase })).toMatchObject({
      base_size: "25.1",
    });
  });

  test("is one increment where nothing sets a minimum", () => {
    const policy = { ...POLICY, slice_usd: "0", min_notional_usd: "0" };
    const product = { ...sei.product, base_min_size: "0", quote_min_size: "0" };
    expect(planMakerSlice({ ...sei, policy, product })).toMatchObject({ base_size: "0.1" });
  });

  test("leaves as dust what is under the minimum, and what is under one increment", () => {
    expect(planMakerSlice({ ...sei, available: "6.3" })).toEqual({
      kind: "dust",
      size: "6.3",
      value_usd: "0.98469",
    });
    expect(planMakerSlice({ ...sei, available: "0.09" })).toMatchObject({ kind: "dust", size: "0.09" });
    expect(planMakerSlice({ ...sei, available: "36.27" })).toMatchObject({ base_size: "36.2" });
  });

  test("is still sold where the market takes post-only or limit orders alone", () => {
    for (const status of ["post_only", "limit_only"] as const) {
      const product = { ...PRODUCT, status };
      expect(planMakerSlice({ ...bonk, product })).toMatchObject({ kind: "order" });
    }
  });
});

describe("a taker slice", () => {
  test("is the whole remainder, at no less than the permitted slippage", () => {
    expect(planTakerSlice(bonk)).toEqual({
      kind: "order",
      base_size: "889587",
      limit_price: "0.00001056",
      notional_usd: "9.39403872",
    });
    expect(planTakerSlice(sei)).toMatchObject({ base_size: "36.2", limit_price: "0.1548" });
  });

  test("with no slippage permitted asks for the bid itself", () => {
    const policy = { ...POLICY, taker_max_slippage_bps: 0 };
    expect(planTakerSlice({ ...sei, policy })).toMatchObject({ limit_price: "0.1563" });
  });

  test("with all slippage permitted still has a price", () => {
    for (const taker_max_slippage_bps of [10_000, 20_000]) {
      const policy = { ...POLICY, taker_max_slippage_bps, min_notional_usd: "0.001" };
      const plan = planTakerSlice({ ...sei, policy, product: { ...sei.product, quote_min_size: "0" } });
      expect(plan).toMatchObject({ limit_price: "0.0001" });
    }
  });

  test("is not sold under the slippage only because the bid is off the tick", () => {
    const policy = { ...POLICY, taker_max_slippage_bps: 1 };
    expect(planTakerSlice({ ...sei, best_bid: "0.15638", policy })).toEqual({
      kind: "unsellable",
      reason: "no_quote",
      message: "no price on 0.0001 lies within the slippage",
    });
  });

  test("is dust when its floor price does not reach the minimum, though a maker's might", () => {
    const policy = { ...POLICY, taker_max_slippage_bps: 1_000 };
    const little = { ...sei, available: "6.8", policy };
    expect(planMakerSlice(little)).toMatchObject({ kind: "order" });
    expect(planTakerSlice(little)).toEqual({ kind: "dust", size: "6.8", value_usd: "1.06284" });
  });

  test("cannot be sold where the market takes post-only orders alone", () => {
    const product = { ...PRODUCT, status: "post_only" } as const;
    expect(planTakerSlice({ ...bonk, product })).toMatchObject({
      kind: "unsellable",
      reason: "post_only_market",
    });
    expect(planTakerSlice({ ...bonk, product, available: "0" })).toMatchObject({ kind: "dust" });
  });
});

describe.each([
  ["maker", planMakerSlice],
  ["taker", (input: MakerInput) => planTakerSlice(input)],
])("as %s, nothing can be sold", (_, plan) => {
  test.each(["halted", "delisted", "cancel_only"] as const)("while the product is %s", (status) => {
    const market = { ...bonk, product: { ...PRODUCT, status } };
    expect(plan(market)).toMatchObject({
      kind: "unsellable",
      reason: status,
      message: expect.stringMatching(/.{10}/),
    });
    expect(plan({ ...market, available: "0.0" })).toEqual({ kind: "dust", size: "0", value_usd: "0" });
  });

  test("without increments, which nothing stands in for: a default tick of 0.01 once priced BONK at a cent", () => {
    for (const missing of [{ base_increment: "0" }, { price_increment: "0.0" }]) {
      const product = { ...PRODUCT, ...missing };
      expect(plan({ ...bonk, product })).toMatchObject({ kind: "unsellable", reason: "no_quote" });
    }
  });

  test("without a bid or an ask", () => {
    expect(plan({ ...bonk, best_bid: "0" })).toMatchObject({ kind: "unsellable", reason: "no_quote" });
    expect(plan({ ...bonk, best_ask: "0" })).toMatchObject({ kind: "unsellable", reason: "no_quote" });
  });

  test("while the bid is not below the ask", () => {
    expect(plan({ ...bonk, best_ask: bonk.best_bid })).toMatchObject({
      kind: "unsellable",
      reason: "crossed",
    });
    expect(plan({ ...bonk, best_ask: "0.00001" })).toMatchObject({ kind: "unsellable", reason: "crossed" });
  });
});

describe("whatever the market", () => {
  const step = (places: number) =>
    fc
      .tuple(fc.constantFrom(1n, 5n, 25n), fc.integer({ min: 0, max: places }))
      .map(([digits, scale]) => decimal(digits, scale));
  const markets = fc
    .record({
      base_increment: step(12),
      price_increment: step(12),
      bidTicks: fc.bigInt({ min: 1n, max: 10n ** 7n }),
      offTick: fc.oneof({ weight: 3, arbitrary: fc.constant("0") }, fc.constantFrom("0.3", "0.999")),
      spreadTicks: fc.bigInt({ min: 1n, max: 100n }),
      slice_usd: positive(2, 10n ** 4n),
      minimum: decimals(2, 500n),
      quote_min_size: decimals(2, 500n),
      baseMinUnits: fc.integer({ min: 0, max: 1_000 }),
      slices: fc.bigInt({ min: 0n, max: 30_000n }).map((thousandths) => decimal(thousandths, 3)),
      belowIncrement: fc.bigInt({ min: 0n, max: 999_999n }).map((millionths) => decimal(millionths, 6)),
      cushion_ticks: fc.integer({ min: 0, max: 10 }),
      taker_max_slippage_bps: fc.integer({ min: 0, max: 2_000 }),
    })
    .map((draw): MakerInput => {
      const tick = draw.price_increment;
      const best_bid = add(multiply(String(draw.bidTicks), tick), multiply(draw.offTick, tick));
      // Up to thirty slices' worth, so that the run of orders is neither empty nor endless.
      const worth = product(draw.slice_usd, draw.slices) / exact(best_bid);
      const units = decimal(worth / 10n ** BigInt(PLACES - 12), 12);
      const available = add(units, multiply(draw.belowIncrement, draw.base_increment));
      return {
        available,
        best_bid,
        best_ask: add(best_bid, multiply(String(draw.spreadTicks), tick)),
        product: {
          base_increment: draw.base_increment,
          price_increment: tick,
          base_min_size: multiply(String(draw.baseMinUnits), draw.base_increment),
          quote_min_size: draw.quote_min_size,
          status: "online",
        },
        policy: {
          ...POLICY,
          slice_usd: draw.slice_usd,
          min_notional_usd: draw.minimum,
          taker_max_slippage_bps: draw.taker_max_slippage_bps,
        },
        cushion_ticks: draw.cushion_ticks,
      };
    });
  const minimumOf = ({ product: { quote_min_size }, policy: { min_notional_usd } }: MakerInput) =>
    compare(min_notional_usd, quote_min_size) > 0 ? min_notional_usd : quote_min_size;

  function expectLawful(input: MakerInput, order: Extract<SlicePlan, { kind: "order" }>) {
    const { base_size, limit_price, notional_usd } = order;
    expect(exact(base_size) % exact(input.product.base_increment)).toBe(0n);
    expect(exact(limit_price) % exact(input.product.price_increment)).toBe(0n);
    expect(compare(base_size, "0")).toBe(1);
    expect(compare(base_size, input.available)).toBeLessThanOrEqual(0);
    expect(compare(base_size, input.product.base_min_size)).toBeGreaterThanOrEqual(0);
    expect(compare(notional_usd, minimumOf(input))).toBeGreaterThanOrEqual(0);
    expect(exact(notional_usd) * ONE).toBe(product(base_size, limit_price));
  }

  function isSmallestOrder(input: MakerInput, size: string, price: string): boolean {
    const oneLess = exact(size) - exact(input.product.base_increment);
    const isEnough = oneLess * exact(price) >= exact(minimumOf(input)) * ONE;
    return !(oneLess > 0n && isEnough && oneLess >= exact(input.product.base_min_size));
  }

  function isUnderMinimum(input: MakerInput, size: string, price: string): boolean {
    return (
      isZero(size) ||
      product(size, price) < exact(minimumOf(input)) * ONE ||
      compare(size, input.product.base_min_size) < 0
    );
  }

  test("a maker order is on both increments, above the bid, within the balance and not under the minimum", () => {
    fc.assert(
      fc.property(markets, (input) => {
        const plan = planMakerSlice(input);
        fc.pre(plan.kind === "order");
        expectLawful(input, plan);
        expect(compare(plan.limit_price, input.best_bid)).toBe(1);
        const isWithinSlice = compare(plan.notional_usd, input.policy.slice_usd) <= 0;
        const rest = floorTo(subtract(input.available, plan.base_size), input.product.base_increment);
        expect(
          isWithinSlice || isZero(rest) || isSmallestOrder(input, plan.base_size, plan.limit_price),
        ).toBe(true);
        expect(isZero(rest) || !isUnderMinimum(input, rest, input.best_bid)).toBe(true);
      }),
    );
  });

  test("a taker order is the whole remainder, on both increments, and between the floor and the bid", () => {
    fc.assert(
      fc.property(markets, (input) => {
        const plan = planTakerSlice(input);
        fc.pre(plan.kind === "order");
        expectLawful(input, plan);
        expect(plan.base_size).toBe(floorTo(input.available, input.product.base_increment));
        const kept = BigInt(10_000 - input.policy.taker_max_slippage_bps);
        expect(exact(plan.limit_price) * 10_000n >= exact(input.best_bid) * kept).toBe(true);
        expect(compare(plan.limit_price, input.best_bid)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test("what is called dust could not have been an order", () => {
    fc.assert(
      fc.property(markets, fc.boolean(), (input, isMaker) => {
        const plan = isMaker ? planMakerSlice(input) : planTakerSlice(input);
        fc.pre(plan.kind === "dust");
        const sellable = floorTo(input.available, input.product.base_increment);
        const { price_increment } = input.product;
        const ticks = multiply(String(Math.max(input.cushion_ticks, 1)), price_increment);
        const highest = add(ceilTo(input.best_bid, price_increment), ticks);
        const floor = multiply(
          input.best_bid,
          decimal(BigInt(10_000 - input.policy.taker_max_slippage_bps), 4),
        );
        const price = isMaker ? highest : ceilTo(floor, price_increment);
        // A maker's price lies at or under `highest`, by at most one tick where the bid is off it.
        const lower =
          isMaker && compare(highest, price_increment) > 0 ? subtract(price, price_increment) : price;
        expect(isUnderMinimum(input, sellable, lower)).toBe(true);
        expect(plan.size).toBe(compare(input.available, "0") === 0 ? "0" : input.available);
      }),
    );
  });

  test("slice after slice sells the balance less the dust, and comes to an end", () => {
    fc.assert(
      fc.property(markets, (input) => {
        const { orders, end } = sellDown(input);
        expect(end.kind).toBe("dust");
        const sold = sizes(orders).reduce(add, "0");
        const left = subtract(input.available, sold);
        expect(end.kind === "dust" && compare(end.size, left)).toBe(0);
        const isUnsoldWhole = orders.length === 0;
        expect(isUnsoldWhole || compare(left, input.product.base_increment) < 0).toBe(true);
      }),
    );
  });
});

test("an attempt has sold enough when little is left and something went", () => {
  const settled = (remaining_value_usd: string, sold_size: string) =>
    isResidualSettled({ remaining_value_usd, sold_size, policy: { max_residual_usd: "8" } });
  expect(settled("8.00", "1")).toBe(true);
  expect(settled("8.01", "1")).toBe(false);
  expect(settled("0", "0.0")).toBe(false);
});
