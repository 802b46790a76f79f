// Many seeds, one after the other in this thread or in several threads beside each other.
import { Worker } from "node:worker_threads";
import { extname } from "node:path";
import { reasonOf, reportOf, type SeedReport } from "./report.ts";
import { simulate } from "./simulate.ts";
import type { FromWorker, Portion } from "./worker.ts";

export interface SimulateManyOptions {
  readonly firstSeed: number;
  readonly seeds: number;
  /** How long things go wrong in each, milliseconds of the world. */
  readonly troubleMs: number;
  /** Worker threads; 1: none, all of it in this one. */
  readonly jobs: number;
  readonly signal: AbortSignal;
  /** Told of each seed as soon as it is over, in any order. */
  readonly onSeed: (report: SeedReport) => void;
  /** What a thread runs. Default: `worker.ts` beside this file. */
  readonly threadFile?: URL;
}

/** How it ended. */
export type ManyEnd =
  | { readonly kind: "done" }
  /** `signal` was aborted. */
  | { readonly kind: "stopped" }
  /** A seed could not be brought to an end: its world threw, or its thread died. */
  | { readonly kind: "died"; readonly seed: number; readonly reason: string };

/** Seeds that a thread is given at once: enough that it seldom waits, few enough that all end together. */
const PORTION_MAX = 4;
const PORTIONS_EACH = 4;

/** The source beside a source, compiled beside compiled. */
const THREAD_FILE = new URL(`./worker${extname(import.meta.filename)}`, import.meta.url);

export function simulateMany(options: SimulateManyOptions): Promise<ManyEnd> {
  return options.jobs === 1 ? simulateHere(options) : new Threads(options).run();
}

async function simulateHere(options: SimulateManyOptions): Promise<ManyEnd> {
  const { firstSeed, seeds, troubleMs, signal, onSeed } = options;
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
    try {
      const simulated = await simulate({ seed, troubleMs, signal });
      if (signal.aborted) return { kind: "stopped" };
      onSeed(reportOf(simulated));
    } catch (error) {
      return { kind: "died", seed, reason: reasonOf(error) };
    }
  }
  return { kind: "done" };
}

class Threads {
  readonly #options: SimulateManyOptions;
  readonly #end = Promise.withResolvers<ManyEnd>();
  /** The seeds that a thread has yet to report on, in its order. */
  readonly #given = new Map<Worker, number[]>();
  readonly #portion: number;
  #next: number;

  constructor(options: SimulateManyOptions) {
    this.#options = options;
    this.#next = options.firstSeed;
    this.#portion = Math.min(PORTION_MAX, Math.ceil(options.seeds / (options.jobs * PORTIONS_EACH)));
  }

  async run(): Promise<ManyEnd> {
    const { signal, jobs, seeds } = this.#options;
    const stop = (): void => this.#end.resolve({ kind: "stopped" });
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop);
    for (let count = 0; count < Math.min(jobs, Math.ceil(seeds / this.#portion)); count += 1) this.#start();
    const end = await this.#end.promise;
    signal.removeEventListener("abort", stop);
    await Promise.all([...this.#given.keys()].map((worker) => worker.terminate()));
    return end;
  }

  #start(): void {
    const worker = new Worker(this.#options.threadFile ?? THREAD_FILE);
    worker.on("message", (message: FromWorker) => this.#take(worker, message));
    worker.on("error", (error) => this.#die(worker, reasonOf(error)));
    worker.on("exit", (code) => this.#die(worker, `its thread ended with code ${code}`));
    this.#hand(worker);
  }

  /** Gives a thread its next seeds; without any left, it is let go. */
  #hand(worker: Worker): void {
    const { firstSeed, seeds, troubleMs } = this.#options;
    const left = Math.min(this.#portion, firstSeed + seeds - this.#next);
    if (left === 0) {
      this.#given.delete(worker);
      void worker.terminate();
      if (this.#given.size === 0) this.#end.resolve({ kind: "done" });
      return;
    }
    const portion = Array.from({ length: left }, (_, index) => this.#next + index);
    this.#next += left;
    this.#given.set(worker, portion);
    worker.postMessage({ seeds: portion, troubleMs } satisfies Portion);
  }

  #take(worker: Worker, message: FromWorker): void {
    if (message.kind === "threw") {
      this.#end.resolve({ kind: "died", seed: message.seed, reason: message.reason });
      return;
    }
    const given = this.#given.get(worker);
    if (given === undefined) return;
    given.shift();
    this.#options.onSeed(message.report);
    if (given.length === 0) this.#hand(worker);
  }

  #die(worker: Worker, reason: string): void {
    const seed = this.#given.get(worker)?.[0];
    if (seed !== undefined) this.#end.resolve({ kind: "died", seed, reason });
  }
}
