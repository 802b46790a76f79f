// Reads a recording as a test needs it: whole, in memory, and with a clear word on what is wrong with it.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { problemIn, readRecordLine } from "../adapters/recording/mod.ts";
import type { RecordedStep } from "../machines/mod.ts";
import { ScenarioError } from "./errors.ts";
import { Run } from "./run.ts";

/** A file of JSON Lines, as `purgatory journal` and `writeJournal` write it, gzip or not; or a run. */
export type JournalSource = string | URL | Run;

/** Every record of a journal.
 *
 * @throws ScenarioError when a line is no record
 * @throws Error when the file cannot be read
 */
export function recordsOf(source: JournalSource): readonly RecordedStep[] {
  const name = nameOf(source);
  const text = source instanceof Run ? source.toJsonLines() : textOf(source);
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line === "") return [];
    const problem = problemIn(line);
    const read = readRecordLine(line);
    if (problem === null && read.ok) return [read.record];
    const what = problem ?? (read.ok ? "" : read.problem);
    throw new ScenarioError({ message: `${name}, line ${index + 1}: ${what}` });
  });
}

/** How messages call it. */
export function nameOf(source: JournalSource): string {
  return source instanceof Run ? `the run of ${source.symbol}` : String(source);
}

const GZIP = 0x1f;

function textOf(file: string | URL): string {
  const bytes = readFileSync(file);
  // A decoder leaves out the mark that some editors put at the beginning.
  return new TextDecoder().decode(bytes[0] === GZIP ? gunzipSync(bytes) : bytes);
}
