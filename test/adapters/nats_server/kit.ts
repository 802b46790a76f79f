// Servers of our own for tests: each in a directory of its own, ended and removed with the test.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { onTestFinished } from "vitest";
import type { Observation } from "../../../actors/ports.ts";
import {
  type NatsServerOptions,
  type RunningServer,
  startNatsServer,
} from "../../../adapters/nats_server/mod.ts";

export interface Started {
  readonly server: RunningServer;
  /** The end that was reported: settles when one is. */
  readonly ended: Promise<Error>;
  readonly observed: readonly Observation[];
}

/** For `expect.poll`: how long something that is sure to come may take on a busy machine. */
export const SOON = { timeout: 30_000 };

/** A name that a careless configuration file would stumble over. */
export function newDirectory(): string {
  const parent = mkdtempSync(join(tmpdir(), "purgatory-spawn-"));
  onTestFinished(() => rm(parent, { recursive: true, force: true, maxRetries: 3 }));
  return join(parent, `it's "a" $HOME store, #1`);
}

export async function start(dir: string, changed: Partial<NatsServerOptions> = {}): Promise<Started> {
  const ended = Promise.withResolvers<Error>();
  const observed: Observation[] = [];
  const server = await startNatsServer({
    dir,
    env: process.env,
    observe: (observation) => observed.push(observation),
    exit: (error) => ended.resolve(error),
    ...changed,
  });
  onTestFinished(() => server.stop());
  return { server, ended: ended.promise, observed };
}

export async function connectTo({
  url,
  token,
}: {
  readonly url: string;
  readonly token?: string;
}): Promise<NatsConnection> {
  const options = token === undefined ? {} : { token };
  const connection = await connect({ servers: url, reconnect: false, timeout: 5_000, ...options });
  onTestFinished(() => connection.close());
  return connection;
}

export async function managerOf(server: RunningServer) {
  return jetstreamManager(await connectTo(server));
}

/** A program that says that it is a nats-server, and does `body` when it is to be one. */
export function fakeServer(version: string, body: string): string {
  const dir = mkdtempSync(join(tmpdir(), "purgatory-fake-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const path = join(dir, "nats-server");
  const asked = `[ "$1" = --version ] && { echo "nats-server: v${version}"; exit 0; }`;
  writeFileSync(path, `#!/bin/sh\n${asked}\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** An environment that has the usual tools and that fake server. */
export function withServer(path: string): Record<string, string | undefined> {
  return { ...process.env, NATS_SERVER: path };
}

/** One column of the system's process list; empty for a process that is gone. */
export function ps(column: "ppid" | "pgid" | "args" | "stat", pid: number): string {
  try {
    return execFileSync("ps", ["-o", `${column}=`, "-p", `${pid}`], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "";
  }
}

/** Gone, or a zombie that nobody has fetched. */
export function isGone(pid: number): boolean {
  const stat = ps("stat", pid);
  return stat === "" || stat.startsWith("Z");
}

/** The pid that a fake server wrote into its store; 0 before it did. */
export function writtenPid(dir: string): number {
  try {
    return Number(readFileSync(join(dir, "pid"), "utf8"));
  } catch {
    return 0;
  }
}

/** What a fake server does that never answers. */
export const SILENT = 'echo "$$" >"$4/pid"; exec sleep 600';
