// What the AsyncAPI document says in words: who sends what to whom, and what keeps it.
import type { Channel } from "../../actors/ports.ts";
import type { MessageName } from "./asyncapi_schemas.ts";

export const ROLES = {
  supervisor: "One for each bus: owns the machines, asks for orders, hears what became of them.",
  gateway: "One for each account: places the orders, and says what became of them.",
  bot: "Another program that reads the account and says what it holds.",
  observer: "Anyone who watches: reads, and sends nothing.",
  operator: "A person, or a tool in a person's hands: asks for purges, pauses, bans, and reads dead letters.",
} as const;
export type Role = keyof typeof ROLES;

interface ChannelWords {
  readonly summary: string;
  readonly sent: { readonly [R in Role]?: readonly MessageName[] | "all" };
  readonly received: readonly Role[];
}

export const CHANNEL_WORDS: { readonly [C in Channel]: ChannelWords } = {
  orders: {
    summary: "What the gateway is to do. Kept until it has done it, two minutes at most.",
    sent: { supervisor: "all" },
    received: ["gateway"],
  },
  results: {
    summary: "What became of it. Cumulative: the order of arrival does not matter.",
    sent: { gateway: "all" },
    received: ["supervisor"],
  },
  transitions: {
    summary: "Each step of a symbol's machine, after it is durable.",
    sent: { supervisor: "all" },
    received: ["observer"],
  },
  account: {
    summary: "A question about the account.",
    sent: { supervisor: "all" },
    received: ["gateway"],
  },
  holdings: {
    summary: "What the account holds: asked for, or published by another bot.",
    sent: { gateway: ["holdings.snapshot", "holdings.unavailable"], bot: ["holdings.published"] },
    received: ["supervisor"],
  },
  venue: {
    summary: "The state of the venue's breaker. The last one is kept.",
    sent: { gateway: "all" },
    received: ["supervisor", "observer"],
  },
  dead: {
    summary: "What could not be processed, with its bytes and the reason.",
    sent: { supervisor: "all", gateway: "all" },
    received: ["operator"],
  },
};

export const MESSAGE_SUMMARIES: { readonly [N in MessageName]: string } = {
  "market.refresh": "Read quote, product rules and balance of this symbol.",
  "order.place": "Place this order, once.",
  "order.cancel": "Cancel this order, and say how it is afterwards.",
  "order.query": "Say what became of this order, and watch it from now on.",
  "market.snapshot": "Quote, product rules and balance, read together.",
  "market.unavailable": "The market could not be read.",
  "order.accepted": "The exchange has the order.",
  "order.rejected": "The exchange said no; there is no such order.",
  "order.update": "All that was filled of an order so far.",
  "order.unknown": "What became of an order is not known, or the exchange has never heard of it.",
  transition: "A durable step of one symbol's machine.",
  "holdings.refresh": "Read the account.",
  "holdings.snapshot": "All that the account holds, in answer to a question.",
  "holdings.unavailable": "The account could not be read.",
  "holdings.published": "Another bot's reading of the account, sent unasked.",
  "venue.state": "The breaker opened, closed, or is about to try.",
  dead_letter: "A message that nobody could process.",
};
