// The packed package, installed by somebody else: what is in it, that it runs without the repository, and that its types
// hold in a strict project.
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FreshProject, freshProject } from "./fresh_project.ts";

const root = resolve(import.meta.dirname, "../..");
/** More than it has any use for: about twice what it is. */
const PACKED_BYTES_MAX = 2_500_000;

let project: FreshProject;
beforeAll(() => {
  project = freshProject();
});
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
});

const PROGRAM = `
import { type Exchange, startPurge, TradingSymbol, virtualClock } from "purgatory";

const symbol = TradingSymbol.make("BONK-USD");
const run = startPurge({ ledgerId: "00000000-0000-4000-8000-000000000001", symbol });
const now: number = virtualClock(0).now();
export type Mine = Exchange;
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
