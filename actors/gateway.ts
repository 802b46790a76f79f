// The exchange gateway: the one actor that talks to the exchange. Commands come in, results go out. See docs/gateway.md.
import { Clock as EffectClock, Context, Effect, Exit, type Fiber, FiberSet, Random, Scope } from "effect";
import type { PurgeCommand, VenueState } from "../machines/mod.ts";
import { startBreaker, venueState } from "./breaker.ts";
import { effectClock, leaseClock, working } from "./effect_clock.ts";
import type { Answer, OrderName } from "./gateway_answer.ts";
import { cancelOrder, queryOrder, readHoldings, refreshMarket } from "./gateway_commands.ts";
import { isDenial, withDoubt } from "./gateway_doubt.ts";
import { createLanes, type LaneOptions, type Verdict } from "./gateway_lanes.ts";
import { placeOrder, SentOrders } from "./gateway_place.ts";
import { backoffMs, createRequests, type GatewayDesk, type GatewaySettings } from "./gateway_requests.ts";
import { createWatches, type Watches } from "./gateway_watch.ts";
import {
  type Bus,
  BusError,
  type Cancel,
  type Channel,
  type ChannelBody,
  type Clock,
  type Delivery,
} from "./ports.ts";
import type { Exchange, Observe } from "./ports.ts";

export interface GatewayOptions {
  readonly bus: Bus;
  /** Stays open when the gateway stops: whoever opened it closes it. */
  readonly exchange: Exchange;
  readonly clock: Clock;
  readonly observe: Observe;
  readonly settings: GatewaySettings;
}

export interface Gateway {
  /** Takes no more commands, breaks off what is under way and hands it back to the bus. Done within three seconds; a
   * request that cannot be broken off is left behind, observed. */
  stop(): Promise<void>;
  /** The breaker, as last published. */
  readonly venue: VenueState;
  /** Orders that are followed until they are final. */
  readonly watched: number;
}

/** Starts a gateway with its breaker closed.
 *
 * @throws BusError when the bus does not let it consume `orders` and `account`
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const running = assemble(options);
  try {
    await running.listen();
  } catch (error) {
    await running.stop();
    throw error;
  }
  return running;
}

/** Less than the five seconds after which a supervisor abandons a child. */
const STOP_MS = 3_000;
/** Commands taken from the bus and not answered yet. */
const ORDERS_IN_FLIGHT_MAX = 256;
const READS_IN_FLIGHT_MAX = 8;

type Fork = (work: Effect.Effect<void>) => Fiber.Fiber<unknown, unknown>;
type Publish = <C extends Channel>(channel: C, body: ChannelBody[C]) => Effect.Effect<void, BusError>;

function assemble(options: GatewayOptions): Gateway & { listen(): Promise<void> } {
  const { bus, exchange, observe, settings } = options;
  const clock = leaseClock(options.clock);
  const fibers = startFibers(clock, settings.seed);
  const publish: Publish = (channel, body) =>
    Effect.tryPromise({ try: () => bus.publish(channel, body), catch: toBusError });
  const announce = announcer(publish, fibers.fork, settings.maxDelayMs);
  const breaker = startBreaker({
    clock,
    settings: settings.breaker,
    onChange(venue) {
      observeVenue(observe, venue);
      announce(venue);
    },
  });
  const base = { exchange, clock, observe, settings, breaker };
  const desk: GatewayDesk = { ...base, requests: createRequests(base) };
  const watches = createWatches(desk, fibers.fork, (update) => publish("results", update));
  const sent = new SentOrders(clock.steady());
  const commands = createLanes<"orders">({
    ...laneOptions(desk, fibers.fork),
    serve: commandServer(desk, sent, watches, publish),
  });
  const takeOver = (delivery: Delivery<"orders">): void => {
    const { body, deliveries } = delivery;
    if (body.type === "order.place" && deliveries <= 1) sent.receive(body.order.client_order_id);
    commands(body.symbol, delivery);
  };
  const reads = createLanes<"account">({
    ...laneOptions(desk, fibers.fork),
    serve: ({ request_id }) =>
      readHoldings(desk, request_id).pipe(
        Effect.flatMap((holdings) => publish("holdings", holdings)),
        Effect.as<Verdict>("done"),
      ),
  });
  const subscriptions: Cancel[] = [];
  let stopped: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    for (const cancel of subscriptions.splice(0)) cancel();
    breaker.stop();
    await beforeDeadline(options, fibers.close());
    clock.close();
  };
  return {
    async listen() {
      announce(venueState(breaker.state));
      subscriptions.push(exchange.onOrder((report) => watches.push(report)));
      subscriptions.push(
        await bus.consume("account", (delivery) => reads("account", delivery), {
          maxInFlight: READS_IN_FLIGHT_MAX,
        }),
      );
      subscriptions.push(await bus.consume("orders", takeOver, { maxInFlight: ORDERS_IN_FLIGHT_MAX }));
    },
    stop() {
      stopped ??= stop();
      return stopped;
    },
    get venue() {
      return venueState(breaker.state);
    },
    get watched() {
      return watches.size;
    },
  };
}

