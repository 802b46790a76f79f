// Keeps the order of a subject's messages while one of them is away: put back, and not delivered again yet.
import type { Cancel } from "../../actors/ports.ts";

interface Parked<T> {
  readonly sequence: number;
  readonly item: T;
}
interface Queue<T> {
  /** Sequences of messages that were put back. */
  readonly away: Map<number, Cancel | null>;
  /** In order of sequence. */
  readonly parked: Parked<T>[];
}

/** Other subjects go on meanwhile. */
export class SubjectOrder<T> {
  readonly #queues = new Map<string, Queue<T>>();
  readonly #giveUpLater: (giveUp: () => void) => Cancel;
  readonly #onFree: (items: readonly T[]) => void;

  /** @param giveUpLater calls when a message that was put back is to be waited for no longer
   * @param onFree gets what waited for such a message */
  constructor(giveUpLater: (giveUp: () => void) => Cancel, onFree: (items: readonly T[]) => void) {
    this.#giveUpLater = giveUpLater;
    this.#onFree = onFree;
  }

  /** Messages that wait for another one. */
  get parked(): number {
    let count = 0;
    for (const { parked } of this.#queues.values()) count += parked.length;
    return count;
  }

  /** This message is put back, and stays away at least until `sent`. */
  putBack(subject: string, sequence: number): void {
    this.#queue(subject).away.set(sequence, null);
  }

  /** The server was told to deliver it again. */
  sent(subject: string, sequence: number): void {
    const away = this.#queues.get(subject)?.away;
    if (away?.has(sequence) !== true) return;
    away.set(
      sequence,
      this.#giveUpLater(() => this.#onFree(this.cameBack(subject, sequence))),
    );
  }

  /** It is here again, or will never be. Returns what waited for it and may follow it now. */
  cameBack(subject: string, sequence: number): readonly T[] {
    const queue = this.#queues.get(subject);
    const timer = queue?.away.get(sequence);
    if (queue === undefined || timer === undefined) return [];
    timer?.();
    queue.away.delete(sequence);
    const first = Math.min(...queue.away.keys());
    const free: T[] = [];
    while ((queue.parked[0]?.sequence ?? Number.POSITIVE_INFINITY) < first) {
      const next = queue.parked.shift();
      if (next !== undefined) free.push(next.item);
    }
    if (queue.away.size === 0) this.#queues.delete(subject);
    return free;
  }

  /** Whether it was put back and has not come again. */
  isAway(subject: string, sequence: number): boolean {
    return this.#queues.get(subject)?.away.has(sequence) === true;
  }

  /** Whether the message must wait for an earlier one of its subject; it is kept here then. */
  parks(subject: string, sequence: number, item: T): boolean {
    const queue = this.#queues.get(subject);
    if (queue === undefined || !(Math.min(...queue.away.keys()) < sequence)) return false;
    const index = queue.parked.findIndex((other) => other.sequence > sequence);
    queue.parked.splice(index === -1 ? queue.parked.length : index, 0, { sequence, item });
    return true;
  }

  /** Forgets all, and returns what was parked. */
  clear(): readonly T[] {
    const parked: T[] = [];
    for (const queue of this.#queues.values()) {
      for (const timer of queue.away.values()) timer?.();
      for (const { item } of queue.parked) parked.push(item);
    }
    this.#queues.clear();
    return parked;
  }

  #queue(subject: string): Queue<T> {
    const known = this.#queues.get(subject);
    if (known !== undefined) return known;
    const queue: Queue<T> = { away: new Map(), parked: [] };
    this.#queues.set(subject, queue);
    return queue;
  }
}
