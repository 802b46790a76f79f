// The paper exchange: an outside party with an account of its own. What it answered is in its file before it is heard.
import type { DatabaseSync } from "node:sqlite";
import { Effect, Result } from "effect";
import {
  type Cancel,
  type Clock,
  type Exchange,
  type OrderNotFound,
  type OrderRef,
  type OrderReport,
  type Refused,
  Unreachable,
} from "../../../actors/ports.ts";
import { add, type OrderRequest, type TradingSymbol } from "../../../machines/mod.ts";
import { inTransaction, openAccountFile, sqliteCode } from "./account_file.ts";
import { Books, type PaperFill, type PaperOrder, type PaperRequest, reportOf } from "./books.ts";
import { MarketData, type PaperBalance } from "./market_data.ts";
import { Matching } from "./matching.ts";
import { bodyOf, OrderDesk } from "./order_desk.ts";
import { drawn } from "./prices.ts";
import { noAnswer, noSuchProduct, rateLimited, serverError } from "./refusals.ts";
import type { PaperScript } from "./script.ts";
import { windowsAt } from "./windows.ts";

export interface PaperExchangeOptions {
  /** Where the account is kept; made on first use, in a directory that exists. */
  readonly file: string;
  /** Gives the account on first use; products, prices and behaviour always. */
  readonly script: PaperScript;
  readonly clock: Clock;
}

/** An `Exchange` that also tells what it knows: all but `deposit` read only, and bring nothing that is due about. */
export interface PaperExchange extends Exchange {
  /** Every call that came, in order; of reads the last 100,000 or so. */
  requests(): readonly PaperRequest[];
  orders(): readonly PaperOrder[];
  fills(): readonly PaperFill[];
  balances(): readonly PaperBalance[];
  /** Somebody adds so much of a currency to the account, as another bot does that buys. Durable when this returns. */
  deposit(currency: string, size: string): void;
  /** When the account was first opened, in epoch milliseconds. */
  readonly openedAt: number;
}

/** Opens the paper exchange whose account is in `file`.
 *
 * Throws `PaperFileError` when the file is of something else, newer, damaged or not to be had.
 */
export function openPaperExchange({ file, script, clock }: PaperExchangeOptions): PaperExchange {
  return new Paper(openAccountFile(file, script, clock.now()), script, clock);
}

type Call = Omit<PaperRequest, "seq" | "at" | "answer"> & { readonly isWrite: boolean };

class Paper implements PaperExchange {
  readonly openedAt: number;
  readonly #db: DatabaseSync;
  readonly #script: PaperScript;
  readonly #clock: Clock;
  readonly #books: Books;
  readonly #matching: Matching;
  readonly #data: MarketData;
  readonly #desk: OrderDesk;
  readonly #listeners = new Set<(report: OrderReport) => void>();
  #calls = 0;
  #closed = false;
  #timer: { readonly at: number; readonly cancel: Cancel } | null = null;

  constructor(db: DatabaseSync, script: PaperScript, clock: Clock) {
    this.#db = db;
    this.#script = script;
    this.#clock = clock;
    this.#books = new Books(db);
    this.#matching = new Matching(this.#books, script);
    this.#data = new MarketData(this.#books, this.#matching, script);
    this.#desk = new OrderDesk(this.#books, this.#matching, this.#data, script);
    this.openedAt = this.#books.openedAt();
    this.#setTimer();
  }

  place(order: OrderRequest): Effect.Effect<OrderReport, Refused | Unreachable> {
    const { symbol, client_order_id } = order;
    const call = { call: "place", symbol, client_order_id, body: bodyOf(order), isWrite: true } as const;
    return this.#answer(call, (now) => this.#desk.place(order, now));
  }

  cancel(ref: OrderRef): Effect.Effect<OrderReport, Refused | Unreachable | OrderNotFound> {
    const { symbol, client_order_id } = ref;
    const call = { call: "cancel", symbol, client_order_id, body: null, isWrite: true } as const;
    return this.#answer(call, (now) => this.#desk.cancel(ref, now));
  }

  order(ref: OrderRef): Effect.Effect<OrderReport, Refused | Unreachable | OrderNotFound> {
    const { symbol, client_order_id } = ref;
    const call = { call: "order", symbol, client_order_id, body: null, isWrite: false } as const;
    return this.#answer(call, () => this.#desk.order(ref));
  }

