// Where this directory's server listens and what it wants to hear: kept, so that a restart moves neither.
import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { Option, Schema } from "effect";
import { codeOf, natsServerError } from "./errors.ts";
import { isHeld } from "./hold.ts";

export const HOST = "127.0.0.1";

const ServerFile = Schema.Struct({
  port: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 })),
  token: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)),
  /** Null until the server has answered. */
  pid: Schema.NullOr(Schema.Int),
  /** Which process's life it belongs to. A pid would not do: in a container every run has the same. */
  run: Schema.String,
});
export interface ServerFile extends Schema.Schema.Type<typeof ServerFile> {}

export interface SpawnedServer {
  readonly url: string;
  readonly token: string;
  readonly pid: number;
}

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(ServerFile));
const RUN = randomUUID();

/** The server that a run spawned in this directory, if it is alive: for other commands. Only reads. */
export function spawnedServer(dir: string): SpawnedServer | null {
  const file = readServerFile(dir);
  if (file === null || file.pid === null || !isHeld(dir)) return null;
  return { url: urlOf(file.port), token: file.token, pid: file.pid };
}

export function urlOf(port: number): string {
  return `nats://${HOST}:${port}`;
}

/** Port and token for the next start. In one run they stay what they were; a new run takes them over where it can: the
 * port if it is free, the token if nobody else could read it.
 *
 * Rejects with `NatsServerError` `port` when another program has taken this run's port.
 */
export async function settleIdentity(dir: string): Promise<ServerFile> {
  const kept = readServerFile(dir);
  if (kept === null) return { port: await freePort(), token: newToken(), pid: null, run: RUN };
  const isOurs = kept.run === RUN;
  const isPortFree = await canListen(kept.port);
  if (isOurs && !isPortFree) {
    throw natsServerError(
      "port",
      `port ${kept.port}, which this run's nats-server has to listen on, was taken by another program; end that program`,
    );
  }
  return {
    port: isPortFree ? kept.port : await freePort(),
    token: isOurs || isPrivate(dir) ? kept.token : newToken(),
    pid: null,
    run: RUN,
  };
}

export function writeServerFile(dir: string, file: ServerFile): void {
  writePrivately(pathIn(dir), `${JSON.stringify(file)}\n`);
}

/** Replaces a file as a whole by one that only its owner can read. */
export function writePrivately(path: string, text: string): void {
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
  renameSync(draft, path);
}

/** The pid that is written down, whether or not it is alive. */
export function lastPid(dir: string): number | null {
  return readServerFile(dir)?.pid ?? null;
}

function readServerFile(dir: string): ServerFile | null {
  try {
    return Option.getOrNull(decode(readFileSync(pathIn(dir), "utf8")));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

function isPrivate(dir: string): boolean {
  return (statSync(pathIn(dir)).mode & 0o077) === 0;
}

function pathIn(dir: string): string {
  return join(dir, "server.json");
}

function newToken(): string {
  return randomBytes(32).toString("hex");
}

async function freePort(): Promise<number> {
  const port = await listenOnce(0);
  if (port !== null) return port;
  throw natsServerError("port", `there is no free port on ${HOST}`);
}

async function canListen(port: number): Promise<boolean> {
  return (await listenOnce(port)) !== null;
}

/** The port that could be listened on; null when it could not. */
function listenOnce(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen({ host: HOST, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? null) : null));
    });
  });
}
