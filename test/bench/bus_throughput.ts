// Results a second, taken from a backlog: by a loop that only acknowledges, and by the supervisor.
import { rm } from "node:fs/promises";
import { type ConsumerConfig, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connectNats, type TransportMessage } from "../../adapters/bus/mod.ts";
import type { OrderRequest, TradingSymbol } from "../../machines/mod.ts";
import {
  accepted,
  expected,
  marketSnapshot,
  partFilled,
  purgeRequested,
  resultMessage,
  symbolsNamed,
} from "./bus_messages.ts";
import { ledgerDir, type Place } from "./bus_places.ts";
import { type Extent, startBenchSupervisor } from "./bus_supervisor.ts";
import { Wire } from "./bus_wire.ts";
import { Stopwatch } from "./measure.ts";

/** How the bare loop answers: without waiting, as the supervisor does, or until the server has confirmed it. */
export type AckStyle = "ack" | "ackAck";

const SYMBOLS = 500;
/** What the supervisor asks for at a time, and the bare loop too. */
const IN_FLIGHT = 500;
/** The first part of each backlog is for starting and getting warm. */
const WARM_UP = 0.25;
const ROUND_MS = 8_000;
const STREAM = "PURGE_RESULTS";

/** Symbols with an order that rests at the exchange, and the stream that their results come through. */
export class ThroughputBench {
  readonly #url: string;
  readonly #dir: string;
  readonly #wire: Wire;
  readonly #manager: JetStreamManager;
  readonly #orders: readonly OrderRequest[];
  #revision = 0;

  private constructor(
    url: string,
    dir: string,
    wire: Wire,
    manager: JetStreamManager,
    orders: readonly OrderRequest[],
  ) {
    this.#url = url;
    this.#dir = dir;
    this.#wire = wire;
    this.#manager = manager;
    this.#orders = orders;
  }

  /** Brings every symbol to `purging.resting`, the way it would come there by itself. */
  static async open(url: string, place: Place): Promise<ThroughputBench> {
    const dir = await ledgerDir(place);
    const wire = await Wire.open(url, "bench gateway");
    const supervisor = await startBenchSupervisor({ url, dir, extent: "core" });
    const orders = await Promise.all(
      symbolsNamed(place === "disk" ? "D" : "M", SYMBOLS).map((symbol) => {
        supervisor.symbols.tell(purgeRequested(symbol));
        return restingOrder(wire, symbol);
      }),
    );
    await until(() =>
      orders.every(({ symbol }) => supervisor.symbols.view(symbol)?.state === "purging.resting"),
    );
    await supervisor.stop();
    return new ThroughputBench(url, dir, wire, await jetstreamManager(wire.connection), orders);
  }

  /** Stores `count` results, each of which changes its symbol's machine. Returns the stream's sequence of the first. */
  async fill(count: number): Promise<number> {
    const messages: TransportMessage[] = [];
    while (messages.length < count) {
      this.#revision += 1;
      for (const order of this.#orders) messages.push(resultMessage(partFilled(order, this.#revision)));
    }
    const { last_seq } = (await this.#manager.streams.info(STREAM)).state;
    await this.#wire.publishAll(messages.slice(0, count));
    return last_seq + 1;
  }

  /** @return messages a second */
  async bare(style: AckStyle, from: number, count: number): Promise<number> {
    const config = await this.#bareConsumer(from);
    const connection = await connectNats({ servers: this.#url, name: "bench bare loop" });
    const watch = new Stopwatch(WARM_UP * count, count);
    const consumer = await jetstream(connection).consumers.get(STREAM, config.durable_name);
    const messages = await consumer.consume({
      max_messages: IN_FLIGHT,
      callback: (msg) => {
        if (style === "ack") {
          msg.ack();
          watch.count(1);
        } else {
          void msg.ackAck().then(() => watch.count(1));
        }
      },
    });
    await watch.done(ROUND_MS);
    await this.#acknowledged(config.durable_name ?? "");
    const rate = watch.rate();
    await messages.close();
    await connection.close();
    await this.#manager.consumers.delete(STREAM, config.durable_name ?? "");
    return rate;
  }

  /** @return results a second: decoded, stepped, on disk, acknowledged */
  async supervised(extent: Extent, count: number): Promise<number> {
    const watch = new Stopwatch(WARM_UP * count, count);
    const supervisor = await startBenchSupervisor({
      ...{ url: this.#url, dir: this.#dir, extent },
      // Acknowledged in the turn in which this is told.
      observe: (observation) => {
        if (observation.kind === "commit") watch.count(observation.records);
      },
    });
    await watch.done(ROUND_MS);
    await this.#acknowledged("supervisor");
    const rate = watch.rate();
    await supervisor.stop();
    if (watch.counted !== count) throw new Error(`${watch.counted} records of ${count} results`);
    return rate;
  }

  async close(): Promise<void> {
    await this.#wire.close();
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** Like the supervisor's in everything but its name and where it begins. */
  async #bareConsumer(from: number): Promise<ConsumerConfig> {
    const { config } = await this.#manager.consumers.info(STREAM, "supervisor");
    const { config: made } = await this.#manager.consumers.add(STREAM, {
      ack_policy: config.ack_policy,
      ...(config.ack_wait === undefined ? {} : { ack_wait: config.ack_wait }),
      ...(config.max_deliver === undefined ? {} : { max_deliver: config.max_deliver }),
      ...(config.max_ack_pending === undefined ? {} : { max_ack_pending: config.max_ack_pending }),
      replay_policy: config.replay_policy,
      deliver_policy: "by_start_sequence",
      opt_start_seq: from,
      durable_name: "bench_bare",
    });
    return made;
  }

  /** Resolves when the server has taken in the last answer. */
  async #acknowledged(durable: string): Promise<void> {
    const left = async () => {
      const info = await this.#manager.consumers.info(STREAM, durable);
      return info.num_pending + info.num_ack_pending;
    };
    await until(async () => (await left()) === 0);
  }
}

async function restingOrder(wire: Wire, symbol: TradingSymbol): Promise<OrderRequest> {
  const asked = expected(await wire.command(symbol), "market.refresh");
  await wire.publish(resultMessage(marketSnapshot(asked)));
  const { order } = expected(await wire.command(symbol), "order.place");
  await wire.publish(resultMessage(accepted(order)));
  return order;
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const since = performance.now();
  while (!(await isSo())) {
    if (performance.now() - since > ROUND_MS) throw new Error("what was to happen did not");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
