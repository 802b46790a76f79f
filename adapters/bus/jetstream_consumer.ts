// A durable pull consumer: what a supervisor or a gateway takes from its stream, each message until it is answered.
import type {
  Consumer,
  ConsumerMessages,
  JetStreamClient,
  JetStreamManager,
  JsMsg,
} from "@nats-io/jetstream";
import { millis, type NatsConnection, nanos } from "@nats-io/transport-node";
import type { Observe } from "../../actors/ports.ts";
import type { ConnectionState } from "./connection_state.ts";
import { JetStreamReader } from "./jetstream_reader.ts";
import { Receipts } from "./jetstream_receipts.ts";
import { fromNatsHeaders, said } from "./nats_core.ts";
import { ACK_WAIT_MS, MAX_ACK_PENDING } from "./streams.ts";
import type { TransportMessage } from "./transport.ts";

/** What a transport shares with its parts. */
export interface JetStreamWorld {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly state: ConnectionState;
  readonly observe: Observe;
  readonly repair: () => Promise<void>;
  /** How often the server says that it is there while no message comes. Two missed ones are told. */
  readonly heartbeatMs: number;
}

export interface DurableSetup {
  readonly stream: string;
  readonly durable: string;
  readonly maxInFlight: number;
  /** Nobody else has this consumer: what it holds unanswered is an earlier life's, and is asked for at once. */
  readonly isOurs: boolean;
  /** What is older than this process may have been in other hands, whatever the server has counted. */
  readonly isOldSuspect?: boolean;
  readonly onMessage: (message: TransportMessage) => void;
}

/** Messages asked for at a time. The consumer's own limit bounds how many are unanswered. */
const BATCH_MAX = 500;
const PULL_MS = 30_000;
/** How long a subscriber waits for what was kept for it. */
const BACKLOG_MS = 5_000;
/** More answers than this are not made up for an earlier life; what it held comes when the server gives it up. */
const TAKE_OVER_MAX = 20_000;

export class DurableConsumer {
  readonly #world: JetStreamWorld;
  readonly #setup: DurableSetup;
  readonly #name: string;
  readonly #receipts: Receipts;
  readonly #reader: JetStreamReader;
  #slow: NodeJS.Timeout | null = null;
  #suspectUntilMs: number | null = null;
  #awaited = { count: 0, done: (): void => {} };

  constructor(world: JetStreamWorld, setup: DurableSetup) {
    this.#world = world;
    this.#setup = setup;
    this.#name = `the consumer ${setup.durable} of ${setup.stream}`;
    this.#receipts = new Receipts(() => world.state.connected);
    this.#reader = new JetStreamReader({
      name: this.#name,
      state: world.state,
      observe: world.observe,
      open: () => this.#open(),
      repair: world.repair,
    });
  }

  /** Resolves when it is open and what the server kept for it has come. Rejects with `BusError`. */
  async ready(): Promise<void> {
    const backlog = Promise.withResolvers<void>();
    const timer = setTimeout(backlog.resolve, BACKLOG_MS);
    this.#awaited.done = backlog.resolve;
    try {
      await this.#reader.opened;
      if (this.#awaited.count > 0 && this.#world.state.connected) await backlog.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Takes no more; what is in hand can still be answered. */
  stop(): Promise<void> {
    return this.#reader.stop();
  }

  /** After `stop`: gives back what nobody has answered. */
  handBack(): void {
    if (this.#slow !== null) clearTimeout(this.#slow);
    if (this.#world.state.connected) this.#receipts.handBack();
    this.#receipts.close();
  }

  async #open(): Promise<ConsumerMessages> {
    const { manager, client } = this.#world;
    const { stream, durable, maxInFlight, isOurs } = this.#setup;
    const info = await manager.consumers.info(stream, durable);
    const { max_deliver: maxDeliver = 0, ack_wait = nanos(ACK_WAIT_MS) } = info.config;
    this.#suspectUntilMs ??= await this.#newestMs();
    this.#receipts.follow({
      maxDeliver,
      ackWaitMs: millis(ack_wait),
      suspectUntilMs: this.#suspectUntilMs,
    });
    const taken = isOurs ? this.#takeOver(client.consumers.getConsumerFromInfo(info)) : Promise.resolve(0);
    this.#awaited.count = Math.min(info.num_pending + (await taken), MAX_ACK_PENDING);
    return client.consumers.getConsumerFromInfo(info).consume({
      max_messages: Math.min(Math.max(1, maxInFlight), BATCH_MAX),
      expires: PULL_MS,
      idle_heartbeat: this.#world.heartbeatMs,
      abort_on_missing_resource: true,
      callback: (msg) => this.#take(msg),
    });
  }

  /** When the newest message was stored, if that matters. By time and not by sequence, which begins anew with a stream
   * that is made anew. */
  async #newestMs(): Promise<number> {
    const { stream, isOldSuspect = false } = this.#setup;
    if (!isOldSuspect) return 0;
    const { state } = await this.#world.manager.streams.info(stream);
    return Date.parse(state.last_ts);
  }

  /** Puts back what an earlier life took and never answered. The server looks for the stream's sequence among what is
   * unanswered, and ignores the rest. Returns how many messages will come because of it. */
  async #takeOver(consumer: Consumer): Promise<number> {
    const { stream_name, name, num_ack_pending, ack_floor, delivered } = await consumer.info(true);
    const mine = this.#receipts.sequences;
    const count = num_ack_pending - mine.size;
    if (count <= 0 || delivered.stream_seq - ack_floor.stream_seq > TAKE_OVER_MAX) return 0;
    for (let sequence = ack_floor.stream_seq + 1; sequence <= delivered.stream_seq; sequence += 1) {
      if (mine.has(sequence)) continue;
      const reply = `$JS.ACK.${stream_name}.${name}.1.${sequence}.${delivered.consumer_seq}.0.0`;
      this.#world.connection.publish(reply, "-NAK");
    }
    return count;
  }

  /** The server delivers nothing more until something is answered. With a backlog that is how it is all the time; slow is
   * a receiver that has not answered the oldest of them when the next heartbeat is due. */
  #noteSlow(): void {
    if (this.#receipts.count < MAX_ACK_PENDING || this.#slow !== null) return;
    const [oldest = 0] = this.#receipts.sequences;
    this.#slow = setTimeout(() => {
      this.#slow = null;
      const { count, sequences } = this.#receipts;
      if (!sequences.has(oldest)) return;
      const message = `${this.#name}: ${count} messages are unanswered, and no more come until one is answered`;
      this.#world.observe({ kind: "bus", what: "slow_consumer", message });
    }, this.#world.heartbeatMs).unref();
  }

  #take(msg: JsMsg): void {
    const { observe } = this.#world;
    // What is thrown here would end the consumer.
    try {
      const { deliveryCount, streamSequence } = msg.info;
      const receipt = this.#receipts.take(msg);
      if (deliveryCount > 1) {
        const message = `${msg.subject}: message ${streamSequence}, delivery ${deliveryCount}`;
        observe({ kind: "bus", what: "redelivered", message });
      }
      if (receipt !== null) {
        this.#noteSlow();
        const headers = fromNatsHeaders(() => msg.headers);
        this.#setup.onMessage({ subject: msg.subject, bytes: msg.data, headers, receipt });
      }
    } catch (error) {
      observe({
        kind: "bus",
        what: "error",
        message: `${this.#name}: a message could not be handled: ${said(error)}`,
      });
    }
    this.#awaited.count -= 1;
    if (this.#awaited.count === 0) this.#awaited.done();
  }
}
