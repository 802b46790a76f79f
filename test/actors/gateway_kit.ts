// A gateway on virtual time, between an exchange that follows a script and a bus that remembers everything.
import { Schema } from "effect";
import { afterEach } from "vitest";
import { type Gateway, startGateway } from "../../actors/gateway.ts";
import type { GatewaySettings } from "../../actors/gateway_requests.ts";
import {
  type Bus,
  BusError,
  type Channel,
  type ChannelBody,
  type Delivery,
  type Observation,
} from "../../actors/ports.ts";
import { systemClock, type VirtualClock, virtualClock } from "../../adapters/clock/mod.ts";
import {
  HoldingsMessage,
  type OrderRequest,
  OrderResult,
  type PurgeCommand,
  type PurgeEventOf,
  VenueState,
} from "../../machines/mod.ts";
import { FakeExchange, symbolOf } from "./fake_exchange.ts";

export const SETTINGS: GatewaySettings = {
  requestTimeoutMs: 5_000,
  maxAttempts: 4,
  baseDelayMs: 1_000,
  maxDelayMs: 8_000,
  pollMs: 2_000,
  breaker: {
    venueCooldownMs: 30_000,
    venueCooldownMaxMs: 100_000,
    accountCooldownMs: 600_000,
    symbolsForHalt: 3,
    haltWindowMs: 60_000,
  },
  seed: "gateway tests",
};

/** What became of one delivery. */
type Answered = "ack" | `nak ${number}` | `dead ${string}`;
type Consumers = { readonly [C in Channel]: ((body: ChannelBody[C], deliveries: number) => void)[] };

/** Delivers in the same turn; what is handed back comes again after its delay. */
export class TestBus implements Bus {
  readonly published: { readonly channel: Channel; readonly body: unknown }[] = [];
  readonly answered: Answered[] = [];
  /** Publishes that are to fail from here on, one for each entry. */
  readonly failures: BusError[] = [];
  readonly connected = true;
  readonly lastTransition = async (): Promise<null> => null;
  readonly #clock: VirtualClock;
  readonly #consumers: Consumers = {
    orders: [],
    results: [],
    transitions: [],
    account: [],
    holdings: [],
    venue: [],
    dead: [],
  };

  constructor(clock: VirtualClock = virtualClock()) {
    this.#clock = clock;
  }

  get consumed(): readonly string[] {
    return Object.entries(this.#consumers).flatMap(([channel, consumers]) => consumers.map(() => channel));
  }

  async publish<C extends Channel>(channel: C, body: ChannelBody[C]): Promise<void> {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    this.published.push({ channel, body });
  }

  async consume<C extends Channel>(
    channel: C,
    handler: (delivery: Delivery<C>) => void,
  ): Promise<() => void> {
    const deliver = (body: ChannelBody[C], deliveries: number): void => {
      let open = true;
      const answer = (what: Answered): void => {
        if (!open) throw new Error(`a delivery was answered twice, now by ${what}`);
        open = false;
        this.answered.push(what);
      };
      handler({
        subject: `purge.v1.${channel}`,
        body,
        deliveries,
        ack: () => answer("ack"),
        nak: (delayMs) => {
          answer(`nak ${delayMs}`);
          this.#clock.schedule(this.#clock.now() + delayMs, () =>
            this.#deliver(channel, body, deliveries + 1),
          );
        },
        dead: (reason) => answer(`dead ${reason}`),
      });
    };
    const consumers = this.#consumers[channel];
    consumers.push(deliver);
    return () => {
      consumers.splice(consumers.indexOf(deliver), 1);
    };
  }

  /** @param deliveries more than 1 for a message that somebody was given before */
  send<C extends Channel>(channel: C, body: ChannelBody[C], deliveries = 1): void {
    if (!this.#deliver(channel, body, deliveries)) throw new Error(`nobody consumes ${channel}`);
  }

  #deliver<C extends Channel>(channel: C, body: ChannelBody[C], deliveries: number): boolean {
    const [consumer] = this.#consumers[channel];
    consumer?.(body, deliveries);
    return consumer !== undefined;
  }

  onConnection(): () => void {
    return () => {};
  }

  async close(): Promise<void> {}
}

