// A message server that keeps what must not be lost, as the real one does: streams with durable consumers, deliveries that
// are counted, answers that are waited for. It knows what was sent, and so can tell what was lost.
import type { Cancel } from "../actors/ports.ts";
import {
  ACK_WAIT_MS,
  addressOf,
  type Headers,
  MAX_DELIVER,
  STREAMS,
  type Taken,
  type TransportMessage,
} from "../adapters/bus/mod.ts";
import type { Faults } from "./faults.ts";
import type { WorldClock } from "./sim_clock.ts";
import type { Chance } from "./chance.ts";

/** One message of a stream. */
export interface Stored extends TransportMessage {
  readonly sequence: number;
  readonly storedAt: number;
  deliveries: number;
}

/** A program at the other end of a connection. */
export interface Client {
  readonly isConnected: boolean;
  /** Whether it has this message in hand, and is there to say that it is at work on it. */
  holds(sequence: number): boolean;
  /** A message of a stream. */
  take(message: Stored): void;
}

export interface ServerOptions {
  readonly clock: WorldClock;
  readonly chance: Chance;
  readonly faults: Faults;
}

/** A message that was delivered, and to whom. */
interface Held {
  readonly message: Stored;
  readonly client: Client;
  /** Ends the wait for an answer. */
  cancel: Cancel;
}

/** How long a message that is late takes at the most. */
const LATE_MS = 20_000;

/** Messages that each go to one receiver, until it has answered. */
export class DurableQueue {
  readonly #options: ServerOptions;
  readonly #name: string;
  readonly #maxAgeMs: number;
  readonly #duplicateWindowMs: number;
  #waiting: Stored[] = [];
  readonly #unanswered = new Map<number, Held>();
  readonly #ids = new Map<string, number>();
  readonly #abandoned = new Set<(message: Stored) => void>();
  #receiver: { readonly client: Client; readonly maxInFlight: number } | null = null;
  #sequence = 0;

  constructor(name: string, stream: "PURGE_ORDERS" | "PURGE_RESULTS", options: ServerOptions) {
    this.#name = name;
    this.#options = options;
    this.#maxAgeMs = STREAMS[stream].maxAgeMs;
    this.#duplicateWindowMs = STREAMS[stream].duplicateWindowMs;
  }

  /** Messages that were not answered, delivered or not. */
  get size(): number {
    this.#dropOld();
    return this.#waiting.length + this.#unanswered.size;
  }

  store(subject: string, bytes: Uint8Array, headers: Headers): Taken {
    const { clock } = this.#options;
    const id = headers["Nats-Msg-Id"];
    if (id !== undefined) {
      const before = this.#ids.get(id);
      if (before !== undefined && clock.now() - before < this.#duplicateWindowMs) return "duplicate";
      this.#ids.set(id, clock.now());
    }
    this.#sequence += 1;
    this.#waiting.push({
      subject,
      bytes,
      headers,
      sequence: this.#sequence,
      storedAt: clock.now(),
      deliveries: 0,
    });
    clock.after(0, () => this.#pump());
    return "taken";
  }

  /** @param isTakingOver nobody else can be at work on what an earlier receiver left unanswered */
  receive(client: Client, maxInFlight: number, isTakingOver: boolean): Cancel {
    const receiver = { client, maxInFlight };
    this.#receiver = receiver;
    if (isTakingOver) this.#takeBack(({ client: holder }) => holder !== client);
    this.#options.clock.after(0, () => this.#pump());
    return () => {
      if (this.#receiver === receiver) this.#receiver = null;
    };
  }

  /** The newest that was stored; 0 when nothing was. */
  get newest(): number {
    return this.#sequence;
  }

  answer(sequence: number): void {
    this.#unanswered.get(sequence)?.cancel();
    if (!this.#unanswered.delete(sequence)) return;
    this.#options.clock.after(0, () => this.#pump());
  }

  putBack(sequence: number): void {
    this.#takeBack(({ message }) => message.sequence === sequence);
    this.#options.clock.after(0, () => this.#pump());
  }

  /** The server died, and does not remember whom it had given what. */
  forget(): void {
    this.#takeBack(() => true);
    for (const message of this.#waiting) message.deliveries = 0;
  }

  /** Tells of messages that were delivered as often as may be. */
  onAbandoned(listener: (message: Stored) => void): Cancel {
    this.#abandoned.add(listener);
    return () => this.#abandoned.delete(listener);
  }

  /** Removes all that is there. */
  purge(): void {
    this.#waiting = [];
    for (const { cancel } of this.#unanswered.values()) cancel();
    this.#unanswered.clear();
  }

  pump(): void {
    this.#pump();
  }

  #pump(): void {
    const { clock, chance, faults } = this.#options;
    this.#dropOld();
    while (this.#receiver !== null && this.#unanswered.size < this.#receiver.maxInFlight) {
      const { client } = this.#receiver;
      if (!client.isConnected) return;
      const message = this.#waiting.shift();
      if (message === undefined) return;
      message.deliveries += 1;
      this.#unanswered.set(message.sequence, { message, client, cancel: () => {} });
      const name = `late ${this.#name}`;
      const lateMs = faults.strikes("message.late", message.subject) ? chance.integer(name, 1, LATE_MS) : 0;
      clock.after(lateMs, () => {
        if (client.isConnected && this.#unanswered.get(message.sequence)?.client === client) {
          client.take(message);
        }
      });
      this.#watch(message, client);
    }
  }

  /** A receiver that is there says that it is at work; one that is not, or never got the message, says nothing. */
  #watch(message: Stored, client: Client): void {
    const held = this.#unanswered.get(message.sequence);
    if (held === undefined) return;
    held.cancel = this.#options.clock.after(ACK_WAIT_MS + LATE_MS, () => {
      if (client.holds(message.sequence)) this.#watch(message, client);
      else {
        this.#takeBack((other) => other === held);
        this.#pump();
      }
    });
  }

