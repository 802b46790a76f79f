// How the tests run against a mutant: nothing is measured, nothing is remembered, the first failure ends it.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("../..", import.meta.url));

export default defineConfig({
  // The modules are linked from the repository, whose own cache is not for runs that fail on purpose.
  cacheDir: `${root}/.vitest`,
  test: {
    root,
    include: ["test/**/*_test.ts"],
    bail: 1,
    maxWorkers: 1,
    testTimeout: 10_000,
    hookTimeout: 10_000,
  },
});
