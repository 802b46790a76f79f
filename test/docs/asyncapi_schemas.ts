// What the protocol's schemas are called, and what their shapes alone do not say.
import { DeadLetterBody, TransitionBody } from "../../adapters/bus/mod.ts";
import * as machines from "../../machines/mod.ts";
import { CONTROL_WORDS } from "./asyncapi_control.ts";
import { type Json, jsonSchemas, type Named } from "./json_schemas.ts";

const MESSAGES = {
  "market.refresh": machines.MarketRefresh,
  "order.place": machines.OrderPlace,
  "order.cancel": machines.OrderCancel,
  "order.query": machines.OrderQuery,
  "market.snapshot": machines.MarketSnapshot,
  "market.unavailable": machines.MarketUnavailable,
  "order.accepted": machines.OrderAccepted,
  "order.rejected": machines.OrderRejected,
  "order.update": machines.OrderUpdate,
  "order.unknown": machines.OrderUnknown,
  transition: TransitionBody,
  "holdings.refresh": machines.HoldingsRefresh,
  "holdings.snapshot": machines.Holdings,
  "holdings.unavailable": machines.HoldingsUnavailable,
  "holdings.published": machines.HoldingsPublished,
  "venue.state": machines.VenueState,
  dead_letter: DeadLetterBody,
} as const;

/** The name of a message: its `type`, or what it is called where it has none. */
export type MessageName = keyof typeof MESSAGES;
export const MESSAGE_NAMES: readonly MessageName[] = Object.keys(MESSAGES).filter(isMessageName);

export function isMessageName(name: string): name is MessageName {
  return Object.hasOwn(MESSAGES, name);
}

/** `order.place` is described by the schema `OrderPlace`. */
export function schemaNameOf(message: MessageName): string {
  return message.replace(/(?:^|[._])([a-z])/g, (_all, letter: string) => letter.toUpperCase());
}

/** Every schema of the protocol's bodies, requests and replies, by name. */
export function bodySchemas(): Readonly<Record<string, Json>> {
  const messages = MESSAGE_NAMES.map((name): [string, Named] => [
    schemaNameOf(name),
    { schema: MESSAGES[name], ...NOTES[name] },
  ]);
  return jsonSchemas({ ...WORDS, ...Object.fromEntries(messages), ...CONTROL_WORDS });
}

const NOTES: { readonly [N in MessageName]?: Omit<Named, "schema"> } = {
  "order.place": { description: "`order.symbol` must be `symbol`." },
  transition: {
    description: "`symbol` must be that of `event` and of every command. `snapshot` is the machine's own.",
  },
};

const UTF16 = "Lengths count UTF-16 code units.";

const WORDS: Readonly<Record<string, Named>> = {
  TradingSymbol: {
    schema: machines.TradingSymbol,
    description: "A product that a position is sold through; the last token of subjects.",
    keywords: { examples: ["BONK-USD"] },
  },
  ClientOrderId: {
    schema: machines.ClientOrderId,
    description: "The sender's id of an order: the same intent has the same id, for ever.",
    keywords: { examples: ["6f1b2c3d-4e5f-5a6b-8c7d-9e0f1a2b3c4d"] },
  },
  Decimal: {
    schema: machines.DecimalString,
    description:
      "An amount or a price: a non-negative decimal in plain notation, as text and never as a number.",
    keywords: { examples: ["889587.0", "0.00001123"] },
  },
  Timestamp: {
    schema: machines.Timestamp,
    description: "RFC 3339 in UTC with milliseconds, as text. A day that exists, without leap seconds.",
    keywords: { format: "date-time", not: { pattern: ":60\\." }, examples: ["2025-11-11T03:04:05.678Z"] },
  },
  ShortText: { schema: machines.ShortText, description: `Text, cut off by the sender. ${UTF16}` },
  RawText: { schema: machines.RawText, description: `A body kept whole, cut off by the sender. ${UTF16}` },
  Count: { schema: machines.Count, description: "An integer; in MessagePack of any width." },
  OrderStatus: { schema: machines.OrderStatus, description: "All but `open` are final." },
  Rejection: {
    schema: machines.Rejection,
    description: "A refusal in the exchange's own words, and its class.",
  },
  Product: { schema: machines.Product, description: "How a product is traded." },
  OrderRequest: {
    schema: machines.OrderRequest,
    description: "One order. Its body never changes under one `client_order_id`.",
  },
  PurgePolicy: {
    schema: machines.PurgePolicy,
    description: "The rules of one attempt. Amounts in USD, times in milliseconds.",
  },
  Position: { schema: machines.Position, description: "One currency that the account holds." },
  PurgeCommand: { schema: machines.PurgeCommand, description: "What a machine asks of the gateway." },
  PurgeEvent: { schema: machines.PurgeEvent, description: "What a machine was told." },
};
