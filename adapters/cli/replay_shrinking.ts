// `purgatory replay --shrink`: reads a recording once to find what is to be shown, and once more for that symbol's events.
import { statSync } from "node:fs";
import {
  createReplay,
  type Divergence,
  formatDivergence,
  type PurgeEvent,
  type RecordedStep,
  type Shrunk,
  type ShrinkGoal,
  shrink,
  TradingSymbol,
} from "../../machines/mod.ts";
import { type ReadRecord, recordLine, STEP_HEAD, stepRow, type Shown } from "../recording/mod.ts";
import { type Answer, done, failed } from "./answer.ts";
import type { ReplayCommand } from "./command.ts";
import { EXIT } from "./exit_codes.ts";
import type { LineOutput } from "./line_output.ts";
import {
  endOf,
  faultOf,
  type ReadingInput,
  readRecording,
  type Taker,
  type Verdict,
} from "./replay_reading.ts";

type Goal = NonNullable<ReplayCommand["shrink"]>;

export async function shrinkRecording(
  command: ReplayCommand,
  goal: Goal,
  input: ReadingInput,
  output: LineOutput,
): Promise<Answer> {
  const finder = new Finder(command, goal);
  const reading = await readRecording(command, finder, input);
  if (reading.refusal !== null) return failed(reading.refusal);
  const found = finder.found;
  if (found === null) {
    const end = endOf(reading, finder.looked, command.symbol);
    if (goal.to === "divergence")
      return end.exitCode === EXIT.ok ? done("Nothing diverges, so there is nothing to shrink.") : end;
    const of = command.symbol === null ? "" : ` of ${command.symbol}`;
    return failed(
      `no record${of} reaches ${goal.state}; expected a state of the machine, as purgatory graph draws them`,
    );
  }
  const { file } = command;
  if (!statSync(file).isFile()) {
    const flag = goal.to === "state" ? "--shrink-to" : "--shrink";
    return failed(`${file} is a pipe; ${flag} reads it twice: write what comes out of it to a file`);
  }
  const story = new Collector(found);
  await readRecording({ file, until: null }, story, { ...input, warn: () => {} });
  const { ledger_id: ledgerId, symbol } = found.record;
  const base = story.base === null ? {} : { snapshot: story.base.snapshot };
  const shrunk = shrink({ ledgerId, symbol, events: story.events, goal: found.goal, ...base });
  if (shrunk === null) return failed(notReproduced(found));
  for (const line of shown(command, found, shrunk, story)) output.line(line);
  return output.end(
    found.divergence === null
      ? endOf(reading, finder.looked, command.symbol)
      : failed(formatDivergence(found.divergence)),
  );
}

interface Found {
  readonly record: RecordedStep;
  readonly goal: ShrinkGoal;
  readonly divergence: Divergence | null;
  /** The record that its symbol begins from; null when that is its first. */
  readonly baseSeq: number | null;
}

/** Looks for the first divergence, or the first record that reaches the state. */
class Finder implements Taker {
  readonly #replay: ReturnType<typeof createReplay>;
  readonly #only: string | null;
  readonly #goal: Goal;
  readonly #bases = new Map<string, number>();
  found: Found | null = null;
  /** Records that were replayed. */
  looked = 0;

  constructor({ symbol, context: compareContext }: ReplayCommand, goal: Goal) {
    const only = symbol === null ? {} : { symbol: TradingSymbol.make(symbol) };
    this.#replay = createReplay({ ...only, compareContext });
    this.#only = symbol;
    this.#goal = goal;
  }

  take(record: ReadRecord): Verdict {
    const taken = this.#replay.take(record);
    const problem = faultOf(record, taken);
    if (problem !== null) return { problem };
    if (taken.kind !== "passed") this.looked += 1;
    const key = `${record.ledger_id} ${record.symbol}`;
    if (taken.kind === "base") this.#bases.set(key, record.seq);
    const baseSeq = this.#bases.get(key) ?? null;
    const goal = this.#goal;
    if (goal.to === "state") {
      const isIt = (state: string): boolean => state === goal.state || state.startsWith(`${goal.state}.`);
      const isMeant = this.#only === null || record.symbol === this.#only;
      if (!isMeant || record.seq === baseSeq || !record.path.some(isIt)) return "more";
      this.found = {
        record: record.detached(),
        goal: { kind: "reaches", state: goal.state },
        divergence: null,
        baseSeq,
      };
      return "enough";
    }
    if (taken.kind !== "differs") return "more";
    const { divergence } = taken;
    this.found = { record: record.detached(), goal: { kind: "diverges", divergence }, divergence, baseSeq };
    return "enough";
  }

  lose(): void {
    this.#replay.lose();
  }

  pause(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

/** Keeps one symbol's events up to what was found. */
class Collector implements Taker {
  readonly #found: Found;
  readonly events: PurgeEvent[] = [];
  base: RecordedStep | null = null;
  /** What is below this was before the base, or comes again. */
  #next: number;

  constructor(found: Found) {
    this.#found = found;
    this.#next = found.baseSeq ?? 1;
  }

  take(record: ReadRecord): "more" | "enough" {
    const { record: last, baseSeq } = this.#found;
    if (record.symbol !== last.symbol || record.ledger_id !== last.ledger_id) return "more";
    if (record.seq < this.#next) return "more";
    this.#next = record.seq + 1;
    if (record.seq === baseSeq) this.base = record.detached();
    else this.events.push(record.event);
    return record.seq === last.seq ? "enough" : "more";
  }

  lose(): void {}

  pause(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

/** As rows, or as a recording of its own: what the machine does now with the events that are left. */
function shown({ show }: ReplayCommand, found: Found, shrunk: Shrunk, story: Collector): readonly string[] {
  const { ledger_id, symbol } = found.record;
  const start = story.base?.seq ?? 0;
  const steps = shrunk.steps.flatMap(({ event, step }, index) => {
    if (step === null) return [];
    const { path, state, commands, snapshot } = step;
    const seq = start + index + 1;
    return [{ ledger_id, seq, at: event.at, symbol, event, path, state, commands, snapshot }];
  });
  // With the record that it begins from, it can be replayed by itself.
  if (show === "json") return [...(story.base === null ? [] : [story.base]), ...steps].map(recordLine);
  const thrown = shrunk.steps.at(-1)?.step === null ? ["The next event makes the machine throw."] : [];
  const least = shrunk.isMinimal ? "none of which can be left out" : "perhaps not the fewest";
  const begins = story.base === null ? "" : ` after the snapshot of seq ${story.base.seq}`;
  const count = `${shrunk.steps.length} of ${story.events.length} events of ${symbol}${begins}, ${least}.`;
  return [STEP_HEAD, ...steps.map((step: Shown) => stepRow(step)), ...thrown, count];
}

function notReproduced({ record, divergence }: Found): string {
  const where = `seq ${record.seq} of ${record.symbol}`;
  if (divergence === null)
    return `${where} was recorded there, but the machine as it is now goes another way; see purgatory replay`;
  return `${where} diverges, but not when its symbol is replayed alone:\n${formatDivergence(divergence)}`;
}
