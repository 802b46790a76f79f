// One consumer of one channel: what waits, what is unanswered, what comes again.
import type { Cancel, Channel, ChannelBody, Clock, Delivery, Observe } from "../../actors/ports.ts";
import type { TransportMessage } from "./transport.ts";

export interface ConsumerSetup<C extends Channel> {
  readonly channel: C;
  readonly handler: (delivery: Delivery<C>) => void;
  /** Deliveries that may be unanswered at a time. */
  readonly maxInFlight: number;
  /** Messages that may wait, for their turn or for a time; one more becomes a dead letter. */
  readonly maxWaiting: number;
  /** When a message comes again after its handler threw. */
  readonly crashDelayMs: number;
  readonly clock: Clock;
  readonly observe: Observe;
  readonly counts: DeliveryCounts;
  setAside(message: TransportMessage, reason: string): void;
}

export interface DeliveryCounts {
  /** Handlers called. */
  delivered: number;
  acked: number;
  nacked: number;
  /** Second answers to one delivery, which are ignored. */
  answeredTwice: number;
  handlerErrors: number;
}

interface Item<C extends Channel> {
  readonly message: TransportMessage;
  readonly body: ChannelBody[C];
}

export class Consumer<C extends Channel> {
  readonly #setup: ConsumerSetup<C>;
  readonly #arrived = new Fifo<Item<C>>();
  /** Come back after a nak; they go before what has not been delivered at all. */
  readonly #again = new Fifo<Item<C>>();
  readonly #delays = new Set<Cancel>();
  #inFlight = 0;
  #isPumping = false;
  #isPumpDue = false;
  #isCancelled = false;

  constructor(setup: ConsumerSetup<C>) {
    this.#setup = setup;
  }

  /** Takes a decoded message over. Calls the handler before it returns, if it is this message's turn. */
  accept(item: Item<C>): void {
    if (this.#isCancelled) return;
    const waiting = this.#arrived.length + this.#again.length + this.#delays.size;
    if (waiting >= this.#setup.maxWaiting) {
      const reason = `the consumer of ${this.#setup.channel} has ${waiting} messages waiting already`;
      this.#setup.setAside(item.message, reason);
      return;
    }
    this.#arrived.push(item);
    this.#pump();
  }

  /** Forgets what was not answered. */
  cancel(): void {
    this.#isCancelled = true;
    for (const cancelDelay of this.#delays) cancelDelay();
    this.#delays.clear();
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (!this.#isCancelled && this.#inFlight < this.#setup.maxInFlight) {
      const item = this.#again.shift() ?? this.#arrived.shift();
      if (item === undefined) break;
      this.#deliver(item);
    }
    this.#isPumping = false;
  }

  /** Not inside `ack`, which actors call in the middle of their own work. */
  #pumpSoon(): void {
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    queueMicrotask(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  #deliver(item: Item<C>): void {
    const { counts, handler } = this.#setup;
    this.#inFlight += 1;
    counts.delivered += 1;
    const answer = this.#answerOnce(item);
    const delivery: Delivery<C> = {
      subject: item.message.subject,
      body: item.body,
      deliveries: 1,
      ack: () => answer({ kind: "ack" }),
      nak: (delayMs) => answer({ kind: "nak", delayMs }),
      dead: (reason) => answer({ kind: "dead", reason }),
    };
    const crashed = (error: unknown): void => {
      this.#noteCrash(item, error);
      answer({ kind: "nak", delayMs: this.#setup.crashDelayMs, isCrash: true });
    };
    try {
      const returned: unknown = handler(delivery);
      if (returned instanceof Promise) returned.catch(crashed);
    } catch (error) {
      crashed(error);
    }
  }

  #answerOnce(item: Item<C>): (answer: Answer) => void {
    let isAnswered = false;
    return (answer) => {
      if (this.#isCancelled) return;
      if (isAnswered) {
        if (answer.kind !== "nak" || answer.isCrash !== true) this.#noteSecond(item, answer);
        return;
      }
      isAnswered = true;
      this.#inFlight -= 1;
      this.#settle(item, answer);
      this.#pumpSoon();
    };
  }

  #settle(item: Item<C>, answer: Answer): void {
    const { counts, setAside } = this.#setup;
    if (answer.kind === "ack") {
      counts.acked += 1;
    } else if (answer.kind === "dead") {
      setAside(item.message, answer.reason);
    } else {
      counts.nacked += 1;
      this.#returnAfter(item, answer.delayMs);
    }
  }

  #returnAfter(item: Item<C>, delayMs: number): void {
    const { clock } = this.#setup;
    const delay = Number.isFinite(delayMs) ? Math.max(0, delayMs) : this.#setup.crashDelayMs;
    const cancelDelay = clock.schedule(clock.now() + delay, () => {
      this.#delays.delete(cancelDelay);
      this.#again.push(item);
      this.#pump();
    });
    this.#delays.add(cancelDelay);
  }

  #noteSecond(item: Item<C>, answer: Answer): void {
    this.#setup.counts.answeredTwice += 1;
    const message = `${item.message.subject}: a second answer to one delivery, ${answer.kind}, was ignored`;
    this.#setup.observe({ kind: "note", level: "warn", message });
  }

  #noteCrash(item: Item<C>, error: unknown): void {
    this.#setup.counts.handlerErrors += 1;
    const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const message = `${item.message.subject}: the handler of a message threw; it comes again: ${said}`;
    this.#setup.observe({ kind: "note", level: "error", message });
  }
}

type Answer =
  | { readonly kind: "ack" }
  | { readonly kind: "nak"; readonly delayMs: number; readonly isCrash?: true }
  | { readonly kind: "dead"; readonly reason: string };

/** A queue whose `shift` does not move what is behind. */
class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
