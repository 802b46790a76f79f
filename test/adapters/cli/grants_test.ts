// What each command may do, proved by processes that try.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeGrants, type Grants, grantsDocument, toNodeFlags } from "../../../adapters/cli/mod.ts";
import type { Probe } from "./grants_probe.ts";
import { home, type Report, report, run } from "./grants_kit.ts";

const root = join(import.meta.dirname, "../../..");
const DENIED = "ERR_ACCESS_DENIED";
const homes: string[] = [];
function newHome(name?: string): string {
  const dir = home(name);
  homes.push(dir);
  return dir;
}
const server: Server = createServer();
let port = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address === "object" && address !== null) port = address.port;
});
afterAll(() => {
  server.close();
  for (const dir of homes) rmSync(dir, { recursive: true });
});

/** Everything that a process can try, seen from `dir`. */
function everything(dir: string): NonNullable<Probe["tries"]> {
  return {
    "read config": { read: join(dir, "config") },
    "read elsewhere": { read: join(dir, "outside", "file") },
    "read version control": { read: join(root, ".git") },
    "write elsewhere": { write: join(dir, "outside", "new") },
    "write config": { write: join(dir, "config", "new") },
    "write ledger": { write: join(dir, ".purgatory", "paper", "file") },
    "write other ledger": { write: join(dir, ".purgatory", "live", "file") },
    connect: { connect: port },
    listen: "listen",
    child: "child",
    worker: "worker",
    addon: "addon",
    sqlite: "sqlite",
    packages: "packages",
  };
}
const nothing = {
  "read config": DENIED,
  "read elsewhere": DENIED,
  "read version control": DENIED,
  "write elsewhere": DENIED,
  "write config": DENIED,
  "write ledger": DENIED,
  "write other ledger": DENIED,
  connect: DENIED,
  listen: DENIED,
  child: DENIED,
  worker: DENIED,
  addon: "ERR_DLOPEN_DISABLED",
  sqlite: "ERR_UNKNOWN_BUILTIN_MODULE",
  packages: "ok",
};

async function whatCanDo(args: readonly string[], dir = newHome()): Promise<Report["results"]> {
  mkdirSync(join(dir, ".purgatory", "live"), { recursive: true });
  const { results } = await report(args, { cwd: dir, probe: { tries: everything(dir) } });
  return results;
}

describe("the flags of node", () => {
  const none: Grants = {
    program: [],
    read: [],
    write: [],
    make: [],
    network: [],
    child: [],
    worker: false,
    sqlite: true,
    optional: { read: [], write: [] },
  };

  test("name each path once, and none that lies in another", () => {
    const read = ["/a/b", "/a", "/a/b/c", "/a"];
    expect(toNodeFlags({ ...none, program: ["/a/d"], read })).toEqual(["--permission", "--allow-fs-read=/a"]);
  });

  test("name paths beside each other though one begins like the other", () => {
    const write = ["/a/paper", "/a/paper-old"];
    expect(toNodeFlags({ ...none, write })).toEqual([
      "--permission",
      "--allow-fs-write=/a/paper",
      "--allow-fs-write=/a/paper-old",
    ]);
  });

  test("let a program be started only where one is named, and say nothing of it", () => {
    expect(toNodeFlags({ ...none, child: ["nats-server"] })).toEqual([
      "--permission",
      "--allow-child-process",
      "--disable-warning=SecurityWarning",
    ]);
    expect(describeGrants({ ...none, child: ["nats-server"] }).at(-1)).toContain(
      "child processes: nats-server,",
    );
    expect(grantsDocument({ ...none, child: ["nats-server"] })).toMatchObject({
      child_processes: ["nats-server"],
    });
  });

  test("of a whole disk name it alone", () => {
    expect(toNodeFlags({ ...none, read: ["/", "/a"] })).toEqual(["--permission", "--allow-fs-read=/"]);
  });
});

