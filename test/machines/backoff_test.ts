import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backoffMs, type PurgePolicy, retryAt } from "../../machines/mod.ts";
import { LEDGER } from "./scenario.ts";

type BackoffPolicy = PurgePolicy["backoff"];

const HOUR = 3_600_000;
const FAILED_AT = "2025-11-11T03:04:05.678Z";
const policy: BackoffPolicy = {
  enabled: true,
  after_failures: 3,
  base_ms: HOUR,
  factor: 2,
  max_ms: 4 * HOUR,
  jitter_pct: 0,
};

describe("backoff", () => {
  test("rests not at all after one and two failures, then one, two and four hours", () => {
    const hours = [0, 1, 2, 3, 4, 5, 6, 50].map((failures) => backoffMs(failures, policy) / HOUR);
    expect(hours).toEqual([0, 0, 0, 1, 2, 4, 4, 4]);
  });

  test("rests not at all when it is turned off, or starts from nothing", () => {
    expect(backoffMs(9, { ...policy, enabled: false })).toBe(0);
    expect(backoffMs(5_000, { ...policy, base_ms: 0 })).toBe(0);
    expect(backoffMs(0, { ...policy, after_failures: 0 })).toBe(0);
  });

  test("a thousand failures still rest for the maximum, though the power has no number any more", () => {
    expect(backoffMs(5_000, { ...policy, factor: 1e300 })).toBe(4 * HOUR);
  });

  test("a maximum under the base holds from the first rest on", () => {
    expect(backoffMs(3, { ...policy, max_ms: 60_000 })).toBe(60_000);
  });

  test("jitter spreads symbols that failed together, and a replay waits as long as the run did", () => {
    const jittered = { ...policy, jitter_pct: 10 };
    const symbols = Array.from({ length: 100 }, (_, n) => `live/COIN${n}-USD`);
    const rests = symbols.map((seed) => backoffMs(3, jittered, seed));
    expect(new Set(rests).size).toBeGreaterThan(95);
    expect(Math.max(...rests) - Math.min(...rests)).toBeGreaterThan(0.08 * HOUR);
    expect(symbols.map((seed) => backoffMs(3, jittered, seed))).toEqual(rests);
  });

  test("jitter is the same in every version, or last month's journal would not replay", () => {
    const jittered = { ...policy, jitter_pct: 10 };
    const rests = [3, 4, 9].map((failures) => backoffMs(failures, jittered, `${LEDGER}/BONK-USD`));
    // FNV-1a and MurmurHash3's finish, worked out by another program.
    expect(rests).toEqual([3_958_695, 7_866_384, 15_359_991]);
  });

  test("jitter differs from one failure to the next, and is none without a seed", () => {
    const flat = { ...policy, factor: 1, jitter_pct: 50 };
    const rests = [3, 4, 5, 6].map((failures) => backoffMs(failures, flat, "live/BONK-USD"));
    expect(new Set(rests).size).toBe(4);
    expect(backoffMs(3, flat)).toBe(HOUR);
  });

  test("jitter only lengthens, never beyond its share, and the rest is whole milliseconds", () => {
    const policies = fc.record({
      enabled: fc.constant(true),
      after_failures: fc.integer({ min: 1, max: 10 }),
      base_ms: fc.integer({ min: 0, max: 10 * HOUR }),
      factor: fc.double({ min: 1, max: 10, noNaN: true }),
      max_ms: fc.integer({ min: 0, max: 100 * HOUR }),
      jitter_pct: fc.double({ min: 0, max: 100, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200 }), policies, fc.string(), (failures, each, seed) => {
        const plain = backoffMs(failures, each);
        const rest = backoffMs(failures, each, seed);
        expect(Number.isSafeInteger(rest)).toBe(true);
        expect(rest).toBeGreaterThanOrEqual(plain);
        expect(rest).toBeLessThanOrEqual(plain === 0 ? 1 : each.max_ms * (1 + each.jitter_pct / 100));
        expect(backoffMs(failures + 1, each)).toBeGreaterThanOrEqual(plain);
      }),
    );
  });
});

describe("the time of the next try", () => {
  test("is the failure's own time and the rest", () => {
    expect(retryAt(FAILED_AT, 3, policy)).toBe("2025-11-11T04:04:05.678Z");
    expect(retryAt(FAILED_AT, 5, policy)).toBe("2025-11-11T07:04:05.678Z");
  });

  test("is none when there is nothing to wait for", () => {
    expect(retryAt(FAILED_AT, 2, policy)).toBeNull();
  });

  test("stays a time that can be written, however long the rest", () => {
    const endless = { ...policy, base_ms: Number.MAX_SAFE_INTEGER, max_ms: Number.MAX_SAFE_INTEGER };
    expect(retryAt(FAILED_AT, 3, endless)).toBe("9999-12-31T23:59:59.999Z");
  });

  test("carries the same jitter as the rest", () => {
    const jittered = { ...policy, jitter_pct: 25 };
    const rest = backoffMs(4, jittered, "live/SEI-USD");
    const at = retryAt(FAILED_AT, 4, jittered, "live/SEI-USD") ?? "";
    expect(Date.parse(at) - Date.parse(FAILED_AT)).toBe(rest);
  });
});
