// The tests that Stryker chooses from: those of the machines and of the actors it mutates, all on virtual time.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const actors = [
  ...["breaker", "commit_failure", "commit_pipeline", "cycle", "cycle_holdings", "cycle_start_now"],
  ...["eligibility", "purge_supervisor", "supervisor_restart", "supervisor_traces", "symbol_crash"],
];

export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: [
      "test/machines/{backoff,order_id,purge*,replay,slicing}_test.ts",
      "test/machines/{backoff,slicing,snapshot}_property_test.ts",
      ...actors.map((name) => `test/actors/${name}_test.ts`),
    ],
    testTimeout: 30_000,
  },
});
