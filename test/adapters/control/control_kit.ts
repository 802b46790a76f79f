// A control service over real actors and a real server, and whoever asks it.
import { connect, headers, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { afterEach } from "vitest";
import { createOperators, type StartNow } from "../../../actors/operators.ts";
import type { Observation } from "../../../actors/ports.ts";
import {
  type ControlServiceOptions,
  type Overview,
  startControlService,
} from "../../../adapters/control/mod.ts";
import { createTracker } from "../../../adapters/telemetry/mod.ts";
import type { TradingSymbol } from "../../../machines/mod.ts";
import { BONK, type Kit, requested, startSymbols } from "../../actors/symbols_kit.ts";
import { type NatsServer, type NatsServerOptions, startNatsServer } from "../../nats_server.ts";

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

export async function server(options: NatsServerOptions = {}): Promise<NatsServer> {
  const started = await startNatsServer(options);
  stops.push(() => started.stop());
  return started;
}

export async function connected(url: string, options: object = {}): Promise<NatsConnection> {
  const connection = await connect({
    servers: url,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    ...options,
  });
  stops.push(() => connection.close());
  return connection;
}

export interface ControlKitOptions {
  readonly url: string;
  readonly kit?: Kit;
  readonly startNow?: StartNow;
  /** For the service's connection. */
  readonly connect?: object;
  readonly overview?: Partial<Overview>;
  readonly limits?: ControlServiceOptions["limits"];
}

/** The service as the program starts it, less the cycle: `startNow` is its word. */
export async function control(options: ControlKitOptions) {
  const kit = options.kit ?? (await startSymbols());
  const connection = await connected(options.url, options.connect);
  const tracker = createTracker();
  for (const observation of kit.observed) tracker.observe(observation);
  const { push } = kit.observed;
  kit.observed.push = (...seen: Observation[]): number => {
    for (const observation of seen) tracker.observe(observation);
    return push.apply(kit.observed, seen);
  };
  const observe = (observation: Observation): void => {
    kit.observed.push(observation);
  };
  const startNow: StartNow = (symbol) => ({
    ok: true,
    event: { ...requested(symbol, kit.clock.now()), reason: "operator" },
  });
  const operators = createOperators({
    symbols: { view: (symbol) => kit.symbols.view(symbol), ask: (event) => kit.symbols.ask(event) },
    startNow: options.startNow ?? startNow,
    isHeld: (symbol: TradingSymbol) => symbol === BONK,
    clock: kit.clock,
    observe,
  });
  const service = await startControlService({
    connection,
    version: "1.2.3",
    mode: "paper",
    ledgerId: "ledger-1",
    operators,
    status: () => ({
      startedAt: "2025-11-11T03:00:00.000Z",
      connected: true,
      venue: tracker.venue,
      lastCycle: null,
      symbols: tracker.symbols(),
      ...options.overview,
    }),
    symbol: (symbol) => tracker.symbol(symbol) ?? null,
    suspendedFor: (symbol) => kit.symbols.view(symbol)?.suspendedFor ?? null,
    clock: kit.clock,
    observe,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  stops.push(() => service.stop());
  return { kit, connection, service, notes: () => notes(kit) };
}

export interface Asked {
  /** `Nats-Service-Error-Code`; null when there is none. */
  readonly status: string | null;
  readonly error: string | null;
  readonly contentType: string;
  readonly body: unknown;
  readonly msg: Msg;
}

/** A request as any client sends it: `body` as it is, or as JSON. */
export async function ask(
  connection: NatsConnection,
  operation: string,
  body: unknown = "",
  sent: Readonly<Record<string, string>> = {},
): Promise<Asked> {
  const payload = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  const all = headers();
  for (const [name, value] of Object.entries(sent)) all.set(name, value);
  const msg = await connection.request(`purge.v1.control.${operation}`, payload, {
    timeout: 5_000,
    ...(Object.keys(sent).length === 0 ? {} : { headers: all }),
  });
  const header = (name: string): string | null => msg.headers?.get(name) || null;
  const contentType = header("Content-Type") ?? "";
  return {
    status: header("Nats-Service-Error-Code"),
    error: header("Nats-Service-Error"),
    contentType,
    body: contentType === "application/json" ? msg.json() : null,
    msg,
  };
}

export const ASKS = { symbol: BONK, by: "ana", reason: "to look at it" } as const;

function notes(kit: Kit): readonly string[] {
  return kit.observed.flatMap((seen) => (seen.kind === "note" ? [`${seen.level}: ${seen.message}`] : []));
}
