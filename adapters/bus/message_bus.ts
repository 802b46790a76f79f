// The bus that actors see, over any transport: typed bodies, answers to deliveries, dead letters.
import { randomUUID } from "node:crypto";
import {
  type Bus,
  BusError,
  type Cancel,
  type Channel,
  type ChannelBody,
  type Clock,
  type Delivery,
  type Observe,
} from "../../actors/ports.ts";
import type { TradingSymbol } from "../../machines/mod.ts";
import { decode, type EncodeOptions, encode, type Format, header, MESSAGE_ID, modeProblem } from "./codec.ts";
import { Consumer, type DeliveryCounts } from "./consumer.ts";
import { DeadLetters } from "./dead_letters.ts";
import { EchoHolds } from "./echo_holds.ts";
import { transitionSeq } from "./message_id.ts";
import { matches, patternOf } from "./subjects.ts";
import type { AfterMs, Transport, TransportMessage } from "./transport.ts";

export interface MessageBusOptions {
  readonly clock: Clock;
  readonly observe?: Observe;
  /** How bodies are written; both are read. */
  readonly format?: Format;
  /** `paper`, `dry-run` or `live`: named on what is sent, and what names another one is set aside. */
  readonly mode?: string;
  /** Trace context for the message that is published next. */
  readonly traceparent?: () => string | null;
  /** Messages of one consumer that may wait, for their turn or after a nak; one more becomes a dead letter. */
  readonly maxWaiting?: number;
  /** When a message comes again after its handler threw. */
  readonly crashDelayMs?: number;
  /** Names a message that has no name of its own; left out: by chance. */
  readonly newId?: () => string;
}

export interface BusCounts extends Readonly<DeliveryCounts> {
  readonly published: number;
  /** Messages that did not decode. */
  readonly malformed: number;
  /** All that was set aside, the malformed ones among it. */
  readonly deadLetters: number;
}

export interface MessageBus extends Bus {
  readonly counts: BusCounts;
}

const MAX_IN_FLIGHT = 1_000;
const MAX_WAITING = 65_536;
const CRASH_DELAY_MS = 1_000;

/** Owns `transport`: `close` closes it. */
export function messageBus(transport: Transport, options: MessageBusOptions): MessageBus {
  return new TransportBus(transport, options);
}

interface Listening {
  readonly pattern: string;
  readonly echoes: EchoHolds;
  readonly cancel: Cancel;
}

class TransportBus implements MessageBus {
  readonly #transport: Transport;
  readonly #options: MessageBusOptions;
  readonly #observe: Observe;
  readonly #dead: DeadLetters;
  readonly #listening = new Set<Listening>();
  readonly #deliveries = { delivered: 0, acked: 0, nacked: 0, answeredTwice: 0, handlerErrors: 0 };
  readonly #cancelConnection: Cancel;
  readonly #cancelAbandoned: Cancel;
  #published = 0;
  #malformed = 0;
  #isClosed = false;

