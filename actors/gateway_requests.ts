// How the gateway asks the exchange: within a bound of simultaneous requests, within a time, and again only where that
// is its business. The one owner of transport retries.
import { Effect, Random, Result, Semaphore } from "effect";
import {
  type ClientOrderId,
  classify,
  decisiveRow,
  lookUp,
  type PurgeEventOf,
  type Refusal,
  type Rejection,
  type Timestamp,
  type TradingSymbol,
} from "../machines/mod.ts";
import type { Breaker, BreakerSettings } from "./breaker.ts";
import { resting, within } from "./effect_clock.ts";
import { orderUpdate } from "./gateway_report.ts";
import {
  type Clock,
  type Exchange,
  type Observe,
  type OrderRef,
  type OrderReport,
  Refused,
  Unreachable,
} from "./ports.ts";

export interface GatewaySettings {
  /** How long one request may take, milliseconds. */
  readonly requestTimeoutMs: number;
  /** How many requests may fail on the way before a command is given up: 1 means no retry. */
  readonly maxAttempts: number;
  /** The wait after the first failure, milliseconds; doubles up to `maxDelayMs`. Each is shortened by up to half. */
  readonly baseDelayMs: number;
  /** Commands whose answer the bus did not take come again after the same waits, by the number of their deliveries. */
  readonly maxDelayMs: number;
  /** How often an open order is asked for, milliseconds. */
  readonly pollMs: number;
  readonly breaker: BreakerSettings;
  /** Of the jitter: the same seed and the same failures give the same waits. */
  readonly seed: string | number;
  /** Requests under way at the exchange at the same time, over all symbols. Default 16. */
  readonly concurrency?: number;
  /** Orders followed until they are final. With one more the oldest is let go, and its machine asks at its own deadline.
   * Default 10,000. */
  readonly watchedMax?: number;
  /** How long after the start each new order is looked up before it is placed, milliseconds: an earlier life may have
   * sent it, and died. Default 0: enough where the exchange takes an id once. */
  readonly lookUpFirstMs?: number;
}

/** What every part of the gateway needs. */
export interface GatewayDesk {
  readonly exchange: Exchange;
  readonly clock: Clock;
  readonly observe: Observe;
  readonly settings: GatewaySettings;
  readonly breaker: Breaker;
  readonly requests: Requests;
}

/** One question to the exchange. */
export interface Ask<A, E> {
  readonly symbol: TradingSymbol | null;
  readonly what: "place" | "cancel" | "order" | "market" | "holdings";
  readonly send: () => Effect.Effect<A, E | Unreachable>;
}

export interface Requests {
  /** Asks once, if its turn at the exchange comes before `until`, epoch milliseconds. */
  once<A, E>(ask: Ask<A, E>, until: number): Effect.Effect<A, E | Unreachable>;
  /** Asks until there is an answer or the allowance is used up. For questions that may be asked twice. */
  persist<A, E>(ask: Ask<A, E>, allowance: Allowance): Effect.Effect<A, E | Unreachable>;
  /** What one command may cost. */
  allowance(): Allowance;
  /** Waits before the next request; false at once when there is to be none. */
  pause(
    ask: Pick<Ask<unknown, unknown>, "symbol">,
    error: Pick<Unreachable, "message" | "retry_after_ms">,
    allowance: Allowance,
  ): Effect.Effect<boolean>;
}

/** Shared by all requests of one command, so that its retries never multiply. */
export interface Allowance {
  failures: number;
  /** Epoch milliseconds after which nothing is begun. */
  readonly endsAt: number;
}

/** A command is answered, or given up, before its machine asks again, which it does after 60 s (`REPLY_MS`). */
const COMMAND_MS = 40_000;
const CONCURRENCY = 16;

export function createRequests(desk: Omit<GatewayDesk, "requests">): Requests {
  const { clock, settings, observe } = desk;
  const permits = Semaphore.makeUnsafe(settings.concurrency ?? CONCURRENCY);

  const once: Requests["once"] = (ask, until) => {
    const request = Effect.suspend(ask.send).pipe(
      within(clock, settings.requestTimeoutMs, () => timedOut(ask, settings.requestTimeoutMs)),
      Effect.catchDefect((defect) => Effect.fail(adapterFault(ask, defect, observe))),
    );
    // Time may pass while the exchange has the request; an exchange that works on this clock's time holds it itself.
    return resting(inTurn(desk.clock, permits, until, ask, request)).pipe(
      Effect.tapError((error) => Effect.sync(() => tellVenueFault(desk.breaker, error))),
    );
  };
  const pause: Requests["pause"] = (ask, error, allowance) =>
    Effect.gen(function* () {
      allowance.failures += 1;
      if (allowance.failures >= settings.maxAttempts) return false;
      const jitter = 1 - (yield* Random.next) / 2;
      const delayMs = Math.max(backoffMs(allowance.failures, settings) * jitter, error.retry_after_ms ?? 0);
      if (clock.now() + delayMs >= allowance.endsAt) return false;
      const attempt = allowance.failures + 1;
      observe({ kind: "gateway.retry", symbol: ask.symbol, attempt, message: error.message });
      yield* Effect.sleep(Math.ceil(delayMs));
      return true;
    });
  return {
    once,
    pause,
    allowance: () => ({ failures: 0, endsAt: clock.now() + COMMAND_MS }),
    persist: (ask, allowance) =>
      Effect.gen(function* () {
        for (;;) {
          const asked = yield* Effect.result(once(ask, allowance.endsAt));
          if (Result.isSuccess(asked)) return asked.success;
          const passing = passingFault(ask.what, asked.failure);
          if (passing === null || !(yield* pause(ask, passing, allowance))) {
            return yield* Effect.fail(asked.failure);
          }
        }
      }),
  };
}

