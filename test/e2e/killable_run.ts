// `purgatory run` as a real process that can be killed at any moment.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Parsed once for all the processes of a test run. */
const COMPILE_CACHE = join(tmpdir(), "purgatory-compile-cache");
const MAIN = join(import.meta.dirname, "../../main.ts");

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
  readonly errors: string;
}

/** Runs `purgatory` with `args` to its end.
 *
 * @param kill when given, SIGKILL comes so many milliseconds after that many lines of output
 */
export async function runPurgatory(
  args: readonly string[],
  kill: { readonly afterLines: number; readonly ms: number } | null = null,
): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE, NO_COLOR: "1" },
  });
  const lines: string[] = [];
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    if (kill !== null && lines.length === kill.afterLines) killLater(child, kill.ms);
  });
  if (kill?.afterLines === 0) killLater(child, kill.ms);
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code, signal, lines, errors };
}

function killLater(child: ChildProcess, ms: number): void {
  setTimeout(() => child.kill("SIGKILL"), ms);
}
