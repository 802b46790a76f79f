// What the server says: all of it into a bounded file, warnings and errors to whoever watches this run.
import { appendFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Observe } from "../../actors/ports.ts";
import { codeOf } from "./errors.ts";

export interface ServerLog {
  line(text: string): void;
  /** The last lines, for an error. */
  tail(): string;
}

/** Of each of the two files that there are at most. */
const MAX_FILE_BYTES = 1024 * 1024;
const TAIL_LINES = 8;
/** Any local process can make the server complain, so what is told of it is bounded. */
const MAX_NOTES = 20;
const NOTES_PERIOD_MS = 60_000;
const SHAPE = /^\[\d+\] \S+ \S+ \[([A-Z]{3})\] (.*)$/;
const LEVELS: Partial<Record<string, "warn" | "error">> = { WRN: "warn", ERR: "error", FTL: "error" };
/** Said at every start with a token in its configuration, which only the owner can read. */
const EXPECTED = /^Plaintext passwords detected/;

export function createServerLog(dir: string, observe: Observe): ServerLog {
  const path = join(dir, "server.log");
  const append = boundedFile(path, (why) =>
    observe({
      kind: "note",
      level: "warn",
      message: `${path}: cannot be written (${why}); nats-server goes on`,
    }),
  );
  const tell = boundedNotes(path, observe);
  const tail: string[] = [];
  return {
    line(text) {
      if (text === "") return;
      append(`${text}\n`);
      tail.push(text);
      if (tail.length > TAIL_LINES) tail.shift();
      const [, mark = "", words = ""] = SHAPE.exec(text) ?? [];
      const level = LEVELS[mark];
      if (level !== undefined && !EXPECTED.test(words)) tell(level, words);
    },
    tail: () => tail.join("\n"),
  };
}

/** Appends to a file; a full one takes the place of the one before it. */
function boundedFile(path: string, failed: (why: string) => void): (text: string) => void {
  let bytes: number | null = null;
  let isBroken = false;
  return (text) => {
    if (isBroken) return;
    try {
      bytes ??= sizeOf(path);
      const more = Buffer.byteLength(text);
      if (bytes > 0 && bytes + more > MAX_FILE_BYTES) {
        renameSync(path, `${path}.1`);
        bytes = 0;
      }
      appendFileSync(path, text, { mode: 0o600 });
      bytes += more;
    } catch (error) {
      isBroken = true;
      failed(codeOf(error) ?? String(error));
    }
  };
}

function boundedNotes(path: string, observe: Observe): (level: "warn" | "error", words: string) => void {
  let since = Number.NEGATIVE_INFINITY;
  let told = 0;
  return (level, words) => {
    const now = performance.now();
    if (now - since >= NOTES_PERIOD_MS) [since, told] = [now, 0];
    told += 1;
    if (told > MAX_NOTES) return;
    const more = told === MAX_NOTES ? `; further lines of this minute are only in ${path}` : "";
    observe({ kind: "note", level, message: `nats-server: ${words}${more}` });
  };
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return 0;
    throw error;
  }
}
