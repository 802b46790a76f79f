// Which nats-server there is, without reading the PATH's directories: under Node's permission model those are not ours.
import { execFile } from "node:child_process";
import { codeOf, type NatsServerError, natsServerError } from "./errors.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Binary {
  /** As it is given to `spawn`: a path, or a name to look for on the PATH. */
  readonly program: string;
  readonly version: string;
  /** Whether it knows `sync_interval`, which came with 2.10. */
  readonly knowsSyncInterval: boolean;
}

const ASK_MS = 10_000;
/** The oldest one that the bus has been tried with. */
const LEAST = [2, 9] as const;
const INSTALL =
  "install one (Debian: apt install nats-server; macOS: brew install nats-server; others: " +
  "https://github.com/nats-io/nats-server/releases), or set NATS_SERVER to its path";

/** Asks the program that `NATS_SERVER` names, or `nats-server` on the PATH, what it is.
 *
 * Rejects with `NatsServerError`: `missing`, `permission`.
 */
export async function findBinary(env: Environment): Promise<Binary> {
  const named = env["NATS_SERVER"] ?? "";
  const program = named === "" ? "nats-server" : named;
  const told = named === "" ? "nats-server on the PATH" : `NATS_SERVER=${named}`;
  const text = await ask(program, env, told);
  const found = /\bnats-server:? v?(\d+)\.(\d+)\.(\d+\S*)/.exec(text);
  if (found === null) {
    throw natsServerError("missing", `${told} does not say that it is a nats-server; ${INSTALL}`);
  }
  const [major, minor] = [Number(found[1]), Number(found[2])];
  const version = `${major}.${minor}.${found[3]}`;
  if (!isAtLeast(major, minor, LEAST)) {
    const least = LEAST.join(".");
    throw natsServerError("missing", `${told} is ${version}, older than ${least}; ${INSTALL}`);
  }
  return { program, version, knowsSyncInterval: isAtLeast(major, minor, [2, 10]) };
}

/** What a server may know of our environment: what finds it and what bounds it. Secrets stay here. */
export function serverEnvironment(env: Environment): Record<string, string> {
  const names = ["PATH", "TMPDIR", "GOMAXPROCS", "GOMEMLIMIT", "GOGC"];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function ask(program: string, env: Environment, told: string): Promise<string> {
  const options = { env: serverEnvironment(env), timeout: ASK_MS, maxBuffer: 64 * 1024 };
  return new Promise((resolve, reject) => {
    const failed = (error: unknown): void => reject(notAsked(error, told));
    try {
      execFile(program, ["--version"], options, (error, stdout, stderr) => {
        if (error === null) resolve(stdout + stderr);
        else failed(error);
      });
    } catch (error) {
      failed(error);
    }
  });
}

function notAsked(error: unknown, told: string): NatsServerError {
  switch (codeOf(error)) {
    case "ERR_ACCESS_DENIED":
      return natsServerError(
        "permission",
        "a nats-server cannot be started: node was given --permission without --allow-child-process",
      );
    case "ENOENT":
      return natsServerError("missing", `there is no ${told}; ${INSTALL}`);
    case "EACCES":
      return natsServerError("missing", `${told} is no program that can be run; ${INSTALL}`);
    default: {
      const why = error instanceof Error ? error.message.trim() : String(error);
      return natsServerError("missing", `${told} could not be asked for its version (${why}); ${INSTALL}`);
    }
  }
}

function isAtLeast(
  major: number,
  minor: number,
  [leastMajor, leastMinor]: readonly [number, number],
): boolean {
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}
