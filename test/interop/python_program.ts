// The Python programs of this folder as processes.
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const FOLDER = join(import.meta.dirname, "python");

export interface PythonEnded {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly errors: string;
}

export interface PythonProgram {
  readonly lines: readonly string[];
  /** What it has written to standard error. */
  readonly errors: string;
  /** Resolves when `holds` says so of its output lines; rejects when the program ends before. */
  until(holds: (lines: readonly string[]) => boolean): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  readonly ended: Promise<PythonEnded>;
}

/** Starts one of the programs, such as `watch.py`. No variable of this process but `PATH` gets through. */
export function startPython(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): PythonProgram {
  const { PATH = "" } = process.env;
  const child = spawn("python3", ["-B", join(FOLDER, program), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH, ...env },
  });
  const lines: string[] = [];
  const news = new EventEmitter();
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    news.emit("news");
  });
  const ended = once(child, "close").then(([code]): PythonEnded => ({ code, lines, errors }));
  let isOver = false;
  void ended.then(() => {
    isOver = true;
    news.emit("news");
  });
  return {
    lines,
    get errors() {
      return errors;
    },
    async until(holds) {
      while (!holds(lines)) {
        if (isOver) throw new Error(`${program} ended before: ${errors}`);
        await once(news, "news");
      }
    },
    signal: (signal) => void child.kill(signal),
    ended,
  };
}

/** Runs one of the programs to its end. */
export function runPython(
  program: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<PythonEnded> {
  return startPython(program, args, env).ended;
}