  market(symbol: TradingSymbol) {
    const call = { call: "market", symbol, client_order_id: null, body: null, isWrite: false } as const;
    return this.#answer(call, (now) => {
      const report = this.#data.market(symbol, now);
      return report === null ? Result.fail(noSuchProduct(symbol)) : Result.succeed(report);
    });
  }

  holdings() {
    const call = {
      call: "holdings",
      symbol: null,
      client_order_id: null,
      body: null,
      isWrite: false,
    } as const;
    return this.#answer(call, (now) => Result.succeed(this.#data.holdings(now)));
  }

  onOrder(listener: (report: OrderReport) => void): Cancel {
    const own = (report: OrderReport): void => listener(report);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#listeners.clear();
    this.#db.close();
  }

  requests = (): readonly PaperRequest[] => this.#books.requests();
  orders = (): readonly PaperOrder[] => this.#books.orders();
  fills = (): readonly PaperFill[] => this.#books.fills();
  balances = (): readonly PaperBalance[] => this.#data.balances();

  deposit(currency: string, size: string): void {
    this.#transact(() => this.#books.setTotal(currency, add(this.#books.balance(currency).total, size)));
  }

  /** One call: the way there, the exchange's work in one transaction, the way back. */
  #answer<A, E>(call: Call, work: (now: number) => Result.Result<A, E>): Effect.Effect<A, E | Unreachable> {
    return Effect.suspend(() => {
      const latency = this.#latencyMs();
      const there = Math.floor(latency / 2);
      const served = travelling(this.#clock, there, "arrives", () => this.#serve(call, work));
      if (latency === 0) return Effect.flatMap(served, Effect.fromResult);
      return Effect.flatMap(served, (result) => {
        const delivered = travelling(this.#clock, latency - there, "is lost", () =>
          this.#deliver(call, result),
        );
        return Effect.flatMap(delivered, Effect.fromResult);
      });
    });
  }

  #serve<A, E>(call: Call, work: (now: number) => Result.Result<A, E>): Result.Result<A, E | Unreachable> {
    if (this.#closed) return Result.fail(noAnswer("no", "network", "this exchange is closed"));
    const release = this.#clock.hold();
    try {
      return this.#transact((now) => {
        const outage = this.#outage(call, now);
        const result = outage === null ? work(now) : Result.fail(outage);
        const { isWrite: _, ...request } = call;
        this.#books.addRequest({ ...request, at: now, answer: answerText(result) });
        return result;
      });
    } catch (error) {
      // An exchange whose disk is full answers with a 500 too; anything else is a bug.
      if (sqliteCode(error) === null) throw error;
      const why = error instanceof Error ? error.message : String(error);
      const answer = serverError(call.isWrite, 500);
      return Result.fail(new Unreachable({ ...answer, message: `the paper account's file: ${why}` }));
    } finally {
      release();
    }
  }

  /** The answer is lost when the connection has gone meanwhile, or nobody is left to say it. */
  #deliver<A, E>(call: Call, result: Result.Result<A, E>): Result.Result<A, E | Unreachable> {
    const isLost = this.#closed || this.#outageAt(this.#clock.now()) === "down";
    if (!isLost) return result;
    return Result.fail(noAnswer(call.isWrite ? "unknown" : "no", "network", "connection lost"));
  }

  #outage(call: Call, now: number): Unreachable | null {
    const kind = this.#outageAt(now);
    if (kind === "down") return noAnswer("no", "network", "connection refused");
    if (kind === "rate_limited") return rateLimited();
    return kind === "maintenance" ? serverError(call.isWrite, 503) : null;
  }

  #outageAt(now: number): PaperScript["outages"][number]["kind"] | null {
    return windowsAt(this.#script.outages, this.openedAt, now)[0]?.kind ?? null;
  }

  /** Brings about what is due, then does `work`; others hear of it when it is durable. */
  #transact<A>(work: (now: number) => A): A {
    try {
      const result = inTransaction(this.#db, () => {
        const now = this.#clock.now();
        this.#matching.settle(now);
        return work(now);
      });
      this.#push(this.#matching.takeChanged());
      this.#setTimer();
      return result;
    } catch (error) {
      this.#matching.takeChanged(); // it was rolled back
      throw error;
    }
  }

  /** Listeners are called in a turn of their own, while the clock stands still. Nothing is heard while the line is down. */
  #push(changed: readonly PaperOrder[]): void {
    if (changed.length === 0 || this.#outageAt(this.#clock.now()) === "down") return;
    const release = this.#clock.hold();
    queueMicrotask(() => {
      try {
        for (const order of changed) for (const listener of this.#listeners) listener(reportOf(order));
      } finally {
        release();
      }
    });
  }

  #setTimer(): void {
    const at = this.#books.nextActAt();
    if (at === this.#timer?.at) return;
    this.#timer?.cancel();
    this.#timer = at === null ? null : { at, cancel: this.#clock.schedule(at, () => this.#wake()) };
  }

  #wake(): void {
    this.#timer = null;
    if (this.#closed) return;
    try {
      this.#transact(() => {});
    } catch (error) {
      if (sqliteCode(error) === null) throw error;
      const at = this.#clock.now() + WAKE_RETRY_MS;
      this.#timer = { at, cancel: this.#clock.schedule(at, () => this.#wake()) };
    }
  }

  #latencyMs(): number {
    const { min, max } = this.#script.latency_ms;
    this.#calls += 1;
    return drawn(`${this.#script.seed}:latency:${this.#clock.now()}:${this.#calls}`, min, max);
  }
}

/** When the file could not be written as something came due, it is tried again after this. */
const WAKE_RETRY_MS = 1_000;

/** Runs `work` when `ms` have passed on the clock. Nothing is held meanwhile; the caller's fiber goes on in the very turn
 * of the timer, so that no time passes in between either.
 *
 * @param ifAbandoned what becomes of it when the caller gives up waiting: a request that was sent still arrives
 */
function travelling<A>(
  clock: Clock,
  ms: number,
  ifAbandoned: "arrives" | "is lost",
  work: () => A,
): Effect.Effect<A> {
  if (ms === 0) return Effect.sync(work);
  return Effect.callback<A>((resume) => {
    const cancel = clock.schedule(clock.now() + ms, () => resume(Effect.runSyncExit(Effect.sync(work))));
    return ifAbandoned === "is lost" ? Effect.sync(cancel) : Effect.void;
  });
}

function answerText(result: Result.Result<unknown, unknown>): string {
  if (Result.isFailure(result)) return failureText(result.failure);
  const { success } = result;
  const hasStatus = typeof success === "object" && success !== null && "status" in success;
  return hasStatus ? String(success.status) : "ok";
}

function failureText(failure: unknown): string {
  if (failure instanceof Unreachable) return `Unreachable ${failure.arrived} ${failure.kind}`;
  if (typeof failure !== "object" || failure === null || !("_tag" in failure)) return "failed";
  return "code" in failure ? `${String(failure._tag)} ${String(failure.code)}` : String(failure._tag);
}
