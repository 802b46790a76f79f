// The schema of each channel's body: the same ones decode what arrives and check what leaves.
import { Schema } from "effect";
import type { Channel, ChannelBody } from "../../actors/ports.ts";
import {
  HoldingsMessage,
  HoldingsRefresh,
  OrderResult,
  isOfOneSymbol,
  PurgeCommand,
  ShortText,
  Timestamp,
  transitionFields,
  VenueState,
} from "../../machines/mod.ts";

/** One durable step of one symbol's machine, as observers see it. */
export const TransitionBody = Schema.Struct(transitionFields).check(isOfOneSymbol);

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
