// Puts the program under Node's permission model: starts it again with its grants, or checks those it was started with.
import { mkdirSync, realpathSync, statSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { CONTENTS, type Grants, toNodeFlags } from "./grants.ts";

export interface Program {
  /** The file that `node` is given. */
  readonly entry: string;
  /** What follows it: `process.argv.slice(2)`. */
  readonly args: readonly string[];
}

export type Entered =
  /** Under the grants: go on. `excess` tells of what was granted from outside beyond them and could not be given back,
   * one line each. */
  | { readonly kind: "entered"; readonly excess: readonly string[] }
  /** For standard error. */
  | { readonly kind: "refused"; readonly exitCode: ExitCode; readonly message: string }
  /** Where a process cannot be replaced it ran as a child, to its end. */
  | { readonly kind: "ran_apart"; readonly exitCode: number };

/** Makes sure that the rest of the program runs under `grants`.
 *
 * A process without `--permission` is replaced by one that has it, with the same pid, so this does not return; it
 * returns `ran_apart` where the system cannot replace a process. One that has it already gives back what it does not
 * need, and is refused when something that it needs is missing.
 *
 * Directories that are to be written are made first: a grant for one that is not there would not cover what is in it.
 */
export async function enterPermissions(grants: Grants, program: Program): Promise<Entered> {
  const { permission } = process;
  if (permission !== undefined) return verify(grants, permission);
  if (process.execArgv.includes("--permission")) {
    return refusal(EXIT.permission, "node was given --permission but does not know it; use Node 26 or later");
  }
  const problem = prepare(grants);
  if (problem !== null) return problem;
  const flags = toNodeFlags(settled(grants));
  const args = [...process.execArgv, ...flags, realpathSync(program.entry), ...program.args];
  replaceProcess(args);
  return { kind: "ran_apart", exitCode: await runApart(args) };
}

type Refused = Extract<Entered, { readonly kind: "refused" }>;

/** What a permission is asked for: `process.permission`, whose types lack what it is for. */
interface Permission {
  has(scope: string, reference?: string): boolean;
  drop?(scope: string, reference?: string): void;
}

/** What no command needs. Whoever granted it meant another program, or all programs (NODE_OPTIONS). */
const NEVER = ["addon", "wasi", "ffi"];

function verify(grants: Grants, permission: Permission): Entered {
  const missing = missingFlags(grants, permission);
  if (missing.length > 0) {
    const flags = missing.map(shellWord).join(" ");
    const advice = `add ${flags}, or leave --permission out: what is needed is then granted`;
    return refusal(EXIT.permission, `node was given --permission without what the command needs; ${advice}`);
  }
  const unneeded = [
    ...NEVER,
    ...(grants.worker ? [] : ["worker"]),
    ...(grants.child.length === 0 ? ["child"] : []),
    ...(grants.network.length === 0 ? ["net"] : []),
  ];
  for (const scope of unneeded) if (permission.has(scope)) permission.drop?.(scope);
  const wide = ["fs.read", "fs.write", ...unneeded].filter((scope) => permission.has(scope));
  return { kind: "entered", excess: wide.map((scope) => `${scope}: everything, granted from outside`) };
}

function missingFlags(grants: Grants, permission: Permission): readonly string[] {
  const covers = (scope: string, path: string): boolean => {
    const isWhole = grants.make.includes(path) || (permission.has("fs.read", path) && isDirectory(path));
    return permission.has(scope, path) && (!isWhole || permission.has(scope, join(path, "any")));
  };
  const read = [...grants.program, ...grants.read].filter((path) => !covers("fs.read", path));
  const write = grants.write.filter((path) => !covers("fs.write", path));
  const needsNetwork = grants.network.length > 0 && !permission.has("net");
  const needsWorker = grants.worker && !permission.has("worker");
  const needsChild = grants.child.length > 0 && !permission.has("child");
  return [
    ...read.map((path) => `--allow-fs-read=${path}`),
    ...write.map((path) => `--allow-fs-write=${path}`),
    ...(needsNetwork ? ["--allow-net"] : []),
    ...(needsWorker ? ["--allow-worker"] : []),
    ...(needsChild ? ["--allow-child-process"] : []),
  ];
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Makes the directories; null when the grants can be given. */
function prepare(grants: Grants): Refused | null {
  const starred = [...grants.program, ...grants.read, ...grants.write].find((path) => path.includes("*"));
  if (starred !== undefined) {
    const why = "node takes the * in a grant for any text, and would grant other files too";
    return refusal(EXIT.permission, `${starred}: ${why}; use a path without it`);
  }
  for (const path of grants.make) {
    try {
      mkdirSync(path, { recursive: true });
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : error;
      return refusal(
        EXIT.state,
        `${path}: cannot be made (${code}); name a place that can be written with --state`,
      );
    }
  }
  return null;
}

/** Each path for itself, for where it leads, and for what may come to be in it. */
function settled(grants: Grants): Grants {
  const each = (paths: readonly string[]): readonly string[] =>
    paths.flatMap((path) => [path, ...beyond(path)]);
  const { read, write } = grants.optional;
  return {
    ...grants,
    read: each(grants.read),
    write: each(grants.write),
    optional: { read: each(read), write: each(write) },
  };
}

function beyond(path: string): readonly string[] {
  try {
    const real = realpathSync(path);
    return real === path || real.includes("*") ? [] : [real];
  } catch {
    return [path + CONTENTS];
  }
}

/** Does not return when it could be done. Open files, and what other code wanted to do at the end, are lost. */
function replaceProcess(args: readonly string[]): void {
  if (typeof process.execve !== "function" || process.platform === "win32") return;
  try {
    process.execve(process.execPath, [process.execPath, ...args], process.env);
  } catch {
    // The system would not, and this process goes on as it was.
  }
}

/** The same as a child. The shell knows the parent's pid only, so signals are handed on. */
async function runApart(args: readonly string[]): Promise<number> {
  const { spawn } = await import("node:child_process");
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  // A terminal sends SIGINT to both; a second one would mean "at once".
  const passed: NodeJS.Signals[] = process.stdin.isTTY
    ? ["SIGTERM", "SIGHUP"]
    : ["SIGTERM", "SIGHUP", "SIGINT"];
  for (const signal of passed) process.on(signal, () => child.kill(signal));
  if (process.stdin.isTTY) process.on("SIGINT", () => {});
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

function shellWord(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function refusal(exitCode: ExitCode, message: string): Refused {
  return { kind: "refused", exitCode, message };
}
