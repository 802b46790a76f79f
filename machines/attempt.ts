// What an attempt does next: pure steps from one context to the next. `purge.ts` says when each is taken.
import type { PurgeEventOf } from "./events.ts";
import { clientOrderId } from "./order_id.ts";
import {
  type Attempt,
  type LiveOrder,
  liveOrder,
  type Market,
  type Outcome,
  type PastOrder,
  present,
  type PurgeContext,
  type WindDown,
} from "./purge_context.ts";
import { decisiveRow } from "./rejection.ts";
import {
  add,
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
/** How long an IOC order may take to become final before it is cancelled. */
export const TAKER_MS = 10_000;
/** Orders of earlier slices that are remembered for late fills. More than two attempts' worth of slices. */
export const MAX_PAST_ORDERS = 50;
const MAX_ASK_MS = 240_000;

/** A context with an attempt under way. */
export type Working = PurgeContext & { readonly attempt: Attempt };

/** @throws Error when no attempt is under way, which is a bug in the chart. */
export function working(context: PurgeContext): Working {
  return { ...context, attempt: present(context.attempt, `${context.symbol}: the attempt`) };
}

function patch(context: Working, attempt: Partial<Attempt>): Working {
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

function marketOf(context: Working): Market {
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

/** When the live order has had its time: its slice's, or what is left of the attempt's, whichever is sooner. */
export function sliceDeadline(context: Working): Timestamp {
  const { policy, ends_at } = context.attempt;
  const { placed_at, request } = liveOrder(context);
  if (request.kind === "ioc") return later(placed_at, TAKER_MS);
  const replaceAt = Date.parse(placed_at) + policy.replace_ms;
  return new Date(Math.min(replaceAt, Date.parse(ends_at))).toISOString();
}

/** The gateway is asked again after one minute, then two, then every four. */
export function askAgainAt(context: Working, at: Timestamp): Timestamp {
  return later(at, Math.min(REPLY_MS * 2 ** Math.max(0, context.attempt.asks - 1), MAX_ASK_MS));
}

/** Takes over what the exchange says of the live order; what is sold is counted as it becomes known. */
export function takeUpdate(context: Working, event: PurgeEventOf<"order.update">): Working {
  const order = liveOrder(context);
  if (event.revision <= order.revision) return context;
  const proven = proof(order, event);
  const next: LiveOrder = { ...order, ...proven, order_id: event.order_id, status: event.status };
  return countSold(patch(context, { order: next, asks: 0, not_found_at: null }), gained(order, proven));
}

/** A cumulative fill never shrinks, whatever a late message says. */
function proof(known: PastOrder | LiveOrder, event: PurgeEventOf<"order.update">) {
  const grows = compare(event.filled_size, known.filled_size) > 0;
  const { filled_size, filled_value, fee } = grows ? event : known;
  return { revision: Math.max(event.revision, known.revision), filled_size, filled_value, fee };
}

type Fill = Pick<LiveOrder, "filled_size" | "filled_value" | "fee">;

function gained(before: Fill, after: Fill): Fill {
  return {
    filled_size: subtract(after.filled_size, before.filled_size),
    filled_value:
      compare(after.filled_value, before.filled_value) > 0
        ? subtract(after.filled_value, before.filled_value)
        : "0",
    fee: compare(after.fee, before.fee) > 0 ? subtract(after.fee, before.fee) : "0",
  };
}

function addFill(total: Pick<PurgeContext, "sold_size" | "sold_value" | "fee">, gain: Fill) {
  return {
    sold_size: add(total.sold_size, gain.filled_size),
    sold_value: add(total.sold_value, gain.filled_value),
    fee: add(total.fee, gain.fee),
  };
}

function countSold(context: Working, gain: Fill): Working {
  if (isZero(gain.filled_size)) return context;
  const market = without(marketOf(context), gain.filled_size);
  const attempt = { ...addFill(context.attempt, gain), market };
  return { ...patch(context, attempt), ...addFill(context, gain) };
}

function without(market: Market, size: string): Market {
  const isMore = compare(market.available, size) > 0;
  return { ...market, available: isMore ? subtract(market.available, size) : "0" };
}

/** The live order is final: what does the attempt do next? */
export function settleOrder(context: Working, at: Timestamp, rejection: Rejection | null): Working {
  const { attempt } = context;
  const order = liveOrder(context);
  const retired = patch(retire(context, order), {
    no_fills: isZero(order.filled_size) ? attempt.no_fills + 1 : 0,
    slice: attempt.slice + 1,
    revision: 0,
    requotes: 0,
    cushion_ticks: attempt.policy.cushion_ticks,
  });
  if (attempt.wind_down !== null) return interruptByOperator(retired, attempt.wind_down, at);
  if (order.status === "failed" && rejection !== null) return judge(retired, at, rejection);
  if (attempt.limit !== null) return failAtLimit(retired, at, attempt.limit);
  const limit = reachedLimit(retired, at);
  if (limit === null) return retired;
  if (!attempt.policy.allow_taker_fallback) return failAtLimit(retired, at, limit);
  return patch(retired, { limit });
}

function reachedLimit(context: Working, at: Timestamp): Limit | null {
  const { no_fills, slice, ends_at, policy } = context.attempt;
  if (no_fills >= policy.max_consecutive_no_fill) return "NO_FILL";
  if (at >= ends_at) return "MAX_DURATION";
  return slice > policy.max_slices ? "MAX_SLICES" : null;
}

/** Remembers a final order, so that a fill which is reported late is counted once. */
function retire(context: Working, order: LiveOrder): Working {
  const { filled_size, filled_value, fee, revision } = order;
  const past = {
    client_order_id: order.request.client_order_id,
    attempt: context.attempt.number,
    revision,
    filled_size,
    filled_value,
    fee,
  };
  return {
    ...patch(context, { order: null }),
    past_orders: [...context.past_orders, past].slice(-MAX_PAST_ORDERS),
  };
}

/** The exchange refused the live order: requote, reconcile, fail or interrupt, by class. */
export function takeRejection(context: Working, at: Timestamp, rejection: Rejection): Working {
  const { wind_down } = context.attempt;
  const order = liveOrder(context);
  const retired = retire(context, order);
  if (wind_down !== null) return interruptByOperator(retired, wind_down, at);
  if (decisiveRow(rejection)?.reconcile === true) {
    return patch(retired, { reconciling: order.request.base_size });
  }
  return judge(retired, at, rejection);
}

function judge(context: Working, at: Timestamp, rejection: Rejection): Working {
  if (rejection.class === "requote") return requote(context, at, rejection);
  if (rejection.class === "symbol") return fail(context, at, rejection.code, rejection.message, rejection);
  return interrupt(context, at, rejection.code, rejection.message, rejection);
}

function requote(context: Working, at: Timestamp, rejection: Rejection): Working {
  const { requotes, cushion_ticks, policy } = context.attempt;
  if (requotes >= MAX_REQUOTES) {
    return fail(context, at, "REQUOTE_EXHAUSTED", `refused at ${requotes + 1} prices`, rejection);
  }
  return patch(context, {
    requotes: requotes + 1,
    cushion_ticks: Math.min(cushion_ticks + 1, policy.max_cushion_ticks),
  });
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

function interruptByOperator(context: Working, by: WindDown, at: Timestamp): Working {
  return finish(context, "interrupted", at, "OPERATOR", `${by.kind} by ${by.by}: ${by.reason}`, null);
}

/** The exchange has named the live order. */
export function noteAccepted(context: Working, event: PurgeEventOf<"order.accepted">): Working {
  const order = { ...liveOrder(context), order_id: event.order_id };
  return patch(context, { asks: 0, not_found_at: null, order });
}

/** The exchange does not know the live order. It is placed once more where there is time; from then on it may still be
 * on its way, so that it counts as never arrived only if the exchange goes on denying it. */
export function noteNotFound(context: Working, at: Timestamp): Working {
  return patch(context, { not_found_at: at });
}

/** Whether an order that the exchange denies knowing can be taken for one that never arrived. */
export function isNotFoundForLong(context: Working, at: Timestamp): boolean {
  const { not_found_at } = context.attempt;
  return not_found_at !== null && at >= later(not_found_at, REPLY_MS);
}

/** The live order never reached the exchange: it is final, with nothing filled. */
export function giveUpOrder(context: Working, at: Timestamp): Working {
  return settleOrder(context, at, null);
}

const LIMITS = {
  NO_FILL: "no buyer for slice after slice",
  MAX_DURATION: "the attempt's time is over",
  MAX_SLICES: "the attempt's slices are used up",
} as const;

type Limit = keyof typeof LIMITS;

function failAtLimit(context: Working, at: Timestamp, limit: Limit): Working {
  return fail(context, at, limit, LIMITS[limit], null);
}

/** The attempt is over without having sold everything; with little enough left it is a success all the same. */
function fail(
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

/** A fill of an earlier order that came late: the only thing it changes is what is known to be sold. */
export function takeLateFill(context: PurgeContext, event: PurgeEventOf<"order.update">): PurgeContext {
  const known = context.past_orders.find((past) => past.client_order_id === event.client_order_id);
  if (known === undefined) return context;
  const proven = { ...known, ...proof(known, event) };
  const past_orders = context.past_orders.map((past) => (past === known ? proven : past));
  const gain = gained(known, proven);
  const { attempt } = context;
  return {
    ...context,
    ...addFill(context, gain),
    past_orders,
    attempt: attempt?.number === known.attempt ? { ...attempt, ...addFill(attempt, gain) } : attempt,
  };
}

/** Whether an update says more of an order, live or past, than is known. */
export function provesMore(context: PurgeContext, event: PurgeEventOf<"order.update">): boolean {
  const known = context.past_orders.find((past) => past.client_order_id === event.client_order_id);
  return known !== undefined && compare(event.filled_size, known.filled_size) > 0;
}
