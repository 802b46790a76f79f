// A binary heap of timers, ordered by time and then by order of arrival. All clocks here share it.
import type { Cancel } from "../../actors/ports.ts";

interface Timer {
  readonly at: number;
  readonly order: number;
  fire: (() => void) | null;
}

/** Timers in order. `at` in epoch milliseconds; a part of one counts as a whole, since a clock that goes from timer to
 * timer would tell it on. A cancelled timer is dropped when it reaches the top. */
export class TimerQueue {
  readonly #heap: Timer[] = [];
  #order = 0;

  add(at: number, fire: () => void): Cancel {
    if (!Number.isFinite(at))
      throw new RangeError(`a timer needs a finite time in epoch milliseconds, got ${at}`);
    const timer: Timer = { at: Math.ceil(at), order: this.#order++, fire };
    this.#heap.push(timer);
    this.#up(this.#heap.length - 1);
    return () => {
      timer.fire = null;
    };
  }

  /** When the next live timer is due; null when there is none. */
  nextAt(): number | null {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined) return null;
      if (top.fire !== null) return top.at;
      this.#pop();
    }
  }

  /** Removes and returns the next timer if it is due at `now`. */
  takeDue(now: number): (() => void) | null {
    const at = this.nextAt();
    if (at === null || at > now) return null;
    const timer = this.#pop();
    const fire = timer?.fire ?? null;
    if (timer !== undefined) timer.fire = null;
    return fire;
  }

  #pop(): Timer | undefined {
    const top = this.#heap[0];
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#down(0);
    }
    return top;
  }

  #up(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfAfter(parent, index)) return;
      index = parent;
    }
  }

  #down(start: number): void {
    let index = start;
    for (;;) {
      const left = 2 * index + 1;
      const smaller = this.#isBefore(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfAfter(index, smaller)) return;
      index = smaller;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const first = this.#heap[a];
    const second = this.#heap[b];
    if (first === undefined || second === undefined) return false;
    return first.at < second.at || (first.at === second.at && first.order < second.order);
  }

  #swapIfAfter(a: number, b: number): boolean {
    const first = this.#heap[a];
    const second = this.#heap[b];
    if (first === undefined || second === undefined || !this.#isBefore(b, a)) return false;
    this.#heap[a] = second;
    this.#heap[b] = first;
    return true;
  }
}
