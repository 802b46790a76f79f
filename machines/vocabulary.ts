// The nouns that every room shares: symbols, ids, decimals, times, orders, rejections, policy. Shapes only.
import { Schema } from "effect";

/** A product that a position is sold through, such as `BONK-USD`. Safe as the last token of a NATS subject. */
export const TradingSymbol = Schema.String.check(Schema.isPattern(/^[A-Z0-9]{1,20}-[A-Z0-9]{2,10}$/)).pipe(
  Schema.brand("TradingSymbol"),
);
export type TradingSymbol = typeof TradingSymbol.Type;

/** A UUID derived from what an order is for; see `clientOrderId` in `order_id.ts`. */
export const ClientOrderId = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/),
).pipe(Schema.brand("ClientOrderId"));
export type ClientOrderId = typeof ClientOrderId.Type;

/** What a `DecimalString` looks like, for arithmetic: asking the schema each time takes longer than the sum. */
export const DECIMAL_PATTERN = /^(0|[1-9][0-9]{0,29})(\.[0-9]{1,30})?$/;

/** A non-negative decimal number in plain notation. A string, because money is never a float. */
export const DecimalString = Schema.String.check(Schema.isPattern(DECIMAL_PATTERN)).annotate({
  description: "non-negative decimal in plain notation, such as 889587.0",
});
export type DecimalString = string;

/** RFC 3339 in UTC with milliseconds, `2025-11-11T03:04:05.678Z`: sorts as text, survives every encoding. */
export const Timestamp = Schema.String.check(
  Schema.isPattern(/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/),
  Schema.makeFilter((text: string) => isDate(text) || "is not a date that exists"),
).annotate({ description: "RFC 3339, UTC, with milliseconds" });
export type Timestamp = string;

/** Date.parse takes the 30th of February for the 2nd of March, and 24 o'clock for the next day. */
function isDate(text: string): boolean {
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text;
}

/** Any text from outside, cut off before it can fill a disk. */
export const ShortText = Schema.String.check(Schema.isMaxLength(500));
/** A body kept whole; the gateway truncates beyond this and says so. */
export const RawText = Schema.String.check(Schema.isMaxLength(16_384));

export const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

/** Whose fault a refusal is. See `rejection.ts` for what follows from each. */
export const RejectionClass = Schema.Literals(["symbol", "requote", "venue", "account", "transport"]);
export type RejectionClass = typeof RejectionClass.Type;

/** An exchange's refusal, kept whole. */
export const Rejection = Schema.Struct({
  class: RejectionClass,
  /** False when `code` was in no table and was taken for the symbol's fault. */
  classified: Schema.Boolean,
  code: ShortText,
  message: ShortText,
  details: Schema.NullOr(ShortText),
  preview_failure: Schema.NullOr(ShortText),
  raw_response: Schema.NullOr(RawText),
});
export type Rejection = typeof Rejection.Type;

/** How a product is traded, as the exchange says it. Increments and minimums are in base or quote currency. */
export const Product = Schema.Struct({
  base_increment: DecimalString,
  price_increment: DecimalString,
  base_min_size: DecimalString,
  quote_min_size: DecimalString,
  /** `online` sells freely; `post_only` takes no IOC; `limit_only` no market order; `halted` takes nothing. */
  status: Schema.Literals(["online", "limit_only", "post_only", "cancel_only", "halted", "delisted"]),
});
export type Product = typeof Product.Type;

/** One order as it goes to the exchange. Its body never changes under one `client_order_id`. */
export const OrderRequest = Schema.Struct({
  client_order_id: ClientOrderId,
  symbol: TradingSymbol,
  side: Schema.Literal("SELL"),
  /** `post_only`: rests until cancelled, never takes. `ioc`: takes down to `limit_price`, the rest is cancelled. */
  kind: Schema.Literals(["post_only", "ioc"]),
  base_size: DecimalString,
  limit_price: DecimalString,
});
export type OrderRequest = typeof OrderRequest.Type;

export const OrderStatus = Schema.Literals(["open", "filled", "cancelled", "expired", "failed"]);
export type OrderStatus = typeof OrderStatus.Type;

/** The rules of one attempt: they travel on `purge.requested`, so an attempt ends under the rules it began with
 * and a journal replays without the configuration that wrote it. Amounts in USD, times in milliseconds. */
export const PurgePolicy = Schema.Struct({
  slice_usd: DecimalString,
  replace_ms: Count,
  max_duration_ms: Count,
  max_slices: Count,
  max_residual_usd: DecimalString,
  max_consecutive_no_fill: Count,
  allow_taker_fallback: Schema.Boolean,
  taker_fallback_threshold_usd: DecimalString,
  taker_max_slippage_bps: Count,
  cushion_ticks: Count,
  max_cushion_ticks: Count,
  min_notional_usd: DecimalString,
  max_quote_age_ms: Count,
  backoff: Schema.Struct({
    enabled: Schema.Boolean,
    after_failures: Count,
    base_ms: Count,
    factor: Schema.Finite,
    max_ms: Count,
    jitter_pct: Schema.Finite,
  }),
  /** Off: a failed attempt leaves no record and nothing ever backs off (the original's behaviour before hardening). */
  failure_tracking: Schema.Boolean,
});
export type PurgePolicy = typeof PurgePolicy.Type;
