// Spans of time as people write them, there and back.
import fc from "fast-check";
import { expect, test } from "vitest";
import { inWords, milliseconds } from "../../testing/mod.ts";

test.each([
  ["1 h", 3_600_000],
  ["1h 30min", 5_400_000],
  ["45 s", 45_000],
  ["1.5 hours", 5_400_000],
  ["2 days", 172_800_000],
  ["250ms", 250],
  [1_234, 1_234],
])("%j is %i milliseconds", (duration, ms) => {
  expect(milliseconds(duration)).toBe(ms);
});

test.each([
  "",
  "soon",
  "1",
  "h",
  "1 fortnight",
  "-1 s",
  "1 h, 2 min",
  Number.NaN,
  -5,
  Number.POSITIVE_INFINITY,
])("%j is refused, with what would do", (duration) => {
  expect(() => milliseconds(duration)).toThrow(/is not a duration; write milliseconds, or words such as/);
});

test("what is said in words is understood again, to the millisecond", () => {
  fc.assert(
    fc.property(fc.nat({ max: 10 ** 12 }), (ms) => {
      expect(milliseconds(inWords(ms))).toBe(ms);
    }),
  );
});
