// Symbol actors on virtual time: a real bus in process, a ledger in memory, and a gateway that says what it is told to.
import * as Result from "effect/Result";
import { afterEach } from "vitest";
import type { Child, ChildSpec, Link } from "../../actors/child_spec.ts";
import { type Ledger, startLedger } from "../../actors/ledger.ts";
import type { Bus, Journal, JournalRecord, Observation } from "../../actors/ports.ts";
import { PurgeSupervisor } from "../../actors/purge_supervisor.ts";
import { type Supervisor, startSupervisor } from "../../actors/supervisor.ts";
import type { World } from "../../actors/supervisor_core.ts";
import { inProcessTransport, messageBus } from "../../adapters/bus/mod.ts";
import { type VirtualClock, virtualClock } from "../../adapters/clock/mod.ts";
import { memoryJournal, memoryLedger } from "../../adapters/journal/mod.ts";
import {
  type OrderRequest,
  type OrderResult,
  type PurgeCommand,
  type PurgeEventOf,
  TradingSymbol,
} from "../../machines/mod.ts";
import { faultyJournal, JournalFaults } from "../adapters/journal/faulty_journal.ts";
import { POLICY, PRODUCT } from "../machines/scenario.ts";

export const BONK = TradingSymbol.make("BONK-USD");
export const SEI = TradingSymbol.make("SEI-USD");

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

export type Kit = Awaited<ReturnType<typeof startSymbols>>;

/** Starts the actors on `ledger`, as after a crash of everything but the disk. */
export async function startSymbols({
  ledger: memory = memoryLedger(),
  clock = virtualClock(),
  maxPending = 64,
  mailboxSize = 16,
  wrap = (journal: Journal): Journal => journal,
  /** What the bus has kept for whoever takes the results: it comes with the subscription. */
  kept = [] as readonly OrderResult[],
} = {}) {
  const faults = new JournalFaults();
  const heard = await listen(clock);
  const { observed, bus, commands, onTransition } = heard;
  const observe = (observation: Observation): void => {
    observed.push(observation);
  };
  const world = { clock };
  const line = keeping(bus, kept);
  let ledger: Ledger | null = null;
  let symbols: PurgeSupervisor | null = null;

  const openLedger = async (link: Link): Promise<Child> => {
    const open = async () => wrap(faultyJournal(memoryJournal({ ledger: memory }), faults));
    ledger = await startLedger(open, { clock, observe, groupRecords: 256, maxPending }, link);
    return ledger;
  };
  const startPurging = async (link: Link): Promise<Child> => {
    if (ledger === null) throw new Error("no journal");
    const { journal, pipeline } = ledger;
    symbols = await PurgeSupervisor.start(
      { journal, pipeline, bus: line.bus, clock, observe, onTransition, world, mailboxSize },
      link,
    );
    return symbols;
  };
  const root = await startRoot(world, [
    { id: "journal", start: openLedger },
    { id: "symbols", start: startPurging },
  ]);
  stops.push(async () => {
    faults.release();
    await root.stop();
  });
  await clock.settle();

  return {
    ...heard,
    clock,
    faults,
    ledger: memory,
    root,
    get symbols(): PurgeSupervisor {
      if (symbols === null) throw new Error("the symbols were not started");
      return symbols;
    },
    states: (): readonly string[] => memory.rows.map(({ state }) => state),
    stop: () => root.stop(),
    reconnect: line.reconnect,
    redeliver: line.redeliver,
    async request(symbol: TradingSymbol): Promise<void> {
      symbols?.tell(requested(symbol, clock.now()));
      await clock.settle();
    },
    ...gateway(bus, clock, commands),
  };
}

/** What a gateway would say, when it is told to. */
function gateway(bus: Bus, clock: VirtualClock, commands: readonly PurgeCommand[]) {
  /** A result as the gateway would publish it. */
  const answer = async (result: OrderResult): Promise<void> => {
    await bus.publish("results", result);
    await clock.settle();
  };
  const quote = (symbol: TradingSymbol) => quoted(symbol, lastQuestion(commands, symbol), clock.now());
  return {
    answer,
    quote: (symbol: TradingSymbol): Promise<void> => answer(quote(symbol)),
    /** A quote that shows an empty account. */
    quoteNothingLeft: (symbol: TradingSymbol): Promise<void> => answer({ ...quote(symbol), available: "0" }),
    lastOrder: (symbol: TradingSymbol): OrderRequest => lastOrder(commands, symbol),
  };
}

