// A recording as it is read: its records with the numbers of their lines, and what is wrong with the others.
import { statSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import {
  linesOf,
  partsOf,
  problemIn,
  type ReadLine,
  type ReadRecord,
  readRecordLine,
} from "../recording/mod.ts";
import type { Replayed } from "../../machines/mod.ts";
import type { ReplayCommand } from "./command.ts";
import { type Answer, done, failed } from "./answer.ts";
import { isAfter } from "./moment.ts";
import { ProgressBar, type ProgressStream } from "./progress_bar.ts";
import { counted } from "./summary.ts";

export type Verdict = "more" | "enough" | { readonly problem: string };

/** What takes the records. */
export interface Taker {
  /** @param record whole until `pause`; whoever keeps one keeps it detached */
  take(record: ReadRecord): Verdict;
  /** A line was no record. */
  lose(): void;
  /** After each batch of lines: time to write. Returns whether there is a need for more. */
  pause(): Promise<boolean>;
}

export interface Reading {
  readonly records: number;
  readonly badLines: number;
  /** Why it was given up, null when it was not. */
  readonly refusal: string | null;
}

export interface ReadingInput {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly progress: ProgressStream;
  readonly warn: (line: string) => void;
}

/** More are only counted. */
const WARNINGS_MAX = 100;
/** V8 lets a heap grow to four times what is alive before it looks for what is not. Here what is alive is a machine for each
 * symbol, to the end, and the rest is garbage: as much again will do, and costs little. */
const HEAP_FLAGS = "--heap-growing-percent=100";

/** Reads to the end, or until the taker has enough. */
export async function readRecording(
  { file, until }: Pick<ReplayCommand, "file" | "until">,
  taker: Taker,
  { stdin, progress, warn }: ReadingInput,
): Promise<Reading> {
  const read = { records: 0, badLines: 0, bytes: 0 };
  const stop = (refusal: string | null): Reading => ({ ...read, refusal });
  let bar: ProgressBar | null = null;
  const note = (number: number, problem: string): void => {
    read.badLines += 1;
    // What is warned of may come to the same terminal.
    bar?.clear();
    if (read.badLines <= WARNINGS_MAX) warn(`line ${number} ${problem}`);
    if (read.badLines === WARNINGS_MAX) warn("more lines like this are counted, and not shown");
    taker.lose();
  };
  setFlagsFromString(HEAP_FLAGS);
  try {
    const source = measured(file === "-" ? stdin : partsOf(file), read);
    bar = new ProgressBar(progress, file === "-" ? null : sizeOf(file));
    try {
      for await (const { first, lines, isOpen } of linesOf(source)) {
        for (const [index, line] of lines.entries()) {
          if (line?.length === 0) continue;
          const found = line === null ? TOO_LONG : readLine(line, isOpen);
          if (!found.ok && found.isForeign) return stop(`line ${first + index} ${found.problem}`);
          const isPast = found.ok && until !== null && isAfter(found.record, until);
          if (isPast && "seq" in until) return stop(null);
          if (isPast) continue;
          const verdict = found.ok ? taker.take(found.record) : found;
          if (typeof verdict === "object") note(first + index, verdict.problem);
          else read.records += 1;
          if (verdict === "enough") return stop(null);
        }
        bar.at(read.bytes, read.records);
        if (!(await taker.pause())) return stop(null);
      }
    } finally {
      bar.clear();
    }
    return stop(null);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return stop(
      `${file === "-" ? "standard input" : file} could not be read${read.bytes === 0 ? "" : " to its end"}: ${why}`,
    );
  }
}

/** What is wrong with a record, rather than with the machine that was given it; null when nothing is. */
export function faultOf(record: ReadRecord, replayed: Replayed): string | null {
  if (replayed.kind === "refused") return replayed.message;
  return replayed.kind === "differs" ? record.problem() : null;
}

/** What is said at the end of a recording in which nothing else was found. Nothing replayed is nothing proven: an export that
 * went wrong must not pass for a journal without a divergence.
 *
 * @param replayed how many records were, or were looked at, of `symbol` where one was asked for
 */
export function endOf({ refusal, badLines }: Reading, replayed: number, symbol: string | null): Answer {
  if (refusal !== null) return failed(refusal);
  if (badLines > 0) return failed(`${counted(badLines, "line")} could not be replayed`);
  if (replayed > 0) return done();
  return failed(`there was no record ${symbol === null ? "" : `of ${symbol} `}to replay`);
}

/** Null of a pipe with a name, which has none. */
function sizeOf(file: string): number | null {
  const found = statSync(file);
  return found.isFile() ? found.size : null;
}

/** @param isOpen it has no end, as where a disk was full or a process killed */
function readLine(line: Uint8Array, isOpen: boolean): ReadLine {
  const problem = isOpen ? problemIn(line) : null;
  const read = readRecordLine(line);
  return read.ok && problem !== null ? { ok: false, problem, isForeign: false } : read;
}

const TOO_LONG = {
  ok: false,
  problem: "is longer than any record; expected one record a line",
  isForeign: false,
} as const;

async function* measured(
  source: AsyncIterable<Uint8Array>,
  read: { bytes: number },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    read.bytes += chunk.length;
    yield chunk;
  }
}
