// Plays a recorded journal: what came to one symbol comes again, at its time, to the real supervisor, actor, journal and bus.
import * as Result from "effect/Result";
import { Schema } from "effect";
import type { Child, Link } from "../actors/child_spec.ts";
import { type Ledger, startLedger } from "../actors/ledger.ts";
import { observationOf } from "../actors/observed_supervision.ts";
import type { JournalRecord, Observation } from "../actors/ports.ts";
import { PurgeSupervisor } from "../actors/purge_supervisor.ts";
import { startSupervisor } from "../actors/supervisor.ts";
import type { World } from "../actors/supervisor_core.ts";
import { inProcessTransport, messageBus } from "../adapters/bus/mod.ts";
import { virtualClock } from "../adapters/clock/mod.ts";
import { memoryJournal, memoryLedger } from "../adapters/journal/mod.ts";
import { isFirstOfSymbol, OrderResult, type RecordedStep } from "../machines/mod.ts";
import { ScenarioError } from "./errors.ts";
import { type JournalSource, nameOf, recordsOf } from "./journal_file.ts";
import { Life } from "./life.ts";
import { Run } from "./run.ts";
import { troubleIn } from "./trouble.ts";

export interface PlayJournalOptions {
  /** Which symbol to play, where the journal is of several. */
  readonly symbol?: string;
}

/** Plays what happened to one symbol once more, with the program as it is now. The answers of the exchange are the recorded
 * ones; deadlines are reached when the machine's own say so. Where the journal begins in the middle, the first record is
 * taken as it is.
 *
 * @throws ScenarioError when the journal is of several symbols or ledgers, or out of order, or a line is no record
 * @throws Error when the file cannot be read
 */
export async function playJournal(source: JournalSource, options: PlayJournalOptions = {}): Promise<Run> {
  const records = chosen(source, options);
  const [first] = records;
  const startedAt = Date.parse(first.at);
  const ledger = memoryLedger(first.ledger_id);
  const events = isFirstOfSymbol(first) ? records : records.slice(1);
  if (events.length < records.length) {
    const seeded = memoryJournal({ ledger });
    await seeded.append([{ ...draftOf(first) }]);
    await seeded.close();
  }
  const { clock, happen, life, trouble } = await startSymbol(ledger, startedAt);
  for (const { event } of events) await happen(event);
  const endedAt = clock.now();
  life.die();
  ledger.isLocked = false;
  const journal = memoryJournal({ ledger });
  const written: readonly JournalRecord[] = await Array.fromAsync(journal.read());
  await journal.close();
  const { symbol, ledger_id: ledgerId } = first;
  return new Run({ symbol, ledgerId, records: written, startedAt, endedAt, orders: [], trouble });
}

const isResult = Schema.is(OrderResult);

/** A supervisor of symbols on a journal of its own, and a bus on which nobody but the recording speaks. */
async function startSymbol(ledger: ReturnType<typeof memoryLedger>, startsAt: number) {
  const clock = virtualClock(startsAt);
  const life = new Life();
  const trouble: string[] = [];
  const observe = life.observe((observation: Observation) => {
    const found = troubleIn(observation);
    if (found !== null) trouble.push(found);
  });
  const alive = life.clock(clock);
  const bus = messageBus(inProcessTransport(), { clock: alive });
  await bus.consume("orders", (delivery) => delivery.ack());
  const world: World = { clock: alive, observe: (event) => observe(observationOf(event)) };
  const parts: { ledger: Ledger | null; symbols: PurgeSupervisor | null } = { ledger: null, symbols: null };
  const startJournal = async (link: Link): Promise<Child> => {
    const settings = { clock: alive, observe, groupRecords: 256, maxPending: 64 };
    parts.ledger = await startLedger(async () => life.journal(memoryJournal({ ledger })), settings, link);
    return parts.ledger;
  };
  const startSymbols = async (link: Link): Promise<Child> => {
    const { journal, pipeline } = started(parts.ledger);
    const rest = { bus, clock: alive, observe, onTransition: () => {}, world, mailboxSize: 256 };
    parts.symbols = await PurgeSupervisor.start({ journal, pipeline, ...rest }, link);
    return parts.symbols;
  };
  const children = [
    { id: "journal", start: startJournal },
    { id: "symbols", start: startSymbols },
  ];
  const flags = { name: "testing", strategy: "rest_for_one", max_restarts: 0, period_ms: 1 } as const;
  Result.getOrThrow(await startSupervisor({ ...flags, children }, world));
  await clock.settle();
  const happen = async (event: RecordedStep["event"]): Promise<void> => {
    await clock.advance(Math.max(0, Date.parse(event.at) - clock.now()));
    if (event.type === "deadline.reached") return;
    if (isResult(event)) await bus.publish("results", event);
    else started(parts.symbols).tell(event);
    await clock.settle();
  };
  return { clock, happen, life, trouble };
}

function started<T>(part: T | null): T {
  if (part === null) throw new Error("this part was to be started before");
  return part;
}

function draftOf({ at, symbol, event, path, state, commands, snapshot }: RecordedStep) {
  return { at, symbol, event, path, state, commands, snapshot };
}

function chosen(
  source: JournalSource,
  { symbol }: PlayJournalOptions,
): readonly [RecordedStep, ...RecordedStep[]] {
  const name = nameOf(source);
  const all = recordsOf(source);
  const [first, ...rest] = all.filter((record) => symbol === undefined || record.symbol === symbol);
  const found = [...new Set(all.map((record) => record.symbol))].join(", ") || "none";
  if (first === undefined) {
    throw new ScenarioError({
      message: `${name}: there is nothing of ${symbol ?? "any symbol"}; found: ${found}`,
    });
  }
  if (rest.some((record) => record.symbol !== first.symbol)) {
    throw new ScenarioError({
      message: `${name} is of several symbols; say which with { symbol }: ${found}`,
    });
  }
  if (rest.some(({ ledger_id }) => ledger_id !== first.ledger_id)) {
    throw new ScenarioError({ message: `${name} is of several ledgers; give the journal of one` });
  }
  let last = first.seq;
  for (const { seq } of rest) {
    if (seq <= last)
      throw new ScenarioError({
        message: `${name}: seq ${seq} comes after seq ${last}; expected a higher one, as a journal is written`,
      });
    last = seq;
  }
  return [first, ...rest];
}
