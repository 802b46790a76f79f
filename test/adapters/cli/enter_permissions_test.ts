// How a process comes to run under its grants, seen from outside.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, test } from "vitest";
import { home, type Report, report, run, type Start, start } from "./grants_kit.ts";

const root = join(import.meta.dirname, "../../..");
const homes: string[] = [];
function newHome(): string {
  const dir = home();
  homes.push(dir);
  return dir;
}
afterAll(() => {
  for (const dir of homes) rmSync(dir, { recursive: true });
});

/** Starts a probe that stays, and waits until it is under its grants. */
async function started(options: Start) {
  const { child, ended } = start(["graph"], { ...options, probe: { ...options.probe, waits: true } });
  const lines = createInterface({ input: child.stdout });
  const [line] = await once(lines, "line");
  return { child, ended, told: JSON.parse(String(line)) as Report };
}

describe.concurrent("a process that is started without --permission", () => {
  test("is replaced: the pid stays, nothing is said, and its exit code is the program's", async () => {
    const ended = await run(["graph"], { cwd: newHome(), probe: { exitCode: 5 } });
    expect(ended).toMatchObject({ code: 5, errors: "" });
    expect(JSON.parse(ended.output).pid).toBe(ended.pid);
  });

  test("gets its signals itself", async () => {
    const { child, ended } = await started({ cwd: newHome() });
    child.kill("SIGTERM");
    expect((await ended).code).toBe(7);
  });

  test("keeps the flags that node was given, and the environment", async () => {
    const nodeFlags = ["--max-old-space-size=300", "--disable-warning=DEP0001"];
    const env = { PURGATORY_STATE: "elsewhere" };
    const probe = { tries: { state: { write: "elsewhere/paper/x" } } };
    const { results, execArgv } = await report(["run"], { cwd: newHome(), nodeFlags, env, probe });
    expect(results).toEqual({ state: "ok" });
    expect(execArgv.slice(0, 3)).toEqual([...nodeFlags, "--permission"]);
  });

  test("uses the shipped configuration still when there is none of its own", async () => {
    const dir = newHome();
    rmSync(join(dir, "config"), { recursive: true });
    const { command } = await report(["run"], { cwd: dir });
    expect(command.configDir).toBe(join(root, "config"));
  });
});

test("what runs before the restart loads no more than the command line needs", () => {
  const packages = ["commander", "yaml", "fastest-levenshtein"].map((name) => `node_modules/${name}`);
  const readable = ["adapters/cli", "package.json", ...packages].map((name) => join(root, name));
  const code = `await import(${JSON.stringify(join(root, "adapters/cli/mod.ts"))}); console.log("loaded")`;
  const flags = readable.map((path) => `--allow-fs-read=${path}`);
  const said = execFileSync(process.execPath, ["--permission", ...flags, "--input-type=module", "-e", code]);
  expect(String(said)).toBe("loaded\n");
});

describe.concurrent("where a process cannot be replaced", () => {
  const probe = { withoutExecve: true } as const;

  test("the program runs as a child with the same output and exit code", async () => {
    const tries = { child: "child", network: "listen" } as const;
    const ended = await run(["graph"], { cwd: newHome(), probe: { ...probe, tries, exitCode: 5 } });
    expect(ended).toMatchObject({ code: 5, errors: "" });
    const told: Report = JSON.parse(ended.output);
    expect(told.pid).not.toBe(ended.pid);
    expect(told.results).toEqual({ child: "ERR_ACCESS_DENIED", network: "ERR_ACCESS_DENIED" });
  });

  test("signals are handed on", async () => {
    const { child, ended } = await started({ cwd: newHome(), probe });
    child.kill("SIGTERM");
    expect((await ended).code).toBe(7);
  });

  test("a child that a signal ends is reported as a shell does", async () => {
    const { ended, told } = await started({ cwd: newHome(), probe });
    process.kill(told.pid, "SIGKILL");
    expect((await ended).code).toBe(128 + 9);
  });
});

