// What the bench of the bus has measured, for people.
import type { Latency, Percentiles, Throughput } from "./bus_bench.ts";
import type { Stages } from "./bus_stages.ts";
import type { Place } from "./bus_places.ts";
import type { Spread } from "./measure.ts";

const WIDTH = 46;

export function throughputLines({ ratios, ...found }: Throughput): readonly string[] {
  const rate = (name: string, { median, least, most }: Spread): string =>
    `  ${name.padEnd(WIDTH)}${median.toFixed(0).padStart(7)}/s  (${least.toFixed(0)} to ${most.toFixed(0)})`;
  return [
    "",
    `Results taken from a backlog; the median of ${found.rounds} rounds (least to most)`,
    rate("decode, machine, journal, ack", found.core),
    ...(found.coreInMemory === null
      ? []
      : [rate("  the same with the journal in memory", found.coreInMemory)]),
    rate("and transitions, log, metrics", found.whole),
    rate("bare loop, ack as the supervisor does it", found.ack),
    rate("bare loop, ackAck", found.ackAck),
    `  ${"of the bare loop (target 0.5)".padEnd(WIDTH)}${times(ratios.core)}`,
    `  ${"  and transitions, log, metrics".padEnd(WIDTH)}${times(ratios.whole)}`,
    `  ${"of the bare loop with ackAck".padEnd(WIDTH)}${times(ratios.coreToAckAck)}`,
    `  ${"  and transitions, log, metrics".padEnd(WIDTH)}${times(ratios.wholeToAckAck)}`,
  ];
}

export function stageLines({
  decode,
  machine,
  journal,
  journalInMemory,
  recordBytes,
}: Stages): readonly string[] {
  const line = (name: string, each: number): string =>
    `  ${name.padEnd(WIDTH)}${each.toFixed(1).padStart(6)} µs a result`;
  const sum = decode + machine + journal;
  return [
    "",
    "Each stage alone, on one thread",
    line("decode", decode),
    line("machine", machine),
    line(`journal, ${recordBytes.toFixed(0)} bytes, groups of 256`, journal),
    ...(journalInMemory === null ? [] : [line("  the same in memory, where fsync is free", journalInMemory)]),
    `  ${"together at the most".padEnd(WIDTH)}${(1_000_000 / sum).toFixed(0).padStart(6)}/s`,
  ];
}

export function latencyLines(place: Place, { rounds, ratios, ...found }: Latency): readonly string[] {
  const line = (name: string, { p50Ms, p99Ms }: Percentiles): string =>
    `  ${name.padEnd(WIDTH)}p50 ${ms(p50Ms)}  p99 ${ms(p99Ms)}`;
  return [
    "",
    `From a result to the next order, the journal ${place === "disk" ? "on disk" : "in memory"}; ` +
      `the median of ${rounds} rounds (least to most)`,
    line("result in, order out, in another process", found.order),
    line("  of that, the commit", found.commit),
    line("through two streams, nothing between", found.relay),
    line("request and reply between the two processes", found.reply),
    `  ${"round trips (target 3 at p99)".padEnd(WIDTH)}p50 ${times(ratios.p50)}  p99 ${times(ratios.p99)}`,
  ];
}

function ms({ median, least, most }: Spread): string {
  return `${median.toFixed(2).padStart(6)} ms (${least.toFixed(2)} to ${most.toFixed(2)})`;
}

function times({ median, least, most }: Spread): string {
  return `${median.toFixed(2).padStart(6)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}
