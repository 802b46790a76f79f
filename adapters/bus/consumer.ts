// One consumer of one channel: what waits, what is unanswered, what comes again.
import type { Cancel, Channel, ChannelBody, Clock, Delivery, Observe } from "../../actors/ports.ts";
import { SubjectOrder } from "./subject_order.ts";
import type { AfterMs, Receipt, TransportMessage } from "./transport.ts";

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
  /** A wait in the server's time. */
  readonly after: AfterMs;
  readonly observe: Observe;
  readonly counts: DeliveryCounts;
  setAside(message: TransportMessage, reason: string): void;
  /** The server was asked to deliver this message again. */
  expectAgain(message: TransportMessage): void;
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
  /** Where no server counts them. */
  deliveries: number;
}

/** A message that the server was asked for again, and that has not come after this time, is waited for no longer. */
const AWAY_MAX_MS = 60_000;
/** A delay doubles with each delivery, up to this. Where the server counts deliveries it gives up some day: a message
 * must not use them up while whatever it waits for is on its way. */
const LONGEST_DELAY_MS = 60_000;
const SHORTEST_REPEATED_DELAY_MS = 50;

export class Consumer<C extends Channel> {
  readonly #setup: ConsumerSetup<C>;
  readonly #arrived = new Fifo<Item<C>>();
  /** Come back after a nak; they go before what has not been delivered at all. */
  readonly #again = new Fifo<Item<C>>();
  readonly #delays = new Map<Cancel, Item<C>>();
  readonly #order = new SubjectOrder<Item<C>>(
    (giveUp) => this.#setup.after(AWAY_MAX_MS, giveUp),
    (items) => {
      for (const item of items) this.#again.push(item);
      this.#pump();
    },
  );
  #inFlight = 0;
  #isPumping = false;
  #isPumpDue = false;
  #isCancelled = false;

  constructor(setup: ConsumerSetup<C>) {
    this.#setup = setup;
  }

  /** Takes a decoded message over. Calls the handler before it returns, if it is this message's turn. */
  accept(arrived: { readonly message: TransportMessage; readonly body: ChannelBody[C] }): void {
    const item = { ...arrived, deliveries: 0 };
    const { receipt } = item.message;
    if (receipt !== undefined) {
      this.#acceptKept(item, receipt);
      return;
    }
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

  /** Forgets what was not answered; a server gets back what it keeps, except what a handler has in hand. */
  cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    const waiting = [...this.#delays.values(), ...this.#again.drain(), ...this.#arrived.drain()];
    for (const cancelDelay of this.#delays.keys()) cancelDelay();
    this.#delays.clear();
    for (const { message } of [...waiting, ...this.#order.clear()]) message.receipt?.nak(0);
  }

  /** One that a server keeps: it comes as often as it must, and never before one that was put back. */
  #acceptKept(item: Item<C>, receipt: Receipt): void {
    if (this.#isCancelled) {
      receipt.nak(0);
      return;
    }
    const { subject } = item.message;
    const isReturn = this.#order.isAway(subject, receipt.sequence);
    const followers = this.#order.cameBack(subject, receipt.sequence);
    if (!this.#parks(item)) (isReturn ? this.#again : this.#arrived).push(item);
    for (const follower of followers) this.#again.push(follower);
    this.#pump();
  }

  #parks(item: Item<C>): boolean {
    const { subject, receipt } = item.message;
    return receipt !== undefined && this.#order.parks(subject, receipt.sequence, item);
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (!this.#isCancelled && this.#inFlight < this.#setup.maxInFlight) {
      const item = this.#again.shift() ?? this.#arrived.shift();
      if (item === undefined) break;
      if (!this.#parks(item)) this.#deliver(item);
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
    item.deliveries += 1;
    const answer = this.#answerOnce(item);
    const delivery: Delivery<C> = {
      subject: item.message.subject,
      body: item.body,
      deliveries: item.message.receipt?.deliveries ?? item.deliveries,
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
      if (this.#isCancelled) {
        if (!isAnswered) this.#settleLate(item.message, answer);
        isAnswered = true;
        return;
      }
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
      item.message.receipt?.ack();
    } else if (answer.kind === "dead") {
      setAside(item.message, answer.reason);
    } else {
      counts.nacked += 1;
      this.#putBack(item, answer.delayMs);
    }
  }

  /** The consumer is gone, but a server still wants to know. */
  #settleLate(message: TransportMessage, answer: Answer): void {
    const { receipt } = message;
    if (receipt === undefined) return;
    if (answer.kind === "ack") receipt.ack();
    else if (answer.kind === "nak") receipt.nak(0);
    else this.#setup.setAside(message, answer.reason);
  }

  #putBack(item: Item<C>, delayMs: number): void {
    const { message } = item;
    const { receipt } = message;
    const delay = Number.isFinite(delayMs) ? Math.max(0, delayMs) : this.#setup.crashDelayMs;
    if (receipt === undefined) {
      this.#after(item, delay, () => {
        this.#again.push(item);
        this.#pump();
      });
    } else if (receipt.isLast) {
      this.#setup.setAside(message, `was delivered ${receipt.deliveries} times and put back each time`);
    } else {
      this.#order.putBack(message.subject, receipt.sequence);
      this.#after(item, lengthened(delay, receipt.deliveries), () => {
        this.#setup.expectAgain(message);
        receipt.nak(0);
        this.#order.sent(message.subject, receipt.sequence);
      });
    }
  }

  /** On the bus's own clock, which may be faster than the server's. */
  #after(item: Item<C>, delayMs: number, work: () => void): void {
    const { clock } = this.#setup;
    const cancelDelay = clock.schedule(clock.now() + delayMs, () => {
      this.#delays.delete(cancelDelay);
      work();
    });
    this.#delays.set(cancelDelay, item);
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

function lengthened(delayMs: number, deliveries: number): number {
  if (deliveries === 1) return delayMs;
  const longer = Math.max(delayMs, SHORTEST_REPEATED_DELAY_MS) * 2 ** (deliveries - 1);
  return Math.max(delayMs, Math.min(longer, LONGEST_DELAY_MS));
}

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

  drain(): readonly T[] {
    const left: T[] = [];
    for (let item = this.shift(); item !== undefined; item = this.shift()) left.push(item);
    return left;
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
