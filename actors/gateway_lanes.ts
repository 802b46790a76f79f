// Deliveries in lanes: strictly one after the other within a lane, all lanes at once; each answered exactly once.
import { Cause, Effect, Exit } from "effect";
import { BusError, type Channel, type ChannelBody, type Delivery } from "./ports.ts";

/** What became of a message: its answer is on the bus, or it can never be answered. */
export type Verdict = "done" | { readonly dead: string };

export interface LaneOptions<C extends Channel> {
  readonly fork: (work: Effect.Effect<void>) => void;
  /** Does what the message asks for and publishes the answer. Fails when the bus does not take it. */
  readonly serve: (body: ChannelBody[C], deliveries: number) => Effect.Effect<Verdict, BusError>;
  /** How long until a message comes again whose answer the bus did not take and that was delivered this often. */
  readonly againMs: (deliveries: number) => number;
  readonly onTrouble: (what: "again" | "dead", reason: string, body: ChannelBody[C]) => void;
}

/** Returns a function that takes a delivery over, at the end of its lane. */
export function createLanes<C extends Channel>(
  options: LaneOptions<C>,
): (lane: string, delivery: Delivery<C>) => void {
  const lanes = new Map<string, Delivery<C>[]>();
  return (name, delivery) => {
    const waiting = lanes.get(name);
    if (waiting !== undefined) {
      waiting.push(delivery);
      return;
    }
    const lane = [delivery];
    lanes.set(name, lane);
    const close = Effect.sync(() => {
      lanes.delete(name);
      returnAll(lane, 0);
    });
    options.fork(serveLane(lane, options).pipe(Effect.ensuring(close)));
  };
}

function serveLane<C extends Channel>(lane: Delivery<C>[], options: LaneOptions<C>): Effect.Effect<void> {
  return Effect.gen(function* () {
    for (let next = lane.shift(); next !== undefined; next = lane.shift()) {
      const exit = yield* Effect.exit(serveOne(next, options));
      // What stands behind goes back as well, and for as long, so that it does not overtake.
      if (Exit.isFailure(exit)) returnAll(lane, options.againMs(next.deliveries));
    }
  });
}

function returnAll<C extends Channel>(lane: Delivery<C>[], delayMs: number): void {
  for (const delivery of lane.splice(0)) delivery.nak(delayMs);
}

function serveOne<C extends Channel>(
  delivery: Delivery<C>,
  options: LaneOptions<C>,
): Effect.Effect<Verdict, BusError> {
  return options.serve(delivery.body, delivery.deliveries).pipe(
    Effect.onExit((exit) =>
      Effect.sync(() => {
        if (Exit.isFailure(exit)) settleFailure(delivery, exit.cause, options);
        else if (exit.value === "done") delivery.ack();
        else setAside(delivery, exit.value.dead, options);
      }),
    ),
  );
}

function settleFailure<C extends Channel>(
  delivery: Delivery<C>,
  cause: Cause.Cause<BusError>,
  options: LaneOptions<C>,
): void {
  if (Cause.hasInterruptsOnly(cause)) {
    delivery.nak(0);
    return;
  }
  const failure = Cause.squash(cause);
  if (failure instanceof BusError && failure.reason !== "encode") {
    delivery.nak(options.againMs(delivery.deliveries));
    options.onTrouble("again", `the bus did not take the answer: ${failure.message}`, delivery.body);
    return;
  }
  // Delivered again it would fail again: a bug, of this gateway or of a codec.
  setAside(
    delivery,
    `the gateway failed on it: ${failure instanceof Error ? failure.message : failure}`,
    options,
  );
}

function setAside<C extends Channel>(delivery: Delivery<C>, reason: string, options: LaneOptions<C>): void {
  delivery.dead(reason);
  options.onTrouble("dead", reason, delivery.body);
}
