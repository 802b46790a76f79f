// `purgatory replay`: a recording, fed to the machine as it is now.
import {
  createReplay,
  type Divergence,
  formatDivergence,
  type RecordedStep,
  type Replayed,
  TradingSymbol,
} from "../../machines/mod.ts";
import { mermaidHead, MermaidSequence, type ReadRecord, STEP_HEAD, stepRow } from "../recording/mod.ts";
import { type Answer, failed } from "./answer.ts";
import type { ReplayCommand } from "./command.ts";
import { LineOutput, type LineStream } from "./line_output.ts";
import type { ProgressStream } from "./progress_bar.ts";
import {
  endOf,
  faultOf,
  type Reading,
  type ReadingInput,
  readRecording,
  type Taker,
  type Verdict,
} from "./replay_reading.ts";
import { shrinkRecording } from "./replay_shrinking.ts";
import { replayWhatIf } from "./replay_what_if.ts";
import { counted } from "./summary.ts";

export interface ReplayIo {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: LineStream & { readonly isTTY?: boolean };
  readonly stderr: ProgressStream;
}

/** Exit code 1 at a divergence, and where a line could not be read. */
export async function replay(command: ReplayCommand, io: ReplayIo = process): Promise<Answer> {
  const { stdin, stdout, stderr } = io;
  const output = new LineOutput(stdout);
  const isQuiet = command.show === "nothing" || command.whatIfFile !== null || command.shrink !== null;
  // A bar and rows that scroll past on the same terminal are in each other's way.
  const progress = isQuiet || stdout.isTTY !== true ? stderr : { write: () => {} };
  const input: ReadingInput = { stdin, progress, warn: (line) => void stderr.write(`${line}\n`) };
  if (command.whatIfFile !== null) return replayWhatIf(command, command.whatIfFile, input, output);
  if (command.shrink !== null) return shrinkRecording(command, command.shrink, input, output);
  const taker = new Replaying(command, output);
  const reading = await readRecording(command, taker, input);
  return taker.end(reading);
}

class Replaying implements Taker {
  readonly #command: ReplayCommand;
  readonly #output: LineOutput;
  readonly #replay: ReturnType<typeof createReplay>;
  readonly #picture = new MermaidSequence();
  readonly #symbols = new Set<string>();
  #bases = 0;
  #steps = 0;
  #divergence: Divergence | null = null;

  constructor(command: ReplayCommand, output: LineOutput) {
    this.#command = command;
    this.#output = output;
    const { symbol, context: compareContext } = command;
    const only = symbol === null ? {} : { symbol: TradingSymbol.make(symbol) };
    this.#replay = createReplay({ ...only, compareContext });
    if (command.show === "mermaid") output.line(mermaidHead);
  }

  take(record: ReadRecord): Verdict {
    const taken = this.#replay.take(record);
    if (taken.kind === "passed") return "more";
    const problem = faultOf(record, taken);
    if (problem !== null) return { problem };
    if (taken.kind === "differs") {
      this.#divergence = taken.divergence;
      return "enough";
    }
    this.#steps += 1;
    this.#symbols.add(record.symbol);
    if (taken.kind === "base") this.#bases += 1;
    this.#show(record, taken.kind);
    return "more";
  }

  lose(): void {
    this.#replay.lose();
  }

  async pause(): Promise<boolean> {
    await this.#output.flush();
    return !this.#output.isClosed;
  }

  end(reading: Reading): Promise<Answer> {
    const { refusal, badLines } = reading;
    const { show } = this.#command;
    const divergence = this.#divergence;
    const summary = {
      replayed: this.#steps,
      symbols: this.#symbols.size,
      bases: this.#bases,
      bad_lines: badLines,
    };
    const lines = this.#ending(reading);
    if (show === "json") {
      if (divergence !== null) this.#output.line(JSON.stringify({ kind: "divergence", ...divergence }));
      this.#output.line(
        JSON.stringify({ kind: "summary", ...summary, diverges: divergence !== null, refusal }),
      );
    } else if (show !== "mermaid") for (const line of lines) this.#output.line(line);
    const { symbol } = this.#command;
    return this.#output.end(
      divergence === null ? endOf(reading, this.#steps, symbol) : failed(formatDivergence(divergence)),
    );
  }

  #ending({ refusal, badLines }: Reading): readonly string[] {
    const of = `${counted(this.#steps, "record")} of ${counted(this.#symbols.size, "symbol")}`;
    const isWhole = this.#divergence === null && refusal === null;
    const stop = refusal === null ? "before the first divergence" : "before it was given up";
    return [
      ...(this.#steps === 0 ? [] : [`Replayed ${of} ${isWhole ? "without a divergence" : stop}.`]),
      ...(this.#bases === 0
        ? []
        : [`Taken as they are, since what came before is not there: ${counted(this.#bases, "record")}.`]),
      ...(badLines === 0 ? [] : [`Left out: ${counted(badLines, "line")}.`]),
    ];
  }

  #show(record: RecordedStep, kind: Replayed["kind"]): void {
    switch (this.#command.show) {
      case "table":
        if (this.#steps === 1) this.#output.line(STEP_HEAD);
        this.#output.line(stepRow(record));
        break;
      case "json": {
        const { ledger_id, seq, at, symbol, event, path, state, commands } = record;
        this.#output.line(JSON.stringify({ kind, ledger_id, seq, at, symbol, event, path, state, commands }));
        break;
      }
      case "mermaid":
        for (const line of this.#picture.lines(record)) this.#output.line(line);
        break;
      case "nothing":
        break;
    }
  }
}