/** Runs `request` when one of the places at the exchange is free. It fails, unsent, when that is not before `until`: a
 * request that waits longer than its machine does would be asked twice. */
function inTurn<A, E>(
  clock: Clock,
  permits: Semaphore.Semaphore,
  until: number,
  ask: Ask<A, E>,
  request: Effect.Effect<A, E | Unreachable>,
): Effect.Effect<A, E | Unreachable> {
  return Effect.suspend(() => {
    let isSent = false;
    const send = Effect.suspend(() => {
      isSent = true;
      return request;
    });
    const tooLate = Effect.callback<never, Unreachable>((resume) => {
      const cancel = clock.schedule(until, () => {
        if (!isSent) resume(Effect.fail(notSent(ask)));
      });
      return Effect.sync(cancel);
    });
    return Effect.raceFirst(permits.withPermit(send), tooLate);
  });
}

/** Classifies a refusal and lets the breaker know of it.
 *
 * @param order the order it refuses; null when something else was asked
 */
export function judge(
  breaker: Breaker,
  refusal: Refusal,
  symbol: TradingSymbol | null,
  order: ClientOrderId | null,
): Rejection {
  const rejection = classify(refusal);
  const row = decisiveRow(refusal);
  const reason = `${rejection.code}: ${rejection.message}`;
  if (rejection.code === "TRADE_NOT_GRANTED") {
    // This program's own refusal, of one symbol: it tells nothing of the account or the venue.
    if (order !== null) breaker.tell({ type: "withdrawn", order });
    return rejection;
  }
  if (rejection.class === "venue") breaker.tell({ type: "failed", cause: "venue", reason });
  else if (rejection.class === "account" && row?.reconcile !== true) {
    breaker.tell({ type: "failed", cause: "account", reason });
  } else if (order !== null && symbol !== null && row?.halt === true) {
    const code =
      [refusal.code, refusal.preview_failure].find((said) => lookUp(said ?? "") === row) ?? row.title;
    breaker.tell({ type: "halted", code, symbol, order });
    return isHaltOfAll(breaker, code) ? { ...rejection, class: "venue" } : rejection;
  } else if (order !== null && rejection.class !== "transport") breaker.tell({ type: "answered", order });
  return rejection;
}

/** The update that a report stands for; its refusal, where it has one, classified. What cannot be used is observed. */
export function updateFrom(
  { breaker, observe }: Pick<GatewayDesk, "breaker" | "observe">,
  meant: Pick<OrderRef, "symbol" | "client_order_id">,
  report: OrderReport,
  at: Timestamp,
): Result.Result<PurgeEventOf<"order.update">, string> {
  const update = orderUpdate(meant, report, at);
  if (Result.isFailure(update)) {
    const { symbol, client_order_id } = meant;
    observe({ kind: "note", level: "error", message: update.failure, data: { symbol, client_order_id } });
    return update;
  }
  if (report.rejection === null) return update;
  const rejection = judge(breaker, report.rejection, meant.symbol, meant.client_order_id);
  return Result.succeed({ ...update.success, rejection });
}

/** What of a failed request is the network's or the rate limit's doing, and so may pass. The venue's fault is not, and a
 * refused cancellation is an answer, though its class is transport as well. */
function passingFault(
  what: Ask<unknown, unknown>["what"],
  error: unknown,
): Pick<Unreachable, "message" | "retry_after_ms"> | null {
  if (error instanceof Unreachable) return error.kind === "venue" ? null : error;
  if (what === "cancel" || !(error instanceof Refused) || classify(error).class !== "transport") return null;
  return { message: `${error.code}: ${error.message}`, retry_after_ms: null };
}

/** How long to wait after this many failures in a row, milliseconds, before it is shortened at random. */
export function backoffMs(failures: number, { baseDelayMs, maxDelayMs }: GatewaySettings): number {
  return Math.min(baseDelayMs * 2 ** (failures - 1), maxDelayMs);
}

function isHaltOfAll({ state }: Breaker, code: string): boolean {
  return state.state !== "closed" && state.fault.haltCode === code;
}

function tellVenueFault(breaker: Breaker, error: unknown): void {
  if (!(error instanceof Unreachable) || error.kind !== "venue") return;
  breaker.tell({ type: "failed", cause: "venue", reason: error.message });
}

function arrivedIfLost({ what }: Pick<Ask<unknown, unknown>, "what">): Unreachable["arrived"] {
  return what === "place" || what === "cancel" ? "unknown" : "no";
}

function timedOut(ask: Ask<unknown, unknown>, ms: number): Unreachable {
  const message = `no answer to ${ask.what} within ${ms} ms`;
  const arrived = arrivedIfLost(ask);
  return new Unreachable({ arrived, kind: "timeout", message, retry_after_ms: null, raw_response: null });
}

function notSent({ what }: Ask<unknown, unknown>): Unreachable {
  const message = `too many requests wait for the exchange: ${what} was not sent`;
  return new Unreachable({
    arrived: "no",
    kind: "timeout",
    message,
    retry_after_ms: null,
    raw_response: null,
  });
}

/** The adapter threw instead of answering: a bug of ours. What it did before that is not known. */
function adapterFault(ask: Ask<unknown, unknown>, defect: unknown, observe: Observe): Unreachable {
  const message = `the exchange adapter failed on ${ask.what}: ${defect instanceof Error ? defect.message : String(defect)}`;
  observe({ kind: "note", level: "error", message, data: { symbol: ask.symbol } });
  const arrived = arrivedIfLost(ask);
  return new Unreachable({ arrived, kind: "network", message, retry_after_ms: null, raw_response: null });
}
