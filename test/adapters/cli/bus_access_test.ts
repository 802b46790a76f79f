// Which bus a command goes to, when several are named.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redacted } from "effect";
import { afterAll, describe, expect, test } from "vitest";
import { busAccess, findBus } from "../../../adapters/cli/bus_access.ts";
import {
  type Grants,
  grantFacts,
  grantsFor,
  natsServerDir,
  parseCommandLine,
  type StatusCommand,
} from "../../../adapters/cli/mod.ts";
import { startNatsServer } from "../../../adapters/nats_server/mod.ts";
import { loadConfig, type NatsConfig, natsFiles, shippedConfigDir } from "../../../config/mod.ts";

const root = mkdtempSync(join(tmpdir(), "purgatory-bus-access-"));
afterAll(() => rmSync(root, { recursive: true }));
const APP = "nats: {url: 'nats://app:1'}\n";
const UNIVERSE = "currencies_to_hold: [BTC]\n";

let count = 0;
/** A directory with a configuration and no state. */
function home(app = "{}\n", universe: string | null = null): string {
  count += 1;
  const dir = join(root, String(count));
  mkdirSync(join(dir, "config"), { recursive: true });
  writeFileSync(join(dir, "config", "app.yaml"), app);
  writeFileSync(join(dir, "config", "policy.yaml"), "{}\n");
  if (universe !== null) writeFileSync(join(dir, "config", "universe.yaml"), universe);
  return dir;
}
function status(dir: string, flags: readonly string[] = [], env: Record<string, string> = {}): StatusCommand {
  const facts = { version: "1", shippedConfigDir, cwd: dir };
  const parsed = parseCommandLine(["status", ...flags], env, facts);
  if (parsed.kind !== "status") throw new Error(JSON.stringify(parsed));
  return parsed;
}
/** Where `status` in this directory would ask. */
async function found(dir: string, flags: readonly string[] = [], env: Record<string, string> = {}) {
  const command = status(dir, flags, env);
  return findBus(command, { env, stateDir: command.stateDir });
}

/** While a server of our own runs in the state directory. */
async function withServer(dir: string, work: (server: { url: string; token: string }) => Promise<void>) {
  const server = await startNatsServer({
    dir: natsServerDir(join(dir, ".purgatory")),
    env: process.env,
    observe: () => {},
    exit: () => {},
  });
  try {
    await work(server);
  } finally {
    await server.stop();
  }
}

