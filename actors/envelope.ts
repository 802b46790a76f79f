// An event on its way to a symbol's actor, and what becomes of the message it came in.
import type { PurgeEvent } from "../machines/mod.ts";
import type { JournalRecord } from "./ports.ts";

/** Exactly one of `ack`, `nak`, `dead` is called, once. */
export interface Envelope {
  readonly event: PurgeEvent;
  /** What the event did is durable, and here is its record; or it said nothing new to a machine whose every step is
   * durable, and there is none. */
  ack(record: JournalRecord | null): void;
  /** It was not processed: deliver it again after `delayMs`. */
  nak(delayMs: number): void;
  /** It can never be processed. */
  dead(reason: string): void;
}
