// `purgatory run` as a real process that can be killed at any moment.
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
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

/** A process that runs. */
export interface Running {
  readonly pid: number;
  readonly lines: readonly string[];
  signal(signal: NodeJS.Signals): void;
  /** Resolves with the first line of output that `text` is part of; rejects when the process ends without one. */
  line(text: string): Promise<string>;
  readonly ended: Promise<Ended>;
}

export interface StartOptions {
  /** Flags of Node's own, before the program. */
  readonly nodeFlags?: readonly string[];
  /** What it reads from standard input. */
  readonly input?: string;
  readonly onLine?: (count: number) => void;
}

/** Starts `purgatory` with `args`. */
export function startPurgatory(
  args: readonly string[],
  { nodeFlags = [], input = "", onLine = () => {} }: StartOptions = {},
): Running {
  const child = spawn(process.execPath, [...nodeFlags, MAIN, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE, NO_COLOR: "1" },
  });
  child.stdin.on("error", () => {}).end(input);
  const lines: string[] = [];
  const news = new EventEmitter();
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    news.emit("line");
    onLine(lines.length);
  });
  onLine(0);
  const ended = once(child, "close").then(([code, signal]): Ended => {
    news.emit("line");
    return { code, signal, lines, errors };
  });
  const line = async (text: string): Promise<string> => {
    for (;;) {
      const found = lines.find((each) => each.includes(text));
      if (found !== undefined) return found;
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`ended without "${text}": ${errors}`);
      await once(news, "line");
    }
  };
  return { pid: child.pid ?? 0, lines, line, ended, signal: (signal) => void child.kill(signal) };
}

/** Runs `purgatory` with `args` to its end.
 *
 * @param kill when given, SIGKILL comes so many milliseconds after that many lines of output
 */
export function runPurgatory(
  args: readonly string[],
  kill: { readonly afterLines: number; readonly ms: number } | null = null,
): Promise<Ended> {
  let running: Running | null = null;
  const onLine = (count: number): void => {
    if (kill !== null && count === kill.afterLines) setTimeout(() => running?.signal("SIGKILL"), kill.ms);
  };
  running = startPurgatory(args, { onLine });
  return running.ended;
}
