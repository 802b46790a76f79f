// One program's connection to the simulated server: the same promises as over NATS, and the same ways of breaking them.
import { BusError, type Cancel } from "../actors/ports.ts";
import {
  addressOf,
  type Headers,
  MAX_DELIVER,
  type Receipt,
  type Role,
  type SubscribeOptions,
  type Taken,
  type Transport,
  type TransportMessage,
} from "../adapters/bus/mod.ts";
import type { Faults } from "./faults.ts";
import type { Client, DurableQueue, MessageServer, Stored } from "./message_server.ts";
import { forever } from "./life.ts";
import type { WorldClock } from "./sim_clock.ts";

export interface ConnectionOptions {
  readonly server: MessageServer;
  readonly clock: WorldClock;
  readonly faults: Faults;
  readonly role: Role;
  /** Whether the process still lives. A dead one is never heard again, and hears nothing. */
  readonly isAlive: () => boolean;
  /** Whether the process dies here and now. */
  readonly diesAt: (place: string) => boolean;
  /** A message is in hand. What is returned is told when it was answered for good. */
  readonly onTaken: (message: Stored) => (answer: Answer) => void;
}

type Answer = "ack" | "term";

/** After this the client sends again what was not acknowledged. */
const RESEND_MS = 5_000;
/** After this an order is given up. */
const ORDER_MS = 20_000;
/** How long a subscriber waits for what was kept for it. */
const BACKLOG_MS = 5_000;
const IN_FLIGHT = 1_000;

