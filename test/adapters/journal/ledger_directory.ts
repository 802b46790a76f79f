// A directory for one test's ledger, what lies in it, and processes that work in it.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface LedgerDirectory {
  readonly directory: string;
  /** The journal's file in it. */
  readonly file: string;
  remove(): void;
}

/** Its name has characters that a URL or SQLite's own addresses would trip over. */
export function ledgerDirectory(): LedgerDirectory {
  const directory = mkdtempSync(join(tmpdir(), "purgatory 100%25 ?#&'-"));
  return {
    directory,
    file: join(directory, "journal.sqlite"),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Every file in the directory with its bytes, but for the lock's, which belong to no ledger. Not to be called while
 * this process has the ledger open: reading its file would drop SQLite's own locks. */
export function bytesIn(directory: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory)
      .filter((name) => !name.startsWith("lock."))
      .sort()
      .map((name) => [name, readFileSync(join(directory, name)).toString("base64")]),
  );
}

export const namesIn = (directory: string): string[] => readdirSync(directory).sort();

/** A child at work. `lines` yields what it prints, up to its end. */
export interface Child {
  readonly process: ChildProcess;
  readonly lines: AsyncIterableIterator<string>;
  /** Resolves once the process is gone, with the signal that ended it or its exit code. */
  readonly ended: Promise<NodeJS.Signals | number | null>;
}

/** Runs `journal_child.ts <task> <file>` as a process of its own.
 *
 * @param limits `fileSizeMaxKiB`: no file may grow beyond this, as on a disk that fills up
 */
export function startChild(
  task: string,
  file: string,
  { fileSizeMaxKiB }: { readonly fileSizeMaxKiB?: number } = {},
): Child {
  const script = fileURLToPath(new URL("./journal_child.ts", import.meta.url));
  const command = [process.execPath, script, task, file];
  // bash counts `ulimit -f` in KiB; sh in units that differ from system to system.
  const limited = ["-c", `ulimit -f ${fileSizeMaxKiB}; exec "$@"`, "bash", ...command];
  const [program = "", ...words] = fileSizeMaxKiB === undefined ? command : ["bash", ...limited];
  const child = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<NodeJS.Signals | number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(signal ?? code));
  });
  return { process: child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](), ended };
}

/** The child's next line; throws when it ended without one. */
export async function nextLine(child: Child): Promise<string> {
  const { value, done } = await child.lines.next();
  if (done) throw new Error(`the child ended (${await child.ended}) and said nothing more`);
  return value;
}