/** Fibers that run on the port's time, hold it while they work, and end together. */
function startFibers(clock: Clock, seed: string | number): { fork: Fork; close(): Promise<void> } {
  const random = Effect.runSync(Random.Random.useSync((source) => source).pipe(Random.withSeed(seed)));
  const context = Context.make(EffectClock.Clock, effectClock(clock)).pipe(
    Context.add(Random.Random, random),
  );
  const scope = Effect.runSync(Scope.make());
  const run = Effect.runSync(
    FiberSet.makeRuntime<never, void, never>().pipe(Scope.provide(scope), Effect.provideContext(context)),
  );
  return {
    fork: (work) => run(working(clock)(work)),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void)),
  };
}

/** Publishes the newest state, until the bus has taken it. */
function announcer(publish: Publish, fork: Fork, againMs: number): (venue: VenueState) => void {
  let latest: VenueState | null = null;
  let isBusy = false;
  const announceAll = Effect.gen(function* () {
    for (let venue = latest; venue !== null; venue = latest) {
      const isTaken = yield* Effect.isSuccess(publish("venue", venue));
      if (!isTaken) yield* Effect.sleep(againMs);
      else if (latest === venue) latest = null;
    }
    isBusy = false;
  });
  return (venue) => {
    latest = venue;
    if (isBusy) return;
    isBusy = true;
    fork(announceAll);
  };
}

function commandServer(
  desk: GatewayDesk,
  sent: SentOrders,
  watches: Watches,
  publish: Publish,
): (command: PurgeCommand, deliveries: number) => Effect.Effect<Verdict, BusError> {
  const { clock, settings } = desk;
  const freshUntil = clock.steady() + (settings.lookUpFirstMs ?? 0);
  const serve = (command: PurgeCommand, deliveries: number): Effect.Effect<Verdict, BusError> =>
    Effect.gen(function* () {
      const answer = yield* execute(desk, sent, command, deliveries, clock.steady() < freshUntil);
      for (const result of answer.results) yield* publish("results", withDoubt(clock, sent, result));
      if (answer.follow !== null) watches.told(answer.follow);
    }).pipe(Effect.as<Verdict>("done"));
  return (command, deliveries) => {
    const problem = problemWith(command, sent);
    if (problem !== null) return Effect.succeed({ dead: problem });
    const name = orderOf(command);
    if (name === null) return serve(command, deliveries);
    return Effect.acquireUseRelease(
      Effect.sync(() => watches.occupy(name)),
      () => serve(command, deliveries),
      (release) => Effect.sync(release),
    );
  };
}

function execute(
  desk: GatewayDesk,
  sent: SentOrders,
  command: PurgeCommand,
  deliveries: number,
  isFresh: boolean,
): Effect.Effect<Answer> {
  switch (command.type) {
    case "order.place": {
      const past = sent.pastOf(command, deliveries, isFresh);
      return placeOrder(desk, sent, command.order, past);
    }
    case "order.cancel":
      return cancelOrder(desk, command).pipe(
        Effect.tap(({ results }) =>
          Effect.sync(() => {
            if (results.some(isDenial)) sent.withdraw(command.client_order_id);
          }),
        ),
      );
    case "order.query":
      return queryOrder(desk, command);
    case "market.refresh":
      return refreshMarket(desk, command);
  }
}

function orderOf(command: PurgeCommand): OrderName | null {
  if (command.type === "market.refresh") return null;
  return command.type === "order.place" ? command.order : command;
}

/** Why a command must not be carried out at all. */
function problemWith(command: PurgeCommand, sent: SentOrders): string | null {
  if (command.type !== "order.place") return null;
  const { symbol, order } = command;
  if (order.symbol !== symbol) return `order.place for ${symbol} carries an order for ${order.symbol}`;
  if (!sent.contradicts(order)) return null;
  return `order.place repeats client_order_id ${order.client_order_id} with another body; a changed order needs a new id`;
}

function laneOptions(
  { observe, settings }: GatewayDesk,
  fork: Fork,
): Omit<LaneOptions<"orders" | "account">, "serve"> {
  return {
    fork,
    againMs: (deliveries) => backoffMs(deliveries, settings),
    onTrouble(what, reason, body) {
      const symbol = "symbol" in body ? body.symbol : null;
      if (what === "dead") observe({ kind: "dead_letter", symbol, reason });
      else observe({ kind: "note", level: "warn", message: reason, data: { symbol, command: body.type } });
    },
  };
}

function observeVenue(observe: Observe, venue: VenueState): void {
  observe({ kind: "venue", venue });
  if (venue.state !== "open" || venue.cause !== "account") return;
  const message = `purging stops: the exchange refuses the account, which only an operator can mend: ${venue.reason}`;
  observe({ kind: "note", level: "error", message, data: { until: venue.until } });
}

/** Waits for `ended`, but not for ever. */
async function beforeDeadline({ clock, observe }: GatewayOptions, ended: Promise<void>): Promise<void> {
  let cancel: Cancel = () => {};
  const deadline = new Promise<void>((resolve) => {
    cancel = clock.schedule(clock.now() + STOP_MS, () => {
      const message = `the gateway stopped without waiting for a request that did not end within ${STOP_MS} ms`;
      observe({ kind: "note", level: "error", message });
      resolve();
    });
  });
  await Promise.race([ended, deadline]);
  cancel();
}

function toBusError(error: unknown): BusError {
  if (error instanceof BusError) return error;
  return new BusError({ reason: "refused", message: error instanceof Error ? error.message : String(error) });
}
