// A bounded mailbox: one message at a time, in order of arrival, and nothing that comes to it is lost in silence.
import { type Link, toError } from "./child_spec.ts";

/** What happens to a message for which there is no room.
 *
 * `reject`: the sender is told and keeps it, to send again later. `drop_oldest`: it takes the place of the message that
 * has waited longest, which becomes a dead letter. `crash`: the mailbox ends with a `MailboxOverflow`.
 */
export type Overflow = "reject" | "drop_oldest" | "crash";

/** What became of a message. `rejected`: still the sender's. `dead_letter`: the mailbox had stopped. `crashed`: it did
 * not fit, the mailbox has ended, and the message is among those handed back. */
export type Sent = "accepted" | "rejected" | "dead_letter" | "crashed";

export interface MailboxOptions<M> {
  readonly name: string;
  /** Messages that may wait; the one in hand is not among them. At least 1. */
  readonly capacity: number;
  readonly overflow: Overflow;
  /** The next message is given when this has returned, or its promise has resolved. */
  readonly handle: (message: M) => void | Promise<void>;
  /** Takes what nobody will handle: sent to a mailbox that had `stopped`, or `dropped` for want of room. */
  readonly deadLetter: (message: M, why: "stopped" | "dropped") => void;
  /** Takes back, when the mailbox crashes, what it had not finished; called before the link is told. */
  readonly handBack: (unfinished: Unfinished<M>) => void;
  readonly link: Pick<Link, "exit">;
}

export interface Unfinished<M> {
  readonly error: Error;
  /** The message that was being handled: the culprit, if the handler threw; still in its hands, if the mailbox
   * overflowed meanwhile. Null when none was. */
  readonly inHand: Letter<M> | null;
  /** In order of arrival. */
  readonly unprocessed: readonly M[];
}

/** A wrapper, because a message may itself be null. */
export interface Letter<M> {
  readonly message: M;
}

/** Sent more than `capacity` messages ahead of the handler, under `overflow: "crash"`. */
export class MailboxOverflow extends Error {
  override readonly name = "MailboxOverflow";
  constructor(mailbox: string, capacity: number) {
    super(
      `mailbox "${mailbox}" is full: ${capacity} messages wait; slow the sender down or raise its capacity`,
    );
  }
}

export class Mailbox<M> {
  readonly #options: MailboxOptions<M>;
  readonly #waiting: Letter<M>[] = [];
  #inHand: Letter<M> | null = null;
  #isScheduled = false;
  #hasStopped = false;
  #hasCrashed = false;
  #finished: PromiseWithResolvers<void> | null = null;
  #highWater = 0;
  #deadLetters = 0;

  /** @throws RangeError when `capacity` is not a whole number from 1 */
  constructor(options: MailboxOptions<M>) {
    const { name, capacity } = options;
    if (!(Number.isInteger(capacity) && capacity >= 1)) {
      throw new RangeError(`mailbox "${name}": capacity is ${capacity}; expected a whole number from 1`);
    }
    this.#options = options;
  }

  /** Messages that wait. */
  get depth(): number {
    return this.#waiting.length;
  }
  /** The most that ever waited. */
  get highWater(): number {
    return this.#highWater;
  }
  /** Messages given to `deadLetter`. */
  get deadLetters(): number {
    return this.#deadLetters;
  }

  /** Never handles the message before it returns: a sender is not caught up in what its message sets off. */
  send(message: M): Sent {
    const { name, capacity, overflow } = this.#options;
    if (this.#hasStopped) {
      this.#bury(message, "stopped");
      return "dead_letter";
    }
    if (this.#waiting.length < capacity) return this.#accept(message);
    switch (overflow) {
      case "reject":
        return "rejected";
      case "drop_oldest":
        for (const oldest of this.#waiting.splice(0, 1)) this.#bury(oldest.message, "dropped");
        return this.#accept(message);
      case "crash":
        this.#waiting.push({ message });
        this.#crash(new MailboxOverflow(name, capacity));
        return "crashed";
    }
  }

  /** Handles nothing more.
   *
   * Returns what was waiting, and a promise of the end of the message in hand; null when none is. A handler that fails
   * after this still crashes the mailbox, with its own message to hand back and no others.
   */
  stop(): { readonly unprocessed: readonly M[]; readonly finishing: Promise<void> | null } {
    this.#hasStopped = true;
    const unprocessed = this.#takeWaiting();
    if (this.#inHand === null) return { unprocessed, finishing: null };
    this.#finished ??= Promise.withResolvers<void>();
    return { unprocessed, finishing: this.#finished.promise };
  }

  #accept(message: M): Sent {
    this.#waiting.push({ message });
    this.#highWater = Math.max(this.#highWater, this.#waiting.length);
    if (!this.#isScheduled && this.#inHand === null) {
      this.#isScheduled = true;
      queueMicrotask(() => {
        this.#isScheduled = false;
        this.#drain();
      });
    }
    return "accepted";
  }

  /** Messages handled synchronously follow one another in one go; an asynchronous handler is waited for. */
  #drain(): void {
    for (let letter = this.#waiting.shift(); letter !== undefined; letter = this.#waiting.shift()) {
      this.#inHand = letter;
      const failed = (thrown: unknown): void => {
        this.#crash(toError(thrown));
        this.#finish();
      };
      try {
        const handling = this.#options.handle(letter.message);
        if (handling instanceof Promise) {
          handling.then(() => {
            this.#finish();
            this.#drain();
          }, failed);
          return;
        }
      } catch (thrown) {
        failed(thrown);
        return;
      }
      this.#finish();
    }
  }

  #finish(): void {
    this.#inHand = null;
    this.#finished?.resolve();
  }

  #crash(error: Error): void {
    const { handBack, link } = this.#options;
    if (this.#hasCrashed) return;
    this.#hasCrashed = true;
    this.#hasStopped = true;
    handBack({ error, inHand: this.#inHand, unprocessed: this.#takeWaiting() });
    link.exit({ crash: error });
  }

  #takeWaiting(): readonly M[] {
    return this.#waiting.splice(0).map((letter) => letter.message);
  }

  #bury(message: M, why: "stopped" | "dropped"): void {
    this.#deadLetters += 1;
    this.#options.deadLetter(message, why);
  }
}
