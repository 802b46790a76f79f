// What the bus needs of whatever carries its bytes.
import type { Cancel } from "../../actors/ports.ts";

export type Headers = Readonly<Record<string, string>>;

/** What a server that keeps messages wants to hear about one that it has delivered. Exactly one of `ack`, `nak` and
 * `term` is to be called; until then the transport lets the server know that somebody is at work. */
export interface Receipt {
  /** Grows with every message of a stream, and stays the same when a message is delivered again. */
  readonly sequence: number;
  /** How often the server has delivered this message, this time included. */
  readonly deliveries: number;
  /** The server will not deliver it again, whatever it hears. */
  readonly isLast: boolean;
  ack(): void;
  /** Deliver it again, after `delayMs` of real time. */
  nak(delayMs: number): void;
  /** Never deliver it again. */
  term(): void;
}

export interface TransportMessage {
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly headers: Headers;
  /** Only where a server waits for an answer. */
  readonly receipt?: Receipt;
}

/** Calls `fire` once when so many milliseconds have passed. */
export type AfterMs = (ms: number, fire: () => void) => Cancel;

/** `duplicate`: the other side had this message already, and delivers it no second time. */
export type Taken = "taken" | "duplicate";

export interface SubscribeOptions {
  /** Messages that the subscriber deals with at a time; how many more are fetched ahead is the transport's business. */
  readonly maxInFlight?: number;
}

/** Bytes and headers under a subject, in order of arrival. Knows nothing of what they mean. */
export interface Transport {
  /** Resolves when the other side has taken the message. Rejects with `BusError`: `disconnected`, `refused`, `closed`.
   * After `disconnected` the message may have arrived all the same. */
  publish(subject: string, bytes: Uint8Array, headers: Headers): Promise<Taken>;
  /** Resolves when messages published from now on will come, and the ones that were kept have come. */
  subscribe(
    pattern: string,
    onMessage: (message: TransportMessage) => void,
    options?: SubscribeOptions,
  ): Promise<Cancel>;
  /** The last message that the other side keeps under `pattern`; null where it keeps none. Rejects with `BusError`. */
  last(pattern: string): Promise<TransportMessage | null>;
  /** Tells of each message that was delivered as often as may be and never answered, because those who took it died.
   * Its receipt takes `term`, when it is set aside, and `nak`. */
  onAbandoned(listener: (message: TransportMessage, reason: string) => void): Cancel;
  readonly connected: boolean;
  onConnection(listener: (connected: boolean) => void): Cancel;
  close(): Promise<void>;
  /** After how many real milliseconds a message that this process sent to itself is taken for lost; null where none
   * is lost. */
  readonly echoTimeoutMs: number | null;
  /** The time in which the other side lives; left out: real time, which no clock of ours changes. */
  readonly after?: AfterMs;
}
