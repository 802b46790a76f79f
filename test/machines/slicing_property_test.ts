// What holds of rounding and of plans for any numbers: they do not depend on how a number is written, and more never
// becomes less.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  ceilTo,
  compare,
  floorTo,
  isResidualSettled,
  isZero,
  type MakerInput,
  multiply,
  planMakerSlice,
  planTakerSlice,
  subtract,
} from "../../machines/mod.ts";
import { POLICY, PRODUCT } from "./scenario.ts";

const decimals = (places: number, largest = 10n ** 12n) =>
  fc
    .tuple(fc.bigInt({ min: 0n, max: largest }), fc.integer({ min: 0, max: places }))
    .map(([digits, scale]) => {
      const text = String(digits).padStart(scale + 1, "0");
      return scale === 0 ? text : `${text.slice(0, -scale)}.${text.slice(-scale)}`;
    });
const positive = (places: number, largest?: bigint) =>
  decimals(places, largest).filter((text) => !isZero(text));

/** The same number with idle zeros at its end. */
const padded = (text: string, zeros: number): string =>
  zeros === 0 ? text : `${text.includes(".") ? text : `${text}.`}${"0".repeat(zeros)}`;

describe("rounding", () => {
  test("leaves alone what is on the increment already", () => {
    fc.assert(
      fc.property(decimals(8), positive(8, 10n ** 6n), (value, increment) => {
        const down = floorTo(value, increment);
        expect([floorTo(down, increment), ceilTo(down, increment)]).toEqual([down, down]);
      }),
    );
  });

  test("never turns more into less", () => {
    fc.assert(
      fc.property(decimals(8), decimals(8), positive(8, 10n ** 6n), (a, b, increment) => {
        const [less, more] = compare(a, b) <= 0 ? [a, b] : [b, a];
        expect(compare(floorTo(less, increment), floorTo(more, increment))).toBeLessThanOrEqual(0);
        expect(compare(ceilTo(less, increment), ceilTo(more, increment))).toBeLessThanOrEqual(0);
      }),
    );
  });
});

test("sums and products do not depend on the order of their parts, and what is added can be taken away", () => {
  fc.assert(
    fc.property(decimals(8), decimals(8), decimals(8), (a, b, c) => {
      expect(add(add(a, b), c)).toBe(add(a, add(b, c)));
      expect(multiply(a, b)).toBe(multiply(b, a));
      expect(multiply(a, add(b, c))).toBe(add(multiply(a, b), multiply(a, c)));
      expect(compare(subtract(add(a, b), b), a)).toBe(0);
    }),
  );
});

const markets: fc.Arbitrary<MakerInput> = fc
  .record({
    available: decimals(4, 10n ** 9n),
    ticks: fc.bigInt({ min: 1n, max: 10n ** 6n }),
    spread: fc.bigInt({ min: 1n, max: 50n }),
    base_increment: fc.constantFrom("1", "0.1", "0.05", "0.0001"),
    price_increment: fc.constantFrom("0.01", "0.00001", "0.25"),
    slice_usd: positive(2, 10_000n),
    cushion_ticks: fc.integer({ min: 0, max: 5 }),
  })
  .map(
    ({
      ticks,
      spread,
      base_increment,
      price_increment,
      slice_usd,
      available,
      cushion_ticks,
    }): MakerInput => ({
      available,
      best_bid: multiply(String(ticks), price_increment),
      best_ask: multiply(String(ticks + spread), price_increment),
      product: { ...PRODUCT, base_increment, price_increment },
      policy: { ...POLICY, slice_usd },
      cushion_ticks,
    }),
  );

describe("a plan", () => {
  test("is the same however the numbers are written", () => {
    fc.assert(
      fc.property(markets, fc.integer({ min: 1, max: 6 }), (input, zeros) => {
        const { product, policy } = input;
        const same: MakerInput = {
          ...input,
          best_bid: padded(input.best_bid, zeros),
          best_ask: padded(input.best_ask, zeros),
          product: {
            ...product,
            base_increment: padded(product.base_increment, zeros),
            price_increment: padded(product.price_increment, zeros),
          },
          policy: { ...policy, slice_usd: padded(policy.slice_usd, zeros) },
        };
        expect(planMakerSlice(same)).toEqual(planMakerSlice(input));
        expect(planTakerSlice(same)).toEqual(planTakerSlice(input));
      }),
    );
  });

  test("for more of the same coin never offers less, and never calls it dust again", () => {
    fc.assert(
      fc.property(markets, decimals(4, 10n ** 9n), (input, more) => {
        const plan = planTakerSlice(input);
        fc.pre(plan.kind === "order");
        const larger = planTakerSlice({ ...input, available: add(input.available, more) });
        expect(larger.kind).toBe("order");
        expect(larger.kind === "order" && compare(larger.base_size, plan.base_size) >= 0).toBe(true);
      }),
    );
  });
});

test("what is settled stays settled with less left", () => {
  fc.assert(
    fc.property(decimals(4), decimals(4), decimals(4), decimals(2, 10_000n), (a, b, sold_size, limit) => {
      const [less, more] = compare(a, b) <= 0 ? [a, b] : [b, a];
      const isSettled = (remaining_value_usd: string): boolean =>
        isResidualSettled({ remaining_value_usd, sold_size, policy: { max_residual_usd: limit } });
      expect(isSettled(less) || !isSettled(more)).toBe(true);
    }),
  );
});
