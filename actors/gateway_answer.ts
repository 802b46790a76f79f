// What the gateway answers to a command.
import type { OrderResult, PurgeEventOf, Rejection } from "../machines/mod.ts";
import { classify } from "../machines/mod.ts";
import type { BreakerState } from "./breaker.ts";
import { shortText } from "./gateway_report.ts";
import type { OrderRef } from "./ports.ts";

export interface Answer {
  /** Published in this order. */
  readonly results: readonly OrderResult[];
  /** What they say of an order that is to be watched from now on, or is final and no longer watched. */
  readonly follow: PurgeEventOf<"order.update"> | null;
}

/** How an order is named in results. */
export type OrderName = Pick<OrderRef, "symbol" | "client_order_id">;

export function justThis(result: OrderResult): Answer {
  return { results: [result], follow: null };
}

/** The order as it is now. */
export function updated(update: PurgeEventOf<"order.update">): Answer {
  return { results: [update], follow: update };
}

/** The exchange does not know the order, or nobody knows what became of it. */
export function unknown(
  { symbol, client_order_id }: OrderName,
  at: string,
  outcome: PurgeEventOf<"order.unknown">["outcome"],
  message: string,
): Answer {
  return justThis({
    type: "order.unknown",
    symbol,
    at,
    client_order_id,
    outcome,
    message: shortText(message),
  });
}

/** The answer to what the breaker holds back. Null while it is closed. */
export function heldBack(state: BreakerState): Rejection | null {
  if (state.state === "closed") return null;
  const { cause, reason } = state.fault;
  const until = state.state === "open" ? new Date(state.until).toISOString() : "a probe succeeds";
  const message = `nothing is sent until ${until}: ${reason}`;
  const rejection = classify({
    code: "VENUE_BREAKER_OPEN",
    message,
    details: null,
    preview_failure: null,
    raw_response: null,
  });
  return { ...rejection, class: cause };
}
