// Makes a long story short: the smallest part of one symbol's events that still goes the same wrong way, or still reaches a
// state. Delta debugging; the same events give the same part.
import type { PurgeEvent } from "./events.ts";
import { type PurgeRun, type PurgeStep, startPurge } from "./purge_run.ts";
import type { Divergence, Reached, StartRun } from "./replay.ts";
import { inOwnNames, namesOwn } from "./replay_names.ts";
import type { TradingSymbol } from "./vocabulary.ts";

export type ShrinkGoal =
  /** Some step enters this state, or one within it: `backoff` is reached by `backoff.waiting`. */
  | { readonly kind: "reaches"; readonly state: string }
  /** The last event is met in the same state and leads the same other way: state, path, and kinds of commands. */
  | { readonly kind: "diverges"; readonly divergence: Divergence };

export interface ShrinkInput {
  readonly ledgerId: string;
  readonly symbol: TradingSymbol;
  /** One symbol's events, in order. For a divergence, the one that diverges is the last. */
  readonly events: readonly PurgeEvent[];
  readonly goal: ShrinkGoal;
  /** The machine to begin with; left out: one of which nothing has happened yet. */
  readonly snapshot?: unknown;
  readonly start?: StartRun;
  /** Replays after which it is content with what it has. */
  readonly maxRuns?: number;
}

export interface ShrunkStep {
  readonly event: PurgeEvent;
  readonly step: PurgeStep | null;
}
export interface Shrunk {
  /** What is left, as it can be given to a machine: without the events between, attempts and questions are counted otherwise,
   * and an answer names the question that is asked now. The last step is null where the machine threw. */
  readonly steps: readonly ShrunkStep[];
  /** No event of it can be left out. False where `maxRuns` came first. */
  readonly isMinimal: boolean;
  readonly runs: number;
}

const RUNS_MAX = 20_000;

/** Null when the events do not get there themselves. */
export function shrink(input: ShrinkInput): Shrunk | null {
  const all = withMeanings(input);
  const whole = play(input, all);
  if (whole === null) return null;
  const runsMax = input.maxRuns ?? RUNS_MAX;
  let runs = 1;
  let best = whole;
  // What comes after the goal is not needed, and need not be tried.
  let kept = all.slice(0, whole.length);
  let chunk = Math.ceil(kept.length / 2);
  let isMinimal = false;
  while (!isMinimal) {
    let hasShrunk = false;
    for (let from = 0; from < kept.length; ) {
      if (runs >= runsMax) return { steps: best, isMinimal, runs };
      const fewer = [...kept.slice(0, from), ...kept.slice(from + chunk)];
      const steps = play(input, fewer);
      runs += 1;
      if (steps === null) {
        from += chunk;
        continue;
      }
      best = steps;
      kept = fewer.slice(0, steps.length);
      hasShrunk = true;
    }
    isMinimal = chunk === 1 && !hasShrunk;
    chunk = Math.max(1, Math.floor(chunk / 2));
  }
  return { steps: best, isMinimal, runs };
}

/** An event, and whether what it names was then the machine's own: its live order, its open question, its deadline. */
interface Meant {
  readonly event: PurgeEvent;
  readonly isOwn: boolean;
}

function begin({ ledgerId, symbol, snapshot, start = startPurge }: ShrinkInput): PurgeRun {
  return start({ ledgerId, symbol, ...(snapshot === undefined ? {} : { snapshot }) });
}

function withMeanings(input: ShrinkInput): readonly Meant[] {
  const run = begin(input);
  const meant: Meant[] = [];
  for (const event of input.events) {
    meant.push({ event, isOwn: namesOwn(run.context, event) });
    if (attempt(run, event) === null) break;
  }
  return meant;
}

/** The steps up to the goal; null when it is not reached. */
function play(input: ShrinkInput, meant: readonly Meant[]): readonly ShrunkStep[] | null {
  const run = begin(input);
  const steps: ShrunkStep[] = [];
  for (const { event: recorded, isOwn } of meant) {
    const event = (isOwn ? inOwnNames(run.context, recorded) : null) ?? recorded;
    const from = run.state;
    const step = attempt(run, event);
    steps.push({ event, step });
    if (isThere(input, event, from, step)) return steps;
    if (step === null) return null;
  }
  return null;
}

/** Null when the machine threw. */
function attempt(run: PurgeRun, event: PurgeEvent): PurgeStep | null {
  try {
    return run.step(event);
  } catch {
    return null;
  }
}

function isThere({ goal }: ShrinkInput, event: PurgeEvent, from: string, step: PurgeStep | null): boolean {
  if (goal.kind === "reaches") {
    const isIt = (state: string): boolean => state === goal.state || state.startsWith(`${goal.state}.`);
    return step !== null && (step.path.some(isIt) || isIt(step.state));
  }
  const { divergence } = goal;
  return (
    event.type === divergence.event.type &&
    event.at === divergence.event.at &&
    from === divergence.from &&
    shape(step) === shape(divergence.actual)
  );
}

function shape(reached: Reached | null): string {
  if (reached === null) return "threw";
  return [reached.state, ...reached.path, ...reached.commands.map(({ type }) => type)].join(" ");
}
