// What a purge machine hears (events) and what it asks for (commands), as schemas: decoded once at the edge, then trusted.
import { Schema } from "effect";
import {
  ClientOrderId,
  Count,
  DecimalString,
  OrderRequest,
  OrderStatus,
  Product,
  PurgePolicy,
  Rejection,
  ShortText,
  Timestamp,
  TradingSymbol,
} from "./vocabulary.ts";

/** Every event names its symbol and the time at which this system received it. */
const received = { symbol: TradingSymbol, at: Timestamp } as const;

/** The cycle wants this position gone and there is room to start now. */
export const PurgeRequested = Schema.Struct({
  type: Schema.Literal("purge.requested"),
  ...received,
  reason: Schema.Literals(["ineligible", "excluded", "operator"]),
  /** Who asked, and why, where an operator did. */
  by: Schema.optionalKey(ShortText),
  note: Schema.optionalKey(ShortText),
  balance: DecimalString,
  value_usd: DecimalString,
  policy: PurgePolicy,
});

/** The cycle saw a position again under a symbol that had been cleared. */
export const PositionHeld = Schema.Struct({
  type: Schema.Literal("position.held"),
  ...received,
  balance: DecimalString,
  value_usd: DecimalString,
});

/** A time that the machine had written into `context.deadline` has come. One that names another deadline is stale. */
export const DeadlineReached = Schema.Struct({
  type: Schema.Literal("deadline.reached"),
  ...received,
  name: ShortText,
});

/** Quote, product rules and balance, read together. `quoted_at` is the exchange's time of the quote. */
export const MarketSnapshot = Schema.Struct({
  type: Schema.Literal("market.snapshot"),
  ...received,
  request_id: ShortText,
  quoted_at: Timestamp,
  best_bid: DecimalString,
  best_ask: DecimalString,
  /** What may be sold now, in base currency: the balance less what open orders hold. */
  available: DecimalString,
  product: Product,
});

/** The market could not be read; says whose fault that is. */
export const MarketUnavailable = Schema.Struct({
  type: Schema.Literal("market.unavailable"),
  ...received,
  request_id: ShortText,
  rejection: Rejection,
});

export const OrderAccepted = Schema.Struct({
  type: Schema.Literal("order.accepted"),
  ...received,
  client_order_id: ClientOrderId,
  order_id: ShortText,
});

export const OrderRejected = Schema.Struct({
  type: Schema.Literal("order.rejected"),
  ...received,
  client_order_id: ClientOrderId,
  rejection: Rejection,
});

/** The state of one order. Cumulative, so that arrival order does not matter: the larger `revision` wins. */
export const OrderUpdate = Schema.Struct({
  type: Schema.Literal("order.update"),
  ...received,
  client_order_id: ClientOrderId,
  order_id: ShortText,
  revision: Count,
  status: OrderStatus,
  filled_size: DecimalString,
  /** Quote currency received for `filled_size`, before fees. */
  filled_value: DecimalString,
  fee: DecimalString,
  /** Why the exchange ended an order as `failed`. */
  rejection: Schema.NullOr(Rejection),
});

/** The gateway cannot say what became of an order (`undetermined`), or the exchange has never heard of it (`not_found`). */
export const OrderUnknown = Schema.Struct({
  type: Schema.Literal("order.unknown"),
  ...received,
  client_order_id: ClientOrderId,
  outcome: Schema.Literals(["undetermined", "not_found"]),
  message: ShortText,
  /** Of `not_found`: whether a request with this order was sent so recently that it may still reach the exchange. Measured by
   * a clock that nobody sets. Left out by a gateway that does not measure it. */
  may_arrive: Schema.optionalKey(Schema.Boolean),
});

const operator = { ...received, by: ShortText, reason: ShortText } as const;
export const OperatorPause = Schema.Struct({ type: Schema.Literal("operator.pause"), ...operator });
export const OperatorResume = Schema.Struct({ type: Schema.Literal("operator.resume"), ...operator });
export const OperatorReset = Schema.Struct({ type: Schema.Literal("operator.reset"), ...operator });
export const OperatorBan = Schema.Struct({ type: Schema.Literal("operator.ban"), ...operator });
export const OperatorAbort = Schema.Struct({ type: Schema.Literal("operator.abort"), ...operator });

/** The supervisor gave up on this symbol's actor: an event in its way crashed it again and again. */
export const SymbolPoisoned = Schema.Struct({
  type: Schema.Literal("symbol.poisoned"),
  ...received,
  reason: ShortText,
});

/** A failure record brought in from the Python original's `purge_failures`, or from an export. */
export const FailureImported = Schema.Struct({
  type: Schema.Literal("failure.imported"),
  ...received,
  failure_count: Count,
  last_failed_at: Timestamp,
  last_error: Schema.String.check(Schema.isMaxLength(4_000)),
  balance: DecimalString,
  value_usd: DecimalString,
  policy: PurgePolicy,
});

/** What the gateway reports: the only events that cross the bus towards the supervisor. */
export const OrderResult = Schema.Union([
  MarketSnapshot,
  MarketUnavailable,
  OrderAccepted,
  OrderRejected,
  OrderUpdate,
  OrderUnknown,
]);
export type OrderResult = typeof OrderResult.Type;

