// The transport over NATS: JetStream for what must not be lost, core publish and subscribe for questions about the account.
import { setTimeout as sleep } from "node:timers/promises";
import { type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection, Status } from "@nats-io/transport-node";
import { BusError, type Cancel, type Channel, type Observe } from "../../actors/ports.ts";
import { ConnectionState } from "./connection_state.ts";
import { watchAbandoned } from "./jetstream_advisories.ts";
import { DurableConsumer, type JetStreamWorld } from "./jetstream_consumer.ts";
import { Follower } from "./jetstream_follower.ts";
import { JetStreamPublisher } from "./jetstream_publisher.ts";
import { connect, type NatsSettings, redacted } from "./nats_connection.ts";
import { fromNatsHeaders, NatsCore, said, within } from "./nats_core.ts";
import { ensureStreams, type StreamName } from "./streams.ts";
import { channelOf, patternOf } from "./subjects.ts";
import type { Headers, SubscribeOptions, Taken, Transport, TransportMessage } from "./transport.ts";

/** What a program does on the bus. A supervisor makes the streams and sets aside what nobody survives; a gateway finds
 * the streams there. */
export type Role = "supervisor" | "gateway" | "both";

export interface NatsTransportOptions {
  readonly role: Role;
  readonly observe?: Observe;
  /** How long the server may take to acknowledge a message before it is sent again, milliseconds. */
  readonly ackMs?: number;
  /** How long an order is sent again when the server does not acknowledge it, milliseconds; under 30 seconds. */
  readonly orderMs?: number;
  /** How often the server says that it is there while no message comes, milliseconds; at least 500. */
  readonly heartbeatMs?: number;
  /** Called with the connection before anything is read or changed; what it throws ends the start. */
  readonly check?: (connection: NatsConnection) => Promise<void>;
}

export interface NatsTransport extends Transport {
  readonly connection: NatsConnection;
}

/** Connects, retrying until `settings.connectDeadlineMs` has passed; afterwards reconnects for ever.
 *
 * @throws BusError `disconnected` when no server answered in time, naming the address; `refused` when one answered and
 * turned this client away, has no JetStream, or has streams with other settings
 */
export async function natsTransport(
  settings: NatsSettings,
  options: NatsTransportOptions,
): Promise<NatsTransport> {
  const { role, observe = () => {}, check } = options;
  const { ackMs = ACK_MS, orderMs = ORDER_MS, heartbeatMs = HEARTBEAT_MS } = options;
  const connection = await connect(settings);
  try {
    await check?.(connection);
    await streamsReady(connection, role);
    const manager = await jetstreamManager(connection, { checkAPI: false });
    if (role === "both") await dropOldOrders(manager);
    return new JetStreamTransport({ connection, manager, role, observe, ackMs, orderMs, heartbeatMs });
  } catch (error) {
    await connection.close();
    throw error;
  }
}

interface Setup {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly role: Role;
  readonly observe: Observe;
  readonly ackMs: number;
  readonly orderMs: number;
  readonly heartbeatMs: number;
}

interface Part {
  stop(): Promise<void>;
  handBack?(): void;
}

/** Where messages of a channel are kept, and who takes them from there; the others travel by core. */
interface Keeping {
  readonly stream: StreamName;
  /** Who takes the messages; a channel without one is followed, from there on. */
  readonly durable?: string;
  readonly from?: "last" | "next";
}
const KEPT: { readonly [C in Channel]: Keeping | null } = {
  orders: { stream: "PURGE_ORDERS", durable: "gateway" },
  results: { stream: "PURGE_RESULTS", durable: "supervisor" },
  transitions: { stream: "PURGE_TRANSITIONS", from: "next" },
  dead: { stream: "PURGE_DEAD", from: "next" },
  venue: { stream: "PURGE_VENUE", from: "last" },
  account: null,
  holdings: null,
};
const STREAMS_OF: { readonly [R in Role]: readonly StreamName[] | null } = {
  supervisor: null,
  both: null,
  gateway: ["PURGE_ORDERS"],
};
/** Consumers that nobody else has while this role is taken. */
const OURS: { readonly [R in Role]: readonly Channel[] } = {
  supervisor: ["results"],
  gateway: [],
  both: ["results", "orders"],
};

/** How long a gateway waits for the streams that a supervisor makes. */
const STREAMS_MS = 10_000;
const STREAMS_AGAIN_MS = 500;
/** A message to oneself that was lost on its way to us comes again after the consumer's wait for an answer. */
const ECHO_TIMEOUT_MS = 20_000;
const ACK_MS = 5_000;
const ORDER_MS = 20_000;
const HEARTBEAT_MS = 5_000;
const IN_FLIGHT = 1_000;
const CLOSE_MS = 2_000;
const LAST_MS = 10_000;

