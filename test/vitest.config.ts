import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: fileURLToPath(new URL("..", import.meta.url)),
    include: ["test/**/*_test.ts"],
    testTimeout: 30_000,
    coverage: {
      provider: "v8",
      reportsDirectory: "coverage",
      include: ["machines/**/*.ts", "actors/supervisor.ts"],
      exclude: ["**/mod.ts"],
    },
  },
});