async function startRoot(world: World, children: ChildSpec[]): Promise<Supervisor> {
  const flags = { name: "test", strategy: "rest_for_one", max_restarts: 3 } as const;
  return Result.getOrThrow(await startSupervisor({ ...flags, children }, world));
}

function keeping(bus: Bus, kept: readonly OrderResult[]) {
  const listeners = new Set<(connected: boolean) => void>();
  let redeliver = (_result: OrderResult): boolean => false;
  const own: Bus = {
    publish: (channel, body) => bus.publish(channel, body),
    async consume(channel, handler, options) {
      const cancel = await bus.consume(channel, handler, options);
      if (channel === "results") redeliver = againTo(handler);
      if (channel === "results") for (const result of kept) await bus.publish("results", result);
      return cancel;
    },
    lastTransition: (ledgerId) => bus.lastTransition(ledgerId),
    get connected() {
      return bus.connected;
    },
    onConnection: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => bus.close(),
  };
  /** The connection was lost, and is back. */
  const reconnect = (): void => {
    for (const connected of [false, true]) for (const listener of listeners) listener(connected);
  };
  return { bus: own, reconnect, redeliver: (result: OrderResult): boolean => redeliver(result) };
}

/** Delivers a result a second time; tells whether it was answered at once. */
function againTo(handler: (delivery: never) => void): (result: OrderResult) => boolean {
  return (body) => {
    let isAnswered = false;
    const ack = (): void => {
      isAnswered = true;
    };
    const delivery = { subject: "results", body, deliveries: 2, ack, nak: () => {}, dead: () => {} };
    handler(delivery as never);
    return isAnswered;
  };
}

/** A bus in process, and everything that crosses it. */
async function listen(clock: VirtualClock) {
  const observed: Observation[] = [];
  const commands: PurgeCommand[] = [];
  const dead: string[] = [];
  const transitions: JournalRecord[] = [];
  const bus = messageBus(inProcessTransport(), { clock });
  await bus.consume("orders", (delivery) => {
    commands.push(delivery.body);
    delivery.ack();
  });
  await bus.consume("dead", (delivery) => {
    dead.push(`${delivery.body.subject}: ${delivery.body.reason}`);
    delivery.ack();
  });
  const onTransition = (record: JournalRecord): number => transitions.push(record);
  return { observed, commands, dead, transitions, onTransition, bus };
}

export function requested(symbol: TradingSymbol, now: number): PurgeEventOf<"purge.requested"> {
  const at = new Date(now).toISOString();
  return {
    type: "purge.requested",
    symbol,
    at,
    reason: "excluded",
    balance: "889587.0",
    value_usd: "9.48",
    policy: POLICY,
  };
}

function lastOrder(commands: readonly PurgeCommand[], symbol: TradingSymbol): OrderRequest {
  const orders = commands.flatMap((command) => (command.type === "order.place" ? [command.order] : []));
  const last = orders.filter((order) => order.symbol === symbol).at(-1);
  if (last === undefined) throw new Error(`no order of ${symbol} was placed`);
  return last;
}

function lastQuestion(commands: readonly PurgeCommand[], symbol: TradingSymbol): string {
  const questions = commands.flatMap((command) =>
    command.type === "market.refresh" && command.symbol === symbol ? [command.request_id] : [],
  );
  return questions.at(-1) ?? "";
}

export function quoted(
  symbol: TradingSymbol,
  request_id: string,
  now: number,
): PurgeEventOf<"market.snapshot"> {
  const at = new Date(now).toISOString();
  return {
    type: "market.snapshot",
    symbol,
    at,
    request_id,
    quoted_at: at,
    best_bid: "0.00001066",
    best_ask: "0.00001068",
    available: "889587.0",
    product: PRODUCT,
  };
}
