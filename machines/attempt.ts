// How an attempt starts, what it offers next, and how it ends: pure steps from one context to the next. `purge.ts` says
// when each is taken.
import type { PurgeEventOf } from "./events.ts";
import { clientOrderId } from "./order_id.ts";
import {
  type Attempt,
  type LiveOrder,
  type Market,
  type Outcome,
  present,
  type PurgeContext,
  type WindDown,
} from "./purge_context.ts";
import {
  compare,
  isResidualSettled,
  isZero,
  planMakerSlice,
  planTakerSlice,
  type SlicePlan,
  subtract,
  valueUsd,
} from "./slicing.ts";
import type { Rejection, Timestamp } from "./vocabulary.ts";

/** How long the gateway may take to answer before it is asked again. Longer than all its own retries together, so that
 * the two never multiply. */
export const REPLY_MS = 60_000;
/** A stale or crossed quote is read again after this long, not at once. */
export const REQUOTE_MS = 2_000;
/** New prices tried for one slice before the attempt counts as failed. */
export const MAX_REQUOTES = 5;
/** A context with an attempt under way. */
export type Working = PurgeContext & { readonly attempt: Attempt };

/** @throws Error when no attempt is under way, which is a bug in the chart. */
export function working(context: PurgeContext): Working {
  return { ...context, attempt: present(context.attempt, `${context.symbol}: the attempt`) };
}

export function patch(context: Working, attempt: Partial<Attempt>): Working {
  return { ...context, attempt: { ...context.attempt, ...attempt } };
}

/** `at` plus `ms`, as a timestamp. */
export function later(at: Timestamp, ms: number): Timestamp {
  return new Date(Date.parse(at) + ms).toISOString();
}

/** Names a new deadline, which makes every earlier one stale. */
export function withDeadline<C extends PurgeContext>(context: C, kind: string, at: Timestamp): C {
  const serial = context.serial + 1;
  return { ...context, serial, deadline: { name: `${kind}#${serial}`, at } };
}

export function startAttempt(
  context: PurgeContext,
  event: PurgeEventOf<"purge.requested">,
  from: Attempt["from"],
): Working {
  const number = context.attempts + 1;
  const attempt: Attempt = {
    number,
    from,
    started_at: event.at,
    ends_at: later(event.at, event.policy.max_duration_ms),
    reason: event.reason,
    policy: event.policy,
    balance: event.balance,
    value_usd: event.value_usd,
    slice: 1,
    revision: 0,
    requotes: 0,
    cushion_ticks: event.policy.cushion_ticks,
    no_fills: 0,
    limit: null,
    request_id: null,
    asks: 0,
    not_found_at: null,
    market: null,
    order: null,
    reconciling: null,
    sold_size: "0",
    sold_value: "0",
    fee: "0",
    wind_down: null,
    outcome: null,
  };
  return { ...context, attempts: number, attempt };
}

/** A new question to the market, with a name of its own, so that an old answer is not taken for it. What the last quote
 * said is kept, to judge by what is left should there be no other. */
export function askMarket(context: Working, at: Timestamp): Working {
  const asked = withDeadline(context, "quote", later(at, REPLY_MS));
  return patch(asked, { request_id: `${asked.attempt.number}-${asked.serial}` });
}

/** Whether this quote cannot be used, but a later one may. */
export function isQuoteUnusable(context: Working, event: PurgeEventOf<"market.snapshot">): boolean {
  const age = Date.parse(event.at) - Date.parse(event.quoted_at);
  return (
    age > context.attempt.policy.max_quote_age_ms ||
    isZero(event.best_bid) ||
    compare(event.best_bid, event.best_ask) >= 0
  );
}

/** Notes an unusable quote and waits a little before the next. */
export function noteUnusableQuote(context: Working, event: PurgeEventOf<"market.snapshot">): Working {
  const noted = patch(context, { requotes: context.attempt.requotes + 1, request_id: null, asks: 0 });
  return withDeadline(noted, "requote", later(event.at, REQUOTE_MS));
}

/** No quote could be used, `MAX_REQUOTES` times. */
export function giveUpQuotes(context: Working, at: Timestamp): Working {
  return fail(context, at, "STALE_QUOTE", "no usable quote: stale, empty or crossed too often");
}

/** A usable quote: what is left to sell, and how. Ends with an order to place or with the attempt's outcome. */
export function takeQuote(context: Working, event: PurgeEventOf<"market.snapshot">): Working {
  const { best_bid, best_ask, available, product, quoted_at, at } = event;
  const { reconciling } = context.attempt;
  const quoted = patch(context, {
    market: { best_bid, best_ask, available, product, quoted_at },
    asks: 0,
    reconciling: null,
  });
  if (reconciling !== null && compare(available, reconciling) >= 0) {
    const message = `the exchange said that ${reconciling} was not there, and its balance shows ${available}`;
    return interrupt(quoted, at, "INSUFFICIENT_FUND", message, null);
  }
  const { limit } = context.attempt;
  return limit === null ? quoteMaker(quoted, at) : quoteTaker(quoted, at, limit);
}

function quoteMaker(context: Working, at: Timestamp): Working {
  const { policy, cushion_ticks } = context.attempt;
  const plan = planMakerSlice({ ...marketOf(context), policy, cushion_ticks });
  if (plan.kind === "unsellable") return fail(context, at, plan.reason.toUpperCase(), plan.message);
  return followPlan(context, plan, at);
}

