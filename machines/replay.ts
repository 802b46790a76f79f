// Feeds recorded events to the machine as it is now, and says where it goes another way than was recorded. No clock, no
// I/O, one record at a time: what is kept is one machine a symbol, however long the recording.
import type { PurgeEvent } from "./events.ts";
import { type Difference, differencesIn, isSame, isSameList } from "./plain_diff.ts";
import { type PurgeRun, type PurgeStep, SNAPSHOT_VERSION, SnapshotError, startPurge } from "./purge_run.ts";
import { steppedMachines } from "./replay_run.ts";
import type { Transition } from "./transition.ts";
import type { Timestamp, TradingSymbol } from "./vocabulary.ts";

/** One step as some machine once took it. Its snapshot is asked for only where a replay needs it: it is the larger part of a
 * record, and may be read as late as that. */
export interface RecordedStep extends Transition {
  /** `SNAPSHOT_VERSION` of the machine that took it. */
  readonly machine: number;
}

/** Where a step led. */
export type Reached = Pick<PurgeStep, "state" | "path" | "commands">;

/** A step that the machine takes otherwise than it was recorded. */
export interface Divergence {
  readonly ledger_id: string;
  readonly seq: number;
  readonly at: Timestamp;
  readonly symbol: TradingSymbol;
  readonly event: PurgeEvent;
  /** Where the symbol stood before the event. */
  readonly from: string;
  readonly expected: Reached;
  /** Null when the machine threw. */
  readonly actual: Reached | null;
  /** What it threw. */
  readonly error: string | null;
  /** Field by field; empty when the machine threw. */
  readonly differences: readonly Difference[];
}

export type Replayed =
  | { readonly kind: "same"; readonly from: string }
  /** Of a symbol that was not asked for. */
  | { readonly kind: "passed" }
  /** What came before it is not in the recording: its snapshot is where this symbol begins. */
  | { readonly kind: "base" }
  | { readonly kind: "differs"; readonly divergence: Divergence }
  /** The record cannot be replayed; the message says why, and what to do. */
  | { readonly kind: "refused"; readonly message: string };

/** How a machine is started: `startPurge`, unless a test puts another machine in its place. */
export type StartRun = typeof startPurge;

export interface ReplayOptions {
  readonly start?: StartRun;
  /** Replay this symbol alone; left out: all of them. */
  readonly symbol?: TradingSymbol;
  /** Compare what the machine remembers as well: finds a divergence before it shows. Slower. */
  readonly compareContext?: boolean;
}

export interface Replay {
  /** The records of each ledger in order of `seq`; several ledgers may be mixed. */
  take(record: RecordedStep): Replayed;
  /** A record could not be read, and nobody knows of which symbol it was. A symbol that then goes another way begins anew
   * from the record where it does, instead of being called a divergence. */
  lose(): void;
}

export function createReplay(options: ReplayOptions = {}): Replay {
  const { start = steppedMachines(), compareContext = false, symbol: only = null } = options;
  const ledgers = new Map<string, Ledger>();
  let lost = 0;

  const begin = (ledger: Ledger, record: RecordedStep): Replayed => {
    const { ledger_id: ledgerId, symbol } = record;
    const run = start({ ledgerId, symbol });
    const taken = attempt(run, record, compareContext || !ledger.isWhole);
    if (taken.kind === "differs" && !ledger.isWhole) return rebase(ledger, record);
    return keep(ledger, symbol, { run, lost }, taken);
  };
  const rebase = (ledger: Ledger, record: RecordedStep): Replayed => {
    const run = fromSnapshot(start, record);
    if (typeof run === "string") return { kind: "refused", message: run };
    ledger.tracks.set(record.symbol, { run, lost });
    return { kind: "base" };
  };
  return {
    take(record) {
      const ledger = ledgerOf(ledgers, record);
      if (record.seq <= ledger.last) return { kind: "refused", message: outOfOrder(record, ledger.last) };
      if (record.machine > SNAPSHOT_VERSION) return { kind: "refused", message: newer(record) };
      ledger.isWhole &&= record.seq === ledger.last + 1;
      ledger.last = record.seq;
      if (only !== null && record.symbol !== only) return { kind: "passed" };
      const track = ledger.tracks.get(record.symbol);
      if (track === undefined) return begin(ledger, record);
      const taken = attempt(track.run, record, compareContext);
      if (taken.kind === "differs" && track.lost < lost) return rebase(ledger, record);
      track.lost = lost;
      return keep(ledger, record.symbol, track, taken);
    },
    lose() {
      lost += 1;
    },
  };
}

/** Whether the machine, never having heard of the symbol, comes to exactly what was recorded. */
export function isFirstOfSymbol(record: RecordedStep, start: StartRun = startPurge): boolean {
  const run = start({ ledgerId: record.ledger_id, symbol: record.symbol });
  return attempt(run, record, true).kind === "same";
}

