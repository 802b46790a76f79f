// What one durable step of one symbol means to an operator: first what came in, then what was done, then where it led.
import type { JournalRecord } from "../../actors/ports.ts";
import {
  errorLine,
  isZero,
  type Outcome,
  type PurgeCommand,
  type PurgeContext,
  type PurgeEventOf,
} from "../../machines/mod.ts";
import { type LogLine, say } from "./lines.ts";
import {
  endedAttempt,
  faultOf,
  isPlacedAgain,
  memoryOf,
  type RefusedOrder,
  refusedOrder,
  startedAttempt,
} from "./symbol_memory.ts";
import { balanceText, durationText, usdText } from "./text.ts";

/** One record as seen by the parts below. */
interface Step {
  readonly record: JournalRecord;
  readonly memory: PurgeContext | null;
  readonly detailed: boolean;
  /** Fields that every line of this step carries. */
  readonly base: {
    readonly symbol: string;
    readonly seq: number;
    readonly at: string;
    readonly state: string;
  };
}

/** @param detailed whether refusals are told with preview failure and raw response */
export function narrateTransition(
  record: JournalRecord,
  recovered: boolean,
  detailed: boolean,
): readonly LogLine[] {
  const { symbol, seq, at, state } = record;
  const step: Step = { record, memory: memoryOf(record), detailed, base: { symbol, seq, at, state } };
  if (recovered) return [recovery(step)];
  return [...incoming(step), ...commands(step), ...ending(step), ...resting(step)];
}

function recovery({ record: { symbol, state }, memory, base }: Step): LogLine {
  const count = memory?.failures ?? 0;
  const next = memory?.retry_at ?? "at the next cycle";
  return say("symbol_recovered", { symbol, state, count, next }, { ...base, failures: count });
}

function incoming(step: Step): readonly LogLine[] {
  const { record, memory, base } = step;
  const { event, symbol, path } = record;
  const refused = refusedOrder(record);
  if (refused !== null) return [orderReject(step, refused)];
  switch (event.type) {
    case "purge.requested":
      return startedAttempt(record) ? [attemptStarted(step, event)] : [nothingNew(step)];
    case "market.snapshot": {
      const { best_bid: bid, best_ask: ask, available } = event;
      return [say("quote_read", { symbol, bid, ask, available }, base)];
    }
    case "market.unavailable":
      return path.length === 0 ? [nothingNew(step)] : [quoteUnavailable(step, event)];
    case "order.accepted":
      return [say("order_accepted", { symbol, order_id: event.order_id }, base)];
    case "order.update":
      return [orderUpdate(step, event)];
    case "order.unknown": {
      const { outcome, message, client_order_id } = event;
      return [say("order_unknown", { symbol, outcome, message }, { ...base, client_order_id })];
    }
    case "position.held": {
      const [balance, value] = [balanceText(event.balance), usdText(event.value_usd)];
      return path.length === 0 ? [] : [say("position_held", { symbol, balance, value }, base)];
    }
    case "failure.imported": {
      const words = { symbol, count: memory?.failures ?? event.failure_count, at: event.last_failed_at };
      return [say("failure_imported", words, { ...base, error: event.last_error })];
    }
    case "operator.pause":
    case "operator.resume":
    case "operator.reset":
    case "operator.ban":
    case "operator.abort":
      return [operatorCommand(step, event.type.slice("operator.".length), event)];
    case "order.rejected":
      return [nothingNew(step)];
    case "deadline.reached":
    case "symbol.poisoned":
      return [];
  }
}

function nothingNew({ record, base }: Step): LogLine {
  return say("stale_word", { symbol: record.symbol, type: record.event.type }, base);
}

function orderReject({ record: { symbol }, detailed, base }: Step, refused: RefusedOrder): LogLine {
  const { class: cls, classified, code, message, details, preview_failure, raw_response } = refused.rejection;
  const client_id = refused.clientOrderId;
  const level = cls === "requote" ? "info" : "error";
  const fields = { ...base, client_order_id: client_id, class: cls, classified, code, message };
  if (!detailed) {
    const error = errorLine({ ...refused.rejection, preview_failure: null }).slice(0, -NO_PREVIEW.length);
    return say("order_reject_short", { symbol, client_id, error }, fields, level);
  }
  const words = { symbol, client_id, error: errorLine(refused.rejection) };
  return say("order_reject", words, { ...fields, details, preview_failure, raw_response }, level);
}

/** How an error line ends where the exchange gave no preview failure. */
const NO_PREVIEW = " | preview_failure=";

function attemptStarted({ record, memory, base }: Step, event: PurgeEventOf<"purge.requested">): LogLine {
  const { reason, balance, value_usd } = event;
  const attempt = memory?.attempts ?? 0;
  const words = { symbol: record.symbol, attempt, reason };
  const amounts = { balance: balanceText(balance), value: usdText(value_usd) };
  return say("attempt_started", { ...words, ...amounts }, { ...base, attempt, reason, balance, value_usd });
}

function quoteUnavailable(step: Step, { rejection }: PurgeEventOf<"market.unavailable">): LogLine {
  const { class: cls, code, message } = rejection;
  const raw = step.detailed ? { details: rejection.details, raw_response: rejection.raw_response } : {};
  const fields = { ...step.base, class: cls, code, message, ...raw };
  return say("quote_unavailable", { symbol: step.record.symbol, code, message }, fields);
}

