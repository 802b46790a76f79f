// What the gateway does for each command but the placing of orders.
import { Effect, Result } from "effect";
import type { Holdings, HoldingsMessage, PurgeCommand, Rejection, TradingSymbol } from "../machines/mod.ts";
import { type Answer, heldBack, justThis, type OrderName, unknown, updated } from "./gateway_answer.ts";
import { holdingsSnapshot, invalidResponse, marketSnapshot, unreachableRejection } from "./gateway_report.ts";
import { type Ask, type GatewayDesk, judge, updateFrom } from "./gateway_requests.ts";
import {
  type MarketReport,
  type OrderNotFound,
  type OrderRef,
  type OrderReport,
  Refused,
  type Unreachable,
} from "./ports.ts";
import { stamp } from "./time.ts";

type CommandOf<T extends PurgeCommand["type"]> = Extract<PurgeCommand, { readonly type: T }>;
type OrderFault = Refused | Unreachable | OrderNotFound;

/** Reads the market, unless the breaker is open. While it is half open quotes are read: a probe needs one. */
export function refreshMarket(
  desk: GatewayDesk,
  command: CommandOf<"market.refresh">,
): Effect.Effect<Answer> {
  const { breaker, clock, requests, exchange, observe } = desk;
  const { symbol, request_id } = command;
  const unavailable = (rejection: Rejection): Answer =>
    justThis({ type: "market.unavailable", symbol, at: stamp(clock.now()), request_id, rejection });
  return Effect.suspend(() => {
    const held = breaker.state.state === "open" ? heldBack(breaker.state) : null;
    if (held !== null) return Effect.succeed(unavailable(held));
    const ask: Ask<MarketReport, Refused> = { symbol, what: "market", send: () => exchange.market(symbol) };
    return requests.persist(ask, requests.allowance()).pipe(
      Effect.map((report) => {
        const snapshot = marketSnapshot(command, report, stamp(clock.now()));
        if (Result.isSuccess(snapshot)) return justThis(snapshot.success);
        observe({ kind: "note", level: "error", message: snapshot.failure, data: { symbol } });
        return unavailable(invalidResponse(snapshot.failure, report));
      }),
      Effect.catch((error) => Effect.sync(() => unavailable(rejectionOf(desk, error, symbol)))),
    );
  });
}

/** Asks for the cancellation, and then, whatever came of it, for the order: accepted is not cancelled. */
export function cancelOrder(desk: GatewayDesk, command: CommandOf<"order.cancel">): Effect.Effect<Answer> {
  const { requests, exchange, observe } = desk;
  const ref = refOf(command);
  const { symbol } = ref;
  const allowance = requests.allowance();
  return Effect.gen(function* () {
    const cancel: Ask<OrderReport, Refused | OrderNotFound> = {
      symbol,
      what: "cancel",
      send: () => exchange.cancel(ref),
    };
    const cancelled = yield* Effect.result(requests.persist(cancel, allowance));
    if (Result.isFailure(cancelled) && cancelled.failure instanceof Refused) {
      const { code, message } = judge(desk.breaker, cancelled.failure, symbol, null);
      const data = { symbol, client_order_id: ref.client_order_id };
      observe({ kind: "note", level: "warn", message: `cancellation refused: ${code}: ${message}`, data });
    }
    const seen = yield* Effect.result(requests.persist(lookUpOrder(desk, ref), allowance));
    return answerAsSeen(desk, ref, seen, Result.isSuccess(cancelled) ? cancelled.success : null);
  });
}

export function queryOrder(desk: GatewayDesk, command: CommandOf<"order.query">): Effect.Effect<Answer> {
  const { requests } = desk;
  const ref = refOf(command);
  return requests.persist(lookUpOrder(desk, ref), requests.allowance()).pipe(
    Effect.result,
    Effect.map((seen) => answerAsSeen(desk, ref, seen, null)),
  );
}

/** Reads everything the account holds, whatever the breaker says; a success tells it nothing. */
export function readHoldings(desk: GatewayDesk, requestId: string): Effect.Effect<HoldingsMessage> {
  const { clock, requests, exchange, observe } = desk;
  const unavailable = (rejection: Rejection): HoldingsMessage => ({
    type: "holdings.unavailable",
    request_id: requestId,
    at: stamp(clock.now()),
    rejection,
  });
  const ask: Ask<Holdings["positions"], Refused> = {
    symbol: null,
    what: "holdings",
    send: () => exchange.holdings(),
  };
  return requests.persist(ask, requests.allowance()).pipe(
    Effect.map((positions) => {
      const snapshot = holdingsSnapshot(requestId, positions, stamp(clock.now()));
      if (Result.isFailure(snapshot)) {
        observe({ kind: "note", level: "error", message: snapshot.failure });
        return unavailable(invalidResponse(snapshot.failure, null));
      }
      const { holdings, leftOut } = snapshot.success;
      if (leftOut.length > 0) {
        const message = `${leftOut.length} positions left out: their currencies have no name that a symbol could have`;
        observe({ kind: "note", level: "warn", message, data: { currencies: leftOut } });
      }
      return holdings;
    }),
    Effect.catch((error) => Effect.sync(() => unavailable(rejectionOf(desk, error, null)))),
  );
}

/** The question what became of an order. */
export function lookUpOrder(desk: GatewayDesk, ref: OrderRef): Ask<OrderReport, Refused | OrderNotFound> {
  return { symbol: ref.symbol, what: "order", send: () => desk.exchange.order(ref) };
}

/** @param atCancel what the exchange said of the order when it took the cancellation; null when it did not say */
function answerAsSeen(
  desk: GatewayDesk,
  name: OrderName,
  seen: Result.Result<OrderReport, OrderFault>,
  atCancel: OrderReport | null,
): Answer {
  if (Result.isSuccess(seen)) return asUpdate(desk, name, newer(seen.success, atCancel));
  if (atCancel !== null) return asUpdate(desk, name, atCancel);
  const at = stamp(desk.clock.now());
  const fault = seen.failure;
  if (fault._tag === "OrderNotFound") return unknown(name, at, "not_found", fault.message);
  return unknown(name, at, "undetermined", rejectionOf(desk, fault, name.symbol).message);
}

function asUpdate(desk: GatewayDesk, name: OrderName, report: OrderReport): Answer {
  const at = stamp(desk.clock.now());
  const update = updateFrom(desk, name, report, at);
  return Result.isSuccess(update)
    ? updated(update.success)
    : unknown(name, at, "undetermined", update.failure);
}

function newer(seen: OrderReport, before: OrderReport | null): OrderReport {
  return before !== null && before.revision > seen.revision ? before : seen;
}

function refOf({ symbol, client_order_id, order_id }: CommandOf<"order.cancel" | "order.query">): OrderRef {
  return { symbol, client_order_id, order_id };
}

function rejectionOf(
  desk: GatewayDesk,
  error: Refused | Unreachable,
  symbol: TradingSymbol | null,
): Rejection {
  return error instanceof Refused ? judge(desk.breaker, error, symbol, null) : unreachableRejection(error);
}
