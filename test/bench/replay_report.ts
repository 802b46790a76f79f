// What the bench of replay has measured, for people.
import type { Spread } from "./measure.ts";
import type { ReplayCost } from "./replay_bench.ts";

const WIDTH = 50;

export function replayLines(cost: ReplayCost): readonly string[] {
  const { records, symbols, bytes, rounds, stages } = cost;
  const line = (name: string, text: string): string => `  ${name.padEnd(WIDTH)}${text}`;
  const stage = (name: string, each: number): string =>
    line(
      name,
      `${each.toFixed(1).padStart(6)} µs  ${(each / stages.bare).toFixed(2).padStart(5)} of a bare actor`,
    );
  return [
    "",
    `${records.toLocaleString("en")} records of ${symbols.toLocaleString("en")} symbols, ` +
      `${(bytes / 1e9).toFixed(2)} GB; the median of ${rounds} rounds (least to most)`,
    line("purgatory replay, the whole process", spread(cost.replayPerSecond, 0, "/s")),
    line("bare actors, sent the parsed events", spread(cost.barePerSecond, 0, "/s")),
    line("replay of bare (target 0.7)", spread(cost.ratio, 2, "")),
    line("  the same in processor time", spread(cost.cpuRatio, 2, "")),
    line("peak memory of replay (target 300 MB)", spread(cost.peakMb, 0, " MB")),
    "",
    "Each stage alone, a record",
    stage("lines of the file", stages.lines),
    stage("a line read: JSON up to the snapshot, its shape", stages.read),
    stage("the machine, stepped as replay does", stages.step),
    stage("  and compared with what was recorded", stages.replay),
    stage("a bare actor", stages.bare),
    stage("the machine, stepped as a run does", stages.run),
  ];
}

function spread({ median, least, most }: Spread, digits: number, unit: string): string {
  return `${median.toFixed(digits).padStart(7)}${unit}  (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}
