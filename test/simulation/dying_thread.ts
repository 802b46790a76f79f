// A thread for a test: reports on even seeds, throws at 13, dies at 17, and never comes to an end with any other.
import { parentPort } from "node:worker_threads";
import type { FromWorker, Portion } from "../../simulation/worker.ts";

const tell = (message: FromWorker): void => parentPort?.postMessage(message);

parentPort?.on("message", ({ seeds }: Portion) => {
  for (const seed of seeds) {
    if (seed === 13) tell({ kind: "threw", seed, reason: "an assertion of the world" });
    if (seed === 17) process.exit(9);
    if (seed % 2 === 1) return;
    const none = { records: 0, lives: 1, faults: {}, inStore: {}, digest: "" };
    tell({
      kind: "report",
      report: { seed, layout: "alone", violation: null, simulatedMs: 0, ...none },
    });
  }
});
