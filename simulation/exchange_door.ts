// The exchange as one life of the gateway has it: far away, not always there, and known only by its answers.
import { Effect, type Exit } from "effect";
import {
  type Cancel,
  type Exchange,
  type OrderRef,
  type OrderReport,
  type Refused,
  Unreachable,
} from "../actors/ports.ts";
import type { PaperExchange } from "../adapters/exchange/mod.ts";
import type { OrderRequest, TradingSymbol } from "../machines/mod.ts";
import type { Chance } from "./chance.ts";
import type { Faults } from "./faults.ts";
import type { Life } from "./life.ts";
import type { WorldClock } from "./sim_clock.ts";

export type Answer = Exit.Exit<OrderReport, Refused | Unreachable>;

/** What befalls everybody at the exchange for a time. */
export type Storm = "down" | "maintenance" | "rate limit";

export interface ExchangeDoorOptions {
  readonly life: Life;
  readonly paper: PaperExchange;
  readonly clock: WorldClock;
  readonly chance: Chance;
  readonly faults: Faults;
  /** Null in good weather. */
  readonly storm: () => Storm | null;
  /** The exchange is asked for the market of a symbol. */
  readonly onAsked: (symbol: TradingSymbol) => void;
  /** The gateway sends an order. */
  readonly onSent: (order: OrderRequest) => void;
  /** The exchange has an order before it, and deals with it in `serve`. */
  readonly onArrived: (order: OrderRequest, serve: () => Answer) => Answer;
}

const TRAVEL_MS = 40;
const LATE_MS = 15_000;

export function exchangeDoor(options: ExchangeDoorOptions): Exchange {
  const { life, paper, clock, onAsked, onSent, onArrived } = options;
  return {
    place: (order) =>
      Effect.suspend(() => {
        if (life.diesAt("before an order")) return Effect.never;
        onSent(order);
        return ask(options, true, () => onArrived(order, () => Effect.runSyncExit(paper.place(order))));
      }),
    cancel: (ref: OrderRef) => ask(options, true, () => Effect.runSyncExit(paper.cancel(ref))),
    order: (ref: OrderRef) => ask(options, false, () => Effect.runSyncExit(paper.order(ref))),
    market: (symbol) =>
      ask(options, false, () => {
        onAsked(symbol);
        return Effect.runSyncExit(paper.market(symbol));
      }),
    holdings: () => ask(options, false, () => Effect.runSyncExit(paper.holdings())),
    onOrder: (listener) => paper.onOrder((report) => push(options, report, listener)),
    close: async () => clock.touch(),
  };
}

/** A request on its way there, what it does there, and its answer on the way back. One that was sent arrives, although
 * nobody may wait for it any more. */
function ask<A, E>(
  { life, clock, chance, storm, faults }: ExchangeDoorOptions,
  isWrite: boolean,
  serve: () => Exit.Exit<A, E>,
): Effect.Effect<A, E | Unreachable> {
  return Effect.callback<A, E | Unreachable>((resume) => {
    const answer = (effect: Effect.Effect<A, E | Unreachable>): void => {
      clock.after(travelMs(chance, faults), () => {
        if (life.isAlive) resume(effect);
      });
    };
    clock.after(travelMs(chance, faults), () => {
      const weather = storm();
      if (weather === "rate limit")
        answer(Effect.fail(unreachable("no", "rate_limited", "Too many requests")));
      else if (weather === "down") answer(Effect.fail(unreachable("no", "network", "connection refused")));
      else if (weather === "maintenance") {
        answer(Effect.fail(unreachable(isWrite ? "unknown" : "no", "venue", "HTTP 503")));
      } else if (faults.strikes("request.lost", isWrite ? "write" : "read")) {
        answer(Effect.fail(unreachable("unknown", "network", "connection reset")));
      } else {
        const exit = serve();
        const isLost = faults.strikes("reply.lost", isWrite ? "write" : "read");
        answer(isLost ? Effect.fail(unreachable("unknown", "network", "connection reset")) : exit);
      }
    });
  });
}

function travelMs(chance: Chance, faults: Faults): number {
  return chance.integer("travel", 5, faults.strikes("request.late", "exchange") ? LATE_MS : TRAVEL_MS);
}

function push(
  { life, clock, chance, faults }: ExchangeDoorOptions,
  report: OrderReport,
  listener: (report: OrderReport) => void,
): void {
  if (faults.strikes("push.lost", report.symbol)) return;
  const tell = (ms: number): Cancel =>
    clock.after(ms, () => {
      if (life.isAlive) listener(report);
    });
  tell(faults.strikes("push.late", report.symbol) ? chance.integer("push", 1, LATE_MS) : 1);
  if (faults.strikes("push.twice", report.symbol)) tell(chance.integer("push", 1, LATE_MS));
}

function unreachable(
  arrived: Unreachable["arrived"],
  kind: Unreachable["kind"],
  message: string,
): Unreachable {
  return new Unreachable({ arrived, kind, message, retry_after_ms: null, raw_response: null });
}
