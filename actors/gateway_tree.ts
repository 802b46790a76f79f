// The gateway as a program of its own: a bus, a claim to be the only one on it, the gateway. The supervisor is elsewhere.
import * as Result from "effect/Result";
import type { Child, ChildSpec, Link } from "./child_spec.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import type { GatewaySettings } from "./gateway_requests.ts";
import { observationOf } from "./observed_supervision.ts";
import type { Bus, Clock, Exchange, Observe } from "./ports.ts";
import { type Supervisor, startSupervisor } from "./supervisor.ts";
import type { StartError } from "./supervisor_core.ts";

export interface GatewayTreeOptions {
  readonly clock: Clock;
  readonly observe: Observe;
  readonly openBus: () => Promise<Bus>;
  /** Makes sure that no other gateway works on this bus, after the bus is open and before anything is taken from it.
   * Rejects when there is one. Null where the bus can have no other. */
  readonly claim: ((link: Link) => Promise<Child>) | null;
  readonly openExchange: () => Promise<Exchange>;
  readonly gateway: GatewaySettings;
  /** Stops everything when aborted, also while it is starting. */
  readonly signal?: AbortSignal;
}

export interface GatewayTree {
  readonly root: Supervisor;
  /** The gateway that runs now. */
  readonly gateway: () => Gateway | null;
}

/** Restarts within a minute that are taken for bad luck. */
const MAX_RESTARTS = 5;
const PERIOD_MS = 60_000;
const STOP_MS = 10_000;
/** As long as a bus keeps an order that no gateway took: one that comes later was sent after this start. */
const LOOK_UP_FIRST_MS = 120_000;

/** Starts bus, claim and gateway, each when the one before it has started; one that crashes takes along those after it. */
export async function startGatewayTree(
  options: GatewayTreeOptions,
): Promise<Result.Result<GatewayTree, StartError>> {
  const { clock, observe, openBus, claim, openExchange, signal } = options;
  const settings: GatewaySettings = { lookUpFirstMs: LOOK_UP_FIRST_MS, ...options.gateway };
  let bus: Bus | null = null;
  let gateway: Gateway | null = null;
  const startBus = async (): Promise<Child> => {
    const opened = await openBus();
    bus = opened;
    observe({ kind: "connection", connected: opened.connected });
    return { stop: () => held(clock, () => opened.close()) };
  };
  const startOwn = async (): Promise<Child> => {
    if (bus === null) throw new Error("the bus was to be started before");
    const exchange = await openExchange();
    const started = await startOrClose({ bus, exchange, clock, observe, settings });
    gateway = started;
    const stop = async (): Promise<void> => {
      await started.stop();
      await exchange.close();
    };
    return { stop: () => held(clock, stop) };
  };
  const children: readonly ChildSpec[] = [
    { id: "bus", start: startBus, shutdown: STOP_MS },
    ...(claim === null ? [] : [{ id: "claim", start: claim, shutdown: STOP_MS }]),
    { id: "gateway", start: startOwn, shutdown: STOP_MS },
  ];
  const root = await startSupervisor(
    {
      name: "purgatory-gateway",
      strategy: "rest_for_one",
      children,
      max_restarts: MAX_RESTARTS,
      period_ms: PERIOD_MS,
    },
    { clock, observe: (event) => observe(observationOf(event)) },
    signal === undefined ? {} : { signal },
  );
  return Result.map(root, (supervisor) => ({ root: supervisor, gateway: () => gateway }));
}

/** An exchange without a gateway would stay open, and the next one could not be opened. */
async function startOrClose(options: Parameters<typeof startGateway>[0]): Promise<Gateway> {
  try {
    return await startGateway(options);
  } catch (error) {
    await options.exchange.close();
    throw error;
  }
}

/** Closing is real work: a clock that runs fast must not reach the deadline for it before it has begun. */
async function held(clock: Clock, close: () => Promise<void>): Promise<void> {
  const release = clock.hold();
  try {
    await close();
  } finally {
    release();
  }
}
