// One life of the process: the world as it reaches it, until it dies. A dead one sends nothing, writes nothing, hears nothing.
import { Effect } from "effect";
import type { Cancel, Clock, Exchange, Journal, Observe } from "../actors/ports.ts";

/** Everything that a process does to the world goes through here, so that it can be cut off in one moment: what it had on its
 * way stays there, and nobody says goodbye. */
export class Life {
  #isAlive = true;
  readonly #ends = new Set<() => void>();

  /** From here on nothing gets through, either way. */
  die(): void {
    this.#isAlive = false;
    for (const end of this.#ends) end();
    this.#ends.clear();
  }

  clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      steady: () => clock.steady(),
      schedule: (at, fire) => {
        if (!this.#isAlive) return () => {};
        const end: Cancel = this.#until(clock.schedule(at, () => this.#once(end, fire)));
        return end;
      },
      hold: () => (this.#isAlive ? this.#until(clock.hold()) : () => {}),
    };
  }

  /** The exchange is somebody else: it goes on, and what has reached it happens. */
  exchange(exchange: Exchange): Exchange {
    const alive = <A, E>(call: () => Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.suspend(() => (this.#isAlive ? call() : Effect.never));
    return {
      place: (order) => alive(() => exchange.place(order)),
      cancel: (ref) => alive(() => exchange.cancel(ref)),
      order: (ref) => alive(() => exchange.order(ref)),
      market: (symbol) => alive(() => exchange.market(symbol)),
      holdings: () => alive(() => exchange.holdings()),
      onOrder: (listener) => this.#until(exchange.onOrder(listener)),
      close: async () => {},
    };
  }

  journal(journal: Journal): Journal {
    return {
      ledgerId: journal.ledgerId,
      append: (drafts) => (this.#isAlive ? journal.append(drafts) : new Promise(() => {})),
      latest: () => journal.latest(),
      read: (filter) => journal.read(filter),
      lastAt: () => journal.lastAt(),
      close: async () => {
        if (this.#isAlive) await journal.close();
      },
    };
  }

  observe(observe: Observe): Observe {
    return (observation) => {
      if (this.#isAlive) observe(observation);
    };
  }

  /** `end` is called once: by whoever is given it, or by death. */
  #until(end: () => void): Cancel {
    const once = (): void => {
      if (this.#ends.delete(once)) end();
    };
    this.#ends.add(once);
    return once;
  }

  #once(end: Cancel, fire: () => void): void {
    end();
    if (this.#isAlive) fire();
  }
}
