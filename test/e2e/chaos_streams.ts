// What the streams of a bus hold and have been through, read from outside.
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connectNats } from "../../adapters/bus/mod.ts";

export const STREAMS = [
  "PURGE_ORDERS",
  "PURGE_RESULTS",
  "PURGE_TRANSITIONS",
  "PURGE_DEAD",
  "PURGE_VENUE",
  "PURGE_ADVISORIES",
] as const;
export type StreamName = (typeof STREAMS)[number];

export interface Stored {
  readonly seq: number;
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}
export interface ConsumerState {
  /** Everything up to this sequence of the stream is acknowledged. */
  readonly ackFloor: number;
  readonly unanswered: number;
  readonly waiting: number;
}

/** A reader's own connection to the bus. */
export class StreamReader {
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #client: JetStreamClient;
  #lastAnswerAt = performance.now();

  private constructor(connection: NatsConnection, manager: JetStreamManager) {
    this.#connection = connection;
    this.#manager = manager;
    this.#client = jetstream(connection);
    connection.subscribe("$JS.ACK.PURGE_ORDERS.gateway.>", {
      callback: () => {
        this.#lastAnswerAt = performance.now();
      },
    });
  }

  /** How long the gateway has said nothing of any order that it was given, milliseconds. One that has an order in hand says
   * every five seconds that it is at work. */
  get gatewaySilentMs(): number {
    return performance.now() - this.#lastAnswerAt;
  }

  static async open(url: string): Promise<StreamReader> {
    const connection = await connectNats({ servers: url, name: "chaos" });
    return new StreamReader(connection, await jetstreamManager(connection, { checkAPI: false }));
  }

  /** Messages that it has ever taken, and that it holds. */
  async size(stream: StreamName): Promise<{ readonly taken: number; readonly held: number }> {
    const { state } = await this.#manager.streams.info(stream);
    return { taken: state.last_seq, held: state.messages };
  }

  async consumer(stream: StreamName, durable: string): Promise<ConsumerState> {
    const info = await this.#manager.consumers.info(stream, durable);
    return {
      ackFloor: info.ack_floor.stream_seq,
      unanswered: info.num_ack_pending,
      waiting: info.num_pending,
    };
  }

  /** All that the stream holds, in order. */
  async *read(stream: StreamName): AsyncIterable<Stored> {
    const { state } = await this.#manager.streams.info(stream);
    if (state.messages === 0) return;
    const consumer = await this.#client.consumers.get(stream, { opt_start_seq: state.first_seq });
    const messages = await consumer.consume({ max_messages: 500 });
    for await (const { seq, subject, data, headers } of messages) {
      const entries = [...(headers ?? [])].map(([name, values]): [string, string] => [name, values[0] ?? ""]);
      yield { seq, subject, bytes: data, headers: Object.fromEntries(entries) };
      if (seq >= state.last_seq) break;
    }
    await messages.close();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