export class SimTransport implements Transport {
  readonly echoTimeoutMs = null;
  readonly #options: ConnectionOptions;
  readonly #listeners = new Set<(connected: boolean) => void>();
  readonly #cancels = new Set<Cancel>();
  readonly #receivers = new Set<Receiver>();
  #isConnected = true;
  #isClosed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    if (options.role === "both") options.server.orders.purge();
  }

  readonly after = (ms: number, fire: () => void): Cancel =>
    this.#options.clock.after(ms, () => {
      if (this.#options.isAlive()) fire();
    });

  get connected(): boolean {
    return this.#isConnected && !this.#isClosed;
  }

  /** The line is cut, or there again. */
  set(isConnected: boolean): void {
    if (this.#isClosed || this.#isConnected === isConnected) return;
    this.#isConnected = isConnected;
    const { clock, isAlive, server } = this.#options;
    if (!isAlive()) return;
    for (const listener of this.#listeners) listener(isConnected);
    if (!isConnected) return;
    clock.after(0, () => {
      server.orders.pump();
      server.results.pump();
    });
  }

  async publish(subject: string, bytes: Uint8Array, headers: Headers): Promise<Taken> {
    const { server, clock, faults, diesAt } = this.#options;
    clock.touch();
    if (diesAt("before a message")) return forever();
    this.#assertConnected(subject);
    const channel = addressOf(subject)?.channel;
    const store = (): Taken => server.publish(subject, bytes, headers);
    if (channel === "account" || channel === "holdings" || channel === undefined) return store();
    if (faults.strikes("publish.failed", channel)) {
      if (channel === "orders") {
        await this.#wait(ORDER_MS);
        throw disconnected(`${subject}: the server did not acknowledge it`);
      }
      await this.#wait(RESEND_MS);
      this.#assertConnected(subject);
      return store();
    }
    const taken = store();
    if (diesAt("after a message")) return forever();
    if (faults.strikes("publish.unsure", channel)) {
      await this.#wait(channel === "orders" ? ORDER_MS : RESEND_MS);
      if (channel === "orders") throw disconnected(`${subject}: the server did not acknowledge it`);
      this.#assertConnected(subject);
      return "duplicate";
    }
    return taken;
  }

  async subscribe(
    pattern: string,
    onMessage: (message: TransportMessage) => void,
    { maxInFlight = IN_FLIGHT }: SubscribeOptions = {},
  ): Promise<Cancel> {
    const { server, clock, isAlive, role } = this.#options;
    clock.touch();
    await this.#whileAlive();
    if (this.#isClosed) throw closed(pattern);
    const channel = pattern.split(".")[2] ?? "";
    const queue = server.queueOf(channel);
    const ifAlive = (message: TransportMessage): void => {
      if (isAlive() && !this.#isClosed) onMessage(message);
    };
    if (queue === null) {
      const cancel = server.listen({ channel, client: this.#line(), onMessage: ifAlive });
      this.#cancels.add(cancel);
      return cancel;
    }
    const backlog = Promise.withResolvers<void>();
    let awaited = Math.min(queue.size, maxInFlight);
    const receiver = new Receiver(queue, this.#options, this.#line(), (message) => {
      ifAlive(message);
      awaited -= 1;
      if (awaited === 0) backlog.resolve();
    });
    const isTakingOver = channel === "results" || role === "both";
    const cancel = queue.receive(receiver, maxInFlight, isTakingOver);
    this.#receivers.add(receiver);
    this.#cancels.add(cancel);
    if (awaited > 0) {
      this.after(BACKLOG_MS, backlog.resolve);
      await backlog.promise;
    }
    return cancel;
  }

  async last(pattern: string): Promise<TransportMessage | null> {
    this.#options.clock.touch();
    await this.#whileAlive();
    this.#assertConnected(pattern);
    return this.#options.server.last(pattern.split(".")[2] ?? "");
  }

  onAbandoned(listener: (message: TransportMessage, reason: string) => void): Cancel {
    const { role, server, isAlive } = this.#options;
    if (role === "gateway") return () => {};
    const tell = (message: Stored): void => {
      const reason = `was delivered ${message.deliveries} times and never answered`;
      if (isAlive()) listener({ ...message, receipt: noReceipt(message) }, reason);
    };
    const cancels = [server.orders.onAbandoned(tell), server.results.onAbandoned(tell)];
    return () => {
      for (const cancel of cancels) cancel();
    };
  }

  onConnection(listener: (connected: boolean) => void): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    for (const cancel of this.#cancels) cancel();
    for (const receiver of this.#receivers) receiver.handBack();
    this.#isClosed = true;
    if (!this.#options.isAlive()) return;
    for (const listener of this.#listeners) listener(false);
  }

  /** What the server sees of this connection. */
  #line(): Pick<Client, "isConnected"> {
    const isConnected = (): boolean => this.connected && this.#options.isAlive();
    return {
      get isConnected() {
        return isConnected();
      },
    };
  }

  #assertConnected(subject: string): void {
    if (this.#isClosed) throw closed(subject);
    if (!this.#isConnected) throw disconnected(`${subject}: there is no connection to the server`);
  }

  /** A dead process waits for ever. */
  async #whileAlive(): Promise<void> {
    if (!this.#options.isAlive()) await forever();
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }
}

/** One consumer's end of a queue: what it has in hand, and what it has answered. */
class Receiver implements Client {
  readonly #queue: DurableQueue;
  readonly #options: ConnectionOptions;
  readonly #line: Pick<Client, "isConnected">;
  readonly #onMessage: (message: TransportMessage) => void;
  readonly #inHand = new Map<number, Stored>();
  readonly #given = new Set<number>();
  /** What is older than this connection may have been in other hands. */
  readonly #suspectUntil: number;

  constructor(
    queue: DurableQueue,
    options: ConnectionOptions,
    line: Pick<Client, "isConnected">,
    onMessage: (message: TransportMessage) => void,
  ) {
    this.#queue = queue;
    this.#options = options;
    this.#line = line;
    this.#onMessage = onMessage;
    this.#suspectUntil = queue === options.server.orders ? queue.newest : 0;
  }

  get isConnected(): boolean {
    return this.#line.isConnected;
  }

  holds(sequence: number): boolean {
    return this.isConnected && this.#inHand.has(sequence);
  }

  take(message: Stored): void {
    const { sequence } = message;
    if (this.#inHand.has(sequence)) return;
    if (this.#given.has(sequence)) {
      this.#queue.answer(sequence);
      return;
    }
    this.#inHand.set(sequence, message);
    this.#onMessage({ ...message, receipt: this.#receipt(message) });
  }

  /** Gives back what is not answered: the connection is about to be closed in good order. */
  handBack(): void {
    if (!this.isConnected) return;
    for (const sequence of this.#inHand.keys()) this.#queue.putBack(sequence);
    this.#inHand.clear();
  }

  #receipt(message: Stored): Receipt {
    const { sequence } = message;
    const tell = this.#options.onTaken(message);
    const least = sequence <= this.#suspectUntil ? 2 : 1;
    const settle = (answer: () => void): void => {
      if (this.#options.isAlive() && this.#inHand.delete(sequence)) answer();
    };
    return {
      sequence,
      get deliveries() {
        return Math.max(least, message.deliveries);
      },
      get isLast() {
        return message.deliveries >= MAX_DELIVER;
      },
      ack: () =>
        settle(() => {
          if (!this.#options.diesAt("before an answer")) this.#answer(message, () => tell("ack"));
        }),
      term: () => settle(() => this.#answer(message, () => tell("term"))),
      nak: () =>
        settle(() => {
          if (this.isConnected) this.#queue.putBack(sequence);
        }),
    };
  }

  #answer(message: Stored, tell: () => void): void {
    const { faults } = this.#options;
    this.#given.add(message.sequence);
    tell();
    if (this.isConnected && !faults.strikes("answer.lost", message.subject)) {
      this.#queue.answer(message.sequence);
    }
  }
}

function noReceipt(message: Stored): Receipt {
  const { sequence, deliveries } = message;
  return { sequence, deliveries, isLast: true, ack() {}, term() {}, nak() {} };
}

function disconnected(message: string): BusError {
  return new BusError({ reason: "disconnected", message });
}

function closed(subject: string): BusError {
  return new BusError({ reason: "closed", message: `${subject}: the connection is closed` });
}
