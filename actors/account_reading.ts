// What the account holds, as far as the cycle knows: the gateway's answer to a question, or what another bot published.
import type { HoldingsMessage, HoldingsPublished, Position } from "../machines/mod.ts";
import type { Bus, Cancel, Clock, Delivery, Observe } from "./ports.ts";
import { doubtfulPositions, type HoldingsSource, judgePublished, seconds } from "./published_holdings.ts";

export interface Reading {
  readonly positions: readonly Position[];
  /** Epoch milliseconds, by our clock or the source's. */
  readonly readAt: number;
  /** The message, where another bot read the account. */
  readonly published: HoldingsPublished | null;
}

export interface AccountReadingOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly observe: Observe;
  /** Null: the gateway is asked. */
  readonly source: HoldingsSource | null;
  /** What the last life had accepted; a sequence must not begin anew with a restart of ours. */
  readonly memory: { published?: HoldingsPublished };
}

/** A question that was not answered yet. */
interface Awaiting {
  readonly id: string;
  readonly resolve: (answer: Reading | string) => void;
}

/** How long the gateway may take to read the account. It gives up itself after half of that. */
const ANSWER_MS = 60_000;
/** Names of other bots that are remembered, so as to be mentioned once. */
const NAMES_MAX = 100;

export class AccountReading {
  /** The last one that was fit for use; it may be old. */
  last: Reading | null = null;
  readonly #options: AccountReadingOptions;
  readonly #mentioned = new Set<string>();
  #awaiting: Awaiting | null = null;

  constructor(options: AccountReadingOptions) {
    this.#options = options;
    const { published } = options.memory;
    if (published !== undefined) this.last = readingOf(published);
  }

  get isWaiting(): boolean {
    return this.#awaiting !== null;
  }

  stop(): void {
    this.#awaiting?.resolve("the cycle was stopped");
  }

  /** A gateway has just spoken: one that started after the question has not heard it. */
  askAgain(): void {
    if (this.#awaiting !== null) this.#send(this.#awaiting);
  }

  hear(delivery: Delivery<"holdings">): void {
    const { body } = delivery;
    if (body.type === "holdings.published") {
      this.#judge(delivery, body);
      return;
    }
    if (this.#awaiting?.id === body.request_id) this.#awaiting.resolve(this.#answer(body));
    delivery.ack();
  }

  /** What the account holds, or why that is not known. */
  async read(cycle: number): Promise<Reading | string> {
    const { bus, source } = this.#options;
    if (!bus.connected) return "the bus is not connected";
    return source === null ? this.#ask(cycle) : this.#lastOf(source);
  }

  async #ask(cycle: number): Promise<Reading | string> {
    const { clock } = this.#options;
    const id = `${cycle}-${clock.now()}`;
    let cancel: Cancel = () => {};
    try {
      return await new Promise<Reading | string>((resolve) => {
        this.#awaiting = { id, resolve };
        this.#send(this.#awaiting);
        const late = `the account could not be read within ${seconds(ANSWER_MS)} s: no gateway answered on the bus; is one running, and in this mode?`;
        cancel = clock.schedule(clock.now() + ANSWER_MS, () => resolve(late));
      });
    } finally {
      cancel();
      this.#awaiting = null;
    }
  }

  #send({ id, resolve }: Awaiting): void {
    this.#options.bus
      .publish("account", { type: "holdings.refresh", request_id: id })
      .catch((error: unknown) => resolve(`the gateway could not be asked for the account: ${error}`));
  }

  #answer(message: Exclude<HoldingsMessage, { type: "holdings.published" }>): Reading | string {
    if (message.type === "holdings.unavailable") {
      return `the account could not be read: ${message.rejection.code} ${message.rejection.message}`;
    }
    const { positions } = message;
    const doubt = doubtfulPositions(positions);
    if (doubt !== null) return `the gateway's reading of the account is in doubt: ${doubt}`;
    this.last = { positions, readAt: this.#options.clock.now(), published: null };
    return this.last;
  }

  #lastOf({ name, maxAgeMs }: HoldingsSource): Reading | string {
    const { last } = this;
    if (last?.published == null) {
      return `no usable holdings of ${name} have come yet; is it running? Older ones than ${seconds(maxAgeMs)} s are not used`;
    }
    const ageMs = this.#options.clock.now() - last.readAt;
    if (ageMs <= maxAgeMs) return last;
    const { sequence, at } = last.published;
    return `the last holdings of ${name} (sequence ${sequence}) are of ${at}, ${seconds(ageMs)} s ago, and ${seconds(maxAgeMs)} s are allowed; is it running?`;
  }

  #judge(delivery: Delivery<"holdings">, message: HoldingsPublished): void {
    const { clock, observe, source: expected, memory } = this.#options;
    const { source } = message;
    if (expected === null) {
      this.#mention(source);
      delivery.ack();
      return;
    }
    const verdict = judgePublished(message, memory.published ?? null, expected, clock.now());
    if (verdict.what === "refused") {
      const { reason } = verdict;
      observe({ kind: "holdings.refused", source, reason });
      delivery.dead(reason);
      return;
    }
    if (verdict.what === "accepted") {
      memory.published = message;
      this.last = readingOf(message);
    }
    delivery.ack();
  }

  #mention(source: string): void {
    if (this.#mentioned.has(source) || this.#mentioned.size >= NAMES_MAX) return;
    this.#mentioned.add(source);
    const message = `${source} publishes holdings, which are not used: holdings.source in policy.yaml names no bot, so the gateway is asked`;
    this.#options.observe({ kind: "note", level: "info", message });
  }
}

function readingOf(published: HoldingsPublished): Reading {
  return { positions: published.positions, readAt: Date.parse(published.at), published };
}
