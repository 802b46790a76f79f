// What stands in the way of a server: no program, the wrong one, one that fails; and what of it reaches the log.
import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Observation } from "../../../actors/ports.ts";
import { spawnedServer } from "../../../adapters/nats_server/mod.ts";
import { fakeServer, isGone, newDirectory, SILENT, start, withServer, writtenPid, SOON } from "./kit.ts";

function emptyFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "purgatory-empty-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** How a start with that fake server fails, and what was observed. */
async function failure(body: string, version = "2.10.0", deadlines = {}) {
  const observed: Observation[] = [];
  const dir = newDirectory();
  const error: unknown = await start(dir, {
    env: withServer(fakeServer(version, body)),
    observe: (observation) => observed.push(observation),
    deadlines,
  }).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error("it started");
  return { dir, error, observed };
}

describe("without a nats-server that can be used", () => {
  test("it says what to install, or to name one", async () => {
    const env = { PATH: emptyFolder() };
    await expect(start(newDirectory(), { env })).rejects.toMatchObject({
      reason: "missing",
      message: expect.stringMatching(/no nats-server on the PATH.*apt install nats-server.*NATS_SERVER/),
    });
  });

  test.each([
    ["that is not there", () => join(emptyFolder(), "nats-server"), /there is no NATS_SERVER=/],
    ["that is a directory", emptyFolder, /is no program that can be run/],
    ["that is another program", () => "/bin/echo", /does not say that it is a nats-server/],
    ["that fails when asked", () => "/bin/false", /could not be asked for its version/],
    ["that is too old", () => fakeServer("2.8.4", ""), /is 2\.8\.4, older than 2\.9/],
  ])("NATS_SERVER names one %s", async (_, path, message) => {
    await expect(start(newDirectory(), { env: withServer(path()) })).rejects.toMatchObject({
      reason: "missing",
      message: expect.stringMatching(message),
    });
  });

  test("nothing is made in the directory", async () => {
    const dir = newDirectory();
    await expect(start(dir, { env: { PATH: emptyFolder() } })).rejects.toThrow();
    expect(() => statSync(dir)).toThrow(/ENOENT/);
  });
});

describe("a server that does not come up", () => {
  test("is told with its code and its last lines, at once", async () => {
    const { error, dir } = await failure('echo "nats-server: cannot bind" >&2; exit 3');
    expect(error).toMatchObject({ reason: "failed" });
    expect(error.message).toMatch(/ended with code 3; its last lines:\nnats-server: cannot bind/);
    expect(spawnedServer(dir)).toBe(null);
  });

  test("is ended at the deadline when it never answers", async () => {
    const { error, dir } = await failure(SILENT, "2.10.0", { readyMs: 1_000 });
    expect(error.message).toMatch(/did not answer within 1000 ms \(.*ECONNREFUSED/);
    expect(isGone(writtenPid(dir))).toBe(true);
  });

  test("leaves the directory to the next start", async () => {
    const { dir } = await failure("exit 1");
    const { server } = await start(dir);
    expect(spawnedServer(dir)?.pid).toBe(server.pid);
  });

  test("is ended when nobody wants it any more", async () => {
    const stopping = new AbortController();
    const dir = newDirectory();
    const env = withServer(fakeServer("2.10.0", SILENT));
    const starting = expect(start(dir, { env, signal: stopping.signal })).rejects.toThrow("not any more");
    await expect.poll(() => writtenPid(dir), SOON).toBeGreaterThan(0);
    stopping.abort(new Error("not any more"));
    await starting;
    expect(isGone(writtenPid(dir))).toBe(true);
  });

  test("a directory that cannot be made is an error of the system's", async () => {
    const file = join(emptyFolder(), "file");
    writeFileSync(file, "");
    await expect(start(join(file, "nats"))).rejects.toThrow(/ENOTDIR/);
  });

  test("a directory where the pipe's name is taken says which file is in the way", async () => {
    const dir = newDirectory();
    mkdirSync(join(dir, "server.alive"), { recursive: true });
    await expect(start(dir)).rejects.toThrow(/server\.alive: /);
  });
});

describe("what a server is told", () => {
  test.each([
    ["2.9.99", false],
    ["2.10.0", true],
    ["2.15.1-beta.2", true],
    ["3.0.0", true],
  ])("%s syncs each message to the disk before it answers, if it can: %s", async (version, isTold) => {
    const { dir } = await failure("exit 1", version);
    expect(readFileSync(join(dir, "server.conf"), "utf8").includes("sync_interval: always")).toBe(isTold);
  });

  test("nothing of our environment that it does not need", async () => {
    const env = { ...withServer(fakeServer("2.10.0", "env >&2; exit 1")), EXCHANGE_KEY: "hunter2" };
    await expect(start(newDirectory(), { env })).rejects.toThrow(/^(?![\s\S]*hunter2)[\s\S]*PATH=/);
  });
});

describe("what a server says", () => {
  const line = (mark: string, text: string): string => `[7] 2026/01/02 03:04:05.000006 [${mark}] ${text}`;

  test("warnings and errors are told, the rest is in the log", async () => {
    const said = [line("INF", "one"), line("WRN", "two"), line("ERR", "three"), line("FTL", "four"), "five"];
    const { dir, observed } = await failure(`cat >&2 <<'END'\n${said.join("\n")}\nEND\nexit 1`);
    expect(observed).toEqual([
      { kind: "note", level: "warn", message: "nats-server: two" },
      { kind: "note", level: "error", message: "nats-server: three" },
      { kind: "note", level: "error", message: "nats-server: four" },
    ]);
    expect(readFileSync(join(dir, "server.log"), "utf8")).toBe(`${said.join("\n")}\n`);
  });

  test("a flood is told in part, and kept in two files of bounded size", async () => {
    const words = "x".repeat(2_000);
    const flood = `i=0; while [ $i -lt 1500 ]; do echo "${line("ERR", words)}" >&2; i=$((i + 1)); done; exit 1`;
    const { dir, observed } = await failure(flood);
    expect(observed).toHaveLength(20);
    expect(observed.at(-1)).toMatchObject({
      message: expect.stringMatching(/further lines .* only in .*log$/),
    });
    for (const name of ["server.log", "server.log.1"]) {
      expect(statSync(join(dir, name)).size, name).toBeLessThanOrEqual(1024 * 1024);
    }
    expect(statSync(join(dir, "server.log.1")).size).toBeGreaterThan(1024 * 1000);
  });

  test("a line without an end takes no more memory than others", async () => {
    const { error } = await failure("head -c 3000000 /dev/zero | tr '\\0' y >&2; echo >&2; exit 1");
    expect(error.message.length).toBeLessThan(10_000);
  });

  test("a log that cannot be written is told once, and ends nothing", async () => {
    const dir = newDirectory();
    mkdirSync(join(dir, "server.log"), { recursive: true });
    const { server, observed } = await start(dir);
    const notes = observed.filter(({ kind }) => kind === "note");
    expect(notes).toHaveLength(2);
    expect(notes[0]).toMatchObject({
      level: "warn",
      message: expect.stringMatching(/server\.log: .*EISDIR/),
    });
    expect(server.pid).toBeGreaterThan(0);
  });
});
