// The gateway in Python before the judge of all gateways, and beside others of its kind.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Schema } from "effect";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { CLAUSES } from "../../adapters/gateway_check/mod.ts";
import { runPurgatory } from "../e2e/killable_run.ts";
import { findNatsServer, type NatsServer, startNatsServer } from "../nats_server.ts";
import { type PythonProgram, startPython } from "./python_program.ts";
import { exchangeFile } from "./python_story.ts";

const decodeReport = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Struct({
      ok: Schema.Boolean,
      modes: Schema.Array(Schema.String),
      clauses: Schema.Array(
        Schema.Struct({ id: Schema.String, outcome: Schema.String, because: Schema.Unknown }),
      ),
    }),
  ),
);

let server: NatsServer;
let state = "";
beforeAll(async () => {
  process.env["NATS_SERVER"] = findNatsServer(process.env);
  state = mkdtempSync(join(tmpdir(), "purgatory-python-"));
  server = await startNatsServer();
  const init = await runPurgatory(["nats", "init", "--nats", server.url]);
  expect([init.code, init.errors]).toEqual([0, ""]);
});
afterAll(async () => {
  await server.stop();
  rmSync(state, { recursive: true, force: true });
});

const running: PythonProgram[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) {
    each.signal("SIGKILL");
    await each.ended;
  }
});
function startGateway(...more: readonly string[]): PythonProgram {
  const exchange = ["--exchange", exchangeFile("gateway_check.json")];
  const gateway = startPython("gateway.py", ["--nats", server.url, ...exchange, ...more]);
  running.push(gateway);
  return gateway;
}
const isReady = (lines: readonly string[]): boolean => lines.includes("gateway ready");

describe("purgatory gateway-check against gateway.py", () => {
  test.each(["msgpack", "json"])("finds nothing amiss where its answers are in %s", async (format) => {
    const gateway = startGateway("--format", format);
    await gateway.until(isReady);
    const check = await runPurgatory(["gateway-check", "--nats", server.url, "--json"]);
    const { ok, modes, clauses } = decodeReport(check.lines.join("\n"));
    expect(clauses.filter(({ outcome }) => outcome !== "pass")).toEqual([]);
    expect(clauses).toHaveLength(CLAUSES.length);
    expect([ok, modes, check.code]).toEqual([true, ["paper"], 0]);
    gateway.signal("SIGTERM");
    expect((await gateway.ended).code).toBe(0);
  });
});

describe("one gateway on a bus", () => {
  test("is enough: a second one in Python sees the first, and does not start", async () => {
    await startGateway().until(isReady);
    const { code, lines, errors } = await startGateway().ended;
    expect([code, lines]).toEqual([1, []]);
    expect(errors).toContain("another purgatory-gateway is on this bus");
  });

  test("is enough: ours sees the one in Python, and does not start", async () => {
    await startGateway().until(isReady);
    const { code, errors } = await runPurgatory(["gateway", "--nats", server.url, "--state", state]);
    expect(code).toBe(1);
    expect(errors).toMatch(
      /another purgatory-gateway is on this bus: purgatory 1\.0\.0 \(paper, process \d+/,
    );
  });
});