describe.concurrent("a process that was started with --permission", () => {
  const reads = (dir: string) => [`--allow-fs-read=${root}`, `--allow-fs-read=${dir}`];

  test("goes on as it is when it has all that is needed", async () => {
    const dir = newHome();
    mkdirSync(join(dir, ".purgatory", "paper"), { recursive: true });
    const nodeFlags = ["--permission", ...reads(dir), `--allow-fs-write=${join(dir, ".purgatory")}`];
    const { results, excess } = await report(["run"], {
      cwd: dir,
      nodeFlags,
      probe: { tries: { ledger: { write: join(dir, ".purgatory", "paper", "x") }, network: "listen" } },
    });
    expect(results).toEqual({ ledger: "ok", network: "ERR_ACCESS_DENIED" });
    expect(excess).toEqual([]);
  });

  test("is refused with the flags that are missing, in one sentence", async () => {
    const dir = newHome();
    const args = ["run", "--nats", "nats://127.0.0.1:4222", "--state", "my state"];
    const ended = await run(args, { cwd: dir, nodeFlags: ["--permission", ...reads(dir)] });
    expect(ended).toMatchObject({ code: 4, output: "" });
    expect(ended.errors).toBe(
      "node was given --permission without what the command needs; add " +
        `'--allow-fs-write=${dir}/my state/paper' --allow-net, ` +
        "or leave --permission out: what is needed is then granted\n",
    );
  });

  test("is refused when it is to start a server and may not", async () => {
    const dir = newHome();
    for (const name of ["paper", "nats"]) mkdirSync(join(dir, ".purgatory", name), { recursive: true });
    const nodeFlags = ["--permission", ...reads(dir), `--allow-fs-write=${dir}`, "--allow-net"];
    const ended = await run(["run", "--nats", "spawn"], { cwd: dir, nodeFlags });
    expect(ended.code).toBe(4);
    expect(ended.errors).toContain("add --allow-child-process, or leave");
  });

  test("is refused when packages that are loaded later could not be read", async () => {
    const dir = newHome();
    const some = ["adapters/cli", "test", "package.json", "node_modules"].map((name) => join(root, name));
    const nodeFlags = ["--permission", ...some.map((path) => `--allow-fs-read=${path}`)];
    const ended = await run(["graph"], { cwd: dir, nodeFlags });
    expect(ended.code).toBe(4);
    expect(ended.errors).toContain(`--allow-fs-read=${join(root, "machines")}`);
    expect(ended.errors).not.toContain(`--allow-fs-read=${join(root, "node_modules")}`);
  });

  test("is refused rather than left with another configuration than the one here", async () => {
    const dir = newHome();
    const ended = await run(["check"], { cwd: dir, nodeFlags: ["--permission", `--allow-fs-read=${root}`] });
    expect(ended.code).toBe(4);
    expect(ended.errors).toContain(`add --allow-fs-read=${join(dir, "config")}, or`);
  });

  test("is refused when the directory to write was granted before it was there", async () => {
    const dir = newHome();
    const ledger = join(dir, ".purgatory", "paper");
    const nodeFlags = ["--permission", ...reads(dir), `--allow-fs-write=${ledger}`];
    const ended = await run(["run"], { cwd: dir, nodeFlags });
    expect(ended.code).toBe(4);
    expect(ended.errors).toContain(`add --allow-fs-write=${ledger}, or`);
  });

  test("gives back what it does not need", async () => {
    const dir = newHome();
    const wide = ["--allow-child-process", "--allow-worker", "--allow-addons", "--allow-wasi", "--allow-net"];
    const { results, excess } = await reportQuietly(["graph"], {
      cwd: dir,
      nodeFlags: ["--permission", ...reads(dir), ...wide],
      probe: { tries: { child: "child", worker: "worker", addon: "addon", network: "listen" } },
    });
    expect(new Set(Object.values(results))).toEqual(new Set(["ERR_ACCESS_DENIED"]));
    expect(excess).toEqual([]);
  });

  test("gives back what NODE_OPTIONS granted to every program", async () => {
    const dir = newHome();
    const env = { NODE_OPTIONS: "--permission --allow-fs-read=* --allow-child-process --allow-net" };
    const probe = { tries: { child: "child", network: "listen" } } as const;
    const { results } = await reportQuietly(["graph"], { cwd: dir, env, probe });
    expect(results).toEqual({ child: "ERR_ACCESS_DENIED", network: "ERR_ACCESS_DENIED" });
  });

  test("tells what it cannot give back", async () => {
    const dir = newHome();
    const nodeFlags = ["--permission", "--allow-fs-read=*"];
    const { excess } = await report(["graph"], { cwd: dir, nodeFlags });
    expect(excess).toEqual(["fs.read: everything, granted from outside"]);
  });
});

/** Node warns of the flags themselves. */
async function reportQuietly(args: readonly string[], options: Start): Promise<Report> {
  const nodeFlags = ["--disable-warning=SecurityWarning", "--disable-warning=ExperimentalWarning"];
  return report(args, { ...options, nodeFlags: [...nodeFlags, ...(options.nodeFlags ?? [])] });
}