  /** In order of sequence, ahead of what was not delivered at all. */
  #takeBack(isMeant: (held: Held) => boolean): void {
    const back: Stored[] = [];
    for (const [sequence, held] of this.#unanswered) {
      if (!isMeant(held)) continue;
      held.cancel();
      this.#unanswered.delete(sequence);
      if (held.message.deliveries < MAX_DELIVER) back.push(held.message);
      else for (const listener of this.#abandoned) listener(held.message);
    }
    this.#waiting = [...back, ...this.#waiting].sort((a, b) => a.sequence - b.sequence);
  }

  #dropOld(): void {
    const oldest = this.#options.clock.now() - this.#maxAgeMs;
    if (this.#waiting.some(({ storedAt }) => storedAt <= oldest)) {
      this.#waiting = this.#waiting.filter(({ storedAt }) => storedAt > oldest);
    }
    for (const [sequence, { message, cancel }] of this.#unanswered) {
      if (message.storedAt > oldest) continue;
      cancel();
      this.#unanswered.delete(sequence);
    }
  }
}

/** A subscription without a memory. */
interface Listener {
  readonly channel: string;
  readonly client: Pick<Client, "isConnected">;
  readonly onMessage: (message: TransportMessage) => void;
}

/** Everything that programs send each other goes through here. */
export class MessageServer {
  readonly orders: DurableQueue;
  readonly results: DurableQueue;
  /** The ids of all transitions that were taken, in order. */
  readonly told: string[] = [];
  readonly #options: ServerOptions;
  readonly #listeners = new Set<Listener>();
  #lastTransition: TransportMessage | null = null;
  #lastVenue: TransportMessage | null = null;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.orders = new DurableQueue("orders", "PURGE_ORDERS", options);
    this.results = new DurableQueue("results", "PURGE_RESULTS", options);
  }

  publish(subject: string, bytes: Uint8Array, headers: Headers): Taken {
    const message = { subject, bytes, headers };
    switch (addressOf(subject)?.channel) {
      case "orders":
        return this.orders.store(subject, bytes, headers);
      case "results":
        return this.results.store(subject, bytes, headers);
      case "transitions":
        this.told.push(headers["Nats-Msg-Id"] ?? "");
        this.#lastTransition = message;
        return "taken";
      case "venue":
        this.#lastVenue = message;
        this.#spread("venue", message);
        return "taken";
      case "account":
        this.#spread("account", message);
        return "taken";
      case "holdings":
        this.#spread("holdings", message);
        return "taken";
      default:
        return "taken";
    }
  }

  queueOf(channel: string): DurableQueue | null {
    return channel === "orders" ? this.orders : channel === "results" ? this.results : null;
  }

  listen(listener: Listener): Cancel {
    this.#listeners.add(listener);
    const venue = this.#lastVenue;
    if (listener.channel === "venue" && venue !== null) {
      this.#options.clock.after(0, () => this.#hand(listener, venue));
    }
    return () => this.#listeners.delete(listener);
  }

  last(channel: string): TransportMessage | null {
    return channel === "transitions" ? this.#lastTransition : null;
  }

  #spread(channel: string, message: TransportMessage): void {
    const { clock, faults } = this.#options;
    for (const listener of this.#listeners) {
      if (listener.channel !== channel) continue;
      if (channel !== "venue" && faults.strikes("message.lost", channel)) continue;
      clock.after(0, () => this.#hand(listener, message));
    }
  }

  #hand(listener: Listener, message: TransportMessage): void {
    if (listener.client.isConnected && this.#listeners.has(listener)) listener.onMessage(message);
  }
}
