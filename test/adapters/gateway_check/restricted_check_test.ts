// The check as the users of the shipped server configuration: a supervisor may do all of it, against a gateway that may
// do no more than it must.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Redacted } from "effect";
import * as Result from "effect/Result";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { connectNats, initStreams, type NatsSettings } from "../../../adapters/bus/mod.ts";
import { checkGateway, CLAUSES } from "../../../adapters/gateway_check/mod.ts";
import { type NatsServer, startNatsServer } from "../../nats_server.ts";
import { startOurGateway } from "./our_gateway.ts";

const SHIPPED = resolve(import.meta.dirname, "../../../config/nats");

let dir = "";
let server: NatsServer;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "purgatory-users-"));
  cpSync(SHIPPED, dir, { recursive: true });
  const config = readFileSync(join(SHIPPED, "server.conf"), "utf8");
  writeFileSync(join(dir, "server.conf"), config.replaceAll(/^ *store_dir.*$/gm, ""));
  for (const user of ["SUPERVISOR", "GATEWAY", "OBSERVER", "OPERATOR"]) {
    vi.stubEnv(`PURGATORY_${user}_PASSWORD`, "secret");
  }
  server = await startNatsServer({ args: ["--config", join(dir, "server.conf")] });
});
afterAll(async () => {
  await server.stop();
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

function access(user: string): NatsSettings {
  return { servers: server.url, name: user, user, password: Redacted.make("secret") };
}

test("a gateway with the rights of one passes every clause before a supervisor with the rights of one", async () => {
  const connection = await connectNats(access("supervisor"));
  try {
    await initStreams(connection, { update: false });
    Result.getOrThrow((await startOurGateway(access("gateway"))).started);
    const report = await checkGateway({ connection, timeoutMs: 5_000 });
    expect(report.clauses.filter(({ outcome }) => outcome !== "pass")).toEqual([]);
    expect(report.clauses).toHaveLength(CLAUSES.length);
    expect(report.notes).toEqual([]);
  } finally {
    await connection.close();
  }
});
