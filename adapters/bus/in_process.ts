// A transport inside one process: nothing is lost, and the same calls always give the same order of deliveries.
import { BusError, type Cancel } from "../../actors/ports.ts";
import { ConnectionState } from "./connection_state.ts";
import { runApart } from "./run_apart.ts";
import { addressOf, matches } from "./subjects.ts";
import type { Transport, TransportMessage } from "./transport.ts";

export interface InProcessOptions {
  /** How many messages are kept for actors that do not listen yet; one more is refused. */
  readonly keptMax?: number;
}

interface Subscription {
  readonly pattern: string;
  readonly onMessage: (message: TransportMessage) => void;
  open: boolean;
}

/** Deliveries in a row before other work of the process gets its turn. */
const DELIVERIES_PER_TURN = 1_000;

/** Delivers in microtasks, in order of publishing.
 *
 * Orders, results and what is said of the account are kept until someone listens; of the venue the last state is kept
 * for everyone who comes later; anything else without a listener is gone, as on NATS.
 */
export function inProcessTransport({ keptMax = 100_000 }: InProcessOptions = {}): Transport {
  const subscriptions = new Set<Subscription>();
  const kept = new KeptMessages();
  const queue = new DeliveryQueue();
  const state = new ConnectionState(true);

  const assertOpen = (subject: string): void => {
    if (!state.connected) throw new BusError({ reason: "closed", message: `${subject}: the bus is closed` });
  };
  const deliver = (message: TransportMessage): void => {
    const listening = [...subscriptions].filter(({ pattern }) => matches(pattern, message.subject));
    kept.add(message, listening.length > 0);
    for (const subscription of listening) hand(subscription, message);
  };

  return {
    async publish(subject, bytes, headers) {
      assertOpen(subject);
      if (kept.waiting >= keptMax && keepingOf(subject) === "all") {
        const message = `${subject}: ${kept.waiting} messages are kept already, and nobody listens`;
        throw new BusError({ reason: "refused", message });
      }
      queue.add(() => deliver({ subject, bytes, headers }));
      return "taken";
    },
    async subscribe(pattern, onMessage) {
      assertOpen(pattern);
      const subscription: Subscription = { pattern, onMessage, open: true };
      const cancel: Cancel = () => {
        subscription.open = false;
        subscriptions.delete(subscription);
      };
      await new Promise<void>((resolve) => {
        queue.add(() => {
          if (state.connected) subscriptions.add(subscription);
          for (const message of kept.take(pattern)) hand(subscription, message);
          resolve();
        });
      });
      return cancel;
    },
    last: async () => null,
    onAbandoned: () => () => {},
    get connected() {
      return state.connected;
    },
    onConnection: (listener) => state.onChange(listener),
    async close() {
      for (const subscription of subscriptions) subscription.open = false;
      subscriptions.clear();
      state.set(false);
    },
    echoTimeoutMs: null,
  };
}

function hand(subscription: Subscription, message: TransportMessage): void {
  runApart(() => {
    if (subscription.open) subscription.onMessage(message);
  });
}

function keepingOf(subject: string): "all" | "last" | "none" {
  switch (addressOf(subject)?.channel) {
    case "orders":
    case "results":
    case "account":
    case "holdings":
      return "all";
    case "venue":
      return "last";
    default:
      return "none";
  }
}

class KeptMessages {
  #waiting: TransportMessage[] = [];
  readonly #last = new Map<string, TransportMessage>();

  get waiting(): number {
    return this.#waiting.length;
  }

  add(message: TransportMessage, isHeard: boolean): void {
    const keeping = keepingOf(message.subject);
    if (keeping === "last") this.#last.set(message.subject, message);
    else if (keeping === "all" && !isHeard) this.#waiting.push(message);
  }

  /** What a new listener gets: messages that waited, which are then gone, and last values, which stay. */
  take(pattern: string): readonly TransportMessage[] {
    const isWanted = ({ subject }: TransportMessage): boolean => matches(pattern, subject);
    const taken = this.#waiting.filter(isWanted);
    this.#waiting = this.#waiting.filter((message) => !isWanted(message));
    return [...taken, ...[...this.#last.values()].filter(isWanted)];
  }
}

/** Runs tasks one after the other, never inside the call that added them. */
class DeliveryQueue {
  #tasks: (() => void)[] = [];
  #next = 0;
  #isScheduled = false;

  add(task: () => void): void {
    this.#tasks.push(task);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.#run());
  }

  #run(): void {
    for (let count = 0; count < DELIVERIES_PER_TURN; count += 1) {
      const task = this.#tasks[this.#next];
      if (task === undefined) break;
      this.#next += 1;
      task();
    }
    this.#tasks = this.#tasks.slice(this.#next);
    this.#next = 0;
    this.#isScheduled = this.#tasks.length > 0;
    if (this.#isScheduled) setImmediate(() => this.#run());
  }
}
