// The schema of each channel's body: the same ones decode what arrives and check what leaves.
import { Schema } from "effect";
import type { Channel, ChannelBody } from "../../actors/ports.ts";
import {
  HoldingsMessage,
  HoldingsRefresh,
  OrderResult,
  PurgeCommand,
  PurgeEvent,
  ShortText,
  Timestamp,
  TradingSymbol,
  VenueState,
} from "../../machines/mod.ts";

/** A name of a state or of a machine's deadline. */
const StateName = Schema.String.check(Schema.isMaxLength(200));

/** One durable step of one symbol's machine, as observers see it. */
export const TransitionBody = Schema.Struct({
  ledger_id: ShortText,
  seq: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
  at: Timestamp,
  symbol: TradingSymbol,
  event: PurgeEvent,
  path: Schema.Array(StateName).check(Schema.isMaxLength(100)),
  state: StateName,
  commands: Schema.Array(PurgeCommand).check(Schema.isMaxLength(100)),
  snapshot: Schema.Json,
}).check(
  Schema.makeFilter(
    (record) =>
      (record.event.symbol === record.symbol &&
        record.commands.every((command) => command.symbol === record.symbol)) ||
      "an event or a command in it is of another symbol",
  ),
);

/** What could not be processed, with its bytes and the reason. */
export const DeadLetterBody = Schema.Struct({
  at: Timestamp,
  subject: ShortText,
  reason: ShortText,
  body_base64: Schema.String.check(Schema.isPattern(/^[A-Za-z0-9+/]*={0,2}$/)),
  headers: Schema.Record(Schema.String, Schema.String),
});

/** An order names its symbol twice, for the subject and for the exchange; they must be the same. */
const CommandBody = PurgeCommand.check(
  Schema.makeFilter(
    (command) =>
      command.type !== "order.place" ||
      command.order.symbol === command.symbol ||
      "order.symbol is not the command's symbol",
  ),
);

export const CHANNEL_SCHEMAS: { readonly [C in Channel]: Schema.Codec<ChannelBody[C], unknown> } = {
  orders: CommandBody,
  results: OrderResult,
  transitions: TransitionBody,
  account: HoldingsRefresh,
  holdings: HoldingsMessage,
  venue: VenueState,
  dead: DeadLetterBody,
};
