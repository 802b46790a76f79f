// The packed package, installed by somebody else: what is in it, that it runs without the repository, that its types hold in
// a strict project, and that the guide to the test kit can be followed to the letter. One file, for one installation.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FreshProject, freshProject } from "./fresh_project.ts";

const root = resolve(import.meta.dirname, "../..");
/** More than it has any use for: about twice what it is. */
const PACKED_BYTES_MAX = 2_500_000;

/** Packing and installing is some ten seconds on an idle machine, and more beside the other tests. */
const INSTALL_MS = 180_000;
let project: FreshProject;
beforeAll(() => {
  project = freshProject();
}, INSTALL_MS);
afterAll(() => project.remove());

describe("the tarball", () => {
  test("holds the compiled program with its types, the configuration it ships, guides and licence", () => {
    expect(project.packed).toEqual(
      expect.arrayContaining(
        [
          ...["LICENSE", "README.md", "docs/README.md", "packaging/purgatory.js"],
          ...["dist/main.js", "dist/mod.js", "dist/mod.d.ts", "dist/mod.js.map"],
          ...["dist/config/policy.yaml", "dist/config/scripts/stormy.yaml", "dist/config/nats/server.conf"],
        ].map((path) => `package/${path}`),
      ),
    );
  });

  test("holds no tests and no sources beside what was made of them, and stays small", () => {
    const odd = project.packed.filter((path) => /^package\/test\/|_test\.|(?<!\.d)\.ts$/.test(path));
    expect(odd).toEqual([]);
    expect(project.packedBytes).toBeLessThan(PACKED_BYTES_MAX);
  });
});

