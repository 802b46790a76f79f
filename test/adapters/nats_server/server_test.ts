// A nats-server that this program runs itself, the real one: started, lost, restarted, stopped.
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { jetstream } from "@nats-io/jetstream";
import * as Result from "effect/Result";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Child, Link } from "../../../actors/child_spec.ts";
import { startSupervisor } from "../../../actors/supervisor.ts";
import type { SupervisorEvent } from "../../../actors/supervisor_events.ts";
import { systemClock } from "../../../adapters/clock/mod.ts";
import { type RunningServer, spawnedServer, startNatsServer } from "../../../adapters/nats_server/mod.ts";
import { connectTo, isGone, managerOf, newDirectory, ps, start, SOON } from "./kit.ts";

/** As a later run would find it. */
function asOfAnEarlierRun(dir: string): void {
  const path = join(dir, "server.json");
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), run: "an earlier one" }));
}

async function occupy(port: number): Promise<void> {
  const other = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => {
    other.listen(port, "127.0.0.1", resolve);
  });
  onTestFinished(() => void other.close());
}

const portOf = (url: string): number => Number(new URL(url).port);

describe("a server that was started", () => {
  test("keeps what is published to a stream", async () => {
    const { server } = await start(newDirectory());
    const connection = await connectTo(server);
    const manager = await managerOf(server);
    await manager.streams.add({ name: "KEPT", subjects: ["kept.>"] });
    const ack = await jetstream(connection).publish("kept.one", "1");
    expect(ack).toMatchObject({ stream: "KEPT", seq: 1 });
    expect(server.url).toMatch(/^nats:\/\/127\.0\.0\.1:\d+$/);
  });

  test("answers nobody who does not know the token", async () => {
    const { server } = await start(newDirectory());
    await expect(connectTo({ url: server.url })).rejects.toThrow(/authorization violation/i);
    await expect(connectTo({ url: server.url, token: "0".repeat(64) })).rejects.toThrow(/authorization/i);
  });

  test("tells its token to its owner only: not in the files' modes, not in the list of processes", async () => {
    const dir = newDirectory();
    const { server, observed } = await start(dir);
    const mode = (path: string): number => statSync(path).mode & 0o777;
    expect(mode(dir)).toBe(0o700);
    for (const name of ["server.json", "server.conf", "server.log", "server.lock", "server.alive"]) {
      expect(mode(join(dir, name)), name).toBe(0o600);
    }
    expect(readFileSync(join(dir, "server.json"), "utf8")).toContain(server.token);
    expect(ps("args", server.pid)).toContain("--config");
    expect(ps("args", server.pid) + ps("args", Number(ps("ppid", server.pid)))).not.toContain(server.token);
    expect(JSON.stringify(observed) + readFileSync(join(dir, "server.log"), "utf8")).not.toContain(
      server.token,
    );
  });

  test("listens on loopback, and has no monitoring port", async () => {
    const dir = newDirectory();
    const { server } = await start(dir);
    const listening = readFileSync(join(dir, "server.log"), "utf8").match(
      /^.*(?:Listening|Starting http).*$/gm,
    );
    expect(listening).toHaveLength(1);
    expect(listening?.[0]).toContain(`127.0.0.1:${portOf(server.url)}`);
  });

  test("takes the largest body that is sent, headers and all", async () => {
    const { server } = await start(newDirectory());
    const { info } = await connectTo(server);
    expect(info?.max_payload).toBeGreaterThanOrEqual(1024 * 1024 + 64 * 1024);
  });

  test("does not hear the ^C that is meant for us", async () => {
    const { server } = await start(newDirectory());
    expect(ps("pgid", server.pid)).not.toBe(ps("pgid", process.pid));
  });

  test("tells nobody of warnings that belong to every start", async () => {
    const { server, observed } = await start(newDirectory());
    const { url, pid, version } = server;
    const late = version.startsWith("2.9.") ? "; it syncs every two minutes" : "";
    const message = expect.stringContaining(`nats-server ${version} runs on ${url}, pid ${pid}${late}`);
    expect(observed).toEqual([{ kind: "note", level: "info", message }]);
  });

  test("is heard when it complains", async () => {
    const { server, observed } = await start(newDirectory());
    await expect(connectTo({ url: server.url })).rejects.toThrow();
    await expect
      .poll(() => observed, SOON)
      .toContainEqual({
        kind: "note",
        level: "error",
        message: expect.stringMatching(/^nats-server: .*authentication error/),
      });
  });
});

