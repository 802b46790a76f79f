// How long a symbol rests, against the same rule written out by hand, whatever the policy.
import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffMs, type PurgePolicy, retryAt } from "../../machines/mod.ts";

type BackoffPolicy = PurgePolicy["backoff"];

const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");
const policies: fc.Arbitrary<BackoffPolicy> = fc.record({
  enabled: fc.constant(true),
  after_failures: fc.integer({ min: 1, max: 10 }),
  base_ms: fc.integer({ min: 0, max: 10 ** 8 }),
  factor: fc.integer({ min: 1, max: 4 }),
  max_ms: fc.integer({ min: 0, max: 10 ** 9 }),
  jitter_pct: fc.constant(0),
});
const failures = fc.integer({ min: 0, max: 40 });
const times = fc
  .date({ min: new Date(0), max: new Date(LAST_MS), noInvalidDate: true })
  .map((date) => date.toISOString());

/** One failure after the other, in whole numbers. */
function byHand(count: number, policy: BackoffPolicy): number {
  if (count < policy.after_failures) return 0;
  const max = BigInt(policy.max_ms);
  let restMs = BigInt(policy.base_ms);
  for (let failure = policy.after_failures; failure < count; failure += 1) restMs *= BigInt(policy.factor);
  return Number(restMs < max ? restMs : max);
}

test("the rest is the base, times the factor for each failure after the first that counts, up to the maximum", () => {
  fc.assert(
    fc.property(failures, policies, (count, policy) => {
      expect(backoffMs(count, policy)).toBe(byHand(count, policy));
    }),
  );
});

test("without jitter the seed does not matter", () => {
  fc.assert(
    fc.property(failures, policies, fc.string(), (count, policy, seed) => {
      expect(backoffMs(count, policy, seed)).toBe(backoffMs(count, policy));
    }),
  );
});

test("the next try is the rest after the failure, or at the last moment that can be written", () => {
  fc.assert(
    fc.property(times, failures, policies, (failedAt, count, policy) => {
      const restMs = byHand(count, policy);
      const at = retryAt(failedAt, count, policy);
      if (restMs === 0) expect(at).toBeNull();
      else expect(Date.parse(at ?? "")).toBe(Math.min(Date.parse(failedAt) + restMs, LAST_MS));
    }),
  );
});

test("turned off, it rests after no number of failures", () => {
  fc.assert(
    fc.property(times, failures, policies, (failedAt, count, policy) => {
      expect(retryAt(failedAt, count, { ...policy, enabled: false })).toBeNull();
    }),
  );
});
