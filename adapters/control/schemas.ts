// What control requests and replies look like on the wire: the same schemas decode a request, check a reply and document both.
import { Schema } from "effect";
import type { OperatorAction, OperatorRefusal } from "../../actors/ports.ts";
import { Count, DecimalString, Rejection, Timestamp, TradingSymbol, VenueState } from "../../machines/mod.ts";

/** The service's name, as `nats micro ls` shows it. */
export const SERVICE_NAME = "purgatory";
/** Each operation is one endpoint under this: `purge.v1.control.pause`. */
export const CONTROL_SUBJECT = "purge.v1.control";

export const OPERATIONS = ["status", "symbol", "purge", "pause", "resume", "reset", "ban", "abort"] as const;
export type Operation = (typeof OPERATIONS)[number];

/** What stops a symbol or sells it is to be explained to whoever finds it so. */
export const NEEDS_REASON: ReadonlySet<OperatorAction> = new Set<OperatorAction>([
  "purge",
  "pause",
  "ban",
  "abort",
]);

const expected = (words: string): { expected: string; description: string } => ({
  expected: words,
  description: words,
});
const By = Schema.String.check(
  Schema.isPattern(/^(?=.*\S)[^\p{Cc}]{1,100}$/u, expected("a name of 1 to 100 characters, on one line")),
);
const Reason = Schema.String.check(
  Schema.isPattern(/^(?=.*\S)[^\p{Cc}]{1,400}$/u, expected("a reason of 1 to 400 characters, on one line")),
);

/** `purge`, `pause`, `ban`, `abort`. */
export const ReasonedRequest = Schema.Struct({ symbol: TradingSymbol, by: By, reason: Reason });
/** `resume`, `reset`. */
export const PlainRequest = Schema.Struct({
  symbol: TradingSymbol,
  by: By,
  reason: Schema.optionalKey(Reason),
});
export const SymbolRequest = Schema.Struct({ symbol: TradingSymbol });
/** An empty body asks for everything; pages are for ledgers that are too large for one message. */
export const StatusRequest = Schema.Struct({
  /** Symbols in one reply, at most; fewer come when more would not fit. */
  limit: Schema.optionalKey(
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(1), Schema.isLessThanOrEqualTo(10_000)),
  ),
  /** Only symbols after this one, in alphabetical order: `next` of the page before. */
  after: Schema.optionalKey(TradingSymbol),
});
export type StatusRequest = typeof StatusRequest.Type;

const StateName = Schema.String.check(Schema.isMaxLength(200));
const Text = Schema.String.check(Schema.isMaxLength(4_000));

export const SymbolBody = Schema.Struct({
  symbol: TradingSymbol,
  state: StateName,
  /** Who suspended it and why: `pause by ana: …`; null when it is not suspended, absent where the sender cannot tell. */
  suspended_for: Schema.optionalKey(Schema.NullOr(Text)),
  failures: Count,
  attempts: Count,
  last_rejection: Schema.NullOr(Rejection),
  last_error: Schema.NullOr(Text),
  next_try_at: Schema.NullOr(Timestamp),
  sold_size: DecimalString,
  sold_value_usd: DecimalString,
  residual_usd: Schema.NullOr(DecimalString),
  updated_at: Timestamp,
});
export type SymbolBody = typeof SymbolBody.Type;

/** The last cycle, counted. */
export const CycleBody = Schema.Struct({
  cycle: Count,
  at: Timestamp,
  duration_ms: Schema.Finite,
  positions: Count,
  candidates: Count,
  started: Count,
  skipped: Count,
  /** Why the whole cycle purged nothing; null when it was free to. */
  held_back: Schema.NullOr(Text),
});

export type CycleBody = typeof CycleBody.Type;

export const Mode = Schema.Literals(["paper", "dry-run", "live"]);

export const StatusReply = Schema.Struct({
  at: Timestamp,
  mode: Mode,
  ledger_id: Schema.String,
  version: Schema.String,
  pid: Count,
  host: Schema.String,
  started_at: Timestamp,
  connection: Schema.Struct({
    connected: Schema.Boolean,
    /** Address of the server that the supervisor is connected to. */
    server: Schema.String,
    server_version: Schema.NullOr(Schema.String),
  }),
  /** Null before the gateway has said anything about it. */
  venue: Schema.NullOr(VenueState),
  /** Null before the first. */
  last_cycle: Schema.NullOr(CycleBody),
  /** Symbols in the ledger. */
  total: Count,
  /** In alphabetical order; `raw_response` of a rejection is left to `symbol`. */
  symbols: Schema.Array(SymbolBody),
  /** Ask with this as `after` for those that follow; null on the last page. */
  next: Schema.NullOr(TradingSymbol),
});
export type StatusReply = typeof StatusReply.Type;

export const SymbolReply = Schema.Struct({ at: Timestamp, symbol: SymbolBody });
export type SymbolReply = typeof SymbolReply.Type;

/** Sent when what was asked is durable. */
export const ActionReply = Schema.Struct({
  symbol: TradingSymbol,
  action: Schema.Literals(["purge", "pause", "resume", "reset", "ban", "abort"]),
  /** False when the symbol was so already. */
  changed: Schema.Boolean,
  /** Of the journal record that keeps the request; null when nothing changed. */
  seq: Schema.NullOr(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
  /** Where the machine came to rest. */
  state: StateName,
});
export type ActionReply = typeof ActionReply.Type;

/** What `Nats-Service-Error-Code` says beside each code. */
export const ERROR_STATUS = {
  invalid: 400,
  unknown_symbol: 404,
  not_held: 404,
  busy: 409,
  in_backoff: 409,
  suspended: 409,
  limit: 409,
  venue: 409,
  dry_run: 409,
  protected: 409,
  not_applicable: 409,
  failed: 500,
  not_ready: 503,
} as const satisfies Readonly<Record<OperatorRefusal | "invalid" | "failed", number>>;
export type ErrorCode = keyof typeof ERROR_STATUS;

export const ErrorReply = Schema.Struct({
  code: Schema.Literals([
    "invalid",
    "unknown_symbol",
    "not_held",
    "busy",
    "in_backoff",
    "suspended",
    "limit",
    "venue",
    "dry_run",
    "protected",
    "not_applicable",
    "failed",
    "not_ready",
  ]),
  message: Schema.String.check(Schema.isMaxLength(1_000)),
});
export type ErrorReply = typeof ErrorReply.Type;

/** What each operation takes and gives. */
export const CONTROL_SCHEMAS = {
  status: { request: StatusRequest, reply: StatusReply },
  symbol: { request: SymbolRequest, reply: SymbolReply },
  purge: { request: ReasonedRequest, reply: ActionReply },
  pause: { request: ReasonedRequest, reply: ActionReply },
  resume: { request: PlainRequest, reply: ActionReply },
  reset: { request: PlainRequest, reply: ActionReply },
  ban: { request: ReasonedRequest, reply: ActionReply },
  abort: { request: ReasonedRequest, reply: ActionReply },
} as const;
