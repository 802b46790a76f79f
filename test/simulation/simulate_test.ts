// The simulator itself: that a seed is a seed, that worlds differ, and that a broken promise is found and made short.
import { expect, test } from "vitest";
import { planOf, simulate } from "../../simulation/mod.ts";

const MINUTES = 30 * 60_000;

test("a seed gives the same world, to the last byte", async () => {
  const first = await simulate({ seed: 11, troubleMs: MINUTES });
  const second = await simulate({ seed: 11, troubleMs: MINUTES });
  expect(second).toEqual(first);
  expect(first.records).toBeGreaterThan(5);
});

test("what is traced is what the digest is of", async () => {
  const lines: string[] = [];
  const one = await simulate({
    seed: 5,
    troubleMs: MINUTES,
    trace: (at, line) => lines.push(`${at} ${line}`),
  });
  const other = await simulate({ seed: 6, troubleMs: MINUTES });
  expect(lines.length).toBeGreaterThan(20);
  expect(one.digest).not.toBe(other.digest);
});

test("a world that is told to stop ends where it is", async () => {
  const stopping = new AbortController();
  const lines: string[] = [];
  const { simulatedMs, violation } = await simulate({
    seed: 5,
    troubleMs: MINUTES,
    signal: stopping.signal,
    trace: (_, line) => {
      lines.push(line);
      if (lines.length === 20) stopping.abort();
    },
  });
  expect([simulatedMs < MINUTES, violation]).toEqual([true, null]);
  expect(lines.at(-1)).not.toBe("from now on nothing goes wrong");
});

test("every way of laying out the programs comes up, and every number of symbols", () => {
  const plans = Array.from({ length: 200 }, (_, seed) => planOf(seed, MINUTES));
  expect([...new Set(plans.map(({ layout }) => layout))].sort()).toEqual(["alone", "apart", "together"]);
  expect([...new Set(plans.map(({ toGo }) => toGo.length))].sort()).toEqual([1, 2, 3, 4]);
});

test("a fault that is called off does not strike, and the others have the luck they had", async () => {
  const whole = await simulate({ seed: 11, troubleMs: MINUTES });
  const [first] = whole.struck;
  expect(first).toBeDefined();
  const calledOff = new Set(whole.struck.map(({ id }) => id));
  const calm = await simulate({ seed: 11, troubleMs: MINUTES, calledOff });
  expect(calm.struck.length).toBeLessThan(whole.struck.length / 4);
  expect(calm.violation).toBeNull();
});
