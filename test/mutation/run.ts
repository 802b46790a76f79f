// `npm run mutants`: breaks the program on purpose, one way at a time, and shows who notices. Says how when asked with
// `--help`. Exits with 1 when a break goes unnoticed, or proves nothing; with 2 when it is called wrongly.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../tidy/repository.ts";
import { runBroad } from "./broad.ts";
import type { Judge, Mutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";
import { endTrials, judgeIn, tryMutant, type Verdict } from "./trial.ts";
import { describeEdit, Workplace } from "./workplace.ts";

const BROAD_REPORT = "coverage/mutants.json";

const USAGE = `Usage: npm run mutants -- [options]

Breaks the program in ${MUTANTS.length} ways, each in a copy, and runs the tests that have to notice.

Options:
  --only ID    this one; may be given more than once
  --jobs N     copies that are worked on at a time (default 2)
  --list       what is broken, and what a user would suffer; breaks nothing
  --simulate SEEDS
               give each to the simulator instead of its tests, over so many seeds; fails for no survivor
  --broad      instead of these, what Stryker makes of the machines and the pipeline: installs it in the copy, runs
               for an hour, and leaves ${BROAD_REPORT}; tells a score, and fails for no survivor
  --json       one JSON document on the standard output, and nothing else there
  --help       this text
`;

interface Settings {
  readonly mutants: readonly Mutant[];
  readonly jobs: number;
  readonly json: boolean;
  /** A survivor is news, and no fault. */
  readonly mayLive: boolean;
}

interface Result {
  readonly mutant: Mutant;
  readonly verdict: Verdict;
  readonly ms: number;
}

async function main(): Promise<number> {
  let values: ReturnType<typeof readOptions>;
  try {
    values = readOptions();
  } catch (error) {
    return complain(error instanceof Error ? error.message : String(error));
  }
  if (values.help) return say(USAGE, 0);
  const unknown = values.only.find((id) => MUTANTS.every((mutant) => mutant.id !== id));
  if (unknown !== undefined) return complain(`there is no mutant ${unknown}; --list tells them all`);
  if (!/^[1-9]\d?$/.test(values.jobs)) return complain(`--jobs is ${values.jobs}; expected 1 to 99`);
  const mutants = values.only.length === 0 ? MUTANTS : MUTANTS.filter(({ id }) => values.only.includes(id));
  const seeds = values.simulate ?? "";
  if (values.simulate !== undefined && !/^[1-9]\d{0,5}$/.test(seeds)) {
    return complain(`--simulate is ${seeds}; expected a number of seeds, 1 to 999999`);
  }
  if (values.broad) return runBroad(root, Number(values.jobs), join(root, BROAD_REPORT));
  if (values.list) return say(listed(mutants), 0);
  const common = { jobs: Number(values.jobs), json: values.json };
  if (seeds === "") return run({ ...common, mutants, mayLive: false });
  const judge = { simulate: true, seeds: Number(seeds) } as const;
  return run({ ...common, mutants: mutants.map((mutant) => ({ ...mutant, judge })), mayLive: true });
}

/** @throws TypeError when the words of the command line are none of these */
function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true, default: [] },
      jobs: { type: "string", default: "2" },
      list: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      simulate: { type: "string" },
      broad: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return values;
}

async function run({ mutants, jobs, json, mayLive }: Settings): Promise<number> {
  const note = (line: string): void => {
    if (!json) console.log(line);
  };
  const places = Array.from({ length: Math.min(jobs, mutants.length) }, () => new Workplace(root));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      endTrials();
      for (const place of places) place.remove();
      process.exit(130);
    });
  }
  try {
    for (const judge of judgesOf(mutants)) {
      const verdict = await judgeIn(present(places[0]), judge);
      if (verdict.what === "survived") continue;
      const problem = "why" in verdict ? verdict.why : verdict.by;
      console.error(`without any mutant this already fails, so it can prove nothing: ${problem}`);
      return 1;
    }
    note(`${mutants.length} mutants; what is to notice them passes without any`);
    const results: Result[] = [];
    const queue = [...mutants];
    const work = async (place: Workplace): Promise<void> => {
      for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
        const startedAt = performance.now();
        const verdict = await tryMutant(place, mutant);
        const result = { mutant, verdict, ms: Math.round(performance.now() - startedAt) };
        results.push(result);
        note(lineOf(result));
      }
    };
    await Promise.all(places.map(work));
    console.log(json ? documentOf(results) : summaryOf(results));
    const isWell = (result: Result): boolean =>
      isNoticed(result) || (mayLive && result.verdict.what === "survived");
    return results.every(isWell) ? 0 : 1;
  } finally {
    for (const place of places) place.remove();
  }
}

/** All tests in one go, and the longest simulation. */
function judgesOf(mutants: readonly Mutant[]): readonly Judge[] {
  const judges = mutants.map(({ judge }) => judge);
  const tests = [...new Set(judges.flatMap((judge) => ("tests" in judge ? judge.tests : [])))];
  const seeds = Math.max(0, ...judges.map((judge) => ("seeds" in judge ? judge.seeds : 0)));
  return [
    ...(tests.length > 0 ? [{ tests }] : []),
    ...(seeds > 0 ? [{ simulate: true, seeds } as const] : []),
  ];
}

function isNoticed({ verdict }: Result): boolean {
  return verdict.what === "killed" || verdict.what === "timeout";
}

function lineOf({ mutant, verdict, ms }: Result): string {
  const tail = "by" in verdict ? verdict.by : "why" in verdict ? verdict.why : mutant.suffers;
  const seconds = (ms / 1_000).toFixed(1).padStart(5);
  return `${verdict.what.padEnd(8)} ${seconds} s  ${mutant.id.padEnd(34)} ${tail.replace(/\s+/g, " ")}`;
}

function summaryOf(results: readonly Result[]): string {
  const alive = results.filter((result) => !isNoticed(result));
  const details = alive.map(
    ({ mutant, verdict }) =>
      `\n${mutant.id} ${verdict.what}: ${"why" in verdict ? verdict.why : mutant.suffers}\n${mutant.edits.map(describeEdit).join("\n")}`,
  );
  const late = results.filter(({ verdict }) => verdict.what === "timeout").length;
  const noticed = results.length - alive.length;
  const share = ((100 * noticed) / results.length).toFixed(1);
  const score = `${noticed} of ${results.length} noticed (${share} %), ${late} of them by never ending; commit ${commit()}`;
  return [...details, "", score].join("\n");
}

function documentOf(results: readonly Result[]): string {
  return JSON.stringify({
    commit: commit(),
    mutants: results.length,
    noticed: results.filter(isNoticed).length,
    results: results.map(({ mutant: { id, suffers }, verdict, ms }) => ({ id, suffers, ...verdict, ms })),
  });
}

function listed(mutants: readonly Mutant[]): string {
  const lines = mutants.map(
    ({ id, suffers, edits }) => `${id}: ${suffers}\n${edits.map(describeEdit).join("\n")}\n`,
  );
  return lines.join("\n");
}

/** With a `+` where the files differ from it. */
function commit(): string {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  const isDirty = git("status", "--porcelain", "--untracked-files=no") !== "";
  return `${git("rev-parse", "--short", "HEAD")}${isDirty ? "+" : ""}`;
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("there is no workplace; expected at least one");
  return value;
}

function say(text: string, code: number): number {
  process.stdout.write(text);
  return code;
}

function complain(problem: string): number {
  process.stderr.write(`${problem}\n\n${USAGE}`);
  return 2;
}

process.exitCode = await main();
