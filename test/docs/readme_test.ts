// The README promises two commands and shows what the first one prints. It keeps its word.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readPackage } from "../tidy/package_rules.ts";
import { root } from "../tidy/repository.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const readme = read("README.md");
const commands = [...readme.matchAll(/^```sh\n([^\n]+)\n```$/gm)].map(([, line]) => line);

test("there are two commands: one runs the program, one passes the tests", () => {
  expect(commands).toEqual(["npm ci && npm start -- --speed 3600", "npm ci && npm run ok"]);
  const { scripts } = readPackage(read("package.json"));
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(["start", "ok"]));
});

test("the continuous integration runs the second one, and nothing else", () => {
  const lines = read(".ci/run").split("\n");
  const run = lines.filter((line) => line !== "" && !/^(#|set |cd )/.test(line));
  expect(run).toEqual([commands[1]]);
});

/** What differs from run to run: times and ids. */
function masked(line: string): string {
  return line
    .replace(/\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{3})?Z?/g, "<time>")
    .replace(/client_id=[0-9a-f-]{36}/, "client_id=<id>");
}

test("a run of the shipped account prints what the README shows, in that order", () => {
  const excerpt = /<!-- excerpt:start -->\n```text\n([\s\S]*?)\n```/.exec(readme)?.[1] ?? "";
  const cycles = /^ {2}cycles +(\d+)$/m.exec(excerpt)?.[1] ?? "";
  const state = mkdtempSync(join(tmpdir(), "purgatory-readme-"));
  try {
    const args = ["main.ts", "run", "--speed", "max", "--cycles", cycles, "--state", state];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 16 * 1024 * 1024,
    });
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    const printed = stdout.split("\n").map(masked);
    const shown = excerpt
      .split("\n")
      .filter((line) => line !== "…")
      .map(masked);
    let at = -1;
    const missing = shown.filter((line) => {
      const found = printed.indexOf(line, at + 1);
      if (found >= 0) at = found;
      return found < 0;
    });
    expect(shown.length).toBeGreaterThan(20);
    expect(missing).toEqual([]);
  } finally {
    rmSync(state, { recursive: true });
  }
});
