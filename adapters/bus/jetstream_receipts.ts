// What this process owes the server: messages of one consumer that it has taken and not answered yet.
import type { JsMsg } from "@nats-io/jetstream";
import type { Receipt } from "./transport.ts";

/** What the server has set for the consumer. */
export interface AnswerRules {
  /** How often a message is delivered at the most; less than 1: no limit. */
  readonly maxDeliver: number;
  /** After this silence a message is delivered again. */
  readonly ackWaitMs: number;
  /** What was stored until then, epoch milliseconds by the server's clock, counts as delivered before: a server that was
   * killed may have forgotten that it was. */
  readonly suspectUntilMs: number;
}

/** Answers that may have been lost with a connection are given again: as many of the last ones, or up to twice as many. */
const REMEMBERED = 5_000;

type Answer = "ack" | "term";
interface Owed {
  /** The delivery that counts: the last. */
  msg: JsMsg;
}

/** Tells the server that somebody is at work on what is unanswered, for as long as this process lives. */
export class Receipts {
  readonly #isConnected: () => boolean;
  readonly #owed = new Map<string, Owed>();
  /** Two generations, because taking single entries out of a large map is slow. */
  #given = new Map<string, Answer>();
  #givenBefore = new Map<string, Answer>();
  #rules: AnswerRules = { maxDeliver: 0, ackWaitMs: 0, suspectUntilMs: 0 };
  #timer: NodeJS.Timeout | null = null;

  /** @param isConnected whether the server can hear an answer now */
  constructor(isConnected: () => boolean) {
    this.#isConnected = isConnected;
  }

  follow(rules: AnswerRules): void {
    this.#rules = rules;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#working(), rules.ackWaitMs / 3).unref();
  }

  get count(): number {
    return this.#owed.size;
  }

  /** Sequences of what is unanswered. */
  get sequences(): ReadonlySet<number> {
    return new Set([...this.#owed.values()].map(({ msg }) => msg.seq));
  }

  /** The receipt of a message that is new here; null for one that is in hand, or was answered and comes again because
   * the answer was lost. */
  take(msg: JsMsg): Receipt | null {
    const key = keyOf(msg);
    const owed = this.#owed.get(key);
    if (owed !== undefined) {
      owed.msg = msg;
      return null;
    }
    const given = this.#given.get(key) ?? this.#givenBefore.get(key);
    if (given !== undefined) {
      say(msg, given);
      return null;
    }
    const isLast = (count: number): boolean => this.#rules.maxDeliver > 0 && count >= this.#rules.maxDeliver;
    const least = msg.time.getTime() <= this.#rules.suspectUntilMs ? 2 : 1;
    const mine: Owed = { msg };
    this.#owed.set(key, mine);
    const settle = (answer: () => void): void => {
      if (this.#owed.get(key) !== mine) return;
      this.#owed.delete(key);
      answer();
    };
    return {
      sequence: msg.seq,
      get deliveries() {
        return Math.max(least, mine.msg.info.deliveryCount);
      },
      get isLast() {
        return isLast(mine.msg.info.deliveryCount);
      },
      ack: () => settle(() => this.#answer(key, mine.msg, "ack")),
      term: () => settle(() => this.#answer(key, mine.msg, "term")),
      nak: (delayMs) => settle(() => nak(mine.msg, delayMs)),
    };
  }

  /** Gives back what is unanswered, so that the next one gets it at once. */
  handBack(): void {
    for (const { msg } of this.#owed.values()) nak(msg, 0);
    this.#owed.clear();
  }

  /** Forgets all: what is unanswered is delivered again in time. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#owed.clear();
  }

  #answer(key: string, msg: JsMsg, answer: Answer): void {
    if (this.#given.size >= REMEMBERED) {
      this.#givenBefore = this.#given;
      this.#given = new Map();
    }
    this.#given.set(key, answer);
    say(msg, answer);
  }

  #working(): void {
    if (!this.#isConnected()) return;
    for (const { msg } of this.#owed.values()) quietly(() => msg.working());
  }
}

/** Sequences begin anew when a stream is made anew; the time at which the message was stored does not. */
function keyOf({ info }: JsMsg): string {
  return `${info.streamSequence}.${info.timestampNanos}`;
}

function say(msg: JsMsg, answer: Answer): void {
  // Without a reason: servers before 2.10 take `+TERM <reason>` for nothing, and deliver the message again.
  quietly(() => (answer === "ack" ? msg.ack() : msg.term()));
}

function nak(msg: JsMsg, delayMs: number): void {
  quietly(() => msg.nak(delayMs));
}

/** On a connection that is closed an answer throws; the message is then delivered again to somebody else. */
function quietly(work: () => void): void {
  try {
    work();
  } catch {
    return;
  }
}
