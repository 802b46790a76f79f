// The paper exchange's noes, in the shapes in which Coinbase says them.
import { type ExchangeRefusal, Refused, Unreachable } from "../../../actors/ports.ts";
import type { ScriptedRefusal } from "./program.ts";

/** A refused order: HTTP 200 with `success: false`. */
export function orderRefusal({ code, message, details, preview_failure }: ScriptedRefusal): ExchangeRefusal {
  const body = {
    success: false,
    failure_reason: "UNKNOWN_FAILURE_REASON",
    error_response: {
      error: code,
      message,
      error_details: details ?? "",
      preview_failure_reason: preview_failure ?? "",
      new_order_failure_reason: code,
    },
  };
  return { code, message, details, preview_failure, raw_response: JSON.stringify(body) };
}

/** An order that was taken and then ended as failed. */
export function endedRefusal(orderId: string, refusal: ScriptedRefusal): ExchangeRefusal {
  const { code, message, details } = refusal;
  const order = { order_id: orderId, status: "FAILED", reject_reason: code, reject_message: message };
  return { ...refusal, details, raw_response: JSON.stringify({ order }) };
}

/** Each result of `batch_cancel` has its own `success`. */
export function cancelRefused(orderId: string): Refused {
  const code = "COMMANDER_REJECTED_CANCEL_ORDER";
  const result = { success: false, failure_reason: code, order_id: orderId };
  return new Refused({
    code,
    message: "The cancel request was refused",
    details: null,
    preview_failure: null,
    raw_response: JSON.stringify({ results: [result] }),
  });
}

/** What reads answer about a product that is not listed: an HTTP error, not a refused order. */
export function noSuchProduct(symbol: string): Refused {
  const code = "INVALID_PRODUCT_ID";
  const message = `${symbol} is not a product of this exchange`;
  const body = { error: code, error_details: message, message };
  return new Refused({
    code,
    message,
    details: null,
    preview_failure: null,
    raw_response: JSON.stringify(body),
  });
}

const RETRY_AFTER_MS = 1_000;

export function rateLimited(): Unreachable {
  const body = { errors: [{ id: "rate_limit_exceeded", message: "Too many requests" }] };
  return new Unreachable({
    arrived: "no",
    kind: "rate_limited",
    message: "429 Too many requests",
    retry_after_ms: RETRY_AFTER_MS,
    raw_response: JSON.stringify(body),
  });
}

/** @param isWrite a 5xx on a write does not say whether it had an effect */
export function serverError(isWrite: boolean, status: 500 | 503): Unreachable {
  const message = status === 503 ? "Exchange is under maintenance" : "Internal server error";
  const body = { error: status === 503 ? "UNAVAILABLE" : "INTERNAL", code: status, message, details: [] };
  return new Unreachable({
    arrived: isWrite ? "unknown" : "no",
    kind: "venue",
    message: `${status} ${message}`,
    retry_after_ms: null,
    raw_response: JSON.stringify(body),
  });
}

export function noAnswer(
  arrived: "no" | "unknown",
  kind: "network" | "timeout",
  message: string,
): Unreachable {
  return new Unreachable({ arrived, kind, message, retry_after_ms: null, raw_response: null });
}