export const PurgeEvent = Schema.Union([
  PurgeRequested,
  PositionHeld,
  DeadlineReached,
  MarketSnapshot,
  MarketUnavailable,
  OrderAccepted,
  OrderRejected,
  OrderUpdate,
  OrderUnknown,
  OperatorPause,
  OperatorResume,
  OperatorReset,
  OperatorBan,
  OperatorAbort,
  SymbolPoisoned,
  FailureImported,
]);
export type PurgeEvent = typeof PurgeEvent.Type;
export type PurgeEventOf<T extends PurgeEvent["type"]> = Extract<PurgeEvent, { readonly type: T }>;

export const MarketRefresh = Schema.Struct({
  type: Schema.Literal("market.refresh"),
  symbol: TradingSymbol,
  request_id: ShortText,
});
/** Idempotent: a second one with the same id and body answers with the order that the first one made. */
export const OrderPlace = Schema.Struct({
  type: Schema.Literal("order.place"),
  symbol: TradingSymbol,
  order: OrderRequest,
  /** Whoever asks has asked before, and may have been heard by a gateway that has ended: true, or left out. */
  resent: Schema.optionalKey(Schema.Boolean),
});
/** Answered by an `order.update`; accepted is not cancelled. */
export const OrderCancel = Schema.Struct({
  type: Schema.Literal("order.cancel"),
  symbol: TradingSymbol,
  client_order_id: ClientOrderId,
  order_id: Schema.NullOr(ShortText),
});
/** Answered by an `order.update` or `order.unknown`; the gateway watches the order from then on. */
export const OrderQuery = Schema.Struct({
  type: Schema.Literal("order.query"),
  symbol: TradingSymbol,
  client_order_id: ClientOrderId,
  order_id: Schema.NullOr(ShortText),
});

export const PurgeCommand = Schema.Union([MarketRefresh, OrderPlace, OrderCancel, OrderQuery]);
export type PurgeCommand = typeof PurgeCommand.Type;

/** One position as read from the account, valued in USD where a price was found. */
export const Position = Schema.Struct({
  currency: Schema.String.check(Schema.isPattern(/^[A-Z0-9]{1,20}$/)),
  /** The product it would be sold through; null where the exchange lists none. */
  symbol: Schema.NullOr(TradingSymbol),
  balance: DecimalString,
  available: DecimalString,
  /** Null when no price could be read: such a position is never a candidate. */
  price_usd: Schema.NullOr(DecimalString),
});
export type Position = typeof Position.Type;

/** Everything the account holds, at one time. */
export const Holdings = Schema.Struct({
  type: Schema.Literal("holdings.snapshot"),
  request_id: Schema.NullOr(ShortText),
  at: Timestamp,
  positions: Schema.Array(Position).check(Schema.isMaxLength(10_000)),
});
export type Holdings = typeof Holdings.Type;

/** The account could not be read in answer to `request_id`. */
export const HoldingsUnavailable = Schema.Struct({
  type: Schema.Literal("holdings.unavailable"),
  request_id: Schema.NullOr(ShortText),
  at: Timestamp,
  rejection: Rejection,
});
export type HoldingsUnavailable = typeof HoldingsUnavailable.Type;

/** Another bot's reading of the account, sent unasked: an alternative to asking the gateway. */
export const HoldingsPublished = Schema.Struct({
  type: Schema.Literal("holdings.published"),
  /** The bot's name. A supervisor listens to the one that its configuration names. */
  source: Schema.String.check(Schema.isPattern(/^[A-Za-z0-9][\w.-]{0,63}$/)),
  /** Grows with every message of this source. */
  sequence: Count,
  /** When the account was read. */
  at: Timestamp,
  positions: Schema.Array(Position).check(Schema.isMaxLength(10_000)),
  /** Symbols that may stay, in place of the tiers of universe.yaml; null: those decide. */
  eligible: Schema.NullOr(Schema.Array(TradingSymbol).check(Schema.isMaxLength(10_000))),
  /** Symbols that must go, in place of `never_trade`; null: that decides. */
  excluded: Schema.NullOr(Schema.Array(TradingSymbol).check(Schema.isMaxLength(10_000))),
});
export type HoldingsPublished = typeof HoldingsPublished.Type;
export const HoldingsMessage = Schema.Union([Holdings, HoldingsUnavailable, HoldingsPublished]);
export type HoldingsMessage = typeof HoldingsMessage.Type;

export const HoldingsRefresh = Schema.Struct({
  type: Schema.Literal("holdings.refresh"),
  request_id: ShortText,
});
export type HoldingsRefresh = typeof HoldingsRefresh.Type;

/** The venue breaker. While it is not `closed` no order is placed, except the one probe of `half_open`. */
export const VenueState = Schema.Struct({
  type: Schema.Literal("venue.state"),
  at: Timestamp,
  state: Schema.Literals(["closed", "open", "half_open"]),
  /** Whose fault it is: `venue` or `account`; null when closed. */
  cause: Schema.NullOr(Schema.Literals(["venue", "account"])),
  reason: Schema.NullOr(ShortText),
  until: Schema.NullOr(Timestamp),
});
export type VenueState = typeof VenueState.Type;
