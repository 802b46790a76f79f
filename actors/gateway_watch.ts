// Orders that are not final yet: followed by what the exchange pushes and by asking, and each change told once.
import { Effect, type Fiber, Result } from "effect";
import type { ClientOrderId, PurgeEventOf } from "../machines/mod.ts";
import type { OrderName } from "./gateway_answer.ts";
import { lookUpOrder } from "./gateway_commands.ts";
import { orderUpdate } from "./gateway_report.ts";
import { type GatewayDesk, judge, updateFrom } from "./gateway_requests.ts";
import { type BusError, type Cancel, type OrderRef, type OrderReport, Refused } from "./ports.ts";
import { stamp } from "./time.ts";

type Update = PurgeEventOf<"order.update">;

export interface Watches {
  /** A report that the exchange pushed. One of an order that nobody here asked about is none of our business. */
  push(report: OrderReport): void;
  /** A command about this order is under way, which will say how it is: what is pushed meanwhile waits until the
   * returned function is called, and counts only if it is news then. */
  occupy(name: OrderName): Cancel;
  /** The bus has taken this: followed from here on, or forgotten because it is final. */
  told(update: Update): void;
  /** Orders that are being followed. */
  readonly size: number;
}

interface Watch {
  readonly name: OrderName;
  orderId: string | null;
  /** The last that was told; null while nothing was. */
  told: Update | null;
  /** The newest report that has not been looked at. */
  pending: OrderReport | null;
  occupied: number;
  isTelling: boolean;
  poll: Fiber.Fiber<unknown, unknown> | null;
  wasDenied: boolean;
}

const WATCHED_MAX = 10_000;

export function createWatches(
  desk: GatewayDesk,
  fork: (work: Effect.Effect<void>) => Fiber.Fiber<unknown, unknown>,
  publish: (update: Update) => Effect.Effect<void, BusError>,
): Watches {
  return new WatchList(desk, fork, publish);
}

class WatchList implements Watches {
  readonly #watches = new Map<ClientOrderId, Watch>();
  readonly #desk: GatewayDesk;
  readonly #fork: (work: Effect.Effect<void>) => Fiber.Fiber<unknown, unknown>;
  readonly #publish: (update: Update) => Effect.Effect<void, BusError>;
  readonly #max: number;

  constructor(
    desk: GatewayDesk,
    fork: (work: Effect.Effect<void>) => Fiber.Fiber<unknown, unknown>,
    publish: (update: Update) => Effect.Effect<void, BusError>,
  ) {
    this.#desk = desk;
    this.#fork = fork;
    this.#publish = publish;
    this.#max = desk.settings.watchedMax ?? WATCHED_MAX;
  }

