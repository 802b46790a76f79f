// Whom a server outlives, and who may have one beside it: processes that are killed, and two that want one directory.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import { spawnedServer } from "../../../adapters/nats_server/mod.ts";
import {
  connectTo,
  fakeServer,
  isGone,
  newDirectory,
  ps,
  SILENT,
  start,
  withServer,
  writtenPid,
  SOON,
} from "./kit.ts";

const PROJECT = join(import.meta.dirname, "../../..");
const CHILD = join(import.meta.dirname, "run_child.ts");

interface Apart {
  readonly process: ChildProcessWithoutNullStreams;
  /** The next word that it says; null at its end. */
  next(): Promise<unknown>;
  readonly complaints: () => string;
}

function apart(what: "run" | "look", dir: string, flags: readonly string[] = []): Apart {
  const child = spawn(process.execPath, [...flags, CHILD, what, dir]);
  onTestFinished(() => void child.kill("SIGKILL"));
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaints += text;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    complaints: () => complaints,
    async next() {
      const line = await lines.next();
      return line.done === true ? null : JSON.parse(line.value);
    },
  };
}

/** The pid of the server that a child says it has. */
async function pidOf(child: Apart): Promise<number> {
  const said = await child.next();
  if (typeof said === "object" && said !== null && "pid" in said && typeof said.pid === "number")
    return said.pid;
  throw new Error(`no server: ${JSON.stringify(said)} ${child.complaints()}`);
}

describe("when the process that started a server is killed", () => {
  test("the server goes with it, and the next run has its store", async () => {
    const dir = newDirectory();
    const child = apart("run", dir);
    const pid = await pidOf(child);
    const before = spawnedServer(dir);
    expect(before?.pid).toBe(pid);
    child.process.kill("SIGKILL");
    const { server } = await start(dir);
    expect(isGone(pid)).toBe(true);
    expect(server).toMatchObject({ url: before?.url, token: before?.token });
  });

  test("so it is with its whole process group, as a terminal or a shell would do it", async () => {
    const dir = newDirectory();
    const shell = spawn("/bin/sh", ["-c", '"$@"; true', "sh", process.execPath, CHILD, "run", dir], {
      detached: true,
    });
    onTestFinished(() => void shell.kill("SIGKILL"));
    await new Promise((resolve) => shell.stdout.once("data", resolve));
    const pid = spawnedServer(dir)?.pid ?? 0;
    expect(pid).toBeGreaterThan(0);
    process.kill(-(shell.pid ?? 0), "SIGKILL");
    await expect.poll(() => isGone(pid), SOON).toBe(true);
    expect(spawnedServer(dir)).toBe(null);
  });

  test("while its server was still starting, too", async () => {
    const dir = newDirectory();
    const path = fakeServer("2.10.0", SILENT);
    const child = spawn(process.execPath, [CHILD, "run", dir], { env: withServer(path) });
    onTestFinished(() => void child.kill("SIGKILL"));
    await expect.poll(() => ps("args", writtenPid(dir)), SOON).toContain("sleep");
    child.kill("SIGKILL");
    await expect.poll(() => isGone(writtenPid(dir)), SOON).toBe(true);
  });
});

describe("two on one directory", () => {
  test("the second is refused, with the pid of the server that is there, and the first goes on", async () => {
    const dir = newDirectory();
    const { server } = await start(dir);
    const heldMs = 60;
    await expect(start(dir, { deadlines: { heldMs } })).rejects.toMatchObject({
      reason: "held",
      message: expect.stringContaining(`another run has its nats-server here (pid ${server.pid})`),
    });
    expect((await connectTo(server)).isClosed()).toBe(false);
    expect(spawnedServer(dir)?.pid).toBe(server.pid);
  });

  test("so is one in another process", async () => {
    const dir = newDirectory();
    await pidOf(apart("run", dir));
    await expect(start(dir, { deadlines: { heldMs: 60 } })).rejects.toMatchObject({ reason: "held" });
  });

  test("of two at the same moment one gets it", async () => {
    const dir = newDirectory();
    const both = [start(dir, { deadlines: { heldMs: 500 } }), start(dir, { deadlines: { heldMs: 500 } })];
    const results = await Promise.allSettled(both);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  test("one that comes while the other is ending waits for it", async () => {
    const dir = newDirectory();
    const first = await start(dir);
    const second = start(dir);
    await first.server.stop();
    const { server } = await second;
    expect(server.url).toBe(first.server.url);
  });

  test("a server that was left behind, its guard gone as well, is waited for and never doubled", async () => {
    const dir = newDirectory();
    const { server } = await start(dir);
    await server.stop();
    // Whoever holds the pipe stands for that server.
    const orphan = spawn("/bin/sh", [
      "-c",
      'exec 3<>"$1"; echo up; exec sleep 600',
      "sh",
      join(dir, "server.alive"),
    ]);
    onTestFinished(() => void orphan.kill("SIGKILL"));
    await new Promise((resolve) => orphan.stdout.once("data", resolve));
    await expect(start(dir, { deadlines: { heldMs: 60 } })).rejects.toMatchObject({
      reason: "held",
      message: expect.stringMatching(/earlier run \(pid \w+\) is still there.*kill/),
    });
    const waiting = start(dir);
    orphan.kill("SIGKILL");
    expect((await waiting).server.url).toBe(server.url);
  });
});

describe("under Node's permission model", () => {
  const base = ["--permission", `--allow-fs-read=${realpathSync(PROJECT)}`, `--allow-fs-read=${PROJECT}`];
  const child = "--allow-child-process";
  const on = (dir: string): string[] => [`--allow-fs-read=${dir}`, `--allow-fs-read=${dir}/*`];
  const writing = (dir: string): string[] => [`--allow-fs-write=${dir}`, `--allow-fs-write=${dir}/*`];

  test("with child processes, network and its own directory, a server runs and is stopped", async () => {
    const dir = newDirectory();
    const flags = [...base, child, "--allow-net", ...on(dir), ...writing(dir)];
    const run = apart("run", dir, flags);
    const pid = await pidOf(run);
    expect(spawnedServer(dir)?.pid).toBe(pid);
    run.process.kill("SIGTERM");
    expect(await run.next()).toBe("stopped");
    expect(isGone(pid)).toBe(true);
  });

  test("it goes with a run that is killed", async () => {
    const dir = newDirectory();
    const run = apart("run", dir, [...base, child, "--allow-net", ...on(dir), ...writing(dir)]);
    const pid = await pidOf(run);
    run.process.kill("SIGKILL");
    await expect.poll(() => isGone(pid), SOON).toBe(true);
  });

  test("without the right to start others it says which flag is missing", async () => {
    const dir = newDirectory();
    const run = apart("run", dir, [...base, "--allow-net", ...on(dir), ...writing(dir)]);
    expect(await run.next()).toEqual({ error: expect.stringContaining("without --allow-child-process") });
  });

  test("another command finds the server with the right to read, and no other", async () => {
    const dir = newDirectory();
    const { server } = await start(dir);
    const { url, token, pid } = server;
    expect(await apart("look", dir, [...base, ...on(dir)]).next()).toEqual({ url, token, pid });
    await server.stop();
    expect(await apart("look", dir, [...base, ...on(dir)]).next()).toBe(null);
  });
});
