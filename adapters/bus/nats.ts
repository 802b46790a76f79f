// A transport over NATS core publish and subscribe. What is published while nobody listens is gone; the machines'
// deadlines and queries recover from that.
import {
  headers as natsHeaders,
  type Msg,
  type NatsConnection,
  type PublishOptions,
} from "@nats-io/transport-node";
import { BusError, type Cancel, type Observe } from "../../actors/ports.ts";
import { ConnectionState } from "./connection_state.ts";
import { connect, type NatsSettings, redacted } from "./nats_connection.ts";
import type { Headers, Transport, TransportMessage } from "./transport.ts";

/** How long the server may take to confirm what was published, and to take leave. */
const CONFIRM_MS = 5_000;
const CLOSE_MS = 2_000;
/** A message to oneself comes back within a few milliseconds, later on a machine that is busy, or not at all. */
const ECHO_TIMEOUT_MS = 2_000;

/** Connects, retrying until `settings.connectDeadlineMs` has passed; afterwards reconnects for ever.
 *
 * @throws BusError `disconnected` when no server answered in time, naming the address; `refused` when one answered and
 * turned this client away
 */
export async function natsTransport(settings: NatsSettings, observe: Observe = () => {}): Promise<Transport> {
  return new NatsTransport(await connect(settings), observe);
}

class NatsTransport implements Transport {
  readonly echoTimeoutMs = ECHO_TIMEOUT_MS;
  readonly #connection: NatsConnection;
  readonly #observe: Observe;
  readonly #state = new ConnectionState(true);
  #confirmation: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(connection: NatsConnection, observe: Observe) {
    this.#connection = connection;
    this.#observe = observe;
    void this.#watchStatus();
    void connection.closed().then((error) => this.#onClosed(error));
  }

  get connected(): boolean {
    return this.#state.connected;
  }

  onConnection(listener: (connected: boolean) => void): Cancel {
    return this.#state.onChange(listener);
  }

  async publish(subject: string, bytes: Uint8Array, headers: Headers): Promise<void> {
    this.#assertOpen(subject);
    // The client would take the message now and drop it without a word.
    if (!this.connected) throw disconnected(subject, "there is no connection to the server");
    try {
      this.#connection.publish(subject, bytes, optionsOf(headers));
    } catch (error) {
      throw new BusError({ reason: "refused", message: `${subject}: ${said(error)}` });
    }
    try {
      await this.#confirm();
    } catch (error) {
      throw disconnected(
        subject,
        `the server did not confirm the message, which may have arrived: ${said(error)}`,
      );
    }
  }

  async subscribe(pattern: string, onMessage: (message: TransportMessage) => void): Promise<Cancel> {
    this.#assertOpen(pattern);
    const subscription = this.#connection.subscribe(pattern, {
      callback: (error, msg) => {
        // What is thrown here would end the client's reader, and with it the whole connection.
        try {
          if (error === null) onMessage(fromNats(msg));
          else this.#note("error", `the subscription to ${pattern} failed: ${error.message}`);
        } catch (thrown) {
          this.#note("error", `a message of ${pattern} could not be handled: ${said(thrown)}`);
        }
      },
    });
    try {
      if (this.connected) await this.#confirm();
    } catch {
      // The client subscribes again as soon as it has reconnected.
    }
    return () => subscription.unsubscribe();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.connected) {
      const drained = this.#connection.drain().catch((error: unknown) => {
        this.#note("warn", `NATS: closing without having sent everything: ${said(error)}`);
      });
      await within(CLOSE_MS, drained).catch(() => {
        this.#note("warn", `NATS: closing after ${CLOSE_MS} ms without having sent everything`);
      });
    }
    await this.#connection.close();
    this.#state.set(false);
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

  async #watchStatus(): Promise<void> {
    for await (const status of this.#connection.status()) {
      switch (status.type) {
        case "disconnect":
          this.#state.set(false);
          this.#note("warn", `NATS: lost the connection to ${redacted(status.server)}; reconnecting`);
          break;
        case "reconnect":
          this.#state.set(true);
          this.#note("info", `NATS: connected again to ${redacted(status.server)}`);
          break;
        case "error":
          this.#note("error", `NATS: ${status.error.message}`);
          break;
        case "staleConnection":
          this.#note("warn", "NATS: the server has stopped answering");
          break;
        case "ldm":
          this.#note("warn", `NATS: ${redacted(status.server)} is about to shut down`);
          break;
        default:
          break;
      }
    }
  }

  #onClosed(error: unknown): void {
    this.#state.set(false);
    if (this.#closing === null) {
      this.#note(
        "error",
        `NATS: the client gave the connection up: ${error ? said(error) : "no reason given"}`,
      );
    }
  }

  #assertOpen(subject: string): void {
    if (this.#closing !== null || this.#connection.isClosed()) {
      throw new BusError({ reason: "closed", message: `${subject}: the connection is closed` });
    }
  }

  #note(level: "info" | "warn" | "error", message: string): void {
    this.#observe({ kind: "note", level, message });
  }
}

function disconnected(subject: string, message: string): BusError {
  return new BusError({ reason: "disconnected", message: `${subject}: ${message}` });
}

/** @throws Error when a name or a value cannot be a header */
function optionsOf(headers: Headers): PublishOptions {
  if (Object.keys(headers).length === 0) return {};
  const result = natsHeaders();
  for (const [name, value] of Object.entries(headers)) result.set(name, value);
  return { headers: result };
}

function fromNats(msg: Msg): TransportMessage {
  return { subject: msg.subject, bytes: msg.data, headers: headersOf(msg) };
}

/** Headers that cannot be read become none: the message is then found malformed, and kept. */
function headersOf(msg: Msg): Headers {
  try {
    return Object.fromEntries([...(msg.headers ?? [])].map(([name, values]) => [name, values[0] ?? ""]));
  } catch {
    return {};
  }
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** @throws Error when `work` takes longer than `ms` of real time */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
