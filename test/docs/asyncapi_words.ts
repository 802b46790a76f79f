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

const ADVISORY = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES";
const DAY = 86_400;

/** Times in seconds. Checked against the streams that the code makes. */
export const STREAMS = {
  streams: [
    stream("PURGE_ORDERS", ["purge.v1.orders.*"], "workqueue", { max_age: 120, duplicate_window: 30 }),
    stream("PURGE_RESULTS", ["purge.v1.results.*"], "limits", { max_age: 7 * DAY }),
    stream("PURGE_TRANSITIONS", ["purge.v1.transitions.*"], "limits", { max_age: 30 * DAY }),
    stream("PURGE_DEAD", ["purge.v1.dead.*"], "limits", { max_age: 90 * DAY }),
    stream("PURGE_VENUE", ["purge.v1.venue"], "limits", { max_msgs_per_subject: 1 }),
    stream("PURGE_ADVISORIES", [`${ADVISORY}.PURGE_ORDERS.*`, `${ADVISORY}.PURGE_RESULTS.*`], "limits", {
      max_age: 7 * DAY,
    }),
  ],
  consumers: [
    consumer("gateway", "PURGE_ORDERS"),
    consumer("supervisor", "PURGE_RESULTS"),
    consumer("dead_letters", "PURGE_ADVISORIES"),
  ],
};

interface Limits {
  readonly max_age?: number;
  readonly max_msgs_per_subject?: number;
  readonly duplicate_window?: number;
}

function stream(
  name: string,
  subjects: readonly string[],
  retention: "limits" | "workqueue",
  limits: Limits,
) {
  return { name, subjects, retention, storage: "file", discard: "old", duplicate_window: 120, ...limits };
}

function consumer(durable: string, of: string) {
  return { durable, stream: of, ack_policy: "explicit", ack_wait: 15, max_deliver: 20 };
}