describe("a server that ends by itself", () => {
  test.each(["SIGKILL", "SIGTERM"] as const)(
    "by %s is reported once, with its last lines",
    async (signal) => {
      const dir = newDirectory();
      const { server, ended } = await start(dir);
      expect(spawnedServer(dir)).toEqual({ url: server.url, token: server.token, pid: server.pid });
      process.kill(server.pid, signal);
      const { message } = await ended;
      expect(message).toContain(`nats-server (pid ${server.pid})`);
      expect(message).toMatch(signal === "SIGKILL" ? /was ended by SIGKILL/ : /ended/);
      expect(message).toMatch(signal === "SIGKILL" ? /Server is ready/ : /Server Exiting/);
      expect(spawnedServer(dir)).toBe(null);
    },
  );

  test("comes back at once where it was, with what it had", async () => {
    const dir = newDirectory();
    const first = await start(dir);
    const manager = await managerOf(first.server);
    await manager.streams.add({ name: "KEPT", subjects: ["kept.>"] });
    await manager.jetstream().publish("kept.one", "1");
    process.kill(first.server.pid, "SIGKILL");
    await first.ended;
    const { server } = await start(dir);
    expect(server).toMatchObject({ url: first.server.url, token: first.server.token });
    expect(server.pid).not.toBe(first.server.pid);
    const info = await (await managerOf(server)).streams.info("KEPT");
    expect(info.state.messages).toBe(1);
  });

  test("again and again, and loses nothing that it acknowledged", async () => {
    const dir = newDirectory();
    for (let life = 1; life <= 5; life += 1) {
      const { server, ended } = await start(dir);
      const manager = await managerOf(server);
      if (life === 1) await manager.streams.add({ name: "KEPT", subjects: ["kept.>"] });
      const publishing = Array.from({ length: 50 }, () => manager.jetstream().publish("kept.one", "1"));
      const acks = await Promise.all(publishing);
      expect(acks.at(-1)?.seq).toBe(life * 50);
      process.kill(server.pid, "SIGKILL");
      await ended;
    }
  });

  test("is started anew by its supervisor, alone, and those that lean on it find it where it was", async () => {
    const dir = newDirectory();
    const servers: RunningServer[] = [];
    const events: string[] = [];
    const begin = async (link: Link): Promise<Child> => {
      const exit = (error: Error): void => link.exit({ crash: error });
      const options = { dir, env: process.env, observe: () => {}, exit, signal: link.signal };
      const server = await startNatsServer(options);
      servers.push(server);
      return { stop: (how) => (how === "killed" ? server.kill() : server.stop()) };
    };
    const observe = ({ kind, child }: SupervisorEvent): number => events.push(`${child} ${kind}`);
    const children = [
      { id: "nats-server", start: begin },
      { id: "bus", start: () => ({ stop: () => {} }) },
    ];
    const started = await startSupervisor({ name: "nats", children }, { clock: systemClock(), observe });
    if (Result.isFailure(started)) throw new Error("it did not start");
    process.kill(servers[0]?.pid ?? 0, "SIGKILL");
    await expect.poll(() => events, SOON).toContain("nats-server restarted");
    expect(servers[1]?.url).toBe(servers[0]?.url);
    expect(events.filter((event) => event.startsWith("bus"))).toEqual(["bus started"]);
    await started.success.stop();
    expect(spawnedServer(dir)).toBe(null);
  });

  test("is gone even when only its guard was killed", async () => {
    const { server, ended } = await start(newDirectory());
    process.kill(Number(ps("ppid", server.pid)), "SIGKILL");
    expect((await ended).message).toMatch(/guard/);
    expect(isGone(server.pid)).toBe(true);
  });
});

describe("stopping", () => {
  test("ends the server in good order, and is no accident", async () => {
    const dir = newDirectory();
    let exits = 0;
    const { server } = await start(dir, {
      exit: () => {
        exits += 1;
      },
    });
    await Promise.all([server.stop(), server.stop()]);
    expect(isGone(server.pid)).toBe(true);
    expect(readFileSync(join(dir, "server.log"), "utf8")).toMatch(/JetStream Shutdown/);
    expect(spawnedServer(dir)).toBe(null);
    await server.stop();
    expect(exits).toBe(0);
  });

  test("a server that does not listen is killed at the deadline", async () => {
    const { server } = await start(newDirectory(), { deadlines: { stopMs: 50 } });
    process.kill(server.pid, "SIGSTOP");
    await server.stop();
    expect(isGone(server.pid)).toBe(true);
  });

  test("at once, when there is no time left", async () => {
    const dir = newDirectory();
    const { server } = await start(dir);
    server.kill();
    await server.stop();
    expect(isGone(server.pid)).toBe(true);
    expect(readFileSync(join(dir, "server.log"), "utf8")).not.toMatch(/Shutdown/);
  });
});

describe("a later run in the same directory", () => {
  test("has the port and the token of the one before", async () => {
    const dir = newDirectory();
    const { server: before } = await start(dir);
    await before.stop();
    asOfAnEarlierRun(dir);
    const { server } = await start(dir);
    expect(server).toMatchObject({ url: before.url, token: before.token });
  });

  test("takes another port when that one is taken", async () => {
    const dir = newDirectory();
    const { server: before } = await start(dir);
    await before.stop();
    asOfAnEarlierRun(dir);
    await occupy(portOf(before.url));
    const { server } = await start(dir);
    expect(server.url).not.toBe(before.url);
    expect(server.token).toBe(before.token);
    expect(spawnedServer(dir)?.url).toBe(server.url);
  });

  test("within one run the others rely on the port: that it is taken is an error that says so", async () => {
    const dir = newDirectory();
    const { server } = await start(dir);
    await server.stop();
    await occupy(portOf(server.url));
    await expect(start(dir)).rejects.toMatchObject({
      reason: "port",
      message: expect.stringContaining(`port ${portOf(server.url)}`),
    });
  });

  test("trusts no token that others could read", async () => {
    const dir = newDirectory();
    const { server: before } = await start(dir);
    await before.stop();
    asOfAnEarlierRun(dir);
    chmodSync(join(dir, "server.json"), 0o644);
    const { server } = await start(dir);
    expect(server.token).not.toBe(before.token);
    expect(statSync(join(dir, "server.json")).mode & 0o777).toBe(0o600);
  });

  test("a file that nobody understands is made anew", async () => {
    const dir = newDirectory();
    const { server: before } = await start(dir);
    await before.stop();
    writeFileSync(join(dir, "server.json"), '{"port": 80');
    const { server } = await start(dir);
    expect(server.token).toMatch(/^[0-9a-f]{64}$/);
    expect(server.token).not.toBe(before.token);
  });
});

test("where no server was ever spawned there is none", () => {
  const dir = newDirectory();
  expect(spawnedServer(dir)).toBe(null);
  expect(spawnedServer(dirname(dir))).toBe(null);
});