  constructor(transport: Transport, options: MessageBusOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#observe = options.observe ?? (() => {});
    this.#dead = new DeadLetters((letter) => this.publish("dead", letter), options.clock, this.#observe);
    this.#cancelConnection = transport.onConnection((connected) => {
      this.#observe({ kind: "connection", connected });
      if (connected) void this.#dead.sendUnsent();
      // What was on its way may take as long as the server stays away, and the world must go on and see that.
      else for (const { echoes } of this.#listening) echoes.releaseAll();
    });
    this.#cancelAbandoned = transport.onAbandoned((message, reason) => this.#dead.setAside(message, reason));
  }

  get connected(): boolean {
    return this.#transport.connected;
  }

  get counts(): BusCounts {
    return {
      ...this.#deliveries,
      published: this.#published,
      malformed: this.#malformed,
      deadLetters: this.#dead.count,
    };
  }

  async publish<C extends Channel>(channel: C, body: ChannelBody[C]): Promise<void> {
    this.#assertOpen();
    const message = identified(
      encode(channel, body, this.#encodeOptions()),
      this.#options.newId ?? randomUUID,
    );
    const hearing = [...this.#listening].filter(({ pattern }) => matches(pattern, message.subject));
    const holds = hearing.map(({ echoes }) => echoes.expect(message));
    try {
      const taken = await this.#transport.publish(message.subject, message.bytes, message.headers);
      this.#published += 1;
      if (taken === "duplicate") for (const release of holds) release();
    } catch (error) {
      for (const release of holds) release();
      throw error;
    }
  }

  async consume<C extends Channel>(
    channel: C,
    handler: (delivery: Delivery<C>) => void,
    { maxInFlight = MAX_IN_FLIGHT, symbol }: ConsumeOptions = {},
  ): Promise<Cancel> {
    this.#assertOpen();
    const pattern = consumablePattern(channel, maxInFlight, symbol);
    const { clock, maxWaiting = MAX_WAITING, crashDelayMs = CRASH_DELAY_MS } = this.#options;
    const consumer = new Consumer<C>({
      channel,
      handler,
      maxInFlight,
      maxWaiting,
      crashDelayMs,
      clock,
      after: this.#transport.after ?? inRealTime,
      observe: this.#observe,
      counts: this.#deliveries,
      setAside: (message, reason) => this.#dead.setAside(message, reason),
      expectAgain: (message) => {
        if (this.#transport.connected) echoes.expect(message);
      },
    });
    const echoes = new EchoHolds(clock, this.#transport.echoTimeoutMs);
    const onMessage = (message: TransportMessage): void => {
      this.#hand(channel, consumer, message);
      echoes.arrived(message);
    };
    return this.#listen({ pattern, maxInFlight }, consumer, echoes, onMessage);
  }

  async lastTransition(ledgerId: string): Promise<number | null> {
    this.#assertOpen();
    const last = await this.#transport.last(patternOf("transitions"));
    return last === null ? null : transitionSeq(header(last.headers, MESSAGE_ID), ledgerId);
  }

  onConnection(listener: (connected: boolean) => void): Cancel {
    return this.#transport.onConnection((connected) => {
      try {
        listener(connected);
      } catch (error) {
        const message = `a listener to the connection threw: ${String(error)}`;
        this.#observe({ kind: "note", level: "error", message });
      }
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelConnection();
    this.#cancelAbandoned();
    for (const { cancel } of [...this.#listening]) cancel();
    await this.#transport.close();
  }

  #hand<C extends Channel>(channel: C, consumer: Consumer<C>, message: TransportMessage): void {
    const strange = modeProblem(channel, message.headers, this.#options.mode ?? null);
    const decoded = strange === null ? decode(channel, message) : { ok: false as const, reason: strange };
    if (decoded.ok) {
      consumer.accept({ message, body: decoded.body });
      return;
    }
    if (strange === null) this.#malformed += 1;
    this.#dead.setAside(message, decoded.reason);
  }

  async #listen<C extends Channel>(
    { pattern, maxInFlight }: { readonly pattern: string; readonly maxInFlight: number },
    consumer: Consumer<C>,
    echoes: EchoHolds,
    onMessage: (message: TransportMessage) => void,
  ): Promise<Cancel> {
    let unsubscribe: Cancel = () => {};
    let isOpen = true;
    const listening: Listening = {
      pattern,
      echoes,
      cancel: () => {
        isOpen = false;
        this.#listening.delete(listening);
        unsubscribe();
        consumer.cancel();
        echoes.releaseAll();
      },
    };
    this.#listening.add(listening);
    // Messages that were kept for this consumer arrive while it subscribes.
    const release = this.#options.clock.hold();
    try {
      unsubscribe = await this.#transport.subscribe(pattern, onMessage, { maxInFlight });
    } catch (error) {
      listening.cancel();
      throw error;
    } finally {
      release();
    }
    if (!isOpen) unsubscribe();
    return listening.cancel;
  }

  #encodeOptions(): EncodeOptions {
    const { format = "msgpack", traceparent, mode = null } = this.#options;
    return { format, traceparent: traceparent?.() ?? null, mode };
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new BusError({ reason: "closed", message: "the bus is closed" });
  }
}

/** Keeps no process alive. */
const inRealTime: AfterMs = (ms, fire) => {
  const timer = setTimeout(fire, ms).unref();
  return () => clearTimeout(timer);
};

/** Orders and questions have no id of their own: each time one is published it is another message. */
function identified(message: TransportMessage, newId: () => string): TransportMessage {
  if (header(message.headers, MESSAGE_ID) !== null) return message;
  return { ...message, headers: { ...message.headers, [MESSAGE_ID]: newId() } };
}

interface ConsumeOptions {
  readonly maxInFlight?: number;
  readonly symbol?: TradingSymbol;
}

/** @throws BusError when there can be no such consumer */
function consumablePattern(channel: Channel, maxInFlight: number, symbol: TradingSymbol | undefined): string {
  try {
    if (!(maxInFlight >= 1)) throw new RangeError(`maxInFlight is ${maxInFlight}; expected at least 1`);
    return patternOf(channel, symbol);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new BusError({ reason: "refused", message: `a consumer of ${channel}: ${error.message}` });
  }
}
