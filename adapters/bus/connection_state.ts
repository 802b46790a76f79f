// Whether a transport is connected, and who wants to know.
import type { Cancel } from "../../actors/ports.ts";
import { runApart } from "./run_apart.ts";

export class ConnectionState {
  #connected: boolean;
  readonly #listeners = new Set<(connected: boolean) => void>();

  constructor(connected: boolean) {
    this.#connected = connected;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Tells the listeners, if this is a change. */
  set(connected: boolean): void {
    if (connected === this.#connected) return;
    this.#connected = connected;
    for (const listener of [...this.#listeners]) runApart(() => listener(connected));
  }

  /** Calls `listener` on every change from now on. */
  onChange(listener: (connected: boolean) => void): Cancel {
    const own = (connected: boolean): void => listener(connected);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }
}
