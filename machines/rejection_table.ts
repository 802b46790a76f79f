// What every known refusal means, as data. `docs/rejections.md` is written from here.
import type { RejectionClass } from "./vocabulary.ts";

export interface RejectionRow {
  readonly title: string;
  /** `exchange`: said by Coinbase. `own`: said by the gateway or the machine; nothing was refused by the exchange. */
  readonly source: "exchange" | "own";
  readonly class: RejectionClass;
  /** Funds are said to be missing: read the balance again before believing it. */
  readonly reconcile?: true;
  /** The same from many symbols within a minute means the venue, not the symbols. */
  readonly halt?: true;
  /** Says that something was wrong, not what: a more telling code beside it decides. */
  readonly vague?: true;
  readonly advice: string;
  readonly codes: readonly string[];
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** An exchange code with `PREVIEW_` before it shares the row of the code without; one that only exists with the prefix
 * is written out. */
export const REJECTION_TABLE: readonly RejectionRow[] = [
  {
    title: "Something was wrong with the order",
    source: "exchange",
    class: "symbol",
    vague: true,
    advice:
      "Read message, preview_failure and the raw response: the code alone does not say what was wrong. If they do not either, compare the order with the product's increments and minimums.",
    codes: words(`
      UNKNOWN_FAILURE_REASON INVALID_ORDER_CONFIGURATION INVALID_REQUEST UNSUPPORTED_ORDER_CONFIGURATION
      COMMANDER_REJECTED_NEW_ORDER INVALID_ARGUMENT UNKNOWN BAD_REQUEST FAILED_PRECONDITION HTTP_400 HTTP_422
      UNKNOWN_PREVIEW_FAILURE_REASON PREVIEW_INVALID_ORDER_CONFIG`),
  },
  {
    title: "Size or price is not one the product takes",
    source: "exchange",
    class: "symbol",
    advice:
      "The product's increments or limits have changed, or were read wrongly. Compare the order in the journal with the product; a retry reads them again.",
    codes: words(`
      INVALID_SIZE_PRECISION INVALID_PRICE_PRECISION INVALID_LIMIT_PRICE PREVIEW_INVALID_LIMIT_PRICE_PRECISION
      PREVIEW_INVALID_QUOTE_SIZE_PRECISION PREVIEW_INVALID_PRICE_TOO_LARGE PREVIEW_NON_NUMERIC_ORDER_SIZE
      PREVIEW_INVALID_BASE_SIZE_TOO_LARGE PREVIEW_INVALID_QUOTE_SIZE_TOO_LARGE INVALID_SIDE
      FRACTIONAL_ORDERS_NOT_ALLOWED_FOR_PRODUCT QUOTE_ORDERS_NOT_ALLOWED_FOR_PRODUCT
      MAX_NOTIONAL_PER_ORDER_BREACHED_15C35_CHECK MAX_SHARES_PER_ORDER_BREACHED_15C35_CHECK`),
  },
  {
    title: "The order is too small",
    source: "exchange",
    class: "symbol",
    advice:
      "The exchange's minimum is above the one that was planned with. Raise execution.min_notional_usd, or sell the position by hand.",
    codes: words(`
      PREVIEW_INVALID_BASE_SIZE_TOO_SMALL PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL
      NOTIONAL_SIZE_BREACHES_FRACTIONAL_MINIMUM PREVIEW_BELOW_MIN_SIZE_FOR_DURATION
      BUCKET_SIZE_SMALLER_THAN_QUOTE_MIN BUCKET_SIZE_SMALLER_THAN_BASE_MIN`),
  },
  {
    title: "The product cannot be traded",
    source: "exchange",
    class: "symbol",
    advice:
      "Delisted, or closed to this account. Look the product up at the exchange; convert or withdraw the coins by hand, and ban the symbol so that it is left alone.",
    codes: words(`
      INVALID_PRODUCT_ID PRODUCT_NOT_TRADEABLE UNTRADABLE_PRODUCT INELIGIBLE_PAIR INVALID_UNSUPPORTED_INSTRUMENT
      PREVIEW_CLOSE_ONLY_FAILURE NOT_FOUND HTTP_404`),
  },
  {
    title: "Trading is halted",
    source: "exchange",
    class: "symbol",
    halt: true,
    advice:
      "Wait: backoff tries again. If many symbols say this at once it is the exchange's trouble, and the venue breaker stops everyone; look at its status page.",
    codes: words(`
      PRODUCT_TRADING_HALTED TRADING_DISABLED ORDER_ENTRY_DISABLED PREVIEW_NOT_ALLOWED_BY_MARKET_STATE
      MISSING_MARKET_TRADE_DATA PREVIEW_MISSING_PRODUCT_PRICE_BOOK`),
  },
  {
    title: "Not from this place",
    source: "exchange",
    class: "symbol",
    halt: true,
    advice:
      "This product, or trading as a whole, is not offered where the account or the machine is. For one product: sell or withdraw it by hand and ban the symbol.",
    codes: words("GEOFENCING_RESTRICTION"),
  },
  {
    title: "Nobody is buying",
    source: "exchange",
    class: "symbol",
    advice:
      "There is no other side of the book. Backoff tries again; a lower price needs an operator's hand.",
    codes: words("INVALID_NO_LIQUIDITY"),
  },
  {
    title: "The market has moved",
    source: "exchange",
    class: "requote",
    advice:
      "Nothing to do: a new quote and a new price follow. If it ends in REQUOTE_EXHAUSTED, raise purge_execution.max_cushion_ticks.",
    codes: words(`
      INVALID_LIMIT_PRICE_POST_ONLY LIMIT_PRICE_TOO_FAR_FROM_MARKET LIMIT_ORDER_PRICE_EXCEEDS_PRICE_BAND_ON_SELL
      PREVIEW_BREACHED_PRICE_LIMIT`),
  },
  {
    title: "The funds are not there",
    source: "exchange",
    class: "account",
    reconcile: true,
    advice:
      "The balance is read again first. If it still shows the funds, look for orders, stakes or holds that were made outside this program.",
    codes: words(`
      INSUFFICIENT_FUND INSUFFICIENT_FUNDS INSUFFICIENT_BALANCE INVALID_LEDGER_BALANCE
      PREVIEW_INSUFFICIENT_LEDGER_BALANCE PREVIEW_INSUFFICIENT_FUNDS_FOR_FUTURES`),
  },
  {
    title: "The key may not do this",
    source: "exchange",
    class: "account",
    advice:
      "Check that the API key exists, has not expired, has the trade scope, belongs to this portfolio and is allowed from this address; check the machine's clock. Purging stays stopped until then.",
    codes: words(`
      UNAUTHENTICATED UNAUTHORIZED PERMISSION_DENIED FORBIDDEN INVALID_API_KEY MISSING_SCOPE HTTP_401 HTTP_403`),
  },
  {
    title: "The account may not trade",
    source: "exchange",
    class: "account",
    advice:
      "The exchange restricts this account. Log in there and read its notices; purging stays stopped until then.",
    codes: words(`
      IN_LIQUIDATION BREACHED_RISK_LIMIT PREVIEW_UNTRADABLE_FCM_ACCOUNT_STATUS PREVIEW_INVALID_MARGIN_HEALTH
      PREVIEW_BREACHED_ACCOUNT_POSITION_LIMIT PREVIEW_MAX_DAILY_VOLUME_NOTIONAL_BREACHED
      PREVIEW_MISSING_COMMISSION_RATE PREVIEW_INVALID_COMMISSION_CONFIGURATION`),
  },
  {
    title: "The exchange is in trouble",
    source: "exchange",
    class: "venue",
    advice: "Wait: the venue breaker stops everyone and probes. Look at the exchange's status page.",
    codes: words(`
      INTERNAL INTERNAL_SERVER_ERROR UNAVAILABLE SERVICE_UNAVAILABLE MAINTENANCE PREVIEW_RISK_PROXY_FAILURE
      HTTP_500 HTTP_501 HTTP_502 HTTP_503 HTTP_504`),
  },
  {
    title: "Too many requests",
    source: "exchange",
    class: "transport",
    advice:
      "The gateway waits and tries again. If it persists, see what else uses this key, and lower the rate.",
    codes: words("RATE_LIMIT_EXCEEDED RESOURCE_EXHAUSTED HTTP_429"),
  },
  {
    title: "No answer in time",
    source: "exchange",
    class: "transport",
    advice: "The gateway asks again. What became of the order is asked for, not guessed.",
    codes: words("DEADLINE_EXCEEDED ABORTED HTTP_408"),
  },
  {
    title: "The order is there already",
    source: "exchange",
    class: "transport",
    advice: "An earlier request with this id arrived; the order is looked up and followed.",
    codes: words("DUPLICATE_CLIENT_ORDER_ID"),
  },
  {
    title: "A cancellation was refused",
    source: "exchange",
    class: "transport",
    advice:
      "The order may still rest at the exchange, so it counts as live until a query says that it is final.",
    codes: words(`
      UNKNOWN_CANCEL_FAILURE_REASON INVALID_CANCEL_REQUEST UNKNOWN_CANCEL_ORDER COMMANDER_REJECTED_CANCEL_ORDER
      DUPLICATE_CANCEL_REQUEST ORDER_IS_PENDING_CANCEL`),
  },
  {
    title: "Another order holds the position",
    source: "exchange",
    class: "symbol",
    advice: "Orders made outside this program hold the coins. Cancel them at the exchange.",
    codes: words(`
      OPEN_BRACKET_ORDERS PREVIEW_BRACKET_ORDER_SIZE_EXCEEDS_POSITION PREVIEW_ORDER_SIZE_EXCEEDS_BRACKETED_POSITION
      MODIFY_POSITION_WORKFLOW_ALREADY_RUNNING CANNOT_CLOSE_ZERO_POSITION`),
  },
  {
    title: "Brackets and attached orders, which this program never sends",
    source: "exchange",
    class: "symbol",
    advice:
      "This program sends plain limit sells only, so the product or the answer is a strange one: report it.",
    codes: words(`
      QUOTE_SIZE_NOT_ALLOWED_FOR_BRACKET INVALID_BRACKET_PRICES INVALID_BRACKET_LIMIT_PRICE
      INVALID_BRACKET_STOP_TRIGGER_PRICE BRACKET_LIMIT_PRICE_OUT_OF_BOUNDS STOP_TRIGGER_PRICE_OUT_OF_BOUNDS
      BRACKET_ORDER_NOT_SUPPORTED PREVIEW_INVALID_BRACKET_ORDER_SIDE PREVIEW_INVALID_BRACKET_LIMIT_PRICE_PRECISION
      PREVIEW_INVALID_STOP_PRICE PREVIEW_INVALID_STOP_PRICE_PRECISION PREVIEW_INVALID_STOP_TRIGGER_PRICE_PRECISION
      PREVIEW_STOP_PRICE_ABOVE_LIMIT_PRICE PREVIEW_STOP_PRICE_BELOW_LIMIT_PRICE
      PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE PREVIEW_STOP_PRICE_BELOW_LAST_TRADE_PRICE STOP_ALREADY_TRIGGERED
      PREVIEW_STOP_TRIGGERED STOP_LOSS_PRICE_TOO_LOW STOP_LOSS_PRICE_TOO_HIGH TAKE_PROFIT_PRICE_TOO_LOW
      TAKE_PROFIT_PRICE_TOO_HIGH ATTACHED_STOP_LOSS_PRICE_TOO_LOW ATTACHED_STOP_LOSS_PRICE_TOO_HIGH
      ATTACHED_TAKE_PROFIT_PRICE_TOO_LOW ATTACHED_TAKE_PROFIT_PRICE_TOO_HIGH
      INVALID_ATTACHED_TAKE_PROFIT_PRICE INVALID_ATTACHED_STOP_LOSS_PRICE
      INVALID_ATTACHED_TAKE_PROFIT_PRICE_PRECISION INVALID_ATTACHED_STOP_LOSS_PRICE_PRECISION
      INVALID_ATTACHED_TAKE_PROFIT_PRICE_OUT_OF_BOUNDS INVALID_ATTACHED_STOP_LOSS_PRICE_OUT_OF_BOUNDS
      INVALID_ATTACHED_TAKE_PROFIT_PRICE_EXCEEDS_MAX_DISTANCE_FROM_ORIGINATING_PRICE
      INVALID_ATTACHED_TAKE_PROFIT_SIZE_BELOW_MIN ATTACHED_ORDER_SIZE_MUST_BE_NIL
      INVALID_ATTACHED_TAKE_PROFIT_PRICE_OUT_OF_BOUNDS_ON_AGGRESSIVE_ORDER
      INVALID_ATTACHED_STOP_LOSS_PRICE_OUT_OF_BOUNDS_ON_AGGRESSIVE_ORDER ATTACHED_ORDER_MUST_HAVE_POSITIVE_PRICES
      INVALID_ORDER_SIDE_FOR_ATTACHED_TPSL ATTACHED_ORDERS_ONLY_ALLOWED_ON_MARKET_LIMIT
      INVALID_ORDER_TYPE_FOR_ATTACHED SINGLE_LEGGED_TPSL_NOT_ALLOWED`),
  },
  {
    title: "Margin, futures and equities, which this program never trades",
    source: "exchange",
    class: "symbol",
    advice:
      "Only spot products are sold here. Check what kind of product this symbol is, and exclude or ban it.",
    codes: words(`
      INVALID_MARGIN_TYPE INVALID_LEVERAGE PREVIEW_OPPOSITE_MARGIN_TYPE_EXISTS UBO_HIGH_LEVERAGE_QUANTITY_BREACHED
      PREVIEW_UBO_HIGH_LEVERAGE_NOTIONAL_BREACHED PREVIEW_ECOSYSTEM_LEVERAGE_UTILIZATION_BREACHED
      INVALID_FCM_TRADING_SESSION INVALID_EQUITY_TRADING_SESSION INVALID_SETTLEMENT_CURRENCY
      FUTURES_AFTER_HOUR_INVALID_ORDER_TYPE FUTURES_AFTER_HOUR_INVALID_TIME_IN_FORCE
      END_TIME_AFTER_CONTRACT_EXPIRATION POSITION_SIZE_INCREASE_REJECT ASSET_BALANCE_INCREASE_REJECT
      REDUCE_ONLY_INCREASED_POSITION_SIZE REDUCE_ONLY_NOT_ALLOWED_ON_VENUE
      REDUCE_ONLY_NOT_ALLOWED_ON_SPOT_PRODUCTS PREVIEW_BREACHED_COMPANY_POSITION_LIMIT
      PREVIEW_BREACHED_OPEN_INTEREST_LIMIT PREVIEW_COMPLIANCE_PURCHASE_LIMIT_EXCEEDED
      PREVIEW_INVALID_INTX_CLIENT_ORDER_ID NBBO_NOT_PROVIDED INVALID_NBBO_BID_PRICE INVALID_NBBO_ASK_PRICE
      MARKET_ORDERS_PROHIBITED_DURING_NON_CORE_SESSION NOTIONAL_ORDERS_PROHIBITED_DURING_NON_CORE_SESSION
      PREVIEW_PREDICTIONS_QUOTE_SIZE_BELOW_MIN_CONTRACT_PRICE PREVIEW_PREDICTIONS_HIGH_PRICE_CONTRACTS_BLOCKED`),
  },
  {
    title: "Order kinds that this program never sends",
    source: "exchange",
    class: "symbol",
    advice:
      "This program sends plain limit sells only, so the product or the answer is a strange one: report it.",
    codes: words(`
      FOK_DISABLED FOK_ONLY_ALLOWED_ON_LIMIT_ORDERS INTX_FOK_ONLY_ALLOWED_ON_LIMIT_AND_MARKET_ORDERS
      POST_ONLY_NOT_ALLOWED_WITH_FOK POST_ONLY_NOT_ALLOWED_WITH_PEG INVALID_PEG_OFFSET INVALID_PEG_WIG_LEVEL
      INVALID_PEG_VENUE_OPTIONS PEG_INVALID_ORDER_TYPE END_TIME_TOO_FAR_IN_FUTURE END_TIME_IS_IN_THE_PAST
      GTD_ORDERS_MUST_HAVE_END_TIME PREVIEW_INVALID_END_TIME START_TIME_MUST_BE_SPECIFIED DURATION_TOO_SMALL
      DURATION_TOO_LARGE ICEBERG_ORDERS_NOT_SUPPORTED PRICE_NOT_ALLOWED_FOR_MARKET_ORDERS
      LIMIT_ORDER_PRICE_EXCEEDS_PRICE_BAND_ON_BUY REPLACE_NOT_SUPPORTED TOO_MANY_PENDING_REPLACES
      SCALED_PARAM_INFEASIBLE SCALED_PARAM_DISCREPANCY SCALED_MIN_ORDER_VIOLATION SCALED_MAX_ORDER_VIOLATION
      INVALID_RFQ_BASE_SIZE_TOO_SMALL INVALID_RFQ_BASE_SIZE_TOO_LARGE INVALID_RFQ_QUOTE_SIZE_TOO_SMALL
      INVALID_RFQ_QUOTE_SIZE_TOO_LARGE RFQ_QUOTE_EXPIRED RFQ_TOO_MANY_OPEN_QUOTES RFQ_RATE_LIMITED
      RFQ_INVALID_COMBO_LEGS RFQ_VALIDATION_FAILURE RFQ_VENUE_REJECTED`),
  },
  {
    title: "The venue breaker is open",
    source: "own",
    class: "venue",
    advice:
      "Nothing was sent: the exchange or the account was found to be in trouble. Trading resumes when a probe succeeds.",
    codes: words("VENUE_BREAKER_OPEN"),
  },
  {
    title: "The exchange cannot be reached",
    source: "own",
    class: "transport",
    advice:
      "The gateway has used up its own retries. Check the network; the attempt is not counted as a failure.",
    codes: words("TRANSPORT_TIMEOUT TRANSPORT_ERROR CONNECTION_LOST RATE_LIMITED NO_ANSWER"),
  },
  {
    title: "What became of the order is not known",
    source: "own",
    class: "transport",
    advice: "It is asked for, never guessed; nothing new is placed for the symbol until the exchange says.",
    codes: words("UNKNOWN_OUTCOME"),
  },
  {
    title: "The exchange answered what nobody can read",
    source: "own",
    class: "venue",
    advice:
      "The body is in raw_response. A maintenance page looks like this; so does a change of the exchange's API.",
    codes: words("INVALID_RESPONSE"),
  },
  {
    title: "This machine's clock is wrong",
    source: "own",
    class: "account",
    advice:
      "Set the clock (NTP): the exchange refuses every request that is signed with a wrong time. Purging stays stopped until then.",
    codes: words("CLOCK_SKEW"),
  },
  {
    title: "This process may not trade the symbol",
    source: "own",
    class: "account",
    advice: "Start it with a trade grant that covers the symbol, or pause the symbol. Other symbols go on.",
    codes: words("TRADE_NOT_GRANTED"),
  },
  {
    title: "The quote is no good",
    source: "own",
    class: "requote",
    advice:
      "Too old, or its bid is not below its ask; it is read again. If it persists, check the clock and microstructure.max_quote_age_seconds.",
    codes: words("STALE_QUOTE CROSSED CROSSED_QUOTE"),
  },
  {
    title: "The product is not trading",
    source: "own",
    class: "symbol",
    halt: true,
    advice: "The exchange's product page says so, and nothing was sent. Backoff tries again.",
    codes: words("PRODUCT_HALTED HALTED CANCEL_ONLY"),
  },
  {
    title: "The product is gone",
    source: "own",
    class: "symbol",
    advice:
      "Nothing was sent. Convert or withdraw the coins by hand, and ban the symbol so that it is left alone.",
    codes: words("PRODUCT_DELISTED DELISTED"),
  },
  {
    title: "There is no price",
    source: "own",
    class: "symbol",
    advice:
      "One side of the book is empty, or the product came without increments. Nothing was sent; backoff tries again.",
    codes: words("NO_QUOTE"),
  },
  {
    title: "The market takes post-only orders alone",
    source: "own",
    class: "symbol",
    advice:
      "The taker fallback cannot be used until the exchange opens the product fully. Nothing was sent; backoff tries again.",
    codes: words("POST_ONLY_MARKET"),
  },
  {
    title: "The attempt used itself up",
    source: "own",
    class: "symbol",
    advice:
      "Orders were taken but too little was bought. Give it longer (max_duration_seconds, max_slices), or allow a taker fallback with enough slippage and threshold.",
    codes: words("NO_FILL MAX_DURATION MAX_SLICES"),
  },
  {
    title: "Every price crossed",
    source: "own",
    class: "symbol",
    advice: "A fast market: raise purge_execution.max_cushion_ticks. The last refusal is in the record.",
    codes: words("REQUOTE_EXHAUSTED"),
  },
  {
    title: "There is nothing to sell",
    source: "own",
    class: "account",
    advice:
      "What the account holds is not available: look for orders, stakes or holds that were made outside this program.",
    codes: words("NOTHING_TO_SELL"),
  },
  {
    title: "An operator ended the attempt",
    source: "own",
    class: "account",
    advice: "Nothing went wrong. Resume the symbol when it should be sold again.",
    codes: words("OPERATOR"),
  },
];
