// What the actors need from the world, as interfaces. Adapters implement these; nothing here performs anything.
import { type Effect, Schema } from "effect";
import type {
  Holdings,
  HoldingsMessage,
  HoldingsRefresh,
  OrderRequest,
  OrderResult,
  OrderStatus,
  Product,
  PurgeCommand,
  Rejection,
  Timestamp,
  TradingSymbol,
  Transition,
  VenueState,
} from "../machines/mod.ts";

/** Stops a timer or a subscription; calling it again does nothing. */
export type Cancel = () => void;

/** The one clock. */
export interface Clock {
  /** Epoch milliseconds. The system's clock may be set, so two readings do not tell how much time has passed. */
  now(): number;
  /** Milliseconds since a moment of its own. Nobody sets it, and it may stand still while the machine sleeps: so much time has
   * passed, at least. */
  steady(): number;
  /** Calls `fire` once, when `now()` has reached `at`; never synchronously. */
  schedule(at: number, fire: () => void): Cancel;
  /** Work is in flight that this process will finish by itself: a clock that can run fast waits until the returned
   * function is called. The system clock ignores it. */
  hold(): () => void;
}

/** A step of one symbol's machine in its journal. */
export type JournalRecord = Omit<Transition, "ledger_id">;
export type JournalDraft = Omit<JournalRecord, "seq">;

/** The append-only record of a ledger. One writer at a time. */
export interface Journal {
  /** Names this ledger for ever; client order ids are derived from it. */
  readonly ledgerId: string;
  /** Resolves when all drafts are durable, as one group: all of them or none. Rejects with `JournalError`. */
  append(drafts: readonly JournalDraft[]): Promise<readonly JournalRecord[]>;
  /** The last record of each symbol, for recovery, in order of seq. */
  latest(): Promise<readonly JournalRecord[]>;
  /** Records in order of seq, streamed. */
  read(filter?: {
    readonly symbol?: TradingSymbol;
    readonly afterSeq?: number;
    readonly limit?: number;
  }): AsyncIterable<JournalRecord>;
  /** The highest `at` written so far; null for an empty ledger. Time in a ledger never runs backwards. */
  lastAt(): Promise<Timestamp | null>;
  close(): Promise<void>;
}

export class JournalError extends Schema.TaggedError<JournalError>()("JournalError", {
  /** `locked`: another process writes here. `corrupt`, `newer`: refused, nothing was changed. `io`: the write failed. */
  reason: Schema.Literals(["locked", "corrupt", "newer", "io", "closed"]),
  message: Schema.String,
}) {}

/** What travels on each channel of the bus. */
export interface ChannelBody {
  readonly orders: PurgeCommand;
  readonly results: OrderResult;
  readonly transitions: Transition;
  readonly account: HoldingsRefresh;
  readonly holdings: HoldingsMessage;
  readonly venue: VenueState;
  readonly dead: DeadLetter;
}
export type Channel = keyof ChannelBody;

