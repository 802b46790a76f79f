// Follows a stream without taking anything from it: observers' channels, and the last value of the venue.
import type { ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import { JetStreamReader } from "./jetstream_reader.ts";
import type { JetStreamWorld } from "./jetstream_consumer.ts";
import { fromNatsHeaders, said } from "./nats_core.ts";
import type { TransportMessage } from "./transport.ts";

export interface FollowerSetup {
  readonly stream: string;
  readonly pattern: string;
  /** Begin with the last message that the stream has, or with the next one. */
  readonly from: "last" | "next";
  readonly onMessage: (message: TransportMessage) => void;
}

const BATCH = 250;
const PULL_MS = 30_000;
const FIRST_MS = 5_000;

/** In order, without gaps, through reconnects; nothing is to be answered. */
export class Follower {
  readonly #world: JetStreamWorld;
  readonly #setup: FollowerSetup;
  readonly #reader: JetStreamReader;
  /** The last sequence that was seen, or was there at the start; null before the start. */
  #seen: number | null = null;
  readonly #first = Promise.withResolvers<void>();
  #expectsFirst = false;

  constructor(world: JetStreamWorld, setup: FollowerSetup) {
    this.#world = world;
    this.#setup = setup;
    this.#reader = new JetStreamReader({
      name: `following ${setup.pattern}`,
      state: world.state,
      observe: world.observe,
      open: () => this.#open(),
      repair: world.repair,
    });
  }

  /** Resolves when it is open and has the last value, if that was asked for. Rejects with `BusError`. */
  async ready(): Promise<void> {
    await this.#reader.opened;
    if (!this.#expectsFirst) return;
    const timer = setTimeout(this.#first.resolve, FIRST_MS);
    await this.#first.promise;
    clearTimeout(timer);
  }

  stop(): Promise<void> {
    return this.#reader.stop();
  }

  async #open(): Promise<ConsumerMessages> {
    const { client, manager } = this.#world;
    const { stream, pattern, from } = this.#setup;
    const { state } = await manager.streams.info(stream);
    // A policy such as "only new ones" would be forgotten when the client makes the consumer anew, which then begins with
    // the first message of the stream. A sequence is not forgotten.
    if (this.#seen === null) {
      this.#expectsFirst = from === "last" && state.messages > 0;
      this.#seen = this.#expectsFirst ? state.last_seq - 1 : state.last_seq;
    }
    if (state.last_seq < this.#seen) this.#seen = 0;
    const consumer = await client.consumers.get(stream, {
      filter_subjects: pattern,
      opt_start_seq: this.#seen + 1,
    });
    return consumer.consume({
      max_messages: BATCH,
      expires: PULL_MS,
      idle_heartbeat: this.#world.heartbeatMs,
      abort_on_missing_resource: true,
      callback: (msg) => this.#take(msg),
    });
  }

  #take(msg: JsMsg): void {
    try {
      this.#seen = msg.seq;
      const headers = fromNatsHeaders(() => msg.headers);
      this.#setup.onMessage({ subject: msg.subject, bytes: msg.data, headers });
    } catch (error) {
      const message = `a message of ${this.#setup.pattern} could not be handled: ${said(error)}`;
      this.#world.observe({ kind: "bus", what: "error", message });
    }
    this.#first.resolve();
  }
}
