// Keeps one JetStream consumer open: over lost connections, servers that restart, and consumers that somebody deletes.
import type { ConsumerMessages, ConsumerNotification } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { BusError, type Cancel, type Observe } from "../../actors/ports.ts";
import type { ConnectionState } from "./connection_state.ts";
import { causeOf } from "./jetstream_publisher.ts";
import { said } from "./nats_core.ts";

export interface ReaderSetup {
  /** In messages: `the consumer gateway of PURGE_ORDERS`. */
  readonly name: string;
  readonly state: ConnectionState;
  readonly observe: Observe;
  /** Opens it. Called again whenever it has ended. */
  readonly open: () => Promise<ConsumerMessages>;
  /** Called when the server has ended it or does not know it, before it is opened again. */
  readonly repair: () => Promise<void>;
}

const AGAIN_MS = 250;
const AGAIN_MS_MAX = 5_000;

export class JetStreamReader {
  readonly #setup: ReaderSetup;
  readonly #cancelState: Cancel;
  readonly #opened = Promise.withResolvers<void>();
  #messages: ConsumerMessages | null = null;
  #wake: (() => void) | null = null;
  #isStopping = false;
  #failures = 0;
  readonly #loop: Promise<void>;

  constructor(setup: ReaderSetup) {
    this.#setup = setup;
    this.#cancelState = setup.state.onChange(() => {
      // The client would go on with the old one by itself, but may take half a minute to ask for it.
      void this.#messages?.close();
      this.#wake?.();
    });
    // Told to whoever asks for `opened`; nobody has to.
    this.#opened.promise.catch(() => {});
    this.#loop = this.#run();
  }

  /** Resolves when it is open for the first time, or at once while there is no connection. Rejects with `BusError` when
   * it cannot be opened. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Takes no more messages. Those that are here stay unanswered. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#cancelState();
    this.#wake?.();
    await this.#messages?.close();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { state } = this.#setup;
    while (!this.#isStopping) {
      if (!state.connected) {
        this.#opened.resolve();
        await this.#sleep(null);
        continue;
      }
      const error = await this.#readToEnd();
      if (this.#isStopping || !state.connected) continue;
      this.#failures += 1;
      const violation = causeOf(error, errors.PermissionViolationError);
      const what = violation === null ? said(error) : `the server does not allow it: ${violation.message}`;
      const message = `${this.#setup.name}: ${what}`;
      if (this.#failures === 1) this.#setup.observe({ kind: "bus", what: "error", message });
      if (violation !== null) this.#opened.reject(new BusError({ reason: "refused", message }));
      await this.#sleep(Math.min(AGAIN_MS * 2 ** (this.#failures - 1), AGAIN_MS_MAX));
      if (!this.#isStopping && state.connected) await this.#repair();
    }
    this.#opened.resolve();
  }

  /** Returns why it ended. */
  async #readToEnd(): Promise<unknown> {
    try {
      const messages = await this.#setup.open();
      this.#messages = messages;
      if (this.#isStopping || !this.#setup.state.connected) void messages.close();
      void this.#watch(messages.status());
      this.#opened.resolve();
      const end = await messages.closed();
      return end ?? new Error("it was ended");
    } catch (error) {
      return error;
    } finally {
      this.#messages = null;
    }
  }

  async #watch(notifications: AsyncIterable<ConsumerNotification>): Promise<void> {
    const { name, observe } = this.#setup;
    for await (const one of notifications) {
      this.#failures = 0;
      switch (one.type) {
        case "heartbeats_missed":
          observe({
            kind: "bus",
            what: "heartbeat_missed",
            message: `${name}: ${one.count} heartbeats missed`,
          });
          break;
        case "consumer_deleted":
          observe({ kind: "bus", what: "error", message: `${name}: somebody deleted it` });
          break;
        case "exceeded_limits":
          observe({ kind: "bus", what: "error", message: `${name}: ${one.description}` });
          break;
        default:
          break;
      }
    }
  }

  async #repair(): Promise<void> {
    try {
      await this.#setup.repair();
    } catch (error) {
      this.#opened.reject(error);
      if (this.#failures > 1) return;
      this.#setup.observe({ kind: "bus", what: "error", message: `${this.#setup.name}: ${said(error)}` });
    }
  }

  async #sleep(ms: number | null): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = ms === null ? null : setTimeout(resolve, ms);
      this.#wake = () => {
        if (timer !== null) clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
  }
}