/** The system's clock on virtual timers, which somebody may set. */
export function settableClock(): VirtualClock & { set(aheadMs: number): void } {
  const time = virtualClock();
  const start = time.steady();
  let ahead = 0;
  const clock = systemClock({
    now: () => time.now() + ahead,
    steady: () => time.steady() - start,
    after: (ms, fire) => time.schedule(time.now() + ms, fire),
  });
  return {
    ...time,
    ...clock,
    hold: () => time.hold(),
    set(aheadMs) {
      ahead = aheadMs;
    },
    get holds() {
      return time.holds;
    },
  };
}

export class Rig {
  readonly clock: VirtualClock;
  readonly bus: TestBus;
  readonly exchange: FakeExchange;
  readonly observed: Observation[] = [];
  readonly start: number;
  #gateway: Gateway | null = null;

  constructor(clock: VirtualClock = virtualClock()) {
    this.clock = clock;
    this.bus = new TestBus(clock);
    this.exchange = new FakeExchange(clock);
    this.start = clock.now();
  }

  get gateway(): Gateway {
    if (this.#gateway === null) throw new Error("not started");
    return this.#gateway;
  }

  async begin(settings: Partial<GatewaySettings> = {}): Promise<void> {
    this.#gateway = await startGateway({
      bus: this.bus,
      exchange: this.exchange,
      clock: this.clock,
      observe: (observation) => this.observed.push(observation),
      settings: { ...SETTINGS, ...settings },
    });
    await this.clock.settle();
  }

  /** Sends commands and lets them come to rest without time passing. */
  async send(...commands: PurgeCommand[]): Promise<void> {
    for (const command of commands) this.bus.send("orders", command);
    await this.clock.settle();
  }

  /** The same, of commands that somebody was given before. */
  async sendAgain(...commands: PurgeCommand[]): Promise<void> {
    for (const command of commands) this.bus.send("orders", command, 2);
    await this.clock.settle();
  }

  get results(): readonly OrderResult[] {
    return this.#on("results").map((body) => Schema.decodeUnknownSync(OrderResult)(body));
  }

  get resultTypes(): readonly string[] {
    return this.results.map(({ type }) => type);
  }

  /** The only result of this type so far. */
  result<T extends OrderResult["type"]>(type: T): PurgeEventOf<T> {
    const [only, ...more] = this.results.filter(
      (result): result is PurgeEventOf<T> & OrderResult => result.type === type,
    );
    if (only === undefined || more.length > 0)
      throw new Error(`expected one ${type}, got ${this.resultTypes}`);
    return only;
  }

  get venue(): readonly VenueState[] {
    return this.#on("venue").map((body) => Schema.decodeUnknownSync(VenueState)(body));
  }

  get holdings(): readonly HoldingsMessage[] {
    return this.#on("holdings").map((body) => Schema.decodeUnknownSync(HoldingsMessage)(body));
  }

  /** What was asked of the exchange, as `0.75s place`. */
  get asked(): readonly string[] {
    return this.exchange.calls.map(({ what, at }) => `${(at - this.start) / 1_000}s ${what}`);
  }

  get notes(): readonly string[] {
    return this.observed.flatMap((observation) =>
      observation.kind === "note" ? [`${observation.level}: ${observation.message}`] : [],
    );
  }

  get retries(): readonly number[] {
    return this.observed.flatMap((observation) =>
      observation.kind === "gateway.retry" ? [observation.attempt] : [],
    );
  }

  #on(channel: Channel): readonly unknown[] {
    return this.bus.published.flatMap((message) => (message.channel === channel ? [message.body] : []));
  }
}

const rigs: Rig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.gateway.stop();
});

/** A started gateway, stopped when the test ends. */
export async function startRig(settings: Partial<GatewaySettings> = {}, clock?: VirtualClock): Promise<Rig> {
  const rig = new Rig(clock);
  await rig.begin(settings);
  rigs.push(rig);
  return rig;
}

export function place(order: OrderRequest): PurgeCommand {
  return { type: "order.place", symbol: order.symbol, order };
}

export function cancel({ symbol, client_order_id }: OrderRequest): PurgeCommand {
  return { type: "order.cancel", symbol, client_order_id, order_id: null };
}

export function query({ symbol, client_order_id }: OrderRequest): PurgeCommand {
  return { type: "order.query", symbol, client_order_id, order_id: null };
}

export function refresh(symbol = "BONK-USD", request_id = "1-1"): PurgeCommand {
  return { type: "market.refresh", symbol: symbolOf(symbol), request_id };
}

export function disconnected(): BusError {
  return new BusError({ reason: "disconnected", message: "the bus is away" });
}
