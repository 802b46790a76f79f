// `purgatory record`: what a real server has kept, read with an observer's rights alone.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Redacted } from "effect";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { connectNats, encode, initStreams } from "../../../adapters/bus/mod.ts";
import { parseCommandLine, type RecordCommand } from "../../../adapters/cli/mod.ts";
import { recordBus } from "../../../adapters/cli/record_command.ts";
import { shippedConfigDir } from "../../../config/mod.ts";
import { type NatsServer, startNatsServer } from "../../nats_server.ts";
import { lines, transitions } from "../recording/recording_kit.ts";
import { headers as natsHeaders, type NatsConnection } from "@nats-io/transport-node";
import { Collected, closing } from "./collected.ts";

const dir = mkdtempSync(join(tmpdir(), "purgatory-record-"));
let server: NatsServer;
let supervisor: NatsConnection;

beforeAll(async () => {
  cpSync(resolve(shippedConfigDir, "nats"), dir, { recursive: true });
  const config = readFileSync(join(dir, "server.conf"), "utf8");
  writeFileSync(join(dir, "server.conf"), config.replaceAll(/^ *store_dir.*$/gm, ""));
  for (const user of ["SUPERVISOR", "GATEWAY", "OBSERVER", "OPERATOR"])
    vi.stubEnv(`PURGATORY_${user}_PASSWORD`, `pw4${user}`);
  server = await startNatsServer({ args: ["--config", join(dir, "server.conf")] });
  supervisor = await connectNats({
    servers: server.url,
    name: "supervisor",
    user: "supervisor",
    password: Redacted.make("pw4SUPERVISOR"),
  });
  await initStreams(supervisor, { update: false });
  for (const transition of transitions.slice(0, -1)) await publish(transition);
  vi.stubEnv("NATS_USER", "observer");
  vi.stubEnv("NATS_PASSWORD", "pw4OBSERVER");
});
afterAll(async () => {
  await supervisor?.close();
  await server?.stop();
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

async function publish(
  transition: (typeof transitions)[number],
  spoil: (bytes: Uint8Array) => Uint8Array = (as) => as,
) {
  const { subject, bytes, headers } = encode("transitions", transition);
  const sent = natsHeaders();
  for (const [name, value] of Object.entries(headers)) sent.set(name, value);
  supervisor.publish(subject, spoil(bytes), { headers: sent });
  await supervisor.flush();
}
function command(flags = "", url = server.url): RecordCommand {
  const words = `record ${url} --state ${dir} ${flags}`.trim().split(" ");
  const parsed = parseCommandLine(words, {}, { version: "1", shippedConfigDir, cwd: dir });
  if (parsed.kind !== "record") throw new Error(JSON.stringify(parsed));
  return parsed;
}

describe("a recording of a supervisor elsewhere", () => {
  test("has what the stream has kept, as the journal would have written it", async () => {
    const stream = new Collected();
    const answer = await recordBus(command(), { stream });
    expect(answer).toEqual({ exitCode: 0, text: "", errors: "" });
    expect(stream.lines.map((line) => JSON.parse(line))).toEqual(
      lines.slice(0, -1).map((line) => JSON.parse(line)),
    );
  });

  test("has one symbol where one is asked for, and no more than somebody reads", async () => {
    const stream = new Collected();
    await recordBus(command("--symbol SEI-USD"), { stream });
    expect(new Set(stream.lines.map((line) => JSON.parse(line).symbol))).toEqual(new Set(["SEI-USD"]));
    expect(await recordBus(command("--follow"), { stream: closing() })).toMatchObject({ exitCode: 0 });
  });

  test("goes on with what is published, and names what is no transition", async () => {
    const stopping = new AbortController();
    const warned: string[] = [];
    const [last] = transitions.slice(-1);
    if (last === undefined) throw new Error("no transitions");
    const stream = new Collected((to) => {
      if (to.lines.length === lines.length) stopping.abort();
      return true;
    });
    const following = recordBus(command("--follow"), {
      stream,
      signal: stopping.signal,
      warn: (line) => warned.push(line),
    });
    await publish({ ...last, ledger_id: "another" }, () => Buffer.from("nonsense"));
    await publish(last);
    expect(await following).toMatchObject({ exitCode: 1, errors: "1 messages were left out" });
    expect(JSON.parse(stream.lines.at(-1) ?? "")).toEqual(JSON.parse(lines.at(-1) ?? ""));
    expect(warned).toEqual([
      expect.stringMatching(
        new RegExp(`^message ${lines.length} of the stream is no transition: the body is not `),
      ),
    ]);
  });

  test("goes on when the server is back", async () => {
    const stopping = new AbortController();
    const first = Promise.withResolvers<void>();
    const stream = new Collected((to) => {
      first.resolve();
      if (to.lines.some((line) => line.includes('"ledger_id":"back"'))) stopping.abort();
      return true;
    });
    const following = recordBus(command("--follow"), { stream, signal: stopping.signal, warn: () => {} });
    await first.promise;
    await server.restart();
    await vi.waitFor(() => supervisor.flush(), { timeout: 20_000 });
    const [last] = transitions.slice(-1);
    if (last === undefined) throw new Error("no transitions");
    await publish({ ...last, ledger_id: "back" });
    expect(await following).toMatchObject({ exitCode: 1, errors: "1 messages were left out" });
  });

  test("cannot be had without a server, or without the right to", async () => {
    const { nats } = command();
    expect(await recordBus({ ...command(), nats: { ...nats, url: null } })).toMatchObject({ exitCode: 2 });
    const gone = await recordBus(command("", "nats://127.0.0.1:1"), { stream: new Collected() });
    expect([gone.exitCode, gone.errors]).toEqual([1, expect.stringContaining("127.0.0.1:1")]);
    vi.stubEnv("NATS_USER", "gateway");
    vi.stubEnv("NATS_PASSWORD", "pw4GATEWAY");
    const refused = await recordBus(command(), { stream: new Collected() });
    expect([refused.exitCode, refused.errors]).toEqual([
      1,
      expect.stringContaining("the stream PURGE_TRANSITIONS could not be read"),
    ]);
  });
});
