// The script that gets the tests their nats-server and their Python, run against a PATH on which every other program is
// a fake.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const script = join(import.meta.dirname, "install_tools.sh");
let bin = "";
let log = "";

beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), "purgatory-install-"));
  log = join(bin, "calls.log");
  for (const name of ["openssl", "ps"]) fake(name);
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
const python = (status = 0) => fake("python3", `exit ${status}`);
/** An apt-get that can install, and the `env` that it is started through. */
function debian(): void {
  const install =
    'for name in "$@"; do case "$name" in procps) name=ps;; esac; case "$name" in nats-server|python3|openssl|ps)' +
    `printf '#!/bin/sh\\n' > "${bin}/$name"; /bin/chmod +x "${bin}/$name";; esac; done`;
  fake("apt-get", `case "$1" in install) ${install};; esac`);
  fake("env", 'shift; exec "$@"');
}
const sudo = (answer: "yes" | "no") => fake("sudo", `[ ${answer} = yes ] || exit 1\nshift; exec "$@"`);
const install = (packages: string) => `apt-get install -y -qq --no-install-recommends ${packages}`;
const installed = (calls: readonly string[]) => calls.filter((call) => call.startsWith("apt-get"));

test("a server and a Python on the PATH are enough: nothing is installed", () => {
  fake("nats-server");
  python();
  debian();
  const { status, stderr, calls } = run();
  expect([status, stderr, installed(calls)]).toEqual([0, "", []]);
});

test("a server named by NATS_SERVER is enough", () => {
  const server = fake("my-own-server");
  python();
  debian();
  const { status, stderr, calls } = run({ NATS_SERVER: server });
  expect([status, stderr, installed(calls)]).toEqual([0, "", []]);
});

test("a NATS_SERVER that cannot be run is an error, not a reason to install another", () => {
  debian();
  const { status, stderr, calls } = run({ NATS_SERVER: "/nowhere/nats-server" });
  expect(status).toBe(1);
  expect(stderr).toContain("NATS_SERVER is /nowhere/nats-server, which is no program that can be run.");
  expect(calls).toEqual([]);
});

test.each([
  ["nats-server", () => python()],
  ["python3", () => fake("nats-server")],
  ["nats-server python3", () => {}],
  ["nats-server python3 openssl ps", () => ["openssl", "ps"].map((name) => rmSync(join(bin, name)))],
])("root on Debian gets what is missing, %s, and nothing else", (missing, rest) => {
  user(0);
  debian();
  rest();
  const { status, stderr, calls } = run();
  expect(stderr).toContain(`Not on the PATH: ${missing}. Installing it`);
  expect(status).toBe(0);
  expect(installed(calls)).toEqual(["apt-get update -qq", install(missing.replace(/\bps$/, "procps"))]);
});

test("a Python that is too old is said to be, and not replaced", () => {
  user(0);
  fake("nats-server");
  python(1);
  debian();
  const { status, stderr, calls } = run();
  expect(status).toBe(1);
  expect(stderr).toContain("older than 3.10");
  expect(installed(calls)).toEqual([]);
});

test("a user whose sudo asks for no password gets it installed through sudo", () => {
  user(1000);
  debian();
  fake("true");
  sudo("yes");
  const { status, calls } = run();
  expect(status).toBe(0);
  expect(calls).toContain("sudo -n apt-get update -qq");
  expect(calls).toContain(install("nats-server python3"));
});

test("a user without such a sudo is told what to install", () => {
  user(1000);
  debian();
  sudo("no");
  const { status, stderr, calls } = run();
  expect(status).toBe(1);
  expect(stderr).toContain("needs root, or a sudo that asks for no password");
  expect(stderr).toContain("apt-get install nats-server python3");
  expect(installed(calls)).toEqual([]);
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
  expect(stderr).toContain("can be named by NATS_SERVER");
});
