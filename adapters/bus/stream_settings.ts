// The streams and durable consumers that the bus relies on, as data.
import { RetentionPolicy, type StreamConfig } from "@nats-io/jetstream";

export type StreamName =
  | "PURGE_ORDERS"
  | "PURGE_RESULTS"
  | "PURGE_TRANSITIONS"
  | "PURGE_DEAD"
  | "PURGE_VENUE"
  | "PURGE_ADVISORIES";

/** What is asked of a stream. All of it is checked, but `description`, which is for people. */
export interface StreamSettings {
  readonly description: string;
  readonly subjects: readonly string[];
  readonly retention: StreamConfig["retention"];
  readonly maxAgeMs: number;
  /** -1: no limit. */
  readonly maxMessagesPerSubject: number;
  readonly duplicateWindowMs: number;
}
export interface ConsumerSettings {
  readonly stream: StreamName;
  readonly durable: string;
  readonly description: string;
}

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const DAY_MS = 24 * 60 * MINUTE_MS;

const LIMITS = {
  retention: RetentionPolicy.Limits,
  maxMessagesPerSubject: -1,
  duplicateWindowMs: 2 * MINUTE_MS,
};
const MAX_DELIVERIES = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES";

/** Every stream in a file, the oldest message discarded first, without a limit of bytes of our own: an operator may set
 * `max_bytes`, which is not checked. */
export const STREAMS: { readonly [Name in StreamName]: StreamSettings } = {
  PURGE_ORDERS: {
    description:
      "Orders for the gateway. One that no gateway took in two minutes is stale, and never placed.",
    subjects: ["purge.v1.orders.*"],
    retention: RetentionPolicy.Workqueue,
    maxAgeMs: 2 * MINUTE_MS,
    maxMessagesPerSubject: -1,
    duplicateWindowMs: 30 * SECOND_MS,
  },
  PURGE_RESULTS: {
    ...LIMITS,
    description: "What the gateway says about orders and markets, for the supervisor and whoever watches.",
    subjects: ["purge.v1.results.*"],
    maxAgeMs: 7 * DAY_MS,
  },
  PURGE_TRANSITIONS: {
    ...LIMITS,
    description: "Every durable step of every symbol's machine, for observers.",
    subjects: ["purge.v1.transitions.*"],
    maxAgeMs: 30 * DAY_MS,
  },
  PURGE_DEAD: {
    ...LIMITS,
    description: "Messages that could not be processed, whole, with the reason.",
    subjects: ["purge.v1.dead.*"],
    maxAgeMs: 90 * DAY_MS,
  },
  PURGE_VENUE: {
    ...LIMITS,
    description: "What the gateway last said about the exchange as a whole.",
    subjects: ["purge.v1.venue"],
    maxAgeMs: 0,
    maxMessagesPerSubject: 1,
  },
  PURGE_ADVISORIES: {
    ...LIMITS,
    description: "The server's word on orders and results that were delivered too often.",
    subjects: [`${MAX_DELIVERIES}.PURGE_ORDERS.*`, `${MAX_DELIVERIES}.PURGE_RESULTS.*`],
    maxAgeMs: 7 * DAY_MS,
  },
};

/** Durable pull consumers, each with `ACK_WAIT_MS`, `MAX_DELIVER` and `MAX_ACK_PENDING`. */
export const CONSUMERS: readonly ConsumerSettings[] = [
  { stream: "PURGE_ORDERS", durable: "gateway", description: "The gateway takes orders." },
  { stream: "PURGE_RESULTS", durable: "supervisor", description: "The supervisor takes results." },
  { stream: "PURGE_ADVISORIES", durable: "dead_letters", description: "The supervisor sets messages aside." },
];

/** After this silence the server takes the receiver for dead, and delivers again. A live one says that it is working. */
export const ACK_WAIT_MS = 15 * SECOND_MS;
/** After as many deliveries the server gives up, and says so in PURGE_ADVISORIES. */
export const MAX_DELIVER = 20;
/** As many may be unanswered at a time; a receiver asks for fewer. */
export const MAX_ACK_PENDING = 1_000;
