// A real nats-server for tests: on a free loopback port, with a store of its own, to be killed and restarted at will.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

export interface NatsServer {
  /** `nats://127.0.0.1:<port>`, the same after a restart. */
  readonly url: string;
  readonly port: number;
  /** Of the server that runs now, or ran last. */
  readonly pid: number;
  /** What the server has logged since it was last started. */
  readonly log: string;
  /** Starts again on the same port, with the same store; ends a server that still runs. A `config` replaces the one
   * that it was started with. */
  restart(config?: string): Promise<void>;
  /** Sends a signal: SIGKILL, SIGTERM and SIGINT resolve when the server has ended, SIGSTOP when it stands still, others
   * at once. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Ends the server and removes its store. */
  stop(): Promise<void>;
}

export interface NatsServerOptions {
  /** Further arguments, such as `--user` and `--pass`. */
  readonly args?: readonly string[];
  /** The text of a configuration file. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const START_MS = 10_000;
const STOP_MS = 3_000;

/** Starts a server, with JetStream, and waits until it is ready.
 *
 * It ends with the process that started it, however that ends.
 * @throws Error when there is no nats-server, or it does not start
 */
export async function startNatsServer({
  args = [],
  config = "",
  env = process.env,
}: NatsServerOptions = {}): Promise<NatsServer> {
  const binary = findNatsServer(env);
  const store = await mkdtemp(join(tmpdir(), "purgatory-nats-"));
  const file = join(store, "server.conf");
  await writeFile(file, config);
  const all = ["--config", file, ...args];
  const removeStore = (): Promise<void> => rm(store, { recursive: true, force: true, maxRetries: 3 });
  let running = await launch(binary, all, store, null).catch(async (error: unknown) => {
    await removeStore();
    throw error;
  });
  const { port } = running;
  return {
    port,
    url: `nats://127.0.0.1:${port}`,
    get pid() {
      return running.pid;
    },
    get log() {
      return running.log();
    },
    async restart(newConfig) {
      await running.end("SIGKILL");
      if (newConfig !== undefined) await writeFile(file, newConfig);
      running = await launch(binary, all, store, port);
    },
    kill: (signal) => running.end(signal),
    async stop() {
      await running.end("SIGTERM");
      await removeStore();
    },
  };
}

/** The server's path, from `NATS_SERVER` or the `PATH`.
 *
 * @throws Error that says what to install
 */
export function findNatsServer(env: Readonly<Record<string, string | undefined>>): string {
  const named = env["NATS_SERVER"];
  if (named !== undefined && named !== "") {
    if (isExecutable(named)) return named;
    throw new Error(`NATS_SERVER is ${named}, which is no program that can be run`);
  }
  const folders = (env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const found = folders.map((folder) => join(folder, "nats-server")).find(isExecutable);
  if (found !== undefined) return found;
  throw new Error(
    "these tests need a nats-server, and there is none on the PATH. Install one (Debian: apt install nats-server; " +
      "macOS: brew install nats-server; others: https://github.com/nats-io/nats-server/releases), or set NATS_SERVER " +
      "to its path",
  );
}

interface Running {
  readonly pid: number;
  readonly port: number;
  log(): string;
  end(signal: NodeJS.Signals): Promise<void>;
}

async function launch(
  binary: string,
  args: readonly string[],
  store: string,
  port: number | null,
): Promise<Running> {
  const own = ["--addr", "127.0.0.1", "--port", `${port ?? -1}`, "--jetstream", "--store_dir", store];
  const child = spawn(binary, [...own, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const output = { text: "" };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output.text += chunk;
    });
  }
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const dismissGuard = child.pid === undefined ? () => {} : guard(child.pid, store);
  try {
    await untilReady(child, output);
  } catch (error) {
    child.kill("SIGKILL");
    dismissGuard();
    throw error;
  }
  return {
    pid: child.pid ?? 0,
    port: portIn(output.text),
    log: () => output.text,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      if (signal === "SIGSTOP") await untilStopped(child.pid ?? 0);
      if (signal !== "SIGKILL" && signal !== "SIGTERM" && signal !== "SIGINT") return;
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await exited;
      clearTimeout(timer);
      dismissGuard();
    },
  };
}

/** A signal takes a moment to reach every thread, in which the server could still answer. */
async function untilStopped(pid: number): Promise<void> {
  const until = performance.now() + STOP_MS;
  while (performance.now() < until) {
    const { stdout } = spawnSync("ps", ["-o", "state=", "-L", "-p", `${pid}`], { encoding: "utf8" });
    const states = stdout.trim().split(/\s+/);
    if (states.every((state) => state.startsWith("T"))) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  throw new Error(`process ${pid} did not stop`);
}

/** Ends the server and removes its store when this process is gone, even if it was killed: the guard then reads the end
 * of its input. Returns what sends the guard home. */
function guard(pid: number, store: string): () => void {
  const script = 'read -r word && exit; kill -KILL "$1"; rm -rf -- "$2"';
  const child = spawn("/bin/sh", ["-c", script, "guard", `${pid}`, store], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  child.unref();
  child.on("error", () => {});
  child.stdin.on("error", () => {});
  return () => {
    child.stdin.end("done\n");
  };
}

async function untilReady(child: ChildProcess, output: { readonly text: string }): Promise<void> {
  const failed = Promise.withResolvers<never>();
  const fail = (what: string): void => failed.reject(new Error(`nats-server ${what}:\n${output.text}`));
  const timer = setTimeout(() => fail(`was not ready after ${START_MS} ms`), START_MS);
  child.once("exit", (code) => fail(`ended with code ${code}`));
  child.once("error", (error) => fail(`could not be started (${error.message})`));
  const ready = Promise.withResolvers<void>();
  const look = (): void => {
    if (output.text.includes("Server is ready")) ready.resolve();
  };
  child.stdout?.on("data", look);
  child.stderr?.on("data", look);
  try {
    await Promise.race([ready.promise, failed.promise]);
  } finally {
    clearTimeout(timer);
    failed.promise.catch(() => {});
  }
}

function portIn(log: string): number {
  const port = /Listening for client connections on .*:(\d+)/.exec(log)?.[1];
  if (port === undefined) throw new Error(`nats-server did not say on which port it listens:\n${log}`);
  return Number(port);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
