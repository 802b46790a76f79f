// A bus like a work queue of JetStream, for one gateway after the other: what is not acknowledged comes again, later, and
// out of order.
import {
  type Bus,
  BusError,
  type Cancel,
  type Channel,
  type ChannelBody,
  type Clock,
  type Delivery,
} from "../../actors/ports.ts";
import { OrderResult, type PurgeCommand } from "../../machines/mod.ts";
import { Schema } from "effect";

interface Kept {
  readonly command: PurgeCommand;
  deliveries: number;
  /** Results that were published when it was acknowledged. */
  answered: readonly OrderResult[] | null;
  dead: string | null;
}

type Handlers = { readonly [C in Channel]: ((delivery: Delivery<C>) => void)[] };

/** As long as a server waits for an acknowledgement before it takes the receiver for dead. */
const ACK_WAIT_MS = 15_000;

export class WorkQueue {
  readonly kept: Kept[] = [];
  readonly results: OrderResult[] = [];
  /** Publishes that are to fail from here on. */
  failures = 0;
  readonly #clock: Clock;
  #life = 0;
  #handlers: Handlers = noHandlers();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  send(command: PurgeCommand): void {
    const message: Kept = { command, deliveries: 0, answered: null, dead: null };
    this.kept.push(message);
    this.#deliver(message);
  }

  /** The receiver has died, and nothing that it does counts any more. */
  crash(): void {
    this.#life += 1;
    this.#handlers = noHandlers();
    for (const message of this.kept) {
      if (message.answered === null && message.dead === null) this.#later(message, ACK_WAIT_MS);
    }
  }

  /** What the next gateway sees of the queue. */
  connect(): Bus {
    const life = this.#life;
    const isAlive = (): boolean => life === this.#life;
    return {
      connected: true,
      lastTransition: async () => null,
      onConnection: () => () => {},
      close: async () => {},
      publish: async (channel, body) => {
        await this.#publish(isAlive(), channel, body);
      },
      consume: async (channel, handler): Promise<Cancel> => {
        if (isAlive()) this.#handlers[channel].push(handler);
        for (const message of this.kept) if (message.deliveries === 0) this.#deliver(message);
        return () => {};
      },
    };
  }

  async #publish<C extends Channel>(isAlive: boolean, channel: C, body: ChannelBody[C]): Promise<void> {
    if (!isAlive) throw new BusError({ reason: "disconnected", message: "this gateway is dead" });
    if (channel !== "results") return;
    if (this.failures > 0) {
      this.failures -= 1;
      throw new BusError({ reason: "disconnected", message: "the bus is away" });
    }
    if (isResult(body)) this.results.push(body);
  }

  #deliver(message: Kept): void {
    const [handler] = this.#handlers.orders;
    if (handler === undefined || message.answered !== null || message.dead !== null) return;
    message.deliveries += 1;
    const life = this.#life;
    let isOpen = true;
    const once = (answer: () => void): void => {
      if (!isOpen || life !== this.#life) return;
      isOpen = false;
      answer();
    };
    handler({
      subject: `purge.v1.orders.${message.command.symbol}`,
      body: message.command,
      deliveries: message.deliveries,
      ack: () =>
        once(() => {
          message.answered = [...this.results];
        }),
      // Unevenly, so that what was handed back comes in another order.
      nak: (delayMs) => once(() => this.#later(message, delayMs + (this.kept.indexOf(message) % 3) * 2_500)),
      dead: (reason) =>
        once(() => {
          message.dead = reason;
        }),
    });
  }

  #later(message: Kept, delayMs: number): void {
    this.#clock.schedule(this.#clock.now() + delayMs, () => {
      if (this.#handlers.orders.length === 0) this.#later(message, 1_000);
      else this.#deliver(message);
    });
  }
}

function noHandlers(): Handlers {
  return { orders: [], results: [], transitions: [], account: [], holdings: [], venue: [], dead: [] };
}

const isResult = Schema.is(OrderResult);
