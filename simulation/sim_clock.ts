// The time of a simulated world, and the clocks on the walls of those who live in it.
import type { Cancel, Clock } from "../actors/ports.ts";
import { type SystemTimers, systemClock, TimerQueue } from "../adapters/clock/mod.ts";

/** Turns of the event loop without anything happening after which a moment is over. */
const QUIET_TURNS = 2;

/** True time. It goes from one timer to the next, and each moment lasts until all that follows from it has happened. */
export class WorldClock implements Clock {
  readonly #timers = new TimerQueue();
  #now: number;
  #activity = 0;

  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  steady(): number {
    return this.#now;
  }

  schedule(at: number, fire: () => void): Cancel {
    this.#activity += 1;
    return this.#timers.add(at, fire);
  }

  after(ms: number, fire: () => void): Cancel {
    return this.schedule(this.#now + ms, fire);
  }

  /** Nobody is waited for: a disk that takes its time takes it from this clock. */
  hold(): Cancel {
    return nothing;
  }

  /** Something is going on, and more may follow from it in a later turn. */
  touch(): void {
    this.#activity += 1;
  }

  /** Goes to the next timer that is due until `end`. False when there is none, and it is `end`. */
  async step(end: number): Promise<boolean> {
    const at = this.#timers.nextAt();
    if (at === null || at > end) {
      this.#now = Math.max(this.#now, end);
      return false;
    }
    this.#now = Math.max(this.#now, at);
    this.#timers.takeDue(this.#now)?.();
    await this.settle();
    return true;
  }

  async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; ) {
      const before = this.#activity;
      await new Promise<void>((resolve) => setImmediate(resolve));
      quiet = this.#activity === before ? quiet + 1 : 0;
    }
  }
}

/** The system's clock of one machine: it runs as fast as the world's, and somebody may set it. */
export class WallClock {
  readonly #world: WorldClock;
  #aheadMs = 0;

  constructor(world: WorldClock) {
    this.#world = world;
  }

  set(aheadMs: number): void {
    this.#aheadMs = aheadMs;
  }

  /** The clock of a process on this machine, until `isAlive` says no. It is the real one, on simulated timers. */
  forProcess(isAlive: () => boolean): Clock & { close(): void } {
    const timers: SystemTimers = {
      now: () => this.#world.now() + this.#aheadMs,
      steady: () => this.#world.steady(),
      after: (ms, fire) =>
        this.#world.after(ms, () => {
          if (isAlive()) fire();
        }),
    };
    return systemClock(timers);
  }
}

function nothing(): void {}
