// What the disk can have in store: links, directories, bytes that are no text, files too large or not to be read.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { configPaths, formatProblem, loadConfig, maxFileBytes } from "../../config/mod.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "purgatory-config-"));
  write("universe.yaml", "tiers: {core: {symbols: [SOL-USD]}}\n");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function write(name: string, content: string | Uint8Array): void {
  writeFileSync(join(dir, name), content);
}

function problems(): readonly string[] {
  const result = loadConfig(dir, {});
  return result.ok ? [] : result.problems.map(formatProblem);
}

test("a link to a file is as good as the file", () => {
  write("real", "loop: {interval_seconds: 10}\n");
  symlinkSync("real", join(dir, "policy.yaml"));
  const result = loadConfig(dir, {});
  expect(result.ok && result.config.cycle.intervalMs).toBe(10_000);
});

test("a link that leads nowhere is refused, not taken for a missing file; so is one that leads to itself", () => {
  symlinkSync("gone", join(dir, "policy.yaml"));
  symlinkSync("app.yaml", join(dir, "app.yaml"));
  expect(problems()).toEqual([
    "policy.yaml: the file is a link that leads nowhere; let it lead to the file, or take it away",
    "app.yaml: the file cannot be read (ELOOP); see that it is a file that this user may read",
  ]);
});

test("a directory in a file's place is refused", () => {
  mkdirSync(join(dir, "app.yaml"));
  expect(problems()).toEqual([
    "app.yaml: the file is not a regular file; put a file or a link to one in its place",
  ]);
});

test("a pipe in a file's place is refused, not waited for", () => {
  execFileSync("mkfifo", [join(dir, "app.yaml")]);
  expect(problems()).toEqual([
    "app.yaml: the file is not a regular file; put a file or a link to one in its place",
  ]);
});

test("bytes that are not UTF-8 are refused with their line", () => {
  write("policy.yaml", Buffer.from("loop:\n  interval_seconds: 60 # \xe9\n", "latin1"));
  write("app.yaml", Buffer.from("\ufefflog: {}\n", "utf16le"));
  expect(problems()).toEqual([
    "policy.yaml:2: this line is not UTF-8 here; save it as UTF-8 text",
    "app.yaml:1: this line is not UTF-8 here; save it as UTF-8 text",
  ]);
});

test("a NUL byte is refused with its line", () => {
  write("policy.yaml", "loop:\n  # é\n  interval_seconds: 60\0\n");
  expect(problems()).toEqual(["policy.yaml:3: this line holds a NUL byte; save it as UTF-8 text"]);
});

test("a file over the limit is refused unread", () => {
  write("policy.yaml", `loop: {}\n${"#".repeat(maxFileBytes)}`);
  expect(problems()).toEqual([
    `policy.yaml: the file is ${maxFileBytes + 9} bytes, over the limit of ${maxFileBytes}; make it smaller`,
  ]);
});

test("a universe of ten thousand symbols is within the limit and read within seconds", () => {
  const symbols = Array.from({ length: 10_000 }, (_, i) => `      - C${i}-USD`);
  write("universe.yaml", `tiers:\n  all:\n    symbols:\n${symbols.join("\n")}\n`);
  const started = performance.now();
  const result = loadConfig(dir, {});
  expect(result.ok && result.config.universe.eligible.length).toBe(10_000);
  expect(performance.now() - started).toBeLessThan(5000);
});

test("an empty file is refused, not taken for its defaults", () => {
  write("app.yaml", "");
  expect(problems()).toEqual(["app.yaml: the file is empty; write its sections, or take the shipped file"]);
});

test("a file named .yml is pointed at instead of being passed over", () => {
  write("policy.yml", "loop: {}\n");
  expect(problems()).toEqual([
    "policy.yaml: the file is missing, but policy.yml is there; rename it to policy.yaml",
  ]);
});

test("a directory that is not there is one problem", () => {
  rmSync(dir, { recursive: true });
  expect(problems()).toEqual([
    `universe.yaml: the file cannot be read: ${dir} is not a directory (ENOENT); name the one that holds the files`,
  ]);
});

test("a file that cannot be read is refused, with the system's own reason", () => {
  // A link to itself is unreadable for every user, root included.
  symlinkSync("app.yaml", join(dir, "app.yaml"));
  expect(problems()).toEqual([
    "app.yaml: the file cannot be read (ELOOP); see that it is a file that this user may read",
  ]);
});

const root = resolve(import.meta.dirname, "../..");

test("without the grant to read, the missing flag is named", () => {
  write("app.yaml", "log: {}\n");
  const script = [
    `import { loadConfig, formatCheck } from ${JSON.stringify(join(root, "config/mod.ts"))};`,
    `console.log(formatCheck(loadConfig(${JSON.stringify(dir)}, {})));`,
  ].join("\n");
  const args = ["--permission", `--allow-fs-read=${root}`, "--input-type=module", "-e", script];
  const printed = execFileSync(process.execPath, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  expect(printed).toContain("--allow-fs-read");
  expect(printed).toContain("universe.yaml");
});

test("the paths to be granted are the directory, its files and the files of secrets", () => {
  write(
    "app.yaml",
    "nats:\n  password: {file: pw}\n  token: {file: /run/secrets/token}\n  user: {env: ME}\n" +
      "  nkey: {file: seed}\n  creds: {file: bus.creds}\n" +
      "  tls_ca: {file: ca}\n  tls_cert: {file: cert}\n  tls_key: {file: key}\n",
  );
  expect(configPaths(dir)).toEqual([
    dir,
    join(dir, "policy.yaml"),
    join(dir, "universe.yaml"),
    join(dir, "app.yaml"),
    join(dir, "pw"),
    "/run/secrets/token",
    ...["seed", "bus.creds", "ca", "cert", "key"].map((name) => join(dir, name)),
  ]);
});
