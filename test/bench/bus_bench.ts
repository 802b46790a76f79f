// What the bus costs: results a second end to end beside a loop that only acknowledges, and from a result to the order
// that follows it beside a bare round trip. Everything in one run, on one server of its own.
import { startNatsServer } from "../nats_server.ts";
import { LatencyBench } from "./bus_latency.ts";
import { hasMemory, type Place } from "./bus_places.ts";
import { latencyLines, stageLines, throughputLines } from "./bus_report.ts";
import { measureStages } from "./bus_stages.ts";
import { ThroughputBench } from "./bus_throughput.ts";
import { percentile, type Spread, spreadOf } from "./measure.ts";
import type { BenchOptions } from "./run.ts";

/** Results in one backlog. */
export const BACKLOG = 8_000;
/** The first round of each kind is for getting warm, and not counted. */
const ROUNDS = 7;
/** No further round begins after this. */
const THROUGHPUT_MS = 20_000;
/** Messages in one block, one after the other. */
export const BLOCK = 500;
const LATENCY_ROUNDS = 7;
const LATENCY_MS = 8_000;

export async function benchBus({ json }: BenchOptions): Promise<object> {
  const server = await startNatsServer();
  const say = (lines: readonly string[]): void => {
    if (!json) console.log(lines.join("\n"));
  };
  const version = /Version:\s+(\S+)/.exec(server.log)?.[1] ?? "unknown";
  try {
    say([`nats-server ${version}`]);
    const throughput = await measureThroughput(server.url);
    say(throughputLines(throughput));
    const stages = await measureStages();
    say(stageLines(stages));
    const disk = await measureLatency(server.url, "disk");
    say(latencyLines("disk", disk));
    const memory = hasMemory() ? await measureLatency(server.url, "memory") : null;
    if (memory !== null) say(latencyLines("memory", memory));
    return { server: version, throughput, stages, latency: { disk, memory } };
  } finally {
    await server.stop();
  }
}

/** Messages a second. */
interface ThroughputRound {
  readonly core: number;
  /** Null where there is no file system in memory. */
  readonly coreInMemory: number | null;
  readonly whole: number;
  readonly ack: number;
  readonly ackAck: number;
}
export interface Throughput {
  readonly rounds: number;
  readonly core: Spread;
  readonly coreInMemory: Spread | null;
  readonly whole: Spread;
  readonly ack: Spread;
  readonly ackAck: Spread;
  /** Of rates measured in the same round. */
  readonly ratios: {
    readonly core: Spread;
    readonly coreToAckAck: Spread;
    readonly whole: Spread;
    readonly wholeToAckAck: Spread;
  };
}

async function measureThroughput(url: string): Promise<Throughput> {
  const disk = await ThroughputBench.open(url, "disk");
  const memory = hasMemory() ? await ThroughputBench.open(url, "memory") : null;
  const rounds: ThroughputRound[] = [];
  try {
    for (let round = 0, since = performance.now(); round <= ROUNDS; round += 1) {
      if (round > 1 && performance.now() - since > THROUGHPUT_MS) break;
      const measured = await throughputRound(disk, memory);
      if (round > 0) rounds.push(measured);
    }
  } finally {
    await disk.close();
    await memory?.close();
  }
  const over = (value: (round: ThroughputRound) => number): Spread => spreadOf(rounds.map(value));
  return {
    rounds: rounds.length,
    core: over(({ core }) => core),
    coreInMemory: memory === null ? null : over(({ coreInMemory }) => coreInMemory ?? Number.NaN),
    whole: over(({ whole }) => whole),
    ack: over(({ ack }) => ack),
    ackAck: over(({ ackAck }) => ackAck),
    ratios: {
      core: over(({ core, ack }) => core / ack),
      coreToAckAck: over(({ core, ackAck }) => core / ackAck),
      whole: over(({ whole, ack }) => whole / ack),
      wholeToAckAck: over(({ whole, ackAck }) => whole / ackAck),
    },
  };
}

/** The bare loops take the very messages that the supervisor has taken. */
async function throughputRound(
  disk: ThroughputBench,
  memory: ThroughputBench | null,
): Promise<ThroughputRound> {
  const from = await disk.fill(BACKLOG);
  const core = await disk.supervised("core", BACKLOG);
  const ack = await disk.bare("ack", from, BACKLOG);
  await memory?.fill(BACKLOG);
  const coreInMemory = (await memory?.supervised("core", BACKLOG)) ?? null;
  const ackAck = await disk.bare("ackAck", from, BACKLOG);
  await disk.fill(BACKLOG);
  const whole = await disk.supervised("whole", BACKLOG);
  return { core, coreInMemory, whole, ack, ackAck };
}

export interface Percentiles {
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
}
export interface Latency {
  readonly rounds: number;
  readonly order: Percentiles;
  /** Through two streams with nothing to do between them. */
  readonly relay: Percentiles;
  readonly reply: Percentiles;
  /** The supervisor's commits meanwhile, each of one record or a few. */
  readonly commit: Percentiles;
  /** Of an order to a reply, in the same round. */
  readonly ratios: { readonly p50: Spread; readonly p99: Spread };
}
interface Block {
  readonly p50: number;
  readonly p99: number;
}

async function measureLatency(url: string, place: Place): Promise<Latency> {
  const bench = await LatencyBench.open(url, place, "whole");
  const blocks: {
    readonly order: Block;
    readonly relay: Block;
    readonly reply: Block;
    readonly commit: Block;
  }[] = [];
  const block = (elapsed: readonly number[]): Block => ({
    p50: percentile(elapsed, 0.5),
    p99: percentile(elapsed, 0.99),
  });
  try {
    for (let round = 0, since = performance.now(); round <= LATENCY_ROUNDS; round += 1) {
      if (round > 1 && performance.now() - since > LATENCY_MS) break;
      bench.takeCommits();
      const order = block(await bench.measure("order", BLOCK));
      const commit = block(bench.takeCommits());
      const relay = block(await bench.measure("relay", BLOCK));
      const reply = block(await bench.measure("reply", BLOCK));
      if (round > 0) blocks.push({ order, relay, reply, commit });
    }
  } finally {
    await bench.close();
  }
  const over = (what: "order" | "relay" | "reply" | "commit"): Percentiles => ({
    p50Ms: spreadOf(blocks.map((one) => one[what].p50)),
    p99Ms: spreadOf(blocks.map((one) => one[what].p99)),
  });
  const ratio = (of: keyof Block): Spread =>
    spreadOf(blocks.map(({ order, reply }) => order[of] / reply[of]));
  return {
    rounds: blocks.length,
    order: over("order"),
    relay: over("relay"),
    reply: over("reply"),
    commit: over("commit"),
    ratios: { p50: ratio("p50"), p99: ratio("p99") },
  };
}
