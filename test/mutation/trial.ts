// Tries one mutant: is it sound, and who notices? Tests and simulator run in processes of their own, within a time.
import { spawn } from "node:child_process";
import * as Schema from "effect/Schema";
import type { Judge, Mutant } from "./mutant.ts";
import { make, type Workplace } from "./workplace.ts";

/** What became of a mutant. `killed`: a test failed, or the simulator found a broken invariant. `timeout`: it never came
 * to an end, which counts as noticed. `unsound`: it proves nothing, for it is stale or no program. */
export type Verdict =
  | { readonly what: "killed"; readonly by: string }
  | { readonly what: "timeout"; readonly by: string }
  | { readonly what: "survived" }
  | { readonly what: "unsound"; readonly why: string };

/** How long a run of tests may take, or the compiler, until it counts as one that never ends. */
const RUN_MS = 90_000;
/** The same for the simulator, which may be given many seeds. */
const SIMULATION_MS = 900_000;
/** A mutant that takes memory without end is stopped, and takes nobody else with it. */
const HEAP_MIB = 1_024;

/** Makes the mutant in `workplace`, has it judged, and undoes it. */
export async function tryMutant(workplace: Workplace, { edits, judge }: Mutant): Promise<Verdict> {
  const made = make({ edits }, (path) => workplace.read(path));
  if (!made.ok) return { what: "unsound", why: made.why };
  workplace.change(made.texts);
  try {
    const wrong = await typeProblem(workplace, [...made.texts.keys()]);
    if (wrong !== null) return { what: "unsound", why: `does not type-check: ${wrong}` };
    return await judgeIn(workplace, judge);
  } finally {
    workplace.restore();
  }
}

/** Runs tests, or the simulator, on what is in `workplace` now. */
export async function judgeIn(workplace: Workplace, judge: Judge): Promise<Verdict> {
  return "tests" in judge ? runTests(workplace, judge.tests) : simulate(workplace, judge.seeds);
}

const Report = Schema.fromJsonString(
  Schema.Struct({
    testResults: Schema.Array(
      Schema.Struct({
        name: Schema.String,
        status: Schema.String,
        message: Schema.optional(Schema.String),
        assertionResults: Schema.Array(Schema.Struct({ status: Schema.String, fullName: Schema.String })),
      }),
    ),
  }),
);
const readReport = Schema.decodeUnknownSync(Report);

async function runTests(workplace: Workplace, tests: readonly string[]): Promise<Verdict> {
  const out = ".mutant-report.json";
  workplace.write(out, "");
  const config = "test/mutation/vitest.config.ts";
  const run = await runNode(workplace.folder, [
    "node_modules/vitest/vitest.mjs",
    ...["run", "--config", config, "--reporter=json", `--outputFile=${out}`],
    ...tests,
  ]);
  if (run.code === null) return { what: "timeout", by: `${tests.join(" ")}: no end in ${RUN_MS / 1_000} s` };
  if (run.code === 0) return { what: "survived" };
  const text = workplace.read(out);
  if (text === "") return { what: "unsound", why: `no report of the tests: ${lastLine(run.output)}` };
  const { testResults } = readReport(text);
  for (const { assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === "failed");
    if (failed !== undefined) return { what: "killed", by: failed.fullName };
  }
  const broken = testResults.find(({ status }) => status === "failed");
  // All tests passed and the run did not: an error that no test waited for.
  if (broken === undefined)
    return { what: "killed", by: `an error outside of the tests: ${lastLine(run.output)}` };
  // Their process ended under them: a loop that never ends fills the memory before the time is over.
  if (broken.message === undefined || broken.message === "") {
    return { what: "timeout", by: `${broken.name}: its process ended, with no test to its end` };
  }
  return { what: "unsound", why: `${broken.name} cannot be loaded: ${broken.message}` };
}

async function simulate(workplace: Workplace, seeds: number): Promise<Verdict> {
  const run = await runNode(
    workplace.folder,
    ["main.ts", "simulate", "--seeds", String(seeds)],
    SIMULATION_MS,
  );
  if (run.code === null) return { what: "timeout", by: `simulate: no end in ${SIMULATION_MS / 1_000} s` };
  if (run.code === 0) return { what: "survived" };
  const promises = [...run.output.matchAll(/ broke a promise: (\w+)/g)].map(([, name]) => name);
  const broken = promises.length > 0 ? [...new Set(promises)].join(", ") : lastLine(run.output);
  return { what: "killed", by: `simulate: ${broken}` };
}

/** What the compiler says of these files; null when nothing. What a mutant leaves unused is no mistake of its own. */
async function typeProblem(workplace: Workplace, files: readonly string[]): Promise<string | null> {
  const project = "tsconfig.mutant.json";
  const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false };
  workplace.write(
    project,
    JSON.stringify({ extends: "./tsconfig.json", compilerOptions, include: [], files }),
  );
  const { code, output } = await runNode(workplace.folder, [
    "node_modules/typescript/bin/tsc",
    "-p",
    project,
  ]);
  return code === 0 ? null : (output.trim().split("\n", 1)[0] ?? "the compiler did not say");
}

interface Run {
  /** Null when it was stopped for taking too long. */
  readonly code: number | null;
  readonly output: string;
}

/** Ends what is under way, at once. */
export function endTrials(): void {
  for (const pid of groups) killGroup(pid);
}

const groups = new Set<number>();

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself in this moment.
  }
}

/** Runs Node in a process group of its own, so that whatever it started ends with it. */
function runNode(cwd: string, args: readonly string[], ms = RUN_MS): Promise<Run> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}`, NO_COLOR: "1" };
    const child = spawn(process.execPath, args, {
      cwd,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    if (child.pid !== undefined) groups.add(child.pid);
    let output = "";
    let isLate = false;
    const take = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-65_536);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    const timer = setTimeout(() => {
      isLate = true;
      if (child.pid !== undefined) killGroup(child.pid);
    }, ms);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      if (child.pid !== undefined) groups.delete(child.pid);
      resolve({ code: isLate ? null : (code ?? 1), output });
    });
  });
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)?.trim() ?? "";
}
