// NATS core publish and subscribe, for what nobody keeps: questions about the account and their answers.
import {
  headers as natsHeaders,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type Subscription,
} from "@nats-io/transport-node";
import { BusError, type Cancel } from "../../actors/ports.ts";
import type { Headers, TransportMessage } from "./transport.ts";

/** How long the server may take to confirm what was published. */
const CONFIRM_MS = 5_000;

export class NatsCore {
  readonly #connection: NatsConnection;
  readonly #onTrouble: (message: string) => void;
  #confirmation: Promise<void> | null = null;

  constructor(connection: NatsConnection, onTrouble: (message: string) => void) {
    this.#connection = connection;
    this.#onTrouble = onTrouble;
  }

  /** Resolves when the server has read the message. Rejects with `BusError`. */
  async publish(subject: string, bytes: Uint8Array, headers: Headers): Promise<void> {
    try {
      this.#connection.publish(subject, bytes, { headers: toNats(headers) });
    } catch (error) {
      throw new BusError({ reason: "refused", message: `${subject}: ${said(error)}` });
    }
    try {
      await this.#confirm();
    } catch (error) {
      const message = `${subject}: the server did not confirm the message, which may have arrived: ${said(error)}`;
      throw new BusError({ reason: "disconnected", message });
    }
  }

  /** @param isConnected whether the server can confirm it; otherwise it learns of it as soon as it is there again */
  async subscribe(
    pattern: string,
    onMessage: (message: TransportMessage) => void,
    isConnected: boolean,
  ): Promise<Cancel> {
    const subscription: Subscription = this.#connection.subscribe(pattern, {
      callback: (error, msg) => {
        // What is thrown here would end the client's reader, and with it the whole connection.
        try {
          if (error === null) onMessage(fromNats(msg));
          else this.#onTrouble(`the subscription to ${pattern} failed: ${error.message}`);
        } catch (thrown) {
          this.#onTrouble(`a message of ${pattern} could not be handled: ${said(thrown)}`);
        }
      },
    });
    try {
      if (isConnected) await this.#confirm();
    } catch {
      // The client subscribes again as soon as it has reconnected.
    }
    return () => subscription.unsubscribe();
  }

  /** Resolves when the server has answered a ping sent after all that was published so far in this turn. */
  #confirm(): Promise<void> {
    this.#confirmation ??= new Promise((resolve, reject) => {
      queueMicrotask(() => {
        this.#confirmation = null;
        within(CONFIRM_MS, this.#connection.flush()).then(resolve, reject);
      });
    });
    return this.#confirmation;
  }
}

/** @throws Error when a name or a value cannot be a header */
export function toNats(headers: Headers): MsgHdrs {
  const result = natsHeaders();
  for (const [name, value] of Object.entries(headers)) result.set(name, value);
  return result;
}

/** Headers that cannot be read become none: the message is then found malformed, and kept. */
export function fromNatsHeaders(read: () => MsgHdrs | undefined): Headers {
  try {
    return Object.fromEntries([...(read() ?? [])].map(([name, values]) => [name, values[0] ?? ""]));
  } catch {
    return {};
  }
}

export function said(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : String(error);
}

/** @throws Error when `work` takes longer than `ms` of real time */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function fromNats(msg: Msg): TransportMessage {
  return { subject: msg.subject, bytes: msg.data, headers: fromNatsHeaders(() => msg.headers) };
}
