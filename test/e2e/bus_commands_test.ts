// The commands of the bus as a user meets them: real processes, each with its own permissions, over a real server.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { findNatsServer, startNatsServer } from "../nats_server.ts";
import { type Running, runPurgatory, startPurgatory } from "./killable_run.ts";

process.env["NATS_SERVER"] = findNatsServer(process.env);
const root = mkdtempSync(join(tmpdir(), "purgatory-bus-"));
afterAll(() => rmSync(root, { recursive: true, force: true, maxRetries: 3 }));

const running: Running[] = [];
afterEach(async () => {
  for (const each of running.splice(0).reverse()) {
    each.signal("SIGKILL");
    await each.ended;
  }
});
function start(args: readonly string[]): Running {
  const started = startPurgatory(args);
  running.push(started);
  return started;
}
let count = 0;
function fresh(): string {
  count += 1;
  return join(root, String(count));
}
/** Ends in good order. */
async function stopped(run: Running): Promise<{ code: number | null; errors: string; text: string }> {
  run.signal("SIGTERM");
  const { code, errors, lines } = await run.ended;
  return { code, errors, text: lines.join("\n") };
}

describe("beside run --nats spawn", { timeout: 60_000 }, () => {
  test("other processes find the supervisor, look at it, and tell it what to do", async () => {
    const state = fresh();
    const run = start(["run", "--nats", "spawn", "--state", state]);
    await run.line("Slice 1 of BONK-USD placed");
    const said = async (...args: readonly string[]) => {
      const { code, lines, errors } = await runPurgatory([...args, "--state", state]);
      return { code, text: lines.join("\n"), errors };
    };

    const status = await said("status");
    expect([status.code, status.errors]).toEqual([0, ""]);
    expect(status.text).toMatch(/^paper supervisor: running, .* pid \d+ on /);
    expect(status.text).toMatch(/bus: +nats:\/\/127\.0\.0\.1:\d+, nats-server [\d.]+, connected/);
    expect(status.text).toContain("child processes: nats-server,");

    const paused = await said("pause", "BONK-USD", "--reason", "listing under review", "--by", "ana");
    expect([paused.code, paused.errors]).toEqual([0, ""]);
    expect(paused.text).toMatch(/^BONK-USD paused \(was [\w.]+\): now [\w.]+, journal record \d+$/);
    expect(await run.line("Operator request by ana")).toContain("listing under review");
    await run.line("Suspended BONK-USD");

    const purge = await said("purge", "BONK-USD", "--reason", "now");
    expect([purge.code, purge.text]).toEqual([6, ""]);
    expect(purge.errors).toMatch(
      /^suspended: BONK-USD is suspended: .*\nresume ends a pause, reset lifts a ban\n$/,
    );

    const resumed = await said("resume", "BONK-USD", "--json");
    expect(JSON.parse(resumed.text)).toMatchObject({ ok: true, was: "suspended", changed: true });
    expect((await said("purge", "BONK-USD", "--reason", "now")).text).toMatch(/^BONK-USD is being sold/);

    const unknown = await said("pause", "BONKK-USD", "--reason", "a slip");
    expect([unknown.code, unknown.errors]).toEqual([6, expect.stringContaining("unknown_symbol")]);

    expect(await stopped(run)).toMatchObject({ code: 0, errors: "" });
    expect((await said("status")).text).toMatch(/^paper ledger .*: stopped/);
    const late = await said("resume", "BONK-USD");
    expect([late.code, late.errors]).toEqual([1, expect.stringContaining("does not run")]);
  });
});

test("a gateway finds the server of a run in the same state directory", { timeout: 60_000 }, async () => {
  const state = fresh();
  const run = start(["run", "--nats", "spawn", "--gateway", "external", "--state", state]);
  await run.line("Bus connected");
  const gateway = start(["gateway", "--state", state]);
  await gateway.line("Bus connected");
  expect((await stopped(gateway)).code).toBe(0);
  expect((await stopped(run)).code).toBe(0);
});

describe("a server of somebody else", { timeout: 60_000 }, () => {
  test("is where supervisor and gateway meet, each in a process of its own", async () => {
    const server = await startNatsServer();
    try {
      const there = ["--nats", server.url];
      expect(await runPurgatory(["nats", "init", ...there])).toMatchObject({ code: 0, errors: "" });
      const gateway = start(["gateway", ...there, "--state", fresh()]);
      await gateway.line("Bus connected");
      const run = start(["run", "--gateway", "external", ...there, "--state", fresh()]);
      await run.line("Slice 1 of BONK-USD placed");
      expect(await stopped(run)).toMatchObject({ code: 0, errors: "" });
      expect(await stopped(gateway)).toMatchObject({ code: 0, errors: "" });
    } finally {
      await server.stop();
    }
  });

  test("is prepared by nats init, and a gateway on it passes gateway-check", async () => {
    const server = await startNatsServer();
    try {
      const there = ["--nats", server.url];
      const init = await runPurgatory(["nats", "init", ...there]);
      expect([init.code, init.errors]).toEqual([0, ""]);
      expect(init.lines.join("\n")).toContain("stream PURGE_ORDERS: created");
      const script = join(import.meta.dirname, "../../config/gateway_check.yaml");
      const gateway = start(["gateway", ...there, "--script", script, "--state", fresh()]);
      await gateway.line("Bus connected");
      const check = await runPurgatory(["gateway-check", ...there, "--json"]);
      const report = JSON.parse(check.lines.join("\n"));
      const failed = report.clauses.filter((clause: { outcome: string }) => clause.outcome === "fail");
      expect(failed).toEqual([]);
      expect(check.code).toBe(0);
      expect(check.errors).toContain("REAL ORDERS");
      expect(await stopped(gateway)).toMatchObject({ code: 0, errors: "" });
    } finally {
      await server.stop();
    }
  });
});

test.each([
  ["run", "--gateway", "external"],
  ["gateway"],
  ["nats", "init"],
  ["gateway-check"],
  ["pause", "BONK-USD", "--reason", "x"],
])("without a bus %s %s %s says how to name one, and does nothing", async (...args) => {
  const words = args.filter((word) => word !== undefined);
  const state = words[0] === "nats" || words[0] === "gateway-check" ? [] : ["--state", fresh()];
  const { code, errors, lines } = await runPurgatory([...words, ...state]);
  expect([code, lines]).toEqual([2, []]);
  expect(errors).toMatch(/--nats.*nats\.url in app\.yaml/);
});
