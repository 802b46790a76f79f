// The script that gets the tests their nats-server, run against a PATH on which every other program is a fake.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const script = join(import.meta.dirname, "install_nats_server.sh");
let bin = "";
let log = "";

beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), "purgatory-install-"));
  log = join(bin, "calls.log");
});
afterEach(() => rmSync(bin, { recursive: true }));

/** A program on the PATH that notes how it was called, then does `body`. */
function fake(name: string, body = ""): string {
  const path = join(bin, name);
  writeFileSync(path, `#!/bin/sh\necho "${name} $*" >> "${log}"\n${body}\n`, { mode: 0o755 });
  return path;
}

function run(env: Readonly<Record<string, string>> = {}) {
  const { status, stderr } = spawnSync("/bin/sh", [script], { env: { PATH: bin, ...env }, encoding: "utf8" });
  const calls = existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : [];
  return { status, stderr, calls };
}

const user = (id: number) => fake("id", `echo ${id}`);
/** An apt-get that can install, and the `env` that it is started through. */
function debian(): void {
  fake(
    "apt-get",
    `case "$1" in install) : > "${bin}/nats-server"; /bin/chmod +x "${bin}/nats-server";; esac`,
  );
  fake("env", 'shift; exec "$@"');
}
const sudo = (answer: "yes" | "no") => fake("sudo", `[ ${answer} = yes ] || exit 1\nshift; exec "$@"`);
const install = "apt-get install -y -qq --no-install-recommends nats-server";

test("a server on the PATH is enough: nothing is installed", () => {
  fake("nats-server");
  debian();
  expect(run()).toEqual({ status: 0, stderr: "", calls: [] });
});

test("a server named by NATS_SERVER is enough", () => {
  const server = fake("my-own-server");
  debian();
  expect(run({ NATS_SERVER: server })).toEqual({ status: 0, stderr: "", calls: [] });
});

test("a NATS_SERVER that cannot be run is an error, not a reason to install another", () => {
  debian();
  const { status, stderr, calls } = run({ NATS_SERVER: "/nowhere/nats-server" });
  expect(status).toBe(1);
  expect(stderr).toContain("NATS_SERVER is /nowhere/nats-server, which is no program that can be run.");
  expect(calls).toEqual([]);
});

test("root on Debian gets the package installed", () => {
  user(0);
  debian();
  const { status, stderr, calls } = run();
  expect(stderr).toContain("installing Debian's package");
  expect(status).toBe(0);
  expect(calls).toContain("apt-get update -qq");
  expect(calls).toContain(install);
});

test("a user whose sudo asks for no password gets it installed through sudo", () => {
  user(1000);
  debian();
  fake("true");
  sudo("yes");
  const { status, calls } = run();
  expect(status).toBe(0);
  expect(calls).toContain("sudo -n apt-get update -qq");
  expect(calls).toContain(install);
});

test("a user without such a sudo is told what to install", () => {
  user(1000);
  debian();
  sudo("no");
  const { status, stderr, calls } = run();
  expect(status).toBe(1);
  expect(stderr).toContain("needs root or a sudo that asks for no password");
  expect(stderr).toContain("apt-get install nats-server");
  expect(calls.filter((call) => call.startsWith("apt-get"))).toEqual([]);
});

test("where there is no apt-get, what to install is said", () => {
  const { status, stderr } = run();
  expect(status).toBe(1);
  expect(stderr).toContain("no apt-get to install it with");
  expect(stderr).toContain("brew install nats-server");
});

test.each([["update"], ["install"]])("a failing apt-get %s fails, with what to do", (step) => {
  user(0);
  fake("env", 'shift; exec "$@"');
  fake("apt-get", `[ "$1" = ${step} ] && { echo "E: no network" >&2; exit 100; }; exit 0`);
  const { status, stderr } = run();
  expect(status).toBe(1);
  expect(stderr).toContain("E: no network");
  expect(stderr).toContain("set NATS_SERVER to its path");
});