function orderUpdate(step: Step, event: PurgeEventOf<"order.update">): LogLine {
  const { record, memory, base } = step;
  const { symbol } = record;
  const { status, filled_size: size, filled_value, fee, client_order_id, order_id } = event;
  const value = usdText(filled_value);
  const fields = { ...base, client_order_id, order_id, status, filled_size: size, filled_value, fee };
  const seen = howSeen(memory, event, record.path.length > 0);
  if (seen === "stale") return nothingNew(step);
  if (seen === "late") return say("late_word", { symbol, size, value }, fields);
  if (status === "filled") return say("slice_filled", { symbol, size, value, fee: usdText(fee) }, fields);
  if (status !== "open") return say("slice_ended", { symbol, status, size, value }, fields);
  if (!isZero(size)) return say("slice_partial", { symbol, size, value }, fields);
  return say("order_open", { symbol }, fields);
}

/** Whether an update was news of the live order, a late word on an earlier one, or nothing new. */
function howSeen(
  memory: PurgeContext | null,
  event: PurgeEventOf<"order.update">,
  moved: boolean,
): "live" | "late" | "stale" {
  if (memory === null || moved) return "live";
  const live = memory.attempt?.order;
  if (live?.request.client_order_id === event.client_order_id) {
    return live.revision === event.revision ? "live" : "stale";
  }
  const past = memory.past_orders.find((order) => order.client_order_id === event.client_order_id);
  return past?.filled_size === event.filled_size ? "late" : "stale";
}

function operatorCommand(
  { record: { symbol, state }, base }: Step,
  action: string,
  { by, reason }: { readonly by: string; readonly reason: string },
): LogLine {
  return say("operator_command", { by, action, symbol, state, reason }, { ...base, by, action, reason });
}

function commands(step: Step): readonly LogLine[] {
  return step.record.commands.flatMap((command) => commandLine(step, command) ?? []);
}

function commandLine({ record, memory, base }: Step, command: PurgeCommand): LogLine | null {
  const { symbol } = record;
  switch (command.type) {
    case "order.place": {
      const { base_size: size, limit_price: price, kind, client_order_id } = command.order;
      const slice = memory?.attempt?.slice ?? 0;
      const fields = { ...base, slice, client_order_id, base_size: size, limit_price: price, kind };
      if (isPlacedAgain(record)) return say("slice_placed_again", { slice, symbol }, fields);
      return say("slice_placed", { slice, symbol, size, price, kind }, fields);
    }
    case "order.cancel":
      return say("order_cancelling", { symbol }, base);
    case "order.query":
      return say("order_querying", { symbol }, base);
    case "market.refresh":
      return null;
  }
}

function ending(step: Step): readonly LogLine[] {
  const outcome = endedAttempt(step.record);
  switch (outcome?.kind) {
    case "sold":
      return success(step, outcome);
    case "stuck":
      return failure(step, outcome);
    case "interrupted":
      return [interruption(step, outcome)];
    case undefined:
      return [];
  }
}

function success({ record: { symbol }, base }: Step, outcome: Outcome): readonly LogLine[] {
  const { attempt, sold_size, sold_value, residual_usd } = outcome;
  const fields = { ...base, attempt, sold_size, sold_value, residual_usd };
  return [say("twap_complete", {}, fields), say("purge_succeeded", { symbol }, base)];
}

function failure(step: Step, outcome: Outcome): readonly LogLine[] {
  const { record, memory, base } = step;
  const { symbol } = record;
  const failed = say("purge_failed", { symbol }, { ...base, ...outcomeFields(step, outcome) });
  const tracked = memory?.last_failure ?? null;
  // With tracking off, a record of earlier failures may still be there.
  if (memory === null || tracked?.failed_at !== outcome.at)
    return [failed, say("purge_unrecorded", { symbol }, base)];
  const { balance, value_usd } = tracked;
  const words = { count: memory.failures, balance: balanceText(balance), value: usdText(value_usd) };
  const fields = { ...base, failures: memory.failures, balance, value_usd };
  return [failed, say("failure_tracked", words, fields)];
}

function interruption(step: Step, outcome: Outcome): LogLine {
  const fault = faultOf(outcome);
  const words = { symbol: step.record.symbol, fault, code: outcome.code, message: outcome.message };
  const fields = { ...step.base, fault, ...outcomeFields(step, outcome) };
  return say("purge_interrupted", words, fields, fault === "nobody" ? "info" : "warn");
}

function outcomeFields({ detailed, memory }: Step, outcome: Outcome) {
  const { attempt, code, message, sold_size, sold_value, residual_usd, rejection, kind } = outcome;
  const error = kind === "stuck" ? { error: memory?.last_failure?.error ?? `${code}: ${message}` } : {};
  const shared = { attempt, code, message, sold_size, sold_value, residual_usd };
  return detailed ? { ...shared, ...error, rejection } : shared;
}

const RESTING: Partial<Record<string, (step: Step) => LogLine | null>> = {
  "backoff.waiting": ({ record: { symbol }, memory, base }) => {
    if (memory === null || memory.retry_at === null) return null;
    const { failures: count, backoff_ms, retry_at: until } = memory;
    const fields = { ...base, failures: count, backoff_ms, retry_at: until };
    return say("backoff_started", { symbol, count, until, backoff: durationText(backoff_ms) }, fields);
  },
  "backoff.due": ({ record: { symbol }, base }) => say("backoff_over", { symbol }, base),
  suspended: ({ record: { symbol, event }, memory, base }) => {
    const suspension = memory?.suspension ?? null;
    if (suspension === null || event.type.startsWith("operator.")) return null;
    const { kind, by, reason } = suspension;
    const level = kind === "poison" ? "error" : "warn";
    return say("symbol_suspended", { symbol, kind, by, reason }, { ...base, kind, by, reason }, level);
  },
};

function resting(step: Step): readonly LogLine[] {
  return step.record.path.flatMap((state) => RESTING[state]?.(step) ?? []);
}
