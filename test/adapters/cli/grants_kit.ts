// Runs the probe as a real process.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Probe } from "./grants_probe.ts";

export const probeFile = join(import.meta.dirname, "grants_probe.ts");

export interface Run {
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
}
export interface Report {
  readonly pid: number;
  readonly execArgv: readonly string[];
  readonly command: { readonly configDir?: string };
  readonly excess: readonly string[];
  readonly results: Readonly<Record<string, string>>;
}

export interface Start {
  readonly cwd: string;
  readonly probe?: Probe;
  readonly nodeFlags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export function start(args: readonly string[], { cwd, probe = {}, nodeFlags = [], env = {} }: Start) {
  const child = spawn(process.execPath, [...nodeFlags, probeFile, ...args], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], ...env, PROBE: JSON.stringify(probe) },
  });
  return { child, ended: end(child) };
}

export function run(args: readonly string[], options: Start): Promise<Run> {
  return start(args, options).ended;
}

/** What the probe could do. @throws Error when it did not come to that */
export async function report(args: readonly string[], options: Start): Promise<Report> {
  const { output, errors } = await run(args, options);
  if (errors !== "" || output === "") throw new Error(`the probe said: ${errors || "nothing"}`);
  return JSON.parse(output);
}

async function end(child: ChildProcess): Promise<Run> {
  let output = "";
  let errors = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  await once(child, "close");
  return { pid: child.pid, code: child.exitCode, signal: child.signalCode, output, errors };
}

/** A directory with a configuration, a file that nobody was granted, and nothing else. */
export function home(name = "purgatory-grants-"): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), name)));
  mkdirSync(join(dir, "config"));
  writeFileSync(join(dir, "config", "policy.yaml"), "{}\n");
  mkdirSync(join(dir, "outside"));
  writeFileSync(join(dir, "outside", "file"), "x");
  return dir;
}
