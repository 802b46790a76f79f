// `nats init` and `gateway-check`, against a real server.
import { jetstreamManager } from "@nats-io/jetstream";
import { describe, expect, test } from "vitest";
import { initNats, tryGateway } from "../../../adapters/cli/bus_care.ts";
import {
  EXIT,
  type GatewayCheckCommand,
  type NatsInitCommand,
  parseCommandLine,
} from "../../../adapters/cli/mod.ts";
import { CLAUSES } from "../../../adapters/gateway_check/mod.ts";
import { shippedConfigDir } from "../../../config/mod.ts";
import { connected, control, server } from "../control/control_kit.ts";

function parse(line: string) {
  return parseCommandLine(line.split(" "), {}, { version: "1", shippedConfigDir, cwd: "/nowhere" });
}
function initCommand(flags: string): NatsInitCommand {
  const parsed = parse(`nats init${flags}`);
  if (parsed.kind !== "nats init") throw new Error(JSON.stringify(parsed));
  return parsed;
}
function checkCommand(flags: string): GatewayCheckCommand {
  const parsed = parse(`gateway-check${flags}`);
  if (parsed.kind !== "gateway-check") throw new Error(JSON.stringify(parsed));
  return parsed;
}
const quiet = (): void => {};

describe("nats init", () => {
  test("creates what is missing, once", async () => {
    const { url } = await server();
    const first = await initNats(initCommand(` --nats ${url}`));
    expect([first.exitCode, first.errors]).toEqual([EXIT.ok, ""]);
    expect(first.text).toContain("stream PURGE_ORDERS: created");
    const second = await initNats(initCommand(` --nats ${url} --json`));
    const { ready, streams } = JSON.parse(second.text);
    expect(ready).toBe(true);
    expect(new Set(streams.map((stream: { what: string }) => stream.what))).toEqual(new Set(["unchanged"]));
  });

  test("tells what differs and fails, and changes it only when asked to", async () => {
    const { url } = await server();
    await initNats(initCommand(` --nats ${url}`));
    const manager = await jetstreamManager(await connected(url));
    await manager.streams.update("PURGE_RESULTS", { max_age: 86_400_000_000_000 });
    const told = await initNats(initCommand(` --nats ${url}`));
    expect(told.exitCode).toBe(EXIT.failed);
    expect(told.text).toMatch(/PURGE_RESULTS: different \(max_age is 1 d, expected 7 d\)/);
    expect(told.text).toContain("purgatory nats init --update");
    const updated = await initNats(initCommand(` --nats ${url} --update`));
    expect([updated.exitCode, updated.text]).toEqual([
      EXIT.ok,
      expect.stringContaining("PURGE_RESULTS: updated"),
    ]);
  });

  test("without a server is told how to name one", async () => {
    const answer = await initNats(initCommand(""));
    expect([answer.exitCode, answer.errors]).toEqual([EXIT.usage, expect.stringContaining("--nats")]);
  });

  test("of a server that wants a login fails, without a secret", async () => {
    const { url } = await server({ args: ["--auth", "hunter2"] });
    const answer = await initNats(initCommand(` --nats ${url}`));
    expect(answer.exitCode).toBe(EXIT.failed);
    expect(answer.errors).toContain("turned this client away");
    expect(answer.errors).not.toContain("hunter2");
  });
});

describe("gateway-check", () => {
  test("without a server is told how to name one", async () => {
    const answer = await tryGateway(checkCommand(""), quiet);
    expect([answer.exitCode, answer.errors]).toEqual([EXIT.usage, expect.stringContaining("--nats")]);
  });

  test("refuses a clause that is none, and names those that are", async () => {
    const answer = await tryGateway(checkCommand(" --nats nats://h:1 --only no-such-clause"), quiet);
    expect(answer.exitCode).toBe(EXIT.usage);
    expect(answer.errors).toMatch(/^--only: there is no clause no-such-clause; expected /);
  });

  test("refuses to steal the results of a supervisor", async () => {
    const { url } = await server();
    await initNats(initCommand(` --nats ${url}`));
    await control({ url });
    const answer = await tryGateway(checkCommand(` --nats ${url}`), quiet);
    expect(answer.exitCode).toBe(EXIT.failed);
    expect(answer.errors).toMatch(/supervisor/);
  });

  test("fails a gateway that is not there, clause by clause", async () => {
    const { url } = await server();
    await initNats(initCommand(` --nats ${url}`));
    const [first] = CLAUSES;
    const said: string[] = [];
    const warned: string[] = [];
    const say = (text: string): void => void said.push(text);
    const warn = (text: string): void => void warned.push(text);
    const line = ` --nats ${url} --timeout 1 --only ${first?.id}`;
    const answer = await tryGateway(checkCommand(line), say, warn);
    expect(answer.exitCode).toBe(EXIT.failed);
    expect(said.join("\n")).toMatch(new RegExp(`^FAIL +${first?.id} `));
    expect(answer.text).toMatch(/This gateway breaks the protocol: 0 passed, 1 failed/);
    const json = await tryGateway(checkCommand(`${line} --json`), say, warn);
    expect(JSON.parse(json.text)).toMatchObject({ kind: "gateway_check", ok: false });
    expect(said).toHaveLength(1);
    expect(warned).toEqual(Array.from({ length: 2 }, () => expect.stringContaining("REAL ORDERS")));
  });
});
