// What the bus needs of whatever carries its bytes.
import type { Cancel } from "../../actors/ports.ts";

export type Headers = Readonly<Record<string, string>>;

export interface TransportMessage {
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly headers: Headers;
}

/** Bytes and headers under a subject, in order of arrival. Knows nothing of what they mean. */
export interface Transport {
  /** Resolves when the other side has taken the message. Rejects with `BusError`: `disconnected`, `refused`, `closed`.
   * After `disconnected` the message may have arrived all the same. */
  publish(subject: string, bytes: Uint8Array, headers: Headers): Promise<void>;
  /** Resolves when messages published from now on will come, and the ones that were kept have come. */
  subscribe(pattern: string, onMessage: (message: TransportMessage) => void): Promise<Cancel>;
  readonly connected: boolean;
  onConnection(listener: (connected: boolean) => void): Cancel;
  close(): Promise<void>;
  /** After how many real milliseconds a message that this process sent to itself is taken for lost; null where none
   * is lost. */
  readonly echoTimeoutMs: number | null;
}
