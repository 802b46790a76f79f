// The launcher of real servers: it must leave nothing behind, however a test ends.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { findNatsServer, startNatsServer } from "./nats_server.ts";

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test("a server that is restarted keeps its port, and one that is stopped leaves nothing behind", async () => {
  const server = await startNatsServer();
  const { port, pid } = server;
  const store = /Store Directory: +"([^"]+)"/.exec(server.log)?.[1] ?? "";
  expect(existsSync(store)).toBe(true);
  await server.restart();
  expect(server.port).toBe(port);
  expect(server.pid).not.toBe(pid);
  expect(isAlive(pid)).toBe(false);
  await server.stop();
  await server.stop();
  expect(isAlive(server.pid)).toBe(false);
  expect(existsSync(store)).toBe(false);
});

test("two servers at a time do not get in each other's way", async () => {
  const [one, two] = await Promise.all([startNatsServer(), startNatsServer()]);
  expect(one.port).not.toBe(two.port);
  await Promise.all([one.stop(), two.stop()]);
});

test("a server ends with the process that started it, even when that is killed", async () => {
  const launcher = fileURLToPath(new URL("nats_server.ts", import.meta.url));
  const script = `
    const { startNatsServer } = await import(${JSON.stringify(launcher)});
    const server = await startNatsServer();
    console.log(JSON.stringify({ pid: server.pid, log: server.log }));
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = await new Promise<string>((resolve) => {
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (text.includes("\n")) resolve(text);
    });
  });
  const { pid, log }: { pid: number; log: string } = JSON.parse(line);
  const store = /Store Directory: +"([^"]+)"/.exec(log)?.[1] ?? "";
  expect(isAlive(pid)).toBe(true);
  expect(existsSync(store)).toBe(true);
  child.kill("SIGKILL");
  await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false);
  await expect.poll(() => existsSync(store), { timeout: 5_000 }).toBe(false);
});

test("without a nats-server the error says what to install", () => {
  expect(() => findNatsServer({ PATH: "/nowhere:" })).toThrow(/apt install nats-server.*NATS_SERVER/s);
  expect(() => findNatsServer({})).toThrow(/none on the PATH/);
  expect(() => findNatsServer({ NATS_SERVER: "/nowhere/nats-server" })).toThrow(/NATS_SERVER is \/nowhere/);
});

test("a server that does not start says why, and leaves nothing behind", async () => {
  const failed = await startNatsServer({ config: "port: nonsense" }).catch((error: unknown) => error);
  expect(String(failed)).toMatch(/nats-server ended with code 1:\n.*server\.conf/s);
  const store = /(\S+)\/server\.conf/.exec(String(failed))?.[1] ?? "/";
  expect(existsSync(store)).toBe(false);
});
