// What a purge machine remembers, as a schema: it is written to the journal after every event, and checked on the way back.
import { Schema } from "effect";
import {
  Count,
  DecimalString,
  OrderRequest,
  OrderStatus,
  Product,
  PurgePolicy,
  Rejection,
  Timestamp,
  TradingSymbol,
} from "./vocabulary.ts";

/** The record of failures in a row. Removed by success, or by an operator. */
export const FailureRecord = Schema.Struct({
  failed_at: Timestamp,
  /** One line, in the exchange's own words where it said any. */
  error: Schema.String,
  rejection: Schema.NullOr(Rejection),
  balance: DecimalString,
  value_usd: DecimalString,
});
export type FailureRecord = typeof FailureRecord.Type;

/** The one order that an attempt may have at the exchange. */
export const LiveOrder = Schema.Struct({
  request: OrderRequest,
  placed_at: Timestamp,
  /** Null until the exchange has named it. */
  order_id: Schema.NullOr(Schema.String),
  /** `pending`: no word yet. */
  status: Schema.Union([OrderStatus, Schema.Literal("pending")]),
  /** -1 until the first update. */
  revision: Schema.Int,
  filled_size: DecimalString,
  filled_value: DecimalString,
  fee: DecimalString,
});
export type LiveOrder = typeof LiveOrder.Type;

/** An order that was final; kept so that a fill reported late is still counted, once. */
export const PastOrder = Schema.Struct({
  client_order_id: Schema.String,
  attempt: Count,
  revision: Schema.Int,
  filled_size: DecimalString,
  filled_value: DecimalString,
  fee: DecimalString,
});
export type PastOrder = typeof PastOrder.Type;

/** How an attempt ended. `stuck` counts as a failure; `interrupted` does not. */
export const Outcome = Schema.Struct({
  kind: Schema.Literals(["sold", "stuck", "interrupted"]),
  at: Timestamp,
  attempt: Count,
  code: Schema.String,
  message: Schema.String,
  rejection: Schema.NullOr(Rejection),
  sold_size: DecimalString,
  sold_value: DecimalString,
  residual_usd: DecimalString,
});
export type Outcome = typeof Outcome.Type;

/** Why an attempt is being ended early, and where the symbol goes then. */
export const WindDown = Schema.Struct({
  kind: Schema.Literals(["abort", "pause", "ban", "poison"]),
  by: Schema.String,
  reason: Schema.String,
  at: Timestamp,
});
export type WindDown = typeof WindDown.Type;

/** The quote and the rules that the present slice is planned with. */
export const Market = Schema.Struct({
  quoted_at: Timestamp,
  best_bid: DecimalString,
  best_ask: DecimalString,
  available: DecimalString,
  product: Product,
});
export type Market = typeof Market.Type;

/** One try at selling the whole position: a run of slices, one order at a time. */
export const Attempt = Schema.Struct({
  number: Count,
  /** The state that an interruption leads back to. */
  from: Schema.Literals(["idle", "failed", "due"]),
  started_at: Timestamp,
  ends_at: Timestamp,
  reason: Schema.Literals(["ineligible", "excluded", "operator"]),
  policy: PurgePolicy,
  balance: DecimalString,
  value_usd: DecimalString,
  slice: Count,
  /** Counts the bodies tried for this slice; a changed body is a new client order id. */
  revision: Count,
  requotes: Count,
  cushion_ticks: Count,
  /** Slices in a row that ended without a fill. */
  no_fills: Count,
  /** Which limit ended the post-only slices; from then on the rest goes as one IOC order, if at all. */
  limit: Schema.NullOr(Schema.Literals(["NO_FILL", "MAX_DURATION", "MAX_SLICES"])),
  /** The question that a quote must answer; null while none is asked. */
  request_id: Schema.NullOr(Schema.String),
  /** How often the gateway was asked in a row without an answer that settles the matter. */
  asks: Count,
  /** Since when the exchange says that it does not know the live order. */
  not_found_at: Schema.NullOr(Timestamp),
  market: Schema.NullOr(Market),
  order: Schema.NullOr(LiveOrder),
  /** The size that the exchange said was not there; the next quote tells whether it was right. */
  reconciling: Schema.NullOr(DecimalString),
  sold_size: DecimalString,
  sold_value: DecimalString,
  fee: DecimalString,
  wind_down: Schema.NullOr(WindDown),
  outcome: Schema.NullOr(Outcome),
});
export type Attempt = typeof Attempt.Type;

export const PurgeContext = Schema.Struct({
  ledger_id: Schema.String,
  symbol: TradingSymbol,
  /** Attempts ever started in this ledger; never reset, since order ids are derived from it. */
  attempts: Count,
  /** Failed attempts since the last success. */
  failures: Count,
  last_failure: Schema.NullOr(FailureRecord),
  /** The end of the backoff; null when there is none. */
  retry_at: Schema.NullOr(Timestamp),
  /** The length of the backoff, for people. */
  backoff_ms: Count,
  /** The one thing that this machine waits for by the clock. */
  deadline: Schema.NullOr(Schema.Struct({ name: Schema.String, at: Timestamp })),
  /** Counts requests and deadlines, so that each has a name of its own. */
  serial: Count,
  attempt: Schema.NullOr(Attempt),
  last_outcome: Schema.NullOr(Outcome),
  suspension: Schema.NullOr(WindDown),
  /** Sold in this ledger, over all attempts. */
  sold_size: DecimalString,
  sold_value: DecimalString,
  fee: DecimalString,
  residual_usd: Schema.NullOr(DecimalString),
  past_orders: Schema.Array(PastOrder),
});
export type PurgeContext = typeof PurgeContext.Type;

/** A symbol of which nothing has happened yet. */
export function initialContext(ledgerId: string, symbol: TradingSymbol): PurgeContext {
  return {
    ledger_id: ledgerId,
    symbol,
    attempts: 0,
    failures: 0,
    last_failure: null,
    retry_at: null,
    backoff_ms: 0,
    deadline: null,
    serial: 0,
    attempt: null,
    last_outcome: null,
    suspension: null,
    sold_size: "0",
    sold_value: "0",
    fee: "0",
    residual_usd: null,
    past_orders: [],
  };
}

/** What the chart promises to be there. @throws Error when it is not, which is a bug in the chart. */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`${what} is missing`);
  return value;
}

/** The order that the attempt has at the exchange. @throws Error when there is none. */
export function liveOrder(context: PurgeContext): LiveOrder {
  return present(context.attempt?.order, `${context.symbol}: the live order`);
}