/** What could not be processed, with its bytes and the reason. */
export interface DeadLetter {
  readonly at: Timestamp;
  readonly subject: string;
  readonly reason: string;
  /** The body as it came, base64. */
  readonly body_base64: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** One message taken from the bus. Exactly one of `ack`, `nak`, `dead` is to be called, once. */
export interface Delivery<C extends Channel> {
  readonly subject: string;
  readonly body: ChannelBody[C];
  /** How often this message was delivered, this time included: more than 1 after a nak, or after a crash. */
  readonly deliveries: number;
  /** The effects of this message are durable. */
  ack(): void;
  /** Not now: deliver it again after `delayMs`. */
  nak(delayMs: number): void;
  /** Never: set it aside with its bytes. */
  dead(reason: string): void;
}

/** Typed messages to and from other actors and programs. Bodies are encoded and decoded inside. A body that does not
 * decode never reaches a handler: it becomes a dead letter. */
export interface Bus {
  /** Resolves when the bus has taken the message; rejects with `BusError` when it could not. */
  publish<C extends Channel>(channel: C, body: ChannelBody[C]): Promise<void>;
  /** Delivers in order of arrival. The handler must not block: it takes the message over and answers later by ack,
   * nak or dead. At most `maxInFlight` deliveries are unanswered at a time. */
  consume<C extends Channel>(
    channel: C,
    handler: (delivery: Delivery<C>) => void,
    options?: { readonly maxInFlight?: number; readonly symbol?: TradingSymbol },
  ): Promise<Cancel>;
  /** The `seq` of the last transition of this ledger that the bus keeps for observers; null where it keeps none. */
  lastTransition(ledgerId: string): Promise<number | null>;
  readonly connected: boolean;
  /** Called on every change of `connected`. */
  onConnection(listener: (connected: boolean) => void): Cancel;
  close(): Promise<void>;
}

export class BusError extends Schema.TaggedError<BusError>()("BusError", {
  reason: Schema.Literals(["disconnected", "encode", "refused", "closed"]),
  message: Schema.String,
}) {}

/** An order as the exchange reports it. Cumulative. */
export interface OrderReport {
  readonly client_order_id: OrderRequest["client_order_id"];
  readonly order_id: string;
  readonly symbol: TradingSymbol;
  /** Grows with every change of this order at the exchange. */
  readonly revision: number;
  readonly status: OrderStatus;
  readonly filled_size: string;
  readonly filled_value: string;
  readonly fee: string;
  /** Set when the exchange ended the order as `failed`. */
  readonly rejection: ExchangeRefusal | null;
}

/** A refusal in the exchange's own words, before it is classified. */
export interface ExchangeRefusal {
  readonly code: string;
  readonly message: string;
  readonly details: string | null;
  readonly preview_failure: string | null;
  readonly raw_response: string | null;
}

/** Quote, rules and balance of one product. */
export interface MarketReport {
  readonly symbol: TradingSymbol;
  readonly quoted_at: Timestamp;
  readonly best_bid: string;
  readonly best_ask: string;
  readonly available: string;
  readonly product: Product;
}

/** How one order is named to the exchange. */
export interface OrderRef {
  readonly symbol: TradingSymbol;
  readonly client_order_id: OrderRequest["client_order_id"];
  readonly order_id: string | null;
}

/** The exchange answered, and said no. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  code: Schema.String,
  message: Schema.String,
  details: Schema.NullOr(Schema.String),
  preview_failure: Schema.NullOr(Schema.String),
  raw_response: Schema.NullOr(Schema.String),
}) {}

/** No usable answer. `arrived: "no"` means that the request certainly had no effect (refused connection, 429);
 * `"unknown"` means that it may have had one (timeout, reset, 5xx on a write). */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", {
  arrived: Schema.Literals(["no", "unknown"]),
  /** `network`, `timeout`, `rate_limited`: retried by the gateway. `venue`: 5xx or maintenance, opens the breaker. */
  kind: Schema.Literals(["network", "timeout", "rate_limited", "venue"]),
  message: Schema.String,
  retry_after_ms: Schema.NullOr(Schema.Number),
  raw_response: Schema.NullOr(Schema.String),
}) {}

/** The exchange has never heard of this order. */
export class OrderNotFound extends Schema.TaggedError<OrderNotFound>()("OrderNotFound", {
  client_order_id: Schema.String,
  message: Schema.String,
}) {}

/** The outside party that holds the account. Fakes and the real one pass the same conformance suite. */
export interface Exchange {
  /** Idempotent by `client_order_id`: the same body again answers with the order that exists. */
  place(order: OrderRequest): Effect.Effect<OrderReport, Refused | Unreachable>;
  /** Answers with the order as it is after the request was taken; it may still be open, or filled meanwhile. */
  cancel(ref: OrderRef): Effect.Effect<OrderReport, Refused | Unreachable | OrderNotFound>;
  order(ref: OrderRef): Effect.Effect<OrderReport, Refused | Unreachable | OrderNotFound>;
  market(symbol: TradingSymbol): Effect.Effect<MarketReport, Refused | Unreachable>;
  holdings(): Effect.Effect<Holdings["positions"], Refused | Unreachable>;
  /** Pushed changes of orders; may miss or repeat some, so the gateway also asks. */
  onOrder(listener: (report: OrderReport) => void): Cancel;
  close(): Promise<void>;
}

/** What the actors tell the outside, after the fact. Logs, metrics, tables and dashboards are made from these. */
export type Observation =
  | { readonly kind: "transition"; readonly record: JournalRecord; readonly recovered: boolean }
  | { readonly kind: "cycle.completed"; readonly report: CycleReport }
  | { readonly kind: "purge.skipped"; readonly symbol: TradingSymbol; readonly skip: Skip }
  | {
      readonly kind: "purge.retrying";
      readonly symbol: TradingSymbol;
      readonly failures: number;
      readonly lastFailedAt: Timestamp;
      readonly at: Timestamp;
    }
  | { readonly kind: "venue"; readonly venue: VenueState }
  | {
      readonly kind: "commit";
      readonly records: number;
      readonly durationMs: number;
      readonly pending: number;
    }
  | { readonly kind: "queue"; readonly name: string; readonly depth: number }
  | { readonly kind: "dead_letter"; readonly symbol: TradingSymbol | null; readonly reason: string }
  | { readonly kind: "connection"; readonly connected: boolean }
  | { readonly kind: "bus"; readonly what: BusIncident; readonly message: string }
  | { readonly kind: "operator"; readonly request: OperatorRequest; readonly answer: OperatorAnswer }
  | { readonly kind: "holdings.refused"; readonly source: string; readonly reason: string }
  | {
      readonly kind: "child";
      readonly supervisor: string;
      readonly child: string;
      readonly what: "started" | "exited" | "restarted" | "abandoned" | "escalated" | "set_aside";
      readonly reason: string | null;
    }
  | {
      readonly kind: "gateway.retry";
      readonly symbol: TradingSymbol | null;
      readonly attempt: number;
      readonly message: string;
    }
  | {
      readonly kind: "note";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly message: string;
      readonly data?: Readonly<Record<string, unknown>>;
    };

