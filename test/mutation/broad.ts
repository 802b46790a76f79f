// The broad score: Stryker changes each operator, condition and number of the machines and the pipeline, one at a time.
// See docs/mutation.md. It is not among the project's dependencies: it is installed in the copy that it works in.
import { spawn } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { Workplace } from "./workplace.ts";

const STRYKER = "10.1.1";
/** Inside of the copy, so that it finds the project's own Vitest on its way up. */
const TOOLS = "test/mutation/tools";

const SETTINGS = {
  testRunner: "vitest",
  vitest: { configFile: "test/mutation/broad_vitest.config.ts", related: false },
  mutate: [
    "machines/{attempt,backoff,commands,live_order,order_id,purge,purge_run,purge_setup,record,slicing}.ts",
    "actors/{breaker,commit_pipeline,eligibility,purge_supervisor,restart_intensity,start_rules,symbol}.ts",
  ],
  // What runs when a module is loaded, above all the chart, could only be tried by all tests at once.
  ignoreStatic: true,
  coverageAnalysis: "perTest",
  // There is none by this name: Stryker rewrites it with a part of the compiler that TypeScript 7 no longer has.
  tsconfigFile: "tsconfig.stryker.json",
  disableTypeChecks: false,
  reporters: ["clear-text", "json"],
  clearTextReporter: { logTests: false, reportTests: false, allowColor: false, allowEmojis: false },
  timeoutMS: 10_000,
} as const;

/** Runs Stryker on a copy of `root`, and leaves its report as `report`, JSON in the shape of mutation-testing-elements.
 * Returns its exit code. Needs npm's registry. */
export async function runBroad(root: string, jobs: number, report: string): Promise<number> {
  const place = new Workplace(root);
  try {
    mkdirSync(join(place.folder, TOOLS));
    place.write(`${TOOLS}/package.json`, JSON.stringify({ private: true, type: "module" }));
    const packages = ["core", "vitest-runner"].map((name) => `@stryker-mutator/${name}@${STRYKER}`);
    const install = ["install", "--no-audit", "--no-fund", "--legacy-peer-deps", ...packages];
    const code = await call("npm", install, join(place.folder, TOOLS));
    if (code !== 0) return code;
    const settings = { ...SETTINGS, concurrency: jobs, jsonReporter: { fileName: "mutants.json" } };
    place.write("stryker.config.json", JSON.stringify(settings));
    const stryker = join(place.folder, TOOLS, "node_modules/@stryker-mutator/core/bin/stryker.js");
    const outcome = await call(process.execPath, [stryker, "run"], place.folder);
    if (outcome === 0) cpSync(join(place.folder, "mutants.json"), report);
    return outcome;
  } finally {
    place.remove();
  }
}

/** Called off, it ends what it has called, and returns: the copy is still to be removed. */
function call(command: string, args: readonly string[], cwd: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: "inherit" });
    const end = (signal: NodeJS.Signals): void => void child.kill(signal);
    process.on("SIGINT", end).on("SIGTERM", end);
    child.on("error", reject);
    child.on("close", (code) => {
      process.off("SIGINT", end).off("SIGTERM", end);
      resolve(code ?? 1);
    });
  });
}
