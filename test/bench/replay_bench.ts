// What replay costs: `purgatory replay` over a long recording, beside bare actors of the same machine that are sent the same
// events, in turns; and each stage of it alone.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Schema } from "effect";
import { type Spread, spreadOf } from "./measure.ts";
import { type Size, writeRecording } from "./replay_recording.ts";
import { replayLines } from "./replay_report.ts";
import type { BenchOptions } from "./run.ts";

const SIZE: Size & { readonly rounds: number } = { records: 1_000_000, symbols: 2_000, rounds: 5 };

export interface ReplayCost {
  readonly records: number;
  readonly symbols: number;
  readonly bytes: number;
  readonly rounds: number;
  /** Of `purgatory replay FILE --quiet`, from the start of its process to its end. */
  readonly replayPerSecond: Spread;
  /** Of the machine alone. */
  readonly barePerSecond: Spread;
  /** Of rates in the same round. */
  readonly ratio: Spread;
  /** The same, of the time that processors worked, whoever else kept them busy. */
  readonly cpuRatio: Spread;
  /** The most memory that the process of `replay` ever had, in MB. */
  readonly peakMb: Spread;
  /** Microseconds a record, each alone. */
  readonly stages: Stages;
}
export type Stages = Omit<typeof Staged.Type, "records">;

export async function benchReplay({ json }: BenchOptions): Promise<object> {
  const cost = await measureReplay(SIZE);
  if (!json) console.log(replayLines(cost).join("\n"));
  return { ...cost };
}

export async function measureReplay({ rounds, ...size }: typeof SIZE): Promise<ReplayCost> {
  const dir = mkdtempSync(join(tmpdir(), "replay-bench-"));
  try {
    const file = join(dir, "recording.jsonl");
    const bytes = writeRecording(file, size);
    const measured: Round[] = [];
    for (let round = 0; round < rounds; round += 1) measured.push(await measureRound(file, size));
    const { records: _, ...stages } = await staged(file);
    const over = (value: (round: Round) => number): Spread => spreadOf(measured.map(value));
    return {
      ...size,
      bytes,
      rounds,
      replayPerSecond: over(({ replay }) => size.records / replay.seconds),
      barePerSecond: over(({ bare }) => size.records / bare.seconds),
      ratio: over(({ replay, bare }) => bare.seconds / replay.seconds),
      cpuRatio: over(({ replay, bare }) => bare.cpuSeconds / replay.cpuSeconds),
      peakMb: over(({ replay }) => replay.peakMb),
      stages,
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Took {
  readonly seconds: number;
  readonly cpuSeconds: number;
}
interface Round {
  readonly replay: Took & { readonly peakMb: number };
  readonly bare: Took;
}

const MAIN = join(import.meta.dirname, "../../main.ts");
const BARE = join(import.meta.dirname, "replay_bare.ts");
const STAGES = join(import.meta.dirname, "replay_stages.ts");
/** Runs in the process that is measured, and says at its end what it has used. */
const AT_END =
  "process.on('exit',()=>process.stderr.write(JSON.stringify(process.resourceUsage(),['userCPUTime','systemCPUTime','maxRSS'])+'\\n'))";

const Used = Schema.Struct({
  userCPUTime: Schema.Finite,
  systemCPUTime: Schema.Finite,
  maxRSS: Schema.Finite,
});
const Bare = Schema.Struct({ events: Schema.Int, seconds: Schema.Finite, cpuSeconds: Schema.Finite });
const Staged = Schema.Struct({
  records: Schema.Int,
  /** From the file to lines. */
  lines: Schema.Finite,
  /** From a line to a record: JSON of all but the snapshot, and its shape. */
  read: Schema.Finite,
  /** The machine as replay steps it. */
  step: Schema.Finite,
  /** The same, and compared with what was recorded. */
  replay: Schema.Finite,
  /** Bare actors of the same machine. */
  bare: Schema.Finite,
  /** The machine as it is stepped in a run. */
  run: Schema.Finite,
});
const run = promisify(execFile);

async function measureRound(file: string, { records, symbols }: Size): Promise<Round> {
  const bare = Schema.decodeUnknownSync(Bare)(await answerOf(BARE, file));
  if (bare.events !== records)
    throw new Error(`the bare machine was sent ${bare.events} of ${records} events`);
  const since = performance.now();
  const hook = `--import=data:text/javascript,${encodeURIComponent(AT_END)}`;
  const { stdout, stderr } = await run(process.execPath, [hook, MAIN, "replay", file, "--quiet"]);
  const seconds = (performance.now() - since) / 1_000;
  const expected = `Replayed ${records} records of ${symbols} symbols without a divergence.\n`;
  if (stdout !== expected) throw new Error(`expected "${expected}", found "${stdout}"`);
  const used = Schema.decodeUnknownSync(Used)(JSON.parse(stderr));
  const cpuSeconds = (used.userCPUTime + used.systemCPUTime) / 1e6;
  // maxRSS is in KiB.
  return { bare, replay: { seconds, cpuSeconds, peakMb: (used.maxRSS * 1_024) / 1e6 } };
}

async function staged(file: string): Promise<typeof Staged.Type> {
  return Schema.decodeUnknownSync(Staged)(await answerOf(STAGES, file));
}

async function answerOf(program: string, file: string): Promise<unknown> {
  const { stdout } = await run(process.execPath, ["--expose-gc", program, file]);
  return JSON.parse(stdout);
}