/** The machine as it was after `record`; a text that says why that cannot be, where it cannot. */
export function fromSnapshot(start: StartRun, record: RecordedStep): PurgeRun | string {
  const { ledger_id: ledgerId, symbol, seq, snapshot } = record;
  try {
    return start({ ledgerId, symbol, snapshot });
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    return `seq ${seq} is not the first of ${symbol}, and its snapshot cannot be continued: ${error.message}; give the recording from the first record on`;
  }
}

/** Where the machine's step differs from what was recorded; null where nothing does. */
export function divergenceOf(record: RecordedStep, from: string, actual: Reached): Divergence | null {
  if (isReached(record, actual)) return null;
  return diverged(record, from, actual, null, [
    ...differencesIn(record.state, actual.state, "state"),
    ...differencesIn(record.path, actual.path, "path"),
    ...differencesIn(record.commands, actual.commands, "commands"),
  ]);
}

/** A divergence as text: what was recorded with `-`, what the machine does now with `+`. */
export function formatDivergence(divergence: Divergence): string {
  const { symbol, seq, at, event, from, differences, error } = divergence;
  const { type, symbol: _symbol, at: _at, ...said } = event;
  const lines = differences.flatMap(({ field, expected, actual }) => [
    `- ${field}: ${shown(expected)}`,
    `+ ${field}: ${shown(actual)}`,
  ]);
  return [
    `${symbol} goes another way at seq ${seq}, ${at}`,
    `  event ${type} ${JSON.stringify(said)}`,
    `  in    ${from}`,
    ...(error === null
      ? []
      : [`- state: ${shown(divergence.expected.state)}`, `+ the machine threw: ${error}`]),
    ...lines,
    "(- as recorded, + as the machine is now)",
  ].join("\n");
}

interface Track {
  readonly run: PurgeRun;
  /** How many records had been lost when this symbol was last seen to be right. */
  lost: number;
}
interface Ledger {
  last: number;
  /** Every record from the first on was there: what is new now is a symbol's first. */
  isWhole: boolean;
  readonly tracks: Map<string, Track>;
}

/** A machine that threw is of no use any more: its symbol begins anew with the next record. */
function keep(ledger: Ledger, symbol: string, track: Track, taken: Replayed): Replayed {
  if (taken.kind === "differs" && taken.divergence.actual === null) {
    ledger.tracks.delete(symbol);
    ledger.isWhole = false;
  } else ledger.tracks.set(symbol, track);
  return taken;
}

function ledgerOf(ledgers: Map<string, Ledger>, { ledger_id }: RecordedStep): Ledger {
  const known = ledgers.get(ledger_id);
  if (known !== undefined) return known;
  const ledger: Ledger = { last: 0, isWhole: true, tracks: new Map() };
  ledgers.set(ledger_id, ledger);
  return ledger;
}

function attempt(
  run: PurgeRun,
  record: RecordedStep,
  isContextToo: boolean,
): Extract<Replayed, { readonly kind: "same" | "differs" }> {
  const from = run.state;
  let step: PurgeStep;
  try {
    step = run.step(record.event);
  } catch (error) {
    return { kind: "differs", divergence: diverged(record, from, null, String(error), []) };
  }
  const divergence = divergenceOf(record, from, step);
  if (divergence !== null) return { kind: "differs", divergence };
  if (!isContextToo) return { kind: "same", from };
  const { value, context } = step.snapshot;
  const now = { version: record.machine, value, context };
  if (isSame(record.snapshot, now)) return { kind: "same", from };
  const differences = differencesIn(record.snapshot, now, "snapshot");
  return { kind: "differs", divergence: diverged(record, from, step, null, differences) };
}

function isReached(expected: Reached, actual: Reached): boolean {
  return (
    expected.state === actual.state &&
    isSameList(expected.path, actual.path) &&
    isSameList(expected.commands, actual.commands)
  );
}

function diverged(
  record: RecordedStep,
  from: string,
  actual: Reached | null,
  error: string | null,
  differences: readonly Difference[],
): Divergence {
  const { ledger_id, seq, at, symbol, event } = record;
  return {
    ledger_id,
    seq,
    at,
    symbol,
    event,
    from,
    expected: reached(record),
    actual: actual && reached(actual),
    error,
    differences,
  };
}

function reached({ state, path, commands }: Reached): Reached {
  return { state, path, commands };
}

function shown(value: unknown): string {
  return value === undefined ? "(nothing)" : JSON.stringify(value);
}

function outOfOrder({ seq, symbol, ledger_id }: RecordedStep, last: number): string {
  return `seq ${seq} of ${symbol} comes after seq ${last} of the same ledger ${ledger_id}; expected a higher one, as a recording is written`;
}

function newer({ seq, machine }: RecordedStep): string {
  return `seq ${seq} was recorded by version ${machine} of the machine, and this is version ${SNAPSHOT_VERSION}; replay it with a purgatory at least as new as the one that recorded it`;
}
