// One durable step of one symbol's machine: as the journal keeps it, observers see it and a recording tells it.
import { Schema } from "effect";
import { PurgeCommand, PurgeEvent } from "./events.ts";
import { ShortText, Timestamp, TradingSymbol } from "./vocabulary.ts";

/** Everything that replay, recovery and observers need. */
export interface Transition {
  readonly ledger_id: string;
  /** Position in this ledger, from 1, without gaps, across all symbols. */
  readonly seq: number;
  readonly at: Timestamp;
  readonly symbol: TradingSymbol;
  readonly event: PurgeEvent;
  /** States entered on the way, in order, such as `["failed", "backoff.waiting"]`. */
  readonly path: readonly string[];
  /** Where the machine came to rest: `backoff.waiting`, `purging.resting`. */
  readonly state: string;
  readonly commands: readonly PurgeCommand[];
  /** `encodeSnapshot` of the machine after the event, JSON. */
  readonly snapshot: unknown;
}

/** A name of a state or of a machine's deadline. */
const StateName = Schema.String.check(Schema.isMaxLength(200));

/** Of `Transition`, wherever one is read. */
export const transitionFields = {
  ledger_id: ShortText,
  seq: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
  at: Timestamp,
  symbol: TradingSymbol,
  event: PurgeEvent,
  path: Schema.Array(StateName).check(Schema.isMaxLength(100)),
  state: StateName,
  commands: Schema.Array(PurgeCommand).check(Schema.isMaxLength(100)),
  snapshot: Schema.Json,
} as const;

/** Goes with `transitionFields`. */
export const isOfOneSymbol = Schema.makeFilter(
  ({ symbol, event, commands }: Pick<Transition, "symbol" | "event" | "commands">) =>
    (event.symbol === symbol && commands.every((command) => command.symbol === symbol)) ||
    "an event or a command in it is of another symbol",
);
