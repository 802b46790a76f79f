// The bench of replay on a short recording: that it measures what it says, not how much.
import { expect, test } from "vitest";
import { measureReplay } from "./replay_bench.ts";
import { replayLines } from "./replay_report.ts";

test("replays a generated recording without a divergence, and reports rates, ratios, memory, and stages", async () => {
  const cost = await measureReplay({ records: 10_000, symbols: 150, rounds: 1 });
  expect(cost).toMatchObject({ records: 10_000, symbols: 150, rounds: 1 });
  expect(cost.bytes).toBeGreaterThan(10_000_000);
  for (const spread of [cost.replayPerSecond, cost.barePerSecond, cost.ratio, cost.cpuRatio, cost.peakMb]) {
    expect(spread.median).toBeGreaterThan(0);
    expect([spread.least, spread.most]).toEqual([spread.median, spread.median]);
  }
  expect(Object.keys(cost.stages)).toEqual(["lines", "read", "step", "replay", "bare", "run"]);
  for (const each of Object.values(cost.stages)) expect(each).toBeGreaterThan(0);
  const text = replayLines(cost).join("\n");
  expect(text).toContain("10,000 records of 150 symbols");
  expect(text).toMatch(/replay of bare \(target 0\.7\) +\d\.\d\d /);
});