function quoteTaker(context: Working, at: Timestamp, limit: Limit): Working {
  const { policy } = context.attempt;
  if (compare(remainingUsd(context), policy.taker_fallback_threshold_usd) > 0)
    return failAtLimit(context, at, limit);
  const plan = planTakerSlice({ ...marketOf(context), policy });
  return plan.kind === "unsellable" ? failAtLimit(context, at, limit) : followPlan(context, plan, at);
}

export function marketOf(context: Working): Market {
  return present(context.attempt.market, `${context.symbol}: the quote`);
}

function followPlan(
  context: Working,
  plan: Exclude<SlicePlan, { kind: "unsellable" }>,
  at: Timestamp,
): Working {
  if (plan.kind === "order") return withOrder(context, plan.base_size, plan.limit_price, at);
  if (isZero(context.attempt.sold_size)) {
    return interrupt(
      context,
      at,
      "NOTHING_TO_SELL",
      `only ${plan.size} is available, worth $${plan.value_usd}`,
      null,
    );
  }
  return finish(context, "sold", at, "SOLD", `dust worth $${plan.value_usd} is left`, null);
}

function withOrder(context: Working, base_size: string, limit_price: string, at: Timestamp): Working {
  const { ledger_id, symbol, attempt } = context;
  const revision = attempt.revision + 1;
  const order: LiveOrder = {
    request: {
      client_order_id: clientOrderId({
        ledgerId: ledger_id,
        symbol,
        attempt: attempt.number,
        slice: attempt.slice,
        revision,
      }),
      symbol,
      side: "SELL",
      kind: attempt.limit === null ? "post_only" : "ioc",
      base_size,
      limit_price,
    },
    placed_at: at,
    order_id: null,
    status: "pending",
    revision: -1,
    filled_size: "0",
    filled_value: "0",
    fee: "0",
  };
  return patch(context, { order, revision, asks: 0, not_found_at: null });
}

/** The market could not be read. */
export function takeMarketRefusal(context: Working, event: PurgeEventOf<"market.unavailable">): Working {
  const { rejection, at } = event;
  if (rejection.class === "symbol") return fail(context, at, rejection.code, rejection.message, rejection);
  return interrupt(context, at, rejection.code, rejection.message, rejection);
}

/** An operator, or the supervisor, ends the attempt. An order at the exchange is cancelled first. */
export function windDown(context: Working, by: WindDown): Working {
  const noted = patch(context, { wind_down: by });
  return context.attempt.order === null ? interruptByOperator(noted, by, by.at) : noted;
}

export function interruptByOperator(context: Working, by: WindDown, at: Timestamp): Working {
  return finish(context, "interrupted", at, "OPERATOR", `${by.kind} by ${by.by}: ${by.reason}`, null);
}

const LIMITS = {
  NO_FILL: "no buyer for slice after slice",
  MAX_DURATION: "the attempt's time is over",
  MAX_SLICES: "the attempt's slices are used up",
} as const;

export type Limit = keyof typeof LIMITS;

export function failAtLimit(context: Working, at: Timestamp, limit: Limit): Working {
  return fail(context, at, limit, LIMITS[limit], null);
}

/** The attempt is over without having sold everything; with little enough left it is a success all the same. */
export function fail(
  context: Working,
  at: Timestamp,
  code: string,
  message: string,
  rejection: Rejection | null = null,
): Working {
  const { sold_size, policy } = context.attempt;
  const isSettled = isResidualSettled({ remaining_value_usd: remainingUsd(context), sold_size, policy });
  return finish(context, isSettled ? "sold" : "stuck", at, code, message, rejection);
}

/** The attempt ends through nobody's fault in this symbol. Where all but dust went before that, it is a success: only the
 * last look at the market is missing. */
export function interrupt(
  context: Working,
  at: Timestamp,
  code: string,
  message: string,
  rejection: Rejection | null,
): Working {
  const { sold_size, policy } = context.attempt;
  const isSold = !isZero(sold_size) && compare(remainingUsd(context), policy.min_notional_usd) < 0;
  return finish(context, isSold ? "sold" : "interrupted", at, code, message, rejection);
}

function finish(
  context: Working,
  kind: Outcome["kind"],
  at: Timestamp,
  code: string,
  message: string,
  rejection: Rejection | null,
): Working {
  const { number, sold_size, sold_value } = context.attempt;
  const outcome: Outcome = {
    kind,
    at,
    attempt: number,
    code,
    message,
    rejection,
    sold_size,
    sold_value,
    residual_usd: residualUsd(context),
  };
  return patch(context, { outcome });
}

/** What is left to sell, at the best bid last seen; before any quote, what the cycle said it was worth. */
function remainingUsd(context: Working): string {
  const { market, value_usd } = context.attempt;
  return market === null ? value_usd : valueUsd(market.available, market.best_bid);
}

/** What is left of the position, sellable or not: other orders may hold a part of it. */
function residualUsd(context: Working): string {
  const { market, balance, sold_size, value_usd } = context.attempt;
  if (market === null) return value_usd;
  const unsold = compare(balance, sold_size) > 0 ? subtract(balance, sold_size) : "0";
  const left = compare(market.available, unsold) > 0 ? market.available : unsold;
  return valueUsd(left, market.best_bid);
}