  get size(): number {
    let followed = 0;
    for (const watch of this.#watches.values()) if (watch.poll !== null) followed += 1;
    return followed;
  }

  push(report: OrderReport): void {
    const watch = this.#watches.get(report.client_order_id);
    if (watch === undefined) return;
    this.#put(watch, report);
    this.#fork(this.#tell(watch));
  }

  occupy(name: OrderName): Cancel {
    const id = name.client_order_id;
    const watch = this.#watches.get(id) ?? newWatch(name);
    this.#watches.set(id, watch);
    watch.occupied += 1;
    let isOccupied = true;
    return () => {
      if (!isOccupied) return;
      isOccupied = false;
      watch.occupied -= 1;
      if (watch.occupied > 0 || this.#watches.get(id) !== watch) return;
      if (watch.poll === null) this.#forget(watch);
      else if (watch.pending !== null) this.#fork(this.#tell(watch));
    };
  }

  told(update: Update): void {
    const watch = this.#watches.get(update.client_order_id) ?? newWatch(update);
    watch.told = update;
    watch.orderId = update.order_id;
    if (update.status !== "open") {
      this.#forget(watch);
      return;
    }
    this.#watches.set(update.client_order_id, watch);
    watch.poll ??= this.#fork(this.#follow(watch));
    if (this.#watches.size > this.#max) this.#dropOldest();
  }

  /** Asks every `pollMs` until the order is forgotten, which interrupts this. */
  #follow(watch: Watch): Effect.Effect<void> {
    const { clock, requests, settings } = this.#desk;
    return Effect.gen({ self: this }, function* () {
      for (;;) {
        yield* Effect.sleep(settings.pollMs);
        if (watch.occupied > 0) continue;
        const ref: OrderRef = { ...watch.name, order_id: watch.orderId };
        // Once only: the next poll is the retry.
        const until = clock.now() + settings.pollMs;
        const seen = yield* Effect.result(requests.once(lookUpOrder(this.#desk, ref), until));
        if (Result.isFailure(seen)) this.#missed(watch, seen.failure);
        else {
          this.#put(watch, seen.success);
          yield* this.#tell(watch);
        }
      }
    });
  }

  #put(watch: Watch, report: OrderReport): void {
    if (watch.pending === null || report.revision >= watch.pending.revision) watch.pending = report;
  }

  /** One at a time for each order, so that changes are told in order. */
  #tell(watch: Watch): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!canTell(watch)) return Effect.void;
      watch.isTelling = true;
      const done = Effect.sync(() => {
        watch.isTelling = false;
      });
      return this.#tellPending(watch).pipe(Effect.ensuring(done));
    });
  }

  #tellPending(watch: Watch): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      while (watch.pending !== null && watch.occupied === 0) {
        const report = watch.pending;
        watch.pending = null;
        yield* this.#tellOne(watch, report);
      }
    });
  }

  #tellOne(watch: Watch, report: OrderReport): Effect.Effect<void> {
    const { clock, observe } = this.#desk;
    const at = stamp(clock.now());
    const plain = orderUpdate(watch.name, report, at);
    if (Result.isSuccess(plain) && !isNews(watch.told, plain.success)) return Effect.void;
    const update = updateFrom(this.#desk, watch.name, report, at);
    if (Result.isFailure(update)) return Effect.void;
    return this.#publish(update.success).pipe(
      Effect.andThen(
        Effect.sync(() => {
          if (isNews(watch.told, update.success)) this.told(update.success);
        }),
      ),
      Effect.catch((error) =>
        Effect.sync(() => {
          const message = `an order update was not published and follows with the next poll: ${error.message}`;
          observe({ kind: "note", level: "warn", message, data: { ...watch.name } });
        }),
      ),
    );
  }

  #missed(watch: Watch, failure: { readonly _tag: string; readonly message: string }): void {
    const { breaker, observe } = this.#desk;
    const { symbol, client_order_id } = watch.name;
    const data = { symbol, client_order_id };
    if (failure instanceof Refused) judge(breaker, failure, symbol, null);
    if (failure._tag === "OrderNotFound" && !watch.wasDenied) {
      watch.wasDenied = true;
      const message = "the exchange does not know an order that it had accepted; it is asked again";
      observe({ kind: "note", level: "error", message, data });
    } else {
      observe({
        kind: "note",
        level: "debug",
        message: `a poll of an order failed: ${failure.message}`,
        data,
      });
    }
  }

  #forget(watch: Watch): void {
    if (this.#watches.get(watch.name.client_order_id) === watch)
      this.#watches.delete(watch.name.client_order_id);
    watch.pending = null;
    watch.poll?.interruptUnsafe();
    watch.poll = null;
  }

  #dropOldest(): void {
    for (const watch of this.#watches.values()) {
      if (watch.poll === null || watch.occupied > 0) continue;
      const message = `more than ${this.#max} orders are open: the oldest is no longer watched`;
      this.#desk.observe({ kind: "note", level: "warn", message, data: { ...watch.name } });
      this.#forget(watch);
      return;
    }
  }
}

function newWatch({ symbol, client_order_id }: OrderName): Watch {
  return {
    name: { symbol, client_order_id },
    orderId: null,
    told: null,
    pending: null,
    occupied: 0,
    isTelling: false,
    poll: null,
    wasDenied: false,
  };
}

function canTell(watch: Watch): boolean {
  return watch.pending !== null && watch.occupied === 0 && watch.poll !== null && !watch.isTelling;
}

/** Whether `update` says something that was not told yet. A lower revision is an old report that came late. */
function isNews(told: Update | null, update: Update): boolean {
  if (told === null) return true;
  if (update.revision < told.revision) return false;
  return (
    update.revision !== told.revision ||
    update.status !== told.status ||
    update.filled_size !== told.filled_size
  );
}
