// What the check needs of a bus: raw messages both ways, because a checker has to be able to send what is wrong.
import type { Cancel } from "../../actors/ports.ts";
import type { TransportMessage } from "../bus/mod.ts";

/** The supervisor's side of the protocol. */
export interface OrdersAndResults {
  /** Resolves when the bus keeps the message, or has sent it where nothing keeps it. Rejects with `BusError`. */
  send(message: TransportMessage): Promise<void>;
  /** Calls `listener` for everything that is published on results, holdings, venue and dead from now on. */
  listen(listener: (message: TransportMessage) => void): Promise<Cancel>;
  /** The last message on `purge.v1.venue`; null where there was none. Rejects with `BusError` where it cannot be read. */
  lastVenue(): Promise<TransportMessage | null>;
  /** Commands on the bus that no gateway has acknowledged; null where that cannot be seen. */
  unacknowledged(): Promise<number | null>;
  /** Takes the results of this check off the bus again, for the supervisor that comes later. Says what it could not. */
  tidy(subjects: readonly string[]): Promise<string | null>;
  close(): Promise<void>;
}