class JetStreamTransport implements NatsTransport {
  readonly echoTimeoutMs = ECHO_TIMEOUT_MS;
  readonly connection: NatsConnection;
  readonly #setup: Setup;
  readonly #state = new ConnectionState(true);
  readonly #world: JetStreamWorld;
  readonly #publisher: JetStreamPublisher;
  readonly #core: NatsCore;
  readonly #parts = new Set<Part>();
  readonly #taken = new Set<Channel>();
  readonly #statusLoop: Promise<void>;
  #repairing: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(setup: Setup) {
    const { connection, manager, observe, ackMs, orderMs, heartbeatMs } = setup;
    this.#setup = setup;
    this.connection = connection;
    const client = jetstream(connection);
    const repair = (): Promise<void> => this.#repair();
    this.#world = { connection, client, manager, state: this.#state, observe, repair, heartbeatMs };
    this.#publisher = new JetStreamPublisher({
      client,
      state: this.#state,
      observe,
      onMissing: () => void this.#repair().catch(() => {}),
      ackMs,
      orderMs,
    });
    this.#core = new NatsCore(connection, (message) => this.#incident("error", message));
    this.#statusLoop = this.#watchStatus();
    void connection.closed().then((error) => this.#onClosed(error));
  }

  get connected(): boolean {
    return this.#state.connected;
  }

  onConnection(listener: (connected: boolean) => void): Cancel {
    return this.#state.onChange(listener);
  }

  async publish(subject: string, bytes: Uint8Array, headers: Headers): Promise<Taken> {
    this.#assertOpen(subject);
    // Sent later, an order would be stale; and the client would drop a core message without a word.
    if (!this.connected) {
      const message = `${subject}: there is no connection to the server`;
      throw new BusError({ reason: "disconnected", message });
    }
    const channel = channelOf(subject);
    if (channel !== null && KEPT[channel] !== null) return this.#publisher.publish(subject, bytes, headers);
    await this.#core.publish(subject, bytes, headers);
    return "taken";
  }

  async subscribe(
    pattern: string,
    onMessage: (message: TransportMessage) => void,
    { maxInFlight = IN_FLIGHT }: SubscribeOptions = {},
  ): Promise<Cancel> {
    this.#assertOpen(pattern);
    const channel = channelOf(pattern);
    const kept = channel === null ? null : KEPT[channel];
    if (channel === null || kept === null) return this.#core.subscribe(pattern, onMessage, this.connected);
    const { stream, durable, from = "next" } = kept;
    if (durable === undefined) {
      const follower = new Follower(this.#world, { stream, pattern, from, onMessage });
      return this.#opened(follower, () => this.#parts.delete(follower));
    }
    this.#claim(channel, pattern);
    const isOurs = OURS[this.#setup.role].includes(channel);
    const isOldSuspect = channel === "orders";
    const setup = { stream, durable, maxInFlight, isOurs, isOldSuspect, onMessage };
    const consumer = new DurableConsumer(this.#world, setup);
    // It stays a part when it is cancelled: what is in hand is still to be answered, or given back at the end.
    return this.#opened(consumer, () => this.#taken.delete(channel));
  }

  async last(pattern: string): Promise<TransportMessage | null> {
    const channel = channelOf(pattern);
    const kept = channel === null ? null : KEPT[channel];
    if (kept === null) return null;
    for (let since = performance.now(); ; ) {
      this.#assertOpen(pattern);
      try {
        const stored = await this.#setup.manager.streams.getMessage(kept.stream, { last_by_subj: pattern });
        if (stored === null) return null;
        const headers = fromNatsHeaders(() => stored.header);
        return { subject: stored.subject, bytes: stored.data, headers };
      } catch (error) {
        if (performance.now() - since > LAST_MS) {
          const message = `the last message of ${pattern} cannot be read: ${said(error)}`;
          throw new BusError({ reason: "disconnected", message });
        }
        await sleep(STREAMS_AGAIN_MS);
      }
    }
  }

  onAbandoned(listener: (message: TransportMessage, reason: string) => void): Cancel {
    if (this.#setup.role === "gateway") return () => {};
    const watching = watchAbandoned(this.#world, listener);
    this.#parts.add(watching);
    return () => void watching.stop();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const parts = [...this.#parts];
    const stopped = Promise.all(parts.map((part) => part.stop()));
    if (this.connected) {
      await this.#bounded(
        Promise.all([stopped, this.#publisher.settled()]),
        "waiting for what is on its way",
      );
    }
    this.#publisher.close();
    for (const part of parts) part.handBack?.();
    if (this.connected) await this.#bounded(this.connection.drain(), "taking leave of the server");
    await this.connection.close();
    this.#state.set(false);
    await Promise.all([stopped, this.#publisher.settled(), this.#statusLoop]);
  }

  async #bounded(work: Promise<unknown>, what: string): Promise<void> {
    const lost = Promise.withResolvers<void>();
    const cancel = this.#state.onChange(() => lost.resolve());
    await within(CLOSE_MS, Promise.race([work, lost.promise])).catch((error: unknown) => {
      this.#note("warn", `NATS: closing, ${what}: ${said(error)}`);
    });
    cancel();
  }

  /** Two who take from one durable consumer in one process would each get half of it. */
  #claim(channel: Channel, pattern: string): void {
    const problem =
      pattern !== patternOf(channel)
        ? "is for all symbols; one symbol's alone cannot be taken"
        : this.#taken.has(channel)
          ? "has a consumer in this process already"
          : null;
    if (problem !== null) {
      throw new BusError({
        reason: "refused",
        message: `a consumer of ${channel}: over NATS, ${channel} ${problem}`,
      });
    }
    this.#taken.add(channel);
  }

  async #opened(part: Part & { ready(): Promise<void> }, release: () => void): Promise<Cancel> {
    this.#parts.add(part);
    try {
      await part.ready();
    } catch (error) {
      release();
      this.#parts.delete(part);
      await part.stop();
      throw error;
    }
    let isOpen = true;
    return () => {
      if (isOpen) void part.stop();
      if (isOpen) release();
      isOpen = false;
    };
  }

  /** Streams or consumers are gone: makes them again, or says who should. One at a time. */
  #repair(): Promise<void> {
    this.#repairing ??= ensure(this.connection, this.#setup.role).finally(() => {
      this.#repairing = null;
    });
    return this.#repairing;
  }

  async #watchStatus(): Promise<void> {
    for await (const status of this.connection.status()) this.#onStatus(status);
  }

  #onStatus(status: Status): void {
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
        this.#incident(
          /slow consumer/i.test(status.error.message) ? "slow_consumer" : "error",
          `NATS: ${status.error.message}`,
        );
        break;
      case "staleConnection":
        this.#incident("stale_connection", "NATS: the server has stopped answering");
        break;
      case "slowConsumer":
        this.#incident(
          "slow_consumer",
          `NATS: ${status.pending} messages of ${status.sub.getSubject()} wait in this process`,
        );
        break;
      case "ldm":
        this.#incident(
          "lame_duck",
          `NATS: ${redacted(status.server)} is about to shut down; the client goes to another one`,
        );
        break;
      default:
        break;
    }
  }

  #onClosed(error: unknown): void {
    this.#state.set(false);
    if (this.#closing !== null) return;
    this.#note(
      "error",
      `NATS: the client gave the connection up: ${error ? said(error) : "no reason given"}`,
    );
  }

  #assertOpen(subject: string): void {
    if (this.#closing !== null || this.connection.isClosed()) {
      throw new BusError({ reason: "closed", message: `${subject}: the connection is closed` });
    }
  }

  #incident(what: "error" | "slow_consumer" | "stale_connection" | "lame_duck", message: string): void {
    this.#setup.observe({ kind: "bus", what, message });
  }

  #note(level: "info" | "warn" | "error", message: string): void {
    this.#setup.observe({ kind: "note", level, message });
  }
}

/** Who is supervisor and gateway at once was so in an earlier life as well: its machines now send again whatever they
 * wait for, and what that life's orders left behind would only be done twice, or after its time. */
async function dropOldOrders(manager: JetStreamManager): Promise<void> {
  try {
    await manager.streams.purge("PURGE_ORDERS");
  } catch (error) {
    const message = `the orders of an earlier life cannot be dropped from PURGE_ORDERS: ${said(error)}`;
    throw new BusError({ reason: "refused", message });
  }
}

async function ensure(connection: NatsConnection, role: Role): Promise<void> {
  const streams = STREAMS_OF[role];
  await ensureStreams(connection, {
    may: role === "gateway" ? "verify" : "create",
    ...(streams === null ? {} : { streams }),
  });
}

/** A gateway may be there before the supervisor that makes the streams. */
async function streamsReady(connection: NatsConnection, role: Role): Promise<void> {
  for (let since = performance.now(); ; ) {
    try {
      await ensure(connection, role);
      return;
    } catch (error) {
      if (role !== "gateway" || performance.now() - since > STREAMS_MS) throw error;
      await sleep(STREAMS_AGAIN_MS);
    }
  }
}