describe.concurrent("of all that a process can try", () => {
  const onLedger = { ...nothing, sqlite: "ok" };

  test("run may read its configuration and write its own ledger", async () => {
    const can = await whatCanDo(["run"]);
    expect(can).toEqual({ ...onLedger, "read config": "ok", "write ledger": "ok" });
  });

  test("run may use the network when a bus is asked for", async () => {
    const can = await whatCanDo(["run", "--nats", "nats://127.0.0.1:4222"]);
    const network = { connect: "ok", listen: "ok" };
    expect(can).toEqual({ ...onLedger, "read config": "ok", "write ledger": "ok", ...network });
  });

  test("run may use the network when a port is asked for", async () => {
    expect(await whatCanDo(["run", "--http-port", "0"])).toMatchObject({ listen: "ok", child: DENIED });
  });

  test.each(["nats: {url: nats://127.0.0.1:4222}\n", "http: {port: 9100}\n"])(
    "run may use the network when app.yaml says %j",
    async (text) => {
      const dir = newHome();
      writeFileSync(join(dir, "config", "app.yaml"), text);
      expect(await whatCanDo(["run"], dir)).toMatchObject({ connect: "ok", listen: "ok", child: DENIED });
    },
  );

  test("run may start a program only for a server of its own, whose files it may then write", async () => {
    const dir = newHome();
    const { results } = await report(["run", "--nats", "spawn"], {
      cwd: dir,
      probe: { tries: { ...everything(dir), server: { write: join(dir, ".purgatory", "nats", "file") } } },
    });
    const may = { connect: "ok", listen: "ok", child: "ok", server: "ok" };
    expect(results).toEqual({
      ...onLedger,
      "read config": "ok",
      "write ledger": "ok",
      "write other ledger": DENIED,
      ...may,
    });
  });

  const bus = ["--nats", "nats://127.0.0.1:4222"];
  test("gateway may write its own ledger and use the network", async () => {
    expect(await whatCanDo(["gateway", ...bus])).toEqual({
      ...onLedger,
      "read config": "ok",
      "write ledger": "ok",
      connect: "ok",
      listen: "ok",
    });
  });

  test("an operator may use the network where there is a bus, and write nothing", async () => {
    const can = await whatCanDo(["resume", "BONK-USD", ...bus]);
    expect(can).toEqual({ ...onLedger, "read config": "ok", connect: "ok", listen: "ok" });
    expect(await whatCanDo(["resume", "BONK-USD"])).toEqual({ ...onLedger, "read config": "ok" });
  });

  test("what looks after a bus has no SQLite and writes nothing", async () => {
    const can = { ...nothing, "read config": "ok", connect: "ok", listen: "ok" };
    expect(await whatCanDo(["nats", "init", ...bus])).toEqual(can);
    expect(await whatCanDo(["gateway-check", ...bus])).toEqual(can);
  });

  test("status may use the network where a run has had a server of its own", async () => {
    const dir = newHome();
    mkdirSync(join(dir, ".purgatory", "nats"), { recursive: true });
    writeFileSync(join(dir, ".purgatory", "nats", "server.json"), "{}");
    const { results } = await report(["status"], {
      cwd: dir,
      probe: {
        tries: {
          connect: { connect: port },
          server: { read: join(dir, ".purgatory", "nats", "server.json") },
          write: { write: join(dir, ".purgatory", "nats", "new") },
          child: "child",
        },
      },
    });
    expect(results).toEqual({ connect: "ok", server: "ok", write: DENIED, child: DENIED });
  });

  test("check may read the configuration, has no SQLite, and nothing else", async () => {
    expect(await whatCanDo(["check"])).toEqual({ ...nothing, "read config": "ok" });
  });

  test("graph may do nothing", async () => {
    expect(await whatCanDo(["graph"])).toEqual(nothing);
  });

  test("status and export may write nothing", async () => {
    expect(await whatCanDo(["status"])).toEqual({ ...onLedger, "read config": "ok" });
    expect(await whatCanDo(["export"])).toEqual(onLedger);
  });

  test("import may read the configuration and write its own ledger", async () => {
    const can = await whatCanDo(["import", "-"]);
    expect(can).toEqual({ ...onLedger, "read config": "ok", "write ledger": "ok" });
  });
});

