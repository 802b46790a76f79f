// Seeds that once broke a promise break none any more.
import { expect, test } from "vitest";
import { simulate } from "../../simulation/mod.ts";
import { KEPT_SEEDS } from "./kept_seeds.ts";

test("each seed is kept once, and says what it found", () => {
  const names = KEPT_SEEDS.map(({ seed, minutes }) => `${seed} with ${minutes} minutes`);
  expect(new Set(names).size).toBe(names.length);
  for (const { found } of KEPT_SEEDS) expect(found).toMatch(/^\S.{10,}\S$/);
});

for (const { seed, minutes, found } of KEPT_SEEDS) {
  test(`seed ${seed}, which once found: ${found}`, async () => {
    const { violation } = await simulate({ seed, troubleMs: minutes * 60_000 });
    expect(violation).toBeNull();
  });
}
