// One record as columns of text: how it is written, and how it is read back.
import { Schema } from "effect";
import type { JournalDraft, JournalError, JournalRecord } from "../../actors/ports.ts";
import { type PurgeCommand, type PurgeEvent, TradingSymbol } from "../../machines/mod.ts";
import { refusal } from "./journal_errors.ts";

/** A draft ready to be written. `event`, `path`, `commands` and `snapshot` are JSON. */
export interface RecordRow {
  readonly symbol: string;
  readonly at: string;
  readonly state: string;
  readonly event: string;
  readonly path: string;
  readonly commands: string;
  readonly snapshot: string;
}

/** A row as any store gives it back: nothing about its columns is known yet. */
export type StoredRow = Readonly<Record<string, unknown>>;

/** Throws `JournalError` `io` when a draft holds what JSON cannot. */
export function encodeDraft(ledger: string, draft: JournalDraft): RecordRow {
  const json = (name: "event" | "path" | "commands" | "snapshot"): string => {
    try {
      const text: string | undefined = JSON.stringify(draft[name]);
      if (text !== undefined) return text;
      throw new TypeError("there is no JSON for undefined or a function");
    } catch (error) {
      throw refusal(
        "io",
        `${ledger}: the ${name} of a record of ${draft.symbol} is no JSON (${firstLine(error)}); nothing was written`,
      );
    }
  };
  return {
    symbol: draft.symbol,
    at: draft.at,
    state: draft.state,
    event: json("event"),
    path: json("path"),
    commands: json("commands"),
    snapshot: json("snapshot"),
  };
}

/** Throws `JournalError` `corrupt`, naming the record, when a column does not hold what was once written to it. */
export function decodeRow(ledger: string, row: StoredRow): JournalRecord {
  const seq = row["seq"];
  const broken = (column: string, found: string): JournalError =>
    refusal(
      "corrupt",
      `${ledger}: record seq ${seq}: ${column} ${found}; the ledger was changed by hand or damaged, restore it from a backup`,
    );
  const column = <T>(name: string, holds: (value: unknown) => value is T): T => {
    const value = row[name];
    if (holds(value)) return value;
    throw broken(name, "is not what a journal holds there");
  };
  const json = <T>(name: string, holds: (value: unknown) => value is T): T => {
    const text = column(name, isText);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw broken(name, `is broken JSON (${firstLine(error)})`);
    }
    if (holds(value)) return value;
    throw broken(name, "is JSON of another shape");
  };
  return {
    seq: column("seq", isSeq),
    at: column("at", isText),
    symbol: column("symbol", isSymbol),
    event: json("event", isEvent),
    path: json("path", isPath),
    state: column("state", isText),
    commands: json("commands", isCommands),
    snapshot: json("snapshot", isAnything),
  };
}

/** V8 draws a picture of a cycle over several lines. */
const firstLine = (error: unknown): string => String(error).split("\n", 1).join();

// Events and commands were checked against their schemas before the machine saw them, and an old ledger may hold
// what today's schema would refuse; so only damage is looked for here.
const isTagged = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
const isEvent = (value: unknown): value is PurgeEvent => isTagged(value);
const isCommands = (value: unknown): value is readonly PurgeCommand[] =>
  Array.isArray(value) && value.every(isTagged);
const isPath = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);
const isText = (value: unknown): value is string => typeof value === "string";
const isSeq = (value: unknown): value is number => Number.isSafeInteger(value);
const isAnything = (_value: unknown): _value is unknown => true;
const isSymbol = Schema.is(TradingSymbol);
