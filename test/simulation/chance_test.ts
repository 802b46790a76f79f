// Chance from one seed: the same everywhere, and independent from name to name.
import { expect, test } from "vitest";
import { chanceOf } from "../../simulation/chance.ts";

const draws = (seed: number, name: string, count: number): readonly number[] => {
  const chance = chanceOf(seed);
  return Array.from({ length: count }, () => chance.draw(name));
};

test("the same seed and name give the same numbers, another seed or name gives others", () => {
  expect(draws(7, "a", 5)).toEqual(draws(7, "a", 5));
  expect(draws(8, "a", 5)).not.toEqual(draws(7, "a", 5));
  expect(draws(7, "b", 5)).not.toEqual(draws(7, "a", 5));
});

test("draws under one name do not move those under another", () => {
  const chance = chanceOf(7);
  const mixed = Array.from({ length: 5 }, () => {
    chance.draw("b");
    return chance.draw("a");
  });
  expect(mixed).toEqual(draws(7, "a", 5));
});

test("whole numbers reach both ends of their range, and shares are kept", () => {
  const chance = chanceOf(1);
  const numbers = new Set(Array.from({ length: 500 }, () => chance.integer("n", 3, 6)));
  expect([...numbers].sort()).toEqual([3, 4, 5, 6]);
  const hits = Array.from({ length: 10_000 }, () => chance.happens("h", 0.3)).filter(Boolean).length;
  expect(hits).toBeGreaterThan(2_800);
  expect(hits).toBeLessThan(3_200);
});

test("numbers are the same on every machine", () => {
  expect(Array.from({ length: 4 }, (_, seed) => chanceOf(seed).integer("known", 0, 999_999))).toEqual([
    462_339, 982_862, 674_462, 575_704,
  ]);
});
