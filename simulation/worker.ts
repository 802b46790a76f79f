// A thread that simulates the seeds it is given, one after the other, and reports on each.
import { parentPort } from "node:worker_threads";
import { reasonOf, reportOf, type SeedReport } from "./report.ts";
import { simulate } from "./simulate.ts";

/** Some seeds for one thread. */
export interface Portion {
  readonly seeds: readonly number[];
  /** Milliseconds of the world. */
  readonly troubleMs: number;
}

export type FromWorker =
  | { readonly kind: "report"; readonly report: SeedReport }
  /** The world of this seed threw, which none should. */
  | { readonly kind: "threw"; readonly seed: number; readonly reason: string };

const port = parentPort;
if (port === null) throw new Error("worker.ts is started as a thread by simulate_many.ts");
const tell = (message: FromWorker): void => port.postMessage(message);

port.on("message", async ({ seeds, troubleMs }: Portion) => {
  for (const seed of seeds) {
    try {
      tell({ kind: "report", report: reportOf(await simulate({ seed, troubleMs })) });
    } catch (error) {
      return tell({ kind: "threw", seed, reason: reasonOf(error) });
    }
  }
});