describe("a command finds its bus", () => {
  test("nowhere, where nobody names one", async () => {
    expect(await found(home())).toEqual({ kind: "none" });
  });

  test("in app.yaml", async () => {
    expect(await found(home(APP))).toMatchObject({ kind: "server", url: "nats://app:1" });
  });

  test("by a flag rather than in app.yaml, with the login of app.yaml", async () => {
    const dir = home("nats: {url: 'nats://app:1', user: bot, password: {env: PW}}\n");
    const access = await found(dir, ["--nats", "nats://flag:1"], { PW: "secret" });
    if (access.kind !== "server") throw new Error(access.kind);
    expect(access.url).toBe("nats://flag:1");
    expect(access.nats.password === null ? null : Redacted.value(access.nats.password)).toBe("secret");
    expect(JSON.stringify(access)).not.toContain("secret");
  });

  test("never by a stray NATS_URL", async () => {
    expect(await found(home(), [], { NATS_URL: "nats://elsewhere:1" })).toEqual({ kind: "none" });
  });

  test("at a server that a run has started in the same state directory, as long as it is there", async () => {
    const dir = home(APP);
    await withServer(dir, async ({ url, token }) => {
      const access = await found(dir);
      if (access.kind !== "server") throw new Error(access.kind);
      expect(access.url).toBe(url);
      expect(access.nats.token === null ? null : Redacted.value(access.nats.token)).toBe(token);
      expect(await found(dir, ["--nats", "nats://flag:1"])).toMatchObject({ url: "nats://flag:1" });
      expect(await found(dir, ["--state", "other"])).toMatchObject({ url: "nats://app:1" });
    });
    expect(await found(dir)).toMatchObject({ url: "nats://app:1" });
  });

  test("not there for somebody else: flags of a login are for the server of app.yaml", async () => {
    const dir = home(APP);
    writeFileSync(join(dir, "token"), "abc");
    await withServer(dir, async () => {
      const access = await found(dir, ["--nats-token-file", "token"]);
      expect(access).toMatchObject({ kind: "server", url: "nats://app:1" });
    });
  });

  test("though another file of the configuration is broken", async () => {
    const dir = home(APP, "tiers: [");
    expect(loadConfig(join(dir, "config"), {}).ok).toBe(false);
    expect(await found(dir)).toMatchObject({ kind: "server", url: "nats://app:1" });
  });

  test("not where app.yaml is broken, and says so", async () => {
    const access = await found(home("nats: {url: 5}\n", UNIVERSE));
    expect(access).toEqual({ kind: "wrong", message: expect.stringContaining("app.yaml:1") });
  });

  test("at the own server though app.yaml is broken", async () => {
    const dir = home("nats: {url: 5}\n");
    await withServer(dir, async ({ url }) => {
      expect(await found(dir)).toMatchObject({ kind: "server", url });
    });
  });

  test("with a login that cannot be read, and says which file", async () => {
    const access = await found(home(APP), ["--nats-creds", "nowhere.creds"]);
    expect(access).toEqual({ kind: "wrong", message: expect.stringContaining("nowhere.creds") });
  });

  test("yet to be started, for run --nats spawn", async () => {
    const nats: NatsConfig = await appNats();
    const flags = { ...status(home()).nats, url: "spawn" };
    expect(await busAccess(flags, nats, { env: {}, stateDir: null })).toEqual({ kind: "spawn" });
  });
});

async function appNats(): Promise<NatsConfig> {
  const loaded = loadConfig(shippedConfigDir, {});
  if (!loaded.ok) throw new Error("the shipped configuration is broken");
  return loaded.config.app.nats;
}

describe("the grants", () => {
  const main = join(import.meta.dirname, "../../../main.ts");
  function grants(command: StatusCommand, env: Record<string, string>): Grants {
    return grantsFor(command, grantFacts(command, main, env));
  }

  test.each([
    { flags: ["--nats-user", "a", "--nats-password-file", "p"], env: { NATS_CA: "/ca.pem" } },
    { flags: ["--nats-token-file", "t"], env: { NATS_CREDS: "/other.creds" } },
    { flags: ["--nats-nkey", "n"], env: { NATS_CERT: "/c.pem", NATS_KEY: "/k.pem" } },
    {
      flags: ["--nats-creds", "c", "--nats-tls-ca", "ca", "--nats-tls-cert", "x", "--nats-tls-key", "y"],
      env: {},
    },
    { flags: [], env: { NATS_NKEY: "/seed", NATS_CA: "rel.pem" } },
    { flags: [], env: { NATS_PASSWORD: "secret", NATS_USER: "a", NATS_TOKEN: "" } },
  ])("cover every file that the login will be read from: %j", ({ flags, env }) => {
    const command = status(home(), ["--nats", "nats://h:1", ...flags], env);
    const { read } = grants(command, { ...env });
    expect(read).toEqual(expect.arrayContaining([...natsFiles(command.nats, { ...env })]));
    expect(read.join()).not.toContain("secret");
  });

  test("cover no login and no network where there is no bus", () => {
    const command = status(home());
    const granted = grants(command, { NATS_CREDS: "/x.creds" });
    expect(granted.network).toEqual([]);
    expect(granted.read).not.toContain("/x.creds");
  });

  test("say which bus, without a login that somebody wrote into its address", () => {
    const command = status(home("nats: {url: 'nats://me:hunter2@h:1'}\n"));
    expect(grants(command, {}).network).toEqual(["the bus at nats://***@h:1"]);
  });
});