describe("the command line, installed", () => {
  test("tells what it can do", () => {
    const { exitCode, output } = project.run("purgatory", "--help");
    expect(output).toContain("Usage: purgatory");
    expect(exitCode).toBe(0);
  });

  test("says which Node it needs where there is an older one", () => {
    const older = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "24.9.0" } })`;
    const program = join(project.directory, "node_modules/purgatory/packaging/purgatory.js");
    const args = ["--import", `data:text/javascript,${encodeURIComponent(older)}`, program, "--help"];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect({ status, stdout, stderr }).toEqual({
      status: 1,
      stdout: "",
      stderr:
        "purgatory: this is Node 24.9.0; expected 26 or later; npm install --save-dev node@26 brings it into a project\n",
    });
  });

  test("checks the configuration that it ships", () => {
    const { exitCode, output } = project.run("purgatory", "check");
    expect(output).toContain("All configuration files are valid!");
    expect(exitCode).toBe(0);
  });

  test("runs, under its own permissions, and replays its journal", () => {
    const ran = project.run("purgatory", "run", "--speed", "max", "--cycles", "3", "--state", "state");
    expect(ran.output).toMatch(/SEI-USD +cleared/);
    expect(ran.exitCode).toBe(0);
    const journal = project.run("purgatory", "journal", "--state", "state");
    project.write("run.jsonl", journal.output);
    const replayed = project.run("purgatory", "replay", "run.jsonl", "--quiet");
    expect(replayed.output).toMatch(/^Replayed \d+ records of 3 symbols without a divergence\.$/m);
    expect(replayed.exitCode).toBe(0);
  });

  test("simulates on threads of its own", () => {
    const { exitCode, output } = project.run(
      "purgatory",
      "simulate",
      "--seeds",
      "5",
      "--minutes",
      "1",
      "--json",
      "--jobs",
      "2",
    );
    expect(JSON.parse(output)).toMatchObject({ kind: "summary", commit: null, seeds: 5, broken: 0 });
    expect(exitCode).toBe(0);
  });
});

const PROGRAM = `
import { type Exchange, startPurge, TradingSymbol, virtualClock } from "purgatory";
import { play, type Run } from "purgatory/testing";

const symbol = TradingSymbol.make("BONK-USD");
const run = startPurge({ ledgerId: "00000000-0000-4000-8000-000000000001", symbol });
const now: number = virtualClock(0).now();
export type Mine = Exchange;
export const played: Promise<Run> = play([]);
console.log(run.state, now);
`;

describe("the library, installed", () => {
  beforeAll(() => project.write("program.ts", PROGRAM));

  test("runs", () => {
    const { stdout, stderr } = spawnSync(process.execPath, ["program.ts"], {
      cwd: project.directory,
      encoding: "utf8",
    });
    expect({ stdout, stderr }).toEqual({ stdout: "idle 0\n", stderr: "" });
  });

  test("has types that hold in a strict project which checks those of its packages too", () => {
    const typeRoots = [join(root, "node_modules/@types")];
    const compilerOptions = {
      ...{ module: "nodenext", target: "esnext", lib: ["esnext", "dom"], types: ["node"], typeRoots },
      ...{ strict: true, noUncheckedIndexedAccess: true, noEmit: true, skipLibCheck: false },
    };
    project.write("tsconfig.json", JSON.stringify({ compilerOptions, include: ["program.ts"] }));
    const { stdout } = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", project.directory], {
      encoding: "utf8",
    });
    expect(stdout).toBe("");
  });
});

const guide = readFileSync(join(root, "docs/testing.md"), "utf8");
const example = /`purge\.test\.ts`:\n\n```ts\n([\s\S]*?)```/.exec(guide)?.[1] ?? "";
const JOURNAL = "__journals__/purge_test_an_outage_is_nobody_s_failure.jsonl";
const WRONG = `
import { expect, test } from "vitest";
import { play, rejected } from "purgatory/testing";
import "purgatory/testing/vitest";

test("is wrong on purpose", async () => {
  const run = await play([rejected("INVALID_SIZE_PRECISION", { times: 3 })]);
  expect(run).toHaveVisited(["purging", "failed", "cleared"]);
});
`;

describe("the example of the guide to testing", () => {
  const journal = () => join(project.directory, JOURNAL);
  beforeAll(() => project.write("purge.test.ts", example));

  test("is green in a fresh project, and writes its journal", () => {
    expect(example).toContain('from "purgatory/testing"');
    const { exitCode, output } = project.run("vitest", "run");
    expect(output).toMatch(/Snapshots +1 written/);
    expect(output).toMatch(/Tests +3 passed \(3\)/);
    expect(exitCode).toBe(0);
    expect(existsSync(journal())).toBe(true);
  });

  test("has types that hold in a strict project", () => {
    const compilerOptions = {
      ...{ module: "nodenext", target: "esnext", lib: ["esnext", "dom"], types: [] },
      ...{ strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: true },
    };
    project.write("tsconfig.json", JSON.stringify({ compilerOptions, include: ["purge.test.ts"] }));
    const tsc = join(root, "node_modules/.bin/tsc");
    expect(spawnSync(tsc, ["-p", project.directory], { encoding: "utf8" }).stdout).toBe("");
  });

  test("writes a journal that purgatory replay takes", () => {
    const { exitCode, output } = project.run("purgatory", "replay", JOURNAL, "--quiet", "--context");
    expect(output).toMatch(/^Replayed \d+ records of 1 symbol without a divergence\.$/m);
    expect(exitCode).toBe(0);
  });

  test("shows the steps and the fields in which a journal differs, and changes nothing without -u", () => {
    const other = readFileSync(journal(), "utf8").replaceAll("INVALID_ORDER_CONFIGURATION", "ANOTHER_CODE");
    writeFileSync(journal(), other);
    project.write("wrong.test.ts", WRONG);
    const { exitCode, output } = project.run("vitest", "run");
    expect(exitCode).toBe(1);
    expect(output).toMatch(/is another journal from seq 3 on; run vitest -u where that is meant/);
    expect(output).toMatch(/^- record\.event\.rejection\.code: "ANOTHER_CODE"$/m);
    expect(output).toMatch(/^\+ record\.event\.rejection\.code: "INVALID_ORDER_CONFIGURATION"$/m);
    expect(output).toMatch(/^\s*- +3 .* failed +order\.rejected ANOTHER_CODE/m);
    expect(readFileSync(journal(), "utf8")).toBe(other);
    // In the same run, the other expectation that does not hold.
    const shown = /```text\n(Error: BONK-USD did not visit[\s\S]*?)```/.exec(guide)?.[1] ?? "nothing";
    expect(bare(output)).toContain(bare(shown));
  });

  test("writes the journal anew with -u, and never in CI", () => {
    expect(project.run("vitest", "run", "purge", "-u").exitCode).toBe(0);
    expect(readFileSync(journal(), "utf8")).not.toContain("ANOTHER_CODE");
    rmSync(journal());
    const { exitCode, output } = project.run("vitest", "run", "purge", "--update=none");
    expect(exitCode).toBe(1);
    expect(output).toContain("is not there, and nothing is written in CI");
    expect(readdirSync(join(project.directory, "__journals__"))).toEqual([]);
  });
});

/** Without indentation and empty lines, which a reporter is free in. */
function bare(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "").join("\n");
}
