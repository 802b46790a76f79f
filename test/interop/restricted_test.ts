// The Python programs as the users of the shipped server configuration: each does its part with the rights of that part.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { jetstream } from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { Redacted } from "effect";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { connectNats, initStreams } from "../../adapters/bus/mod.ts";
import { checkGateway } from "../../adapters/gateway_check/mod.ts";
import { vector } from "../adapters/bus/vectors.ts";
import { type NatsServer, startNatsServer } from "../nats_server.ts";
import { runPython, startPython } from "./python_program.ts";
import { exchangeFile, seenBy } from "./python_story.ts";

const SHIPPED = resolve(import.meta.dirname, "../../config/nats");

let dir = "";
let server: NatsServer;
let supervisor: NatsConnection;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "purgatory-users-"));
  cpSync(SHIPPED, dir, { recursive: true });
  const config = readFileSync(join(SHIPPED, "server.conf"), "utf8");
  writeFileSync(join(dir, "server.conf"), config.replaceAll(/^ *store_dir.*$/gm, ""));
  for (const user of ["SUPERVISOR", "GATEWAY", "OBSERVER", "OPERATOR"]) {
    vi.stubEnv(`PURGATORY_${user}_PASSWORD`, "secret");
  }
  server = await startNatsServer({ args: ["--config", join(dir, "server.conf")] });
  supervisor = await connectNats({
    servers: server.url,
    name: "supervisor",
    user: "supervisor",
    password: Redacted.make("secret"),
  });
  await initStreams(supervisor, { update: false });
});
afterAll(async () => {
  await supervisor.close();
  await server.stop();
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

const as = (user: string) => ({ NATS_USER: user, NATS_PASSWORD: "secret" });
const there = () => ["--nats", server.url];

test("a gateway passes every clause with the rights of a gateway", async () => {
  const exchange = ["--exchange", exchangeFile("gateway_check.json")];
  const gateway = startPython("gateway.py", [...there(), ...exchange], as("gateway"));
  await gateway.until((lines) => lines.includes("gateway ready"));
  const report = await checkGateway({ connection: supervisor, timeoutMs: 5_000 });
  expect(report.clauses.filter(({ outcome }) => outcome !== "pass")).toEqual([]);
  gateway.signal("SIGTERM");
  const { code, errors } = await gateway.ended;
  expect([code, errors.includes("Violation")]).toEqual([0, false]);
});

test("an observer reads what is kept and what comes, one message a request; it may make no consumer", async () => {
  const { subject, body } = vector("transition");
  const publish = async (seq: number): Promise<void> => {
    const its = headers();
    its.set("Content-Type", "application/json");
    its.set("Schema-Version", "1");
    await jetstream(supervisor).publish(subject, JSON.stringify({ ...body, seq }), { headers: its });
  };
  await publish(1);
  await publish(2);
  const watch = startPython("watch.py", [...there(), "--by-sequence"], as("observer"));
  await watch.until((lines) => lines.length >= 2);
  await publish(3);
  await watch.until((lines) => lines.length >= 3);
  expect(seenBy(watch).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  watch.signal("SIGTERM");
  expect((await watch.ended).errors).toBe("");

  const refused = await runPython("watch.py", there(), as("observer"));
  expect(refused.code).toBe(1);
  expect(refused.errors).toMatch(/CONSUMER\.CREATE\.PURGE_TRANSITIONS.*does not allow/);
});

test("an observer is told at once that it may not ban", async () => {
  const ban = ["ban", "BONK-USD", "--by", "eve", "--reason", "mischief", ...there()];
  const { code, lines, errors } = await runPython("control.py", ban, as("observer"));
  expect([code, lines]).toEqual([1, []]);
  expect(errors).toContain("purge.v1.control.ban: the server does not allow this user to ask that");
});

test("an operator may, and hears that no supervisor is there", async () => {
  const ban = ["ban", "BONK-USD", "--by", "ana", "--reason", "delisted", ...there()];
  const { code, errors } = await runPython("control.py", ban, as("operator"));
  expect([code, errors]).toEqual([1, "no supervisor is on this bus\n"]);
});

test("a wrong password is said to be one, and nothing is tried again with it", async () => {
  const wrong = { NATS_USER: "operator", NATS_PASSWORD: "guess" };
  const { code, errors } = await runPython("control.py", ["status", ...there()], wrong);
  expect(code).toBe(1);
  expect(errors).toContain("the server refuses the connection: 'Authorization Violation'");
});