export type Observe = (observation: Observation) => void;

/** What may happen on the way between programs. The first three are the price of "at least once" and do no harm;
 * the others are trouble that somebody should look at when it goes on. */
export type BusIncident =
  /** A message was delivered again. */
  | "redelivered"
  /** The server had a message already, and dropped it. */
  | "duplicate"
  /** A message was sent again because the server had not acknowledged it. */
  | "resent"
  | "heartbeat_missed"
  | "slow_consumer"
  | "stale_connection"
  | "lame_duck"
  /** The server refused something that was not a request, such as a publish without permission. */
  | "error";

/** What an operator may ask of one symbol. */
export type OperatorAction = "purge" | "pause" | "resume" | "reset" | "ban" | "abort";
export interface OperatorRequest {
  readonly action: OperatorAction;
  readonly symbol: TradingSymbol;
  /** Who asks: what they say of themselves, and what the connection tells. */
  readonly by: string;
  readonly reason: string;
}
/** Answered when what was asked is durable. */
export type OperatorAnswer =
  | {
      readonly ok: true;
      /** False when the symbol was in that state already. */
      readonly changed: boolean;
      /** Of the record that keeps the request; null when nothing changed. */
      readonly seq: number | null;
      readonly state: string;
    }
  | { readonly ok: false; readonly code: OperatorRefusal; readonly message: string };
/** Why nothing was done. */
export type OperatorRefusal =
  /** Neither held nor in the ledger. */
  | "unknown_symbol"
  /** Nothing of it is held that could be sold, or what is held has no price. */
  | "not_held"
  /** An attempt is under way. */
  | "busy"
  /** It rests after failures; `reset` ends that. */
  | "in_backoff"
  /** Paused, banned or set aside; `resume` ends the first two. */
  | "suspended"
  /** As many attempts were started in this cycle as may be. */
  | "limit"
  /** The exchange, or what it refuses the whole account. */
  | "venue"
  | "dry_run"
  /** A currency or symbol that must not be sold: protected, eligible by the universe, or a doubtful universe. */
  | "protected"
  /** The account has not been read yet, or the bus or the journal is not there. */
  | "not_ready"
  /** The machine has no use for it in this state. */
  | "not_applicable";

/** What operators may do, whoever carries their words. */
export interface Operators {
  act(request: OperatorRequest): Promise<OperatorAnswer>;
}

/** Why a candidate was not started in this cycle. */
export type Skip =
  | {
      readonly why: "backoff";
      readonly failures: number;
      readonly backoffMs: number;
      readonly remainingMs: number;
    }
  | {
      readonly why: "suspended" | "busy" | "limit" | "venue" | "dry_run";
      readonly detail: string;
    };

/** What one cycle saw and did. */
export interface CycleReport {
  readonly cycle: number;
  readonly at: Timestamp;
  readonly durationMs: number;
  readonly positions: number;
  readonly candidates: readonly TradingSymbol[];
  readonly started: readonly TradingSymbol[];
  readonly skipped: readonly { readonly symbol: TradingSymbol; readonly skip: Skip }[];
  /** Set when the whole cycle purged nothing, with the reason: a guard, no holdings, the venue, the bus. */
  readonly heldBack: string | null;
}

/** What a symbol looks like to `status`, the live table and the metrics. */
export interface SymbolStatus {
  readonly symbol: TradingSymbol;
  readonly state: string;
  readonly failures: number;
  readonly attempts: number;
  readonly lastRejection: Rejection | null;
  readonly lastError: string | null;
  readonly nextTryAt: Timestamp | null;
  readonly soldSize: string;
  readonly soldValueUsd: string;
  readonly residualUsd: string | null;
  readonly updatedAt: Timestamp;
}
