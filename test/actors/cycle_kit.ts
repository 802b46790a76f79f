// A cycle actor on virtual time, with an account, a gateway and symbols that a test can change.
import { afterEach } from "vitest";
import {
  type CycleOptions,
  type CycleSettings,
  startCycle,
  type SymbolView,
  type Symbols,
} from "../../actors/cycle.ts";
import type { Universe } from "../../actors/eligibility.ts";
import type { CycleReport, Observation } from "../../actors/ports.ts";
import { inProcessTransport, messageBus } from "../../adapters/bus/mod.ts";
import { virtualClock } from "../../adapters/clock/mod.ts";
import { type HoldingsMessage, type Position, type PurgeEvent, TradingSymbol } from "../../machines/mod.ts";
import { POLICY, rejection } from "../machines/scenario.ts";

export const BONK = TradingSymbol.make("BONK-USD");
export const SEI = TradingSymbol.make("SEI-USD");
export const WIF = TradingSymbol.make("WIF-USD");

export const UNIVERSE: Universe = {
  eligible: new Set(["SOL-USD"]),
  excluded: new Set([BONK, SEI, WIF]),
  bans: new Map(),
  protectedCurrencies: new Set(["USD"]),
  stale: null,
};

export const SETTINGS: CycleSettings = {
  intervalMs: 60_000,
  jitterPct: 0,
  maxPerCycle: 5,
  rules: {
    autoLiquidateIneligible: true,
    minLiquidationValueUsd: "5",
    dustThresholdUsd: "1",
    maxCandidateShare: 0.5,
    graceCycles: 0,
  },
  policy: POLICY,
  universe: () => UNIVERSE,
  isDryRun: false,
  cycles: null,
  random: () => 0.5,
};

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

export function position(symbol: TradingSymbol, value: string): Position {
  return { currency: symbol.split("-")[0] ?? "", symbol, balance: value, available: value, price_usd: "1" };
}

/** A cycle actor whose account is read from `account`, and whose symbols are `views`. */
export async function startKit(
  over: Partial<CycleSettings> = {},
  progress: CycleOptions["progress"] = { done: 0 },
) {
  const clock = virtualClock();
  const observed: Observation[] = [];
  let questions = 0;
  const told: PurgeEvent[] = [];
  const views = new Map<string, Partial<SymbolView>>();
  const kit = {
    clock,
    observed,
    told,
    views,
    isGatewayThere: true,
    ended: 0,
    account: [position(BONK, "9.48"), position(SEI, "5.69"), position(WIF, "20")] as
      | readonly Position[]
      | "refused",
    bus: messageBus(inProcessTransport(), { clock }),
    dead: [] as string[],
    asked: (): number => questions,
    reports: (): readonly CycleReport[] =>
      observed.flatMap((observation) => (observation.kind === "cycle.completed" ? [observation.report] : [])),
    skips: () =>
      observed.flatMap((observation) =>
        observation.kind === "purge.skipped" ? [{ symbol: observation.symbol, ...observation.skip }] : [],
      ),
  };
  await kit.bus.consume("dead", (delivery) => {
    kit.dead.push(delivery.body.reason);
    delivery.ack();
  });
  await kit.bus.consume("account", (delivery) => {
    delivery.ack();
    questions += 1;
    if (!kit.isGatewayThere) return;
    const base = { request_id: delivery.body.request_id, at: new Date(clock.now()).toISOString() };
    const refusal = rejection("UNAUTHORIZED", { class: "account" });
    const message: HoldingsMessage =
      kit.account === "refused"
        ? { ...base, type: "holdings.unavailable", rejection: refusal }
        : { ...base, type: "holdings.snapshot", positions: kit.account };
    void kit.bus.publish("holdings", message);
  });
  const symbols: Symbols = {
    view(symbol) {
      const view = views.get(symbol);
      if (view === undefined) return null;
      const rest = { failures: 0, lastFailedAt: null, retryAt: null, backoffMs: 0, suspendedFor: null };
      return { state: "idle", isBusy: false, ...rest, ...view };
    },
    tell: (event) => told.push(event),
    busy: 0,
  };
  const settings: CycleSettings = { ...SETTINGS, ...over };
  const observe = (observation: Observation): void => {
    observed.push(observation);
  };
  const onLast = (): void => {
    kit.ended += 1;
  };
  const own = { bus: kit.bus, clock, observe, symbols, onLast, isGatewayElsewhere: true };
  const running = await startCycle({ ...own, settings, progress });
  stops.push(() => running.stop());
  await clock.settle();
  return { ...kit, running, kit, progress, symbols, observe };
}
