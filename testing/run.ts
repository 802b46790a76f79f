// What a run left behind, and the questions that a test asks of it.
import { writeFileSync } from "node:fs";
import type { JournalRecord } from "../actors/ports.ts";
import type { PaperOrder } from "../adapters/exchange/mod.ts";
import { recordLine } from "../adapters/recording/mod.ts";
import { PurgeContext, type PurgeCommand, type TradingSymbol } from "../machines/mod.ts";
import { Schema } from "effect";
import { checkState, isIn } from "./states.ts";

/** One stay of a symbol in a state. */
export interface Stay {
  /** Milliseconds; where `isOver` is false, as far as the run went. */
  readonly ms: number;
  readonly isOver: boolean;
}

export interface RunParts {
  readonly symbol: TradingSymbol;
  readonly ledgerId: string;
  readonly records: readonly JournalRecord[];
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly orders: readonly PaperOrder[];
  readonly trouble: readonly string[];
}

/** A finished run of one symbol. Everything in it is from the journal, but for `orders` and `trouble`. */
export class Run {
  readonly symbol: TradingSymbol;
  readonly ledgerId: string;
  /** The journal, from the first record on. */
  readonly records: readonly JournalRecord[];
  /** Epoch milliseconds of virtual time. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** What the exchange has of orders; those that it refused are not there. Empty where a journal was played. */
  readonly orders: readonly PaperOrder[];
  /** What no ordinary run has: dead letters, actors that crashed, errors. */
  readonly trouble: readonly string[];

  constructor(parts: RunParts) {
    this.symbol = parts.symbol;
    this.ledgerId = parts.ledgerId;
    this.records = parts.records;
    this.startedAt = parts.startedAt;
    this.endedAt = parts.endedAt;
    this.orders = parts.orders;
    this.trouble = parts.trouble;
  }

  /** Where the symbol stands at the end, such as `backoff.waiting`; `idle` where nothing has happened. */
  get state(): string {
    return this.records.at(-1)?.state ?? "idle";
  }

  /** Every state entered, in order; the first is what came after `idle`. */
  get visited(): readonly string[] {
    return this.records.flatMap(({ path }) => path);
  }

  /** Everything that was asked of the gateway, in order, once: what is sent again after a crash is not in the journal. */
  get sent(): readonly PurgeCommand[] {
    return this.records.flatMap(({ commands }) => commands);
  }

  /** Failed attempts in a row, at the end. */
  get failures(): number {
    return this.context?.failures ?? 0;
  }

  /** All that the machine remembers at the end; null where nothing has happened. */
  get context(): PurgeContext | null {
    const last = this.records.at(-1);
    return last === undefined ? null : contextOf(last.snapshot).context;
  }

  /** What was asked for while the symbol was in `state` and stayed there.
   *
   * @throws ScenarioError when the machine has no such state
   */
  sentIn(state: string): readonly PurgeCommand[] {
    checkState(state, "sentIn");
    return this.records.flatMap((record, index) => {
      const before = this.records[index - 1]?.state ?? "idle";
      return isIn(record.state, state) && isIn(before, state) ? record.commands : [];
    });
  }

  /** How long each stay in `state` was, in order.
   *
   * @throws ScenarioError when the machine has no such state
   */
  staysIn(state: string): readonly Stay[] {
    checkState(state, "staysIn");
    const stays: Stay[] = [];
    let since: number | null = null;
    for (const record of this.records) {
      const at = Date.parse(record.at);
      const leaves = since !== null && !isIn(record.state, state);
      if (leaves && since !== null) stays.push({ ms: at - since, isOver: true });
      if (leaves) since = null;
      if (isIn(record.state, state)) since ??= at;
    }
    if (since !== null) stays.push({ ms: this.endedAt - since, isOver: false });
    return stays;
  }

  /** The journal as `purgatory replay` takes it: JSON Lines, one record a line, the fields of each in an order of their own, so
   * that the same journal is always the same text. */
  toJsonLines(): string {
    const { ledgerId: ledger_id } = this;
    return this.records
      .map((record) => `${recordLine({ ...record, ...normalised(record), ledger_id })}\n`)
      .join("");
  }
}

/** Writes the journal of `run` to `file`, as a fixture for `playJournal`, `toReplay` and `purgatory replay`. What was there is
 * replaced. */
export function writeJournal(file: string, run: Run): void {
  writeFileSync(file, run.toJsonLines());
}

/** A machine that came back from a snapshot has its fields in another order than one that did not. */
function normalised({ event, commands, snapshot }: JournalRecord) {
  const { version, value, context } = partsOf(snapshot);
  return {
    event: sorted(event),
    commands: commands.map(sorted),
    snapshot: { version, value, context: sorted(context) },
  };
}

function sorted<T>(value: T): T {
  return JSON.parse(JSON.stringify(value, (_, inner: unknown) => (isKeyed(inner) ? byName(inner) : inner)));
}

function byName(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}

function isKeyed(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const partsOf = Schema.decodeUnknownSync(
  Schema.Struct({ version: Schema.Int, value: Schema.Json, context: Schema.Json }),
);
const contextOf = Schema.decodeUnknownSync(Schema.Struct({ context: PurgeContext }));
