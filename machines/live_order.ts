// The one order that an attempt has at the exchange: what is heard of it, what it sold, and what follows when it is final.
import {
  fail,
  failAtLimit,
  interrupt,
  interruptByOperator,
  type Limit,
  later,
  MAX_REQUOTES,
  marketOf,
  patch,
  REPLY_MS,
  type Working,
} from "./attempt.ts";
import type { PurgeEventOf } from "./events.ts";
import {
  type LiveOrder,
  liveOrder,
  type Market,
  type PastOrder,
  type PurgeContext,
} from "./purge_context.ts";
import { decisiveRow } from "./rejection.ts";
import { add, compare, isZero, subtract } from "./slicing.ts";
import type { Rejection, Timestamp } from "./vocabulary.ts";

/** How long an IOC order may take to become final before it is cancelled. */
export const TAKER_MS = 10_000;
/** Orders of earlier slices that are remembered for late fills. More than two attempts' worth of slices. */
export const MAX_PAST_ORDERS = 50;
const MAX_ASK_MS = 240_000;

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
  if (!saysMore(order, event)) return context;
  const proven = proof(order, event);
  const next: LiveOrder = { ...order, ...proven, order_id: event.order_id, status: event.status };
  return countSold(patch(context, { order: next, asks: 0, not_found_at: null }), gained(order, proven));
}

/** Whether an update of the live order is news: a higher revision, or at the same one a larger fill or the end. Not every
 * exchange counts its changes, and one that begins at 0 has said nothing yet that is known. */
export function saysMore(order: LiveOrder, event: PurgeEventOf<"order.update">): boolean {
  if (event.revision !== order.revision) return event.revision > order.revision;
  // A live order has not ended yet: one that has is a past one.
  return event.status !== "open" || compare(event.filled_size, order.filled_size) > 0;
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

/** The questions are a minute apart; the second answer may be quicker than the first one was. */
const DENIED_MS = REPLY_MS - 10_000;

/** Whether an order that the exchange denies knowing can be taken for one that never arrived. A gateway that says whether it may
 * still arrive is believed; one that does not is held to a full minute. */
export function isNotFoundForLong(
  context: Working,
  { at, may_arrive }: Pick<PurgeEventOf<"order.unknown">, "at" | "may_arrive">,
): boolean {
  const { not_found_at } = context.attempt;
  if (not_found_at === null || may_arrive === true) return false;
  return at >= later(not_found_at, may_arrive === undefined ? REPLY_MS : DENIED_MS);
}

/** The live order never reached the exchange: it is final, with nothing filled. */
export function giveUpOrder(context: Working, at: Timestamp): Working {
  return settleOrder(context, at, null);
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
