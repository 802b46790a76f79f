// Events whose sender waits to hear what became of them. Every one of them is answered, whatever happens to the actors.
import type { PurgeEvent } from "../machines/mod.ts";
import type { Envelope } from "./envelope.ts";
import type { JournalRecord } from "./ports.ts";

/** What became of an event. */
export type Told =
  /** It moved the machine, and this is the durable record of it. */
  | { readonly what: "recorded"; readonly record: JournalRecord }
  /** It said nothing new to a machine whose every step is durable. */
  | { readonly what: "unchanged" }
  /** Nobody processed it and nobody will: it may be sent again. */
  | { readonly what: "not_taken"; readonly reason: string }
  /** It crashed the symbol's actor, or the symbol itself is set aside. */
  | { readonly what: "set_aside"; readonly reason: string }
  /** The actors ended while it was under way: its record may be durable or not. */
  | { readonly what: "unsure"; readonly reason: string };

/** Those who wait. */
export class Asked {
  readonly #waiting = new Set<(told: Told) => void>();
  #stopped: string | null = null;

  /** Wraps `event` for `deliver` and resolves when its fate is known. Never rejects, and never waits beyond `stop`. */
  ask(event: PurgeEvent, deliver: (envelope: Envelope) => void): Promise<Told> {
    if (this.#stopped !== null) return Promise.resolve({ what: "not_taken", reason: this.#stopped });
    return new Promise((resolve) => {
      const settle = (told: Told): void => {
        if (this.#waiting.delete(settle)) resolve(told);
      };
      this.#waiting.add(settle);
      deliver({
        event,
        ack: (record) => settle(record === null ? { what: "unchanged" } : { what: "recorded", record }),
        // Whoever asked is there to ask again, and knows better than a timer whether it still makes sense.
        nak: () => settle({ what: "not_taken", reason: `${event.symbol} has more to do than may wait` }),
        dead: (reason) => settle({ what: "set_aside", reason }),
      });
    });
  }

  /** From now on nothing is taken. */
  refuse(reason: string): void {
    this.#stopped ??= reason;
  }

  /** Those who still wait are told that their answer will not come. */
  release(reason: string): void {
    for (const settle of this.#waiting) settle({ what: "unsure", reason });
  }
}
