// One life of a simulated process: what it does has effects until it is killed, and none afterwards.
import type { Clock } from "../actors/ports.ts";
import type { Faults } from "./faults.ts";
import type { WallClock } from "./sim_clock.ts";

export type ProcessName = "supervisor" | "gateway";

export class Life {
  readonly process: ProcessName;
  readonly clock: Clock & { close(): void };
  readonly #faults: Faults;
  readonly #onEnd: (why: string) => void;
  #isAlive = true;

  /** @param onEnd told once, in the middle of whatever the process was doing */
  constructor(process: ProcessName, wall: WallClock, faults: Faults, onEnd: (why: string) => void) {
    this.process = process;
    this.#faults = faults;
    this.#onEnd = onEnd;
    this.clock = wall.forProcess(() => this.#isAlive);
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Whether the process dies here and now, or is dead already: then nobody waits for what comes next. */
  diesAt(place: string): boolean {
    if (this.#isAlive && this.#faults.strikes(`${this.process}.crash`, place)) this.kill(`killed ${place}`);
    return !this.#isAlive;
  }

  kill(why: string): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.clock.close();
    this.#onEnd(why);
  }
}

/** What a dead process waits for. */
export function forever(): Promise<never> {
  return new Promise(() => {});
}
