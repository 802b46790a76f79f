// What would have been under another policy: the recorded events again, with the policy that travels on some of them replaced.
import { Schema } from "effect";
import type { PurgeEvent } from "./events.ts";
import { PurgeContext } from "./purge_context.ts";
import { type PurgeRun, type PurgeStep, startPurge } from "./purge_run.ts";
import {
  type Divergence,
  divergenceOf,
  fromSnapshot,
  isFirstOfSymbol,
  type RecordedStep,
  type StartRun,
} from "./replay.ts";
import { inOwnNames, namesOwn } from "./replay_names.ts";
import type { PurgePolicy, TradingSymbol } from "./vocabulary.ts";

/** Where a symbol was at the end. */
export interface End {
  readonly state: string;
  readonly failures: number;
  readonly attempts: number;
  readonly sold_size: string;
  readonly sold_value: string;
}

export interface WhatIf {
  readonly ledger_id: string;
  readonly symbol: TradingSymbol;
  /** Where it first goes another way; null where it never does. */
  readonly first: Divergence | null;
  /** Events given after that, and how many of them meant nothing any more, such as a fill of an order that now was never
   * placed: the more of those, the less the end says. */
  readonly given: number;
  readonly unheard: number;
  readonly recorded: End;
  /** Null when the machine threw, or its beginning could not be read. */
  readonly instead: End | null;
  /** Why `instead` is null, or null. */
  readonly trouble: string | null;
}

export interface WhatIfReplay {
  /** The records of each ledger in order; one that comes again is passed over. */
  take(record: RecordedStep): void;
  /** One for each symbol, in the order in which they first came. */
  ends(): readonly WhatIf[];
}

/** Two machines a symbol: one under the recorded policy, which knows what each event meant, and one under the other. An answer
 * to the first one's question or order answers the second one's; deadlines are the second one's own.
 *
 * An attempt that was under way where a recording begins goes on under the policy that it began with.
 */
export function createWhatIf(policy: PurgePolicy, start: StartRun = startPurge): WhatIfReplay {
  const symbols = new Map<string, Course>();
  return {
    take(record) {
      const key = `${record.ledger_id} ${record.symbol}`;
      const known = symbols.get(key);
      if (known !== undefined && record.seq <= known.last.seq) return;
      const course = known ?? beginning(record, start);
      if (known === undefined) symbols.set(key, course);
      course.last = record;
      // The record that a symbol begins from has happened already.
      if (known !== undefined || course.isFirst) advance(course, record, policy);
    },
    ends: () => [...symbols.values()].map(endOf),
  };
}

interface Runs {
  /** As it was recorded. */
  readonly asWas: PurgeRun;
  readonly instead: PurgeRun;
}
interface Course {
  readonly runs: Runs | null;
  readonly isFirst: boolean;
  last: RecordedStep;
  first: Divergence | null;
  given: number;
  unheard: number;
  trouble: string | null;
}

function beginning(record: RecordedStep, start: StartRun): Course {
  const { ledger_id: ledgerId, symbol } = record;
  const isFirst = record.seq === 1 || isFirstOfSymbol(record, start);
  const begin = (): PurgeRun | string =>
    isFirst ? start({ ledgerId, symbol }) : fromSnapshot(start, record);
  const course = { isFirst, last: record, first: null, given: 0, unheard: 0 };
  const [asWas, instead] = [begin(), begin()];
  if (typeof asWas === "string" || typeof instead === "string")
    return { ...course, runs: null, trouble: String(asWas) };
  return { ...course, runs: { asWas, instead }, trouble: null };
}

function advance(course: Course, record: RecordedStep, policy: PurgePolicy): void {
  const { runs } = course;
  if (runs === null || course.trouble !== null) return;
  const { asWas, instead } = runs;
  try {
    if (course.first !== null) tellDeadlines(runs, record.event);
    const isAnswer = namesOwn(asWas.context, record.event);
    const event = (isAnswer ? inOwnNames(instead.context, record.event) : null) ?? record.event;
    asWas.step(record.event);
    const from = instead.state;
    const step = isEarly(instead, event) ? nothing(from) : instead.step(under(policy, event));
    if (course.first === null) course.first = divergenceOf(record, from, step);
    else count(course, step.changed);
  } catch (error) {
    course.trouble = `at seq ${record.seq} the machine threw: ${String(error)}`;
  }
}

function count(course: Course, isHeard: boolean): void {
  course.given += 1;
  if (!isHeard) course.unheard += 1;
}

function nothing(state: string): Pick<PurgeStep, "changed" | "state" | "path" | "commands"> {
  return { changed: false, state, path: [], commands: [] };
}

/** What it waits for by the clock and the recorded machine did not, it is told before the next event. */
function tellDeadlines({ asWas, instead }: Runs, { at, symbol }: PurgeEvent): void {
  for (;;) {
    const { deadline } = instead.context;
    if (deadline === null || deadline.at > at || deadline.at === asWas.context.deadline?.at) return;
    instead.step({ type: "deadline.reached", symbol, at: deadline.at, name: deadline.name });
  }
}

/** The recorded machine's deadline has come, but not yet this one's. */
function isEarly({ context: { deadline } }: PurgeRun, event: PurgeEvent): boolean {
  return event.type === "deadline.reached" && event.name === deadline?.name && event.at < deadline.at;
}

function under(policy: PurgePolicy, event: PurgeEvent): PurgeEvent {
  return event.type === "purge.requested" || event.type === "failure.imported" ? { ...event, policy } : event;
}

const decode = Schema.decodeUnknownExit(Schema.Struct({ context: PurgeContext }));

function endOf({ runs, last, first, given, unheard, trouble }: Course): WhatIf {
  const { ledger_id, symbol } = last;
  const read = decode(last.snapshot);
  const recorded =
    read._tag === "Success" ? summary(last.state, read.value.context) : { ...NOTHING, state: last.state };
  const instead =
    runs === null || trouble !== null ? null : summary(runs.instead.state, runs.instead.context);
  return { ledger_id, symbol, first, given, unheard, recorded, instead, trouble };
}

const NOTHING = { failures: 0, attempts: 0, sold_size: "0", sold_value: "0" };

function summary(state: string, { failures, attempts, sold_size, sold_value }: PurgeContext): End {
  return { state, failures, attempts, sold_size, sold_value };
}
