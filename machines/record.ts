// What outlives an attempt: the failure record, the backoff, suspensions.
import { working, type Working } from "./attempt.ts";
import { backoffMs, retryAt } from "./backoff.ts";
import type { PurgeEvent, PurgeEventOf } from "./events.ts";
import { type Outcome, present, type PurgeContext, type WindDown } from "./purge_context.ts";
import { errorLine } from "./rejection.ts";
import type { PurgePolicy, Timestamp } from "./vocabulary.ts";

/** The attempt is over; what it ended with stays readable. */
export function closeAttempt(context: PurgeContext): PurgeContext {
  const outcome = outcomeOf(working(context));
  return {
    ...context,
    attempt: null,
    deadline: null,
    last_outcome: outcome,
    residual_usd: outcome.residual_usd,
  };
}

/** One more failure in a row: recorded whole, and rested on. */
export function recordFailure(context: Working): PurgeContext {
  const { policy, balance, value_usd } = context.attempt;
  const outcome = outcomeOf(context);
  const error =
    outcome.rejection === null ? `${outcome.code}: ${outcome.message}` : errorLine(outcome.rejection);
  return {
    ...context,
    ...rest(context, context.failures + 1, outcome.at, policy.backoff),
    last_failure: { failed_at: outcome.at, error, rejection: outcome.rejection, balance, value_usd },
  };
}

function outcomeOf(context: Working): Outcome {
  return present(context.attempt.outcome, `${context.symbol}: the attempt's outcome`);
}

/** A record from elsewhere takes the place of this one's. */
export function importFailure(context: PurgeContext, event: PurgeEventOf<"failure.imported">): PurgeContext {
  const { failure_count, last_failed_at, last_error, balance, value_usd, policy } = event;
  return {
    ...context,
    ...rest(context, failure_count, last_failed_at, policy.backoff),
    last_failure: { failed_at: last_failed_at, error: last_error, rejection: null, balance, value_usd },
  };
}

function rest(context: PurgeContext, failures: number, failedAt: Timestamp, policy: PurgePolicy["backoff"]) {
  const seed = `${context.ledger_id}/${context.symbol}`;
  const backoff_ms = backoffMs(failures, policy, seed);
  return { failures, backoff_ms, retry_at: retryAt(failedAt, failures, policy, seed) };
}

/** The failure record is gone: sold, or an operator said so. */
export function forget(context: PurgeContext): PurgeContext {
  return {
    ...context,
    failures: 0,
    last_failure: null,
    retry_at: null,
    backoff_ms: 0,
    attempt: context.attempt === null ? null : { ...context.attempt, from: "idle" },
    deadline: context.attempt === null ? null : context.deadline,
  };
}

const KINDS = {
  "operator.pause": "pause",
  "operator.ban": "ban",
  "operator.abort": "abort",
  "symbol.poisoned": "poison",
} as const;

/** Who asked for the end of purging, and how. */
export function suspensionBy(event: PurgeEvent): WindDown {
  switch (event.type) {
    case "operator.pause":
    case "operator.ban":
    case "operator.abort":
      return { kind: KINDS[event.type], by: event.by, reason: event.reason, at: event.at };
    case "symbol.poisoned":
      return { kind: KINDS[event.type], by: "supervisor", reason: event.reason, at: event.at };
    default:
      throw new Error(`${event.symbol}: ${event.type} suspends nothing`);
  }
}

/** The suspension that follows the present attempt; an abort is followed by none. */
export function suspensionOf(context: PurgeContext): WindDown | null {
  const by = context.attempt?.wind_down ?? null;
  return by === null || by.kind === "abort" ? null : by;
}
