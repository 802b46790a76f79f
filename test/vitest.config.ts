import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { ClosingLine } from "./closing_line.ts";

/** What decides about money and about restarts is covered to the last branch. */
const COMPLETE = {
  statements: 100,
  branches: 100,
  functions: 100,
  lines: 100,
};

export default defineConfig({
  test: {
    root: fileURLToPath(new URL("..", import.meta.url)),
    include: ["test/**/*_test.ts"],
    // The crash tests wait for their processes most of the time: both cores are for the tests.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ["default", new ClosingLine()],
    coverage: {
      provider: "v8",
      reporter: [["json-summary", {}]],
      reportsDirectory: "coverage",
      include: [
        "machines/*.ts",
        "actors/supervisor*.ts",
        "actors/dynamic_supervisor.ts",
        "actors/child_*.ts",
        "actors/steps.ts",
        "actors/restart_intensity.ts",
        "actors/mailbox.ts",
      ],
      exclude: ["**/mod.ts", "actors/supervisor_events.ts"],
      thresholds: COMPLETE,
    },
  },
});
