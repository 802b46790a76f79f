// Work that may have to wait: it runs at once as far as it can, and pauses only where something is really pending.
//
// Promises would put a turn of the microtask queue between any two steps, so that a crash and the restart it causes
// could be told apart from outside. A supervisor whose children start and stop synchronously restarts synchronously.

/** Arranges for `resume` to be called exactly once, now or later. */
export type Pause = (resume: () => void) => void;
export type Steps<T> = Generator<Pause, T, void>;

/** Runs `work`, synchronously up to the first pause that is not over at once. */
export function run<T>(work: Steps<T>, done: (value: T) => void, isCalledOff = () => false): void {
  const advance = (): void => {
    while (!isCalledOff()) {
      const step = work.next();
      if (step.done === true) {
        done(step.value);
        return;
      }
      let waiting = false;
      let resumed = false;
      step.value(() => {
        resumed = true;
        if (waiting) advance();
      });
      waiting = true;
      if (!resumed) return;
    }
  };
  advance();
}

/** Pauses until all of `works` are done, side by side. */
export function together(works: readonly Steps<void>[]): Pause {
  return (resume) => {
    let pending = works.length + 1;
    const oneDone = (): void => {
      pending -= 1;
      if (pending === 0) resume();
    };
    for (const work of works) run(work, oneDone);
    oneDone();
  };
}

interface Turn {
  readonly work: () => Steps<void> | void;
  readonly refused: () => void;
  next: Turn | null;
}

/** One thing at a time, in order of arrival. */
export class Turns {
  /** A chain, because an array of thousands is moved as a whole whenever its first is taken. */
  #first: Turn | null = null;
  #last: Turn | null = null;
  #current: Turn | null = null;
  #inLoop = false;
  #closed = false;

  /** Does `work` when everything before it is done. `refused` is called instead, or in the middle, on `close`. */
  take(work: () => Steps<void> | void, refused: () => void = () => {}): void {
    if (this.#closed) {
      refused();
      return;
    }
    const turn = { work, refused, next: null };
    if (this.#last === null) this.#first = turn;
    else this.#last.next = turn;
    this.#last = turn;
    this.#proceed();
  }

  /** Calls off the turn in progress where it stands, and all that wait. */
  close(): void {
    this.#closed = true;
    this.#current?.refused();
    for (let turn = this.#shift(); turn !== null; turn = this.#shift()) turn.refused();
  }

  #proceed(): void {
    if (this.#inLoop) return;
    this.#inLoop = true;
    while (this.#current === null) {
      const turn = this.#shift();
      if (turn === null) break;
      this.#current = turn;
      const work = turn.work();
      if (work === undefined) this.#current = null;
      else
        run(
          work,
          () => this.#done(),
          () => this.#closed,
        );
    }
    this.#inLoop = false;
  }

  #shift(): Turn | null {
    const turn = this.#first;
    this.#first = turn?.next ?? null;
    if (this.#first === null) this.#last = null;
    return turn;
  }

  #done(): void {
    this.#current = null;
    this.#proceed();
  }
}
