// `purgatory journal`: a ledger as a recording, on standard output; whether or not somebody writes there.
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, done } from "./answer.ts";
import type { JournalCommand } from "./command.ts";
import { ledgerPaths } from "./ledger_paths.ts";
import { LineOutput, type LineStream, untilSignal } from "./line_output.ts";
import { isAfter, isFrom } from "./moment.ts";
import { type JournalReader, openJournalReader } from "../journal/mod.ts";
import { recordLine } from "../recording/mod.ts";
import { TradingSymbol } from "../../machines/mod.ts";

export interface JournalOptions {
  readonly stream?: LineStream;
  /** Ends `--follow`. */
  readonly signal?: AbortSignal;
  /** How often a ledger that is followed is looked at, in milliseconds. */
  readonly pollMs?: number;
}

const POLL_MS = 500;

/** Rejects with `JournalError` when there is no ledger, or it cannot be read. */
export async function writeJournal(
  command: JournalCommand,
  { stream = process.stdout, signal, pollMs = POLL_MS }: JournalOptions = {},
): Promise<Answer> {
  const reader = await openJournalReader(ledgerPaths(command.stateDir, command.mode).journal);
  try {
    const output = new LineOutput(stream);
    const { from } = command;
    const start = from !== null && "seq" in from ? from.seq - 1 : 0;
    let last = await writeFrom(reader, command, start, output);
    if (!command.follow) return await output.end(done());
    const stop = signal ?? untilSignal();
    while (!stop.aborted && !output.isClosed) {
      // An abort ends the waiting, and is no error.
      await sleep(pollMs, undefined, { signal: stop }).catch(() => {});
      if (!stop.aborted) last = await writeFrom(reader, command, last, output);
    }
    return await output.end(done());
  } finally {
    await reader.close();
  }
}

/** Writes what is there after `seq`; returns the last one that was looked at. */
async function writeFrom(
  reader: JournalReader,
  { symbol, from, to }: JournalCommand,
  seq: number,
  output: LineOutput,
): Promise<number> {
  let last = seq;
  const filter = symbol === null ? {} : { symbol: TradingSymbol.make(symbol) };
  for await (const record of reader.read({ ...filter, afterSeq: seq })) {
    last = record.seq;
    if (to !== null && "seq" in to && record.seq > to.seq) break;
    // Times may step back a little, so that one too late says nothing of those after it.
    if ((from === null || isFrom(record, from)) && (to === null || !isAfter(record, to)))
      output.line(recordLine({ ledger_id: reader.ledgerId, ...record }));
    if (output.isFull) await output.flush();
    if (output.isClosed) break;
  }
  await output.flush();
  return last;
}
