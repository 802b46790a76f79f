// A nats-server of our own: JetStream in a directory, on loopback, behind a token, gone when this process is.
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Observe } from "../../actors/ports.ts";
import { type Binary, type Environment, findBinary, serverEnvironment } from "./binary.ts";
import { serverConfig } from "./config_file.ts";
import { type NatsServerError, natsServerError } from "./errors.ts";
import { type GuardedProcess, startGuarded } from "./guarded_process.ts";
import { holdPipe, lockStore, type StoreLock } from "./hold.ts";
import {
  HOST,
  lastPid,
  type ServerFile,
  settleIdentity,
  urlOf,
  writePrivately,
  writeServerFile,
} from "./identity.ts";
import { probe } from "./probe.ts";
import { createServerLog, type ServerLog } from "./server_log.ts";

export interface NatsServerOptions {
  /** Holds all that the server has: its store, its log, its port and token. Made if need be. */
  readonly dir: string;
  /** `PATH` and `NATS_SERVER` are read; the server itself sees next to nothing of it. */
  readonly env: Environment;
  readonly observe: Observe;
  /** Called once when the server ends by itself, with its last lines; never after `stop`. */
  readonly exit: (error: Error) => void;
  /** Gives up starting. */
  readonly signal?: AbortSignal;
  readonly deadlines?: Partial<NatsServerDeadlines>;
}

/** Milliseconds. */
export interface NatsServerDeadlines {
  /** From the start to the first answer. Reading a large store after a crash takes its time. */
  readonly readyMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly stopMs: number;
  /** For another process's server in the same directory to be gone. */
  readonly heldMs: number;
}

export interface RunningServer {
  /** `nats://127.0.0.1:<port>`: the same after each restart in this run. */
  readonly url: string;
  readonly token: string;
  readonly pid: number;
  readonly version: string;
  /** SIGTERM, and SIGKILL at the deadline. Resolves when the server is gone. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): void;
}

const DEADLINES: NatsServerDeadlines = { readyMs: 60_000, stopMs: 5_000, heldMs: 10_000 };
const RETRY_MS = 25;

/** Starts the server of a directory and waits until it answers.
 *
 * Rejects with `NatsServerError`; nothing is left running then.
 */
export async function startNatsServer(options: NatsServerOptions): Promise<RunningServer> {
  const { env, observe, exit, signal } = options;
  const deadlines = { ...DEADLINES, ...options.deadlines };
  if (process.platform === "win32") {
    const advice = "run one as a service and name it with --nats nats://HOST:PORT";
    throw natsServerError("unsupported", `a nats-server of our own is not supported on Windows; ${advice}`);
  }
  const dir = resolve(options.dir);
  const binary = await findBinary(env);
  signal?.throwIfAborted();
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const lock = await lockStore(dir, deadlines.heldMs, () => lastPid(dir), signal);
  try {
    const log = createServerLog(dir, observe);
    const file = await settleIdentity(dir);
    const name = `purgatory-${randomBytes(6).toString("hex")}`;
    writeServerFile(dir, file);
    const guarded = launch(dir, binary, { file, name, env }, log);
    const pid = await untilReady(guarded, { file, name, log, readyMs: deadlines.readyMs }, signal);
    writeServerFile(dir, { ...file, pid });
    const url = urlOf(file.port);
    observe({ kind: "note", level: "info", message: greeting(binary, url, pid) });
    const { stop, kill } = watch(guarded, { lock, log, pid, stopMs: deadlines.stopMs, exit });
    return { url, token: file.token, pid, version: binary.version, stop, kill };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function greeting({ version, knowsSyncInterval }: Binary, url: string, pid: number): string {
  const late =
    "; it syncs every two minutes, and a power cut may take what came since: 2.10 and later need not";
  return `nats-server ${version} runs on ${url}, pid ${pid}${knowsSyncInterval ? "" : late}`;
}

interface Launch {
  readonly file: ServerFile;
  readonly name: string;
  readonly env: Environment;
}

function launch(dir: string, binary: Binary, { file, name, env }: Launch, log: ServerLog): GuardedProcess {
  const config = join(dir, "server.conf");
  writePrivately(config, serverConfig({ host: HOST, port: file.port, token: file.token, name, binary }));
  // The directory as an argument: in the file its name would have to be quoted.
  const command = [binary.program, "--config", config, "--store_dir", dir];
  return startGuarded(command, serverEnvironment(env), holdPipe(dir), log.line);
}

interface Awaited {
  readonly file: ServerFile;
  readonly name: string;
  readonly log: ServerLog;
  readonly readyMs: number;
}

/** The server's pid, once it has answered. Ends a server that does not. */
async function untilReady(
  guarded: GuardedProcess,
  { file, name, log, readyMs }: Awaited,
  signal: AbortSignal | undefined,
): Promise<number> {
  const until = performance.now() + readyMs;
  const ended = { words: "" };
  void guarded.gone.then((words) => {
    ended.words = words;
  });
  const failed = (what: string): NatsServerError =>
    natsServerError("failed", `nats-server ${what}; its last lines:\n${log.tail()}`);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const problem = await probe({ host: HOST, port: file.port, name, token: file.token });
      if (ended.words !== "") throw failed(ended.words);
      if (problem === null) return await guarded.pid;
      if (performance.now() >= until) throw failed(`did not answer within ${readyMs} ms (${problem})`);
      await Promise.race([wait(RETRY_MS), guarded.gone]);
    }
  } catch (error) {
    guarded.kill();
    await guarded.gone;
    throw error;
  }
}

interface Watched {
  readonly lock: StoreLock;
  readonly log: ServerLog;
  readonly pid: number;
  readonly stopMs: number;
  readonly exit: (error: Error) => void;
}

function watch(
  guarded: GuardedProcess,
  { lock, log, pid, stopMs, exit }: Watched,
): Pick<RunningServer, "stop" | "kill"> {
  let isStopping = false;
  const over = guarded.gone.then((words) => {
    // First the directory, so that whoever hears of the end can start anew.
    lock.release();
    if (isStopping) return;
    exit(natsServerError("failed", `nats-server (pid ${pid}) ${words}; its last lines:\n${log.tail()}`));
  });
  return {
    async stop() {
      if (!isStopping) guarded.end();
      isStopping = true;
      const timer = setTimeout(guarded.kill, stopMs);
      await over;
      clearTimeout(timer);
    },
    kill() {
      isStopping = true;
      guarded.kill();
    },
  };
}
