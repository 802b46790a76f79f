// `purgatory simulate`: many worlds from seeds, and of those that broke a promise how that came about.
import { availableParallelism } from "node:os";
import { type Answer, done, failed } from "./answer.ts";
import type { SimulateCommand } from "./command.ts";
import { LineOutput, type LineStream, untilSignal } from "./line_output.ts";
import { ProgressBar, type ProgressStream } from "./progress_bar.ts";
import { checkoutOf } from "./simulate_commit.ts";
import { JOBS_MAX } from "./simulate_flags.ts";
import type { ManyEnd, SimulationRoom } from "./simulate_room.ts";
import { Tally } from "./simulate_tally.ts";
import {
  brokenDocument,
  brokenLines,
  progressText,
  type Shrunk,
  shrunkLines,
  summaryDocument,
  summaryLines,
  traceLine,
  type View,
} from "./simulate_view.ts";

export interface SimulateFacts {
  readonly version: string;
  /** Of the program, for its commit. */
  readonly root: string;
}

export interface SimulateIo {
  readonly stdout: LineStream;
  readonly stderr: ProgressStream;
  /** Default: SIGINT and SIGTERM. */
  readonly signal?: AbortSignal;
}

const MINUTE_MS = 60_000;
/** So many broken seeds are made short, beginning with the smallest, each within so many runs. */
const SHRUNK_SEEDS = 3;
const SHRINK_RUNS = 300;
const TRACE_LINES = 25;

/** Exit code 1 where a promise was broken, or a world came to no end. */
export async function simulateSeeds(
  command: SimulateCommand,
  room: SimulationRoom,
  { version, root }: SimulateFacts,
  { stdout, stderr, signal = untilSignal() }: SimulateIo = process,
): Promise<Answer> {
  const program = { version, commit: checkoutOf(root).commit };
  const simulating = new Simulating(
    { command, program, promises: room.INVARIANTS },
    { room, output: new LineOutput(stdout), stderr, signal },
  );
  return command.trace ? simulating.trace() : simulating.run();
}

interface Means {
  readonly room: SimulationRoom;
  readonly output: LineOutput;
  readonly stderr: ProgressStream;
  readonly signal: AbortSignal;
}

class Simulating {
  readonly #view: View;
  readonly #means: Means;
  /** Told to stop, or nobody reads any more. */
  readonly #signal: AbortSignal;
  readonly #gone = new AbortController();
  readonly #tally: Tally;
  readonly #world: { readonly troubleMs: number };

  constructor(view: View, means: Means) {
    this.#view = view;
    this.#means = means;
    this.#signal = AbortSignal.any([means.signal, this.#gone.signal]);
    this.#tally = new Tally(view.command.firstSeed);
    this.#world = { troubleMs: view.command.minutes * MINUTE_MS };
  }

  async run(): Promise<Answer> {
    const { firstSeed, seeds, jobs, json } = this.#view.command;
    const { room, stderr } = this.#means;
    const bar = new ProgressBar(stderr, seeds);
    const cores = Math.min(availableParallelism(), JOBS_MAX);
    const end = await room.simulateMany({
      ...this.#world,
      firstSeed,
      seeds,
      jobs: Math.min(jobs ?? cores, seeds),
      signal: this.#signal,
      onSeed: (report) => {
        this.#tally.add(report);
        if (!json && report.violation !== null) {
          bar.clear();
          this.#tell(brokenLines(this.#view, report));
        }
        this.#look();
        const { brokenCount, faultCount } = this.#tally;
        bar.tell(this.#tally.seeds, () => progressText(seeds, this.#tally, faultCount, brokenCount));
      },
    });
    bar.clear();
    const found = await this.#shrink();
    if (json) {
      for (const report of this.#tally.broken) {
        const document = brokenDocument(this.#view, report, found.get(report.seed) ?? null);
        this.#tell([JSON.stringify(document)]);
      }
    }
    return this.#end(end);
  }

  /** One seed in this thread, with everything that happens in it. */
  async trace(): Promise<Answer> {
    const { room, output } = this.#means;
    const simulated = await room.simulate({
      ...this.#world,
      seed: this.#view.command.firstSeed,
      signal: this.#signal,
      trace: (at, line) => {
        output.line(traceLine(at, line));
        if (output.isFull) void output.flush();
        this.#look();
      },
    });
    if (this.#signal.aborted) {
      this.#tell([""]);
      return this.#end({ kind: "stopped" });
    }
    const report = room.reportOf(simulated);
    this.#tally.add(report);
    this.#tell(["", ...brokenLines(this.#view, report)]);
    return this.#end({ kind: "done" });
  }

  /** The smallest of the broken seeds at their shortest, by seed. */
  async #shrink(): Promise<ReadonlyMap<number, Shrunk>> {
    const { room, stderr } = this.#means;
    const signal = this.#signal;
    const found = new Map<number, Shrunk>();
    const bar = new ProgressBar(stderr, SHRINK_RUNS);
    for (const { seed } of this.#tally.broken.slice(0, SHRUNK_SEEDS)) {
      if (signal.aborted) break;
      const onRun = (left: number, runs: number): void =>
        bar.tell(runs, () => `making seed ${seed} short: ${left} faults are left`);
      const shrunk = await room.shrinkSeed({ ...this.#world, seed, maxRuns: SHRINK_RUNS, signal, onRun });
      bar.clear();
      if (shrunk === null) continue;
      const trace = await this.#lastLines(seed, shrunk.calledOff);
      found.set(seed, { shrunk, trace });
      if (!this.#view.command.json) this.#tell(shrunkLines(this.#view, { seed, shrunk, trace }));
    }
    return found;
  }

  async #lastLines(seed: number, calledOff: ReadonlySet<string>): Promise<readonly string[]> {
    const lines: string[] = [];
    const trace = (at: number, line: string): void => {
      lines.push(traceLine(at, line));
      if (lines.length > TRACE_LINES) lines.shift();
    };
    await this.#means.room.simulate({ ...this.#world, seed, calledOff, trace });
    return lines;
  }

  async #end(end: ManyEnd): Promise<Answer> {
    const { command } = this.#view;
    const broken = this.#tally.brokenCount;
    const sums = this.#tally.sums();
    if (command.json) this.#tell([JSON.stringify(summaryDocument(this.#view, sums, end))]);
    else this.#tell(summaryLines(this.#view, sums, end));
    const errors = [
      ...(end.kind === "died" ? [`seed ${end.seed} came to no end: ${end.reason}`] : []),
      ...(broken === 0 ? [] : [`${broken} of ${sums.seeds} worlds broke a promise`]),
    ];
    return this.#means.output.end(errors.length === 0 ? done() : failed(errors.join("\n")));
  }

  #look(): void {
    if (this.#means.output.isClosed) this.#gone.abort();
  }

  #tell(lines: readonly string[]): void {
    const { output } = this.#means;
    for (const line of lines) output.line(line);
    void output.flush();
  }
}