describe.concurrent("files that are named", () => {
  async function tried(args: readonly string[], tries: NonNullable<Probe["tries"]>, dir: string) {
    const { results } = await report(args, { cwd: dir, probe: { tries } });
    return results;
  }

  test("export may write the file that it is to write, and no other", async () => {
    const dir = newHome();
    const tries = { it: { write: join(dir, "out.json") }, other: { write: join(dir, "out.json2") } };
    expect(await tried(["export", "out.json"], tries, dir)).toEqual({ it: "ok", other: DENIED });
  });

  test("import may read the file that it is to read, and no other", async () => {
    const dir = newHome();
    const tries = {
      it: { read: join(dir, "outside", "file") },
      write: { write: join(dir, "outside", "file") },
      other: { read: join(dir, "outside") },
    };
    const can = await tried(["import", "outside/file"], tries, dir);
    expect(can).toEqual({ it: "ok", write: DENIED, other: DENIED });
  });

  test("run may read its script, and the files that secrets are taken from", async () => {
    const dir = newHome();
    for (const name of ["script.yaml", "token", "password", "other"]) writeFileSync(join(dir, name), "x");
    const secrets = "nats: {token: {file: ../token}, password: {file: ../password}}\n";
    writeFileSync(join(dir, "config", "app.yaml"), secrets);
    const names = ["script.yaml", "token", "password", "other"];
    const tries = Object.fromEntries(names.map((name) => [name, { read: join(dir, name) }]));
    expect(await tried(["run", "--script", "script.yaml"], tries, dir)).toEqual({
      "script.yaml": "ok",
      token: "ok",
      password: "ok",
      other: DENIED,
    });
  });

  test("whoever uses the bus may read the files that flags and the environment name for the login", async () => {
    const dir = newHome();
    const names = ["pw", "ca.pem", "bot.creds", "other"];
    for (const name of names) writeFileSync(join(dir, name), "x");
    const tries = Object.fromEntries(names.map((name) => [name, { read: join(dir, name) }]));
    const flags = ["--nats", "nats://h:1", "--nats-user", "bot", "--nats-password-file", "pw"];
    const env = { NATS_CA: "ca.pem", NATS_URL: "nats://elsewhere:1", NATS_PASSWORD: "other" };
    const probe = { tries };
    const { results } = await report(["status", ...flags], { cwd: dir, env, probe });
    expect(results).toEqual({ pw: "ok", "ca.pem": "ok", "bot.creds": DENIED, other: DENIED });
  });

  test("a script that is not there is not there, rather than denied", async () => {
    const dir = newHome();
    const tries = { it: { read: join(dir, "nowhere.yaml") } };
    expect(await tried(["run", "--script", "nowhere.yaml"], tries, dir)).toEqual({ it: "ENOENT" });
  });

  test("a ledger that is not there is not there, rather than denied", async () => {
    const dir = newHome();
    const tries = { it: { read: join(dir, "nowhere", "paper", "journal.sqlite") } };
    expect(await tried(["status", "--state", "nowhere"], tries, dir)).toEqual({ it: "ENOENT" });
  });

  test("compiled code may be kept where NODE_COMPILE_CACHE says", async () => {
    const dir = newHome();
    mkdirSync(join(dir, "cache"));
    const probe = { tries: { cache: { write: join(dir, "cache", "x") } } };
    const env = { NODE_COMPILE_CACHE: join(dir, "cache") };
    expect((await report(["graph"], { cwd: dir, probe, env })).results).toEqual({ cache: "ok" });
    expect((await report(["graph"], { cwd: dir, probe })).results).toEqual({ cache: DENIED });
  });
});

describe.concurrent("paths of all kinds", () => {
  test.each(["with space-", "with,comma-", "with'quote-", "ünï-", "with=equals-"])(
    "a directory named %j is granted, and said nothing about",
    async (name) => {
      const can = await whatCanDo(["run"], newHome(name));
      expect(can).toMatchObject({ "read config": "ok", "write ledger": "ok", "write elsewhere": DENIED });
    },
  );

  test("a directory beside one with a longer name is not taken for it", async () => {
    const dir = newHome();
    mkdirSync(join(dir, "state", "paper-old"), { recursive: true });
    const tries = {
      it: { write: join(dir, "state", "paper", "x") },
      longer: { write: join(dir, "state", "paper-old", "x") },
    };
    const { results } = await report(["run", "--state", "state"], { cwd: dir, probe: { tries } });
    expect(results).toEqual({ it: "ok", longer: DENIED });
  });

  test("links are granted as named and where they lead", async () => {
    const dir = newHome();
    mkdirSync(join(dir, "real"));
    symlinkSync(join(dir, "real"), join(dir, "link"));
    symlinkSync(join(dir, "config"), join(dir, "settings"));
    const tries = {
      link: { write: join(dir, "link", "paper", "a") },
      real: { write: join(dir, "real", "paper", "b") },
      beside: { write: join(dir, "real", "c") },
      settings: { read: join(dir, "settings", "policy.yaml") },
    };
    const args = ["run", "--state", "link", "--config", "settings"];
    const { results } = await report(args, { cwd: dir, probe: { tries } });
    expect(results).toEqual({ link: "ok", real: "ok", beside: DENIED, settings: "ok" });
  });

  test("a path with a * is refused: node would grant more than it names", async () => {
    const ended = await run(["run", "--state", "st*te"], { cwd: newHome() });
    expect(ended).toMatchObject({ code: 4, output: "" });
    expect(ended.errors).toMatch(/st\*te\/paper: .*grant other files too; use a path without it\n$/);
  });

  test("a state directory that cannot be made is refused by name", async () => {
    const ended = await run(["run", "--state", "outside/file"], { cwd: newHome() });
    expect(ended).toMatchObject({ code: 3, output: "" });
    expect(ended.errors).toMatch(/outside\/file\/paper: cannot be made \(ENOTDIR\); .*--state\n$/);
  });
});
