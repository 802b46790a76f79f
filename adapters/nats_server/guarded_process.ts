// A server that cannot outlive us: a small shell stands between, starts it, and ends it when our end of a pipe is gone.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { constants } from "node:os";
import { toLines } from "./lines_of.ts";

export interface GuardedProcess {
  /** The server's own. Rejects when it could not be started. */
  readonly pid: Promise<number>;
  /** How it ended, in words, once it is gone for sure: it and everything that held its output. */
  readonly gone: Promise<string>;
  /** SIGTERM. */
  end(): void;
  /** SIGKILL, for the guard too. */
  kill(): void;
}

/** The server is the shell's child and not ours, so that there is no moment at which nobody would end it. Words on
 * descriptor 4 ask it to end; the end of descriptor 4, when we are gone, ends it at once. Descriptor 3 is what the server holds. */
const GUARD = `
exec 4<&0 </dev/null
"$@" 4<&- >&2 &
server=$!
exec 2>/dev/null
{ while read -r word <&4; do kill -TERM "$server"; done; kill -KILL "$server"; } >/dev/null 3<&- &
reader=$!
echo "$server"
wait "$server"
code=$?
kill -KILL "$reader"
exit "$code"
`;
/** A guard that was killed leaves the end to its reader; after this we do it. Milliseconds. */
const ORPHAN_MS = 1_000;

/** @param held a descriptor that the server is to hold while it lives; closed here
 * @param onLine called with each line that the server writes */
export function startGuarded(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  held: number,
  onLine: (line: string) => void,
): GuardedProcess {
  const child = spawnGuard(command, env, held);
  const { stdin, stdout, stderr } = child;
  const pid = Promise.withResolvers<number>();
  const gone = Promise.withResolvers<string>();
  pid.promise.catch(() => {});
  stdin?.on("error", () => {});
  stdout?.on(
    "data",
    toLines((line) => pid.resolve(Number(line))),
  );
  stderr?.on("data", toLines(onLine));
  const kill = (): void => killGroup(child.pid);
  child.once("error", (error) => {
    pid.reject(error);
    gone.resolve(`could not be started (${error.message})`);
  });
  child.once("exit", () => {
    stdin?.destroy();
    const timer = setTimeout(kill, ORPHAN_MS);
    child.once("close", () => clearTimeout(timer));
  });
  child.once("close", (code, signal) => {
    const words = endInWords(code, signal);
    pid.reject(new Error(words));
    gone.resolve(words);
  });
  return { pid: pid.promise, gone: gone.promise, end: () => void stdin?.write("end\n"), kill };
}

function spawnGuard(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  held: number,
): ChildProcess {
  try {
    return spawn("/bin/sh", ["-c", GUARD, "nats-server-guard", ...command], {
      env: { ...env },
      stdio: ["pipe", "pipe", "pipe", held],
      // Its own process group: a ^C at the terminal is for this program, which ends its server last.
      detached: true,
    });
  } finally {
    closeSync(held);
  }
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // Gone already.
  }
}

/** A shell tells of a child that was killed by 128 and the signal's number. */
function endInWords(code: number | null, signal: NodeJS.Signals | null): string {
  if (code === null) return `ended, its guard by ${signal}`;
  const by = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return by === undefined ? `ended with code ${code}` : `was ended by ${by}`;
}
