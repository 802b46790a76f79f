// What a seed stands for: an account, a market, a policy, how the programs are laid out, and what the exchange has in store.
import type { CycleSettings } from "../actors/cycle.ts";
import type { GatewaySettings } from "../actors/gateway_requests.ts";
import type { PaperProduct, PaperScript, ProgramNode, Step } from "../adapters/exchange/mod.ts";
import { type PurgePolicy, REJECTION_TABLE, TradingSymbol } from "../machines/mod.ts";
import { type Chance, chanceOf } from "./chance.ts";
import type { Faults } from "./faults.ts";

/** `alone`: one process, no server. `together`: one process on a server. `apart`: supervisor and gateway each for itself. */
export type Layout = "alone" | "together" | "apart";

export interface Plan {
  readonly seed: number;
  readonly layout: Layout;
  /** Epoch milliseconds. */
  readonly startsAt: number;
  /** For as long things go wrong. */
  readonly troubleMs: number;
  /** What must go. */
  readonly toGo: readonly TradingSymbol[];
  /** What must not be touched. */
  readonly toStay: readonly TradingSymbol[];
  readonly cycle: CycleSettings;
  readonly gateway: GatewaySettings;
  readonly limits: {
    readonly mailbox: number;
    readonly pendingRecords: number;
    readonly groupRecords: number;
  };
  readonly format: "msgpack" | "json";
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** A Tuesday night. */
const STARTS_AT = Date.parse("2025-11-11T22:00:00.000Z");
const NAMES = ["BONK", "SEI", "PEPE", "WIF", "TIA", "JUP"] as const;

/** @param troubleMs how long things go wrong, milliseconds of the world */
export function planOf(seed: number, troubleMs: number): Plan {
  const chance = chanceOf(seed);
  const count = chance.integer("symbols", 1, 4);
  const symbols = NAMES.map((name) => TradingSymbol.make(`${name}-USD`));
  const toGo = symbols.slice(0, count);
  const toStay = symbols.slice(count, count + chance.integer("stay", 1, 2));
  const excluded = toGo.filter((symbol) => chance.happens(`excluded ${symbol}`, 0.7));
  return {
    seed,
    layout: chance.pick("layout", ["alone", "together", "apart", "apart"]),
    startsAt: STARTS_AT,
    troubleMs,
    toGo,
    toStay,
    cycle: {
      intervalMs: chance.pick("interval", [MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS]),
      jitterPct: chance.pick("cycle jitter", [0, 10]),
      maxPerCycle: chance.integer("per cycle", 1, 3),
      rules: {
        autoLiquidateIneligible: true,
        minLiquidationValueUsd: "5",
        dustThresholdUsd: "1",
        maxCandidateShare: 1,
        graceCycles: chance.integer("grace", 0, 2),
      },
      policy: policyOf(chance),
      universe: () => ({
        eligible: new Set<string>(toStay),
        excluded: new Set<string>(excluded),
        bans: new Map(),
        protectedCurrencies: new Set(["USD"]),
        stale: null,
      }),
      isDryRun: false,
      cycles: null,
      random: () => chance.draw("cycle moment"),
    },
    gateway: {
      requestTimeoutMs: 10_000,
      maxAttempts: chance.integer("attempts", 1, 4),
      baseDelayMs: 250,
      maxDelayMs: 8_000,
      pollMs: chance.pick("poll", [2_000, 5_000]),
      breaker: {
        venueCooldownMs: 30_000,
        venueCooldownMaxMs: 300_000,
        accountCooldownMs: 300_000,
        symbolsForHalt: 3,
        haltWindowMs: MINUTE_MS,
      },
      seed,
    },
    limits: {
      mailbox: chance.pick("mailbox", [2, 1_024]),
      pendingRecords: chance.pick("pending", [1, 4_096]),
      groupRecords: chance.pick("group", [1, 256]),
    },
    format: chance.pick("format", ["msgpack", "json"]),
  };
}

function policyOf(chance: Chance): PurgePolicy {
  const rests = chance.pick("rests", ["hours", "minutes", "minutes"]);
  return {
    slice_usd: chance.pick("slice", ["5", "5", "12.5"]),
    replace_ms: chance.pick("replace", [10_000, 45_000]),
    max_duration_ms: chance.pick("duration", [60_000, 240_000]),
    max_slices: chance.pick("slices", [10, 24]),
    max_residual_usd: chance.pick("residual", ["2", "8"]),
    max_consecutive_no_fill: chance.integer("no fills", 1, 3),
    allow_taker_fallback: chance.happens("taker", 0.6),
    taker_fallback_threshold_usd: "10",
    taker_max_slippage_bps: 100,
    cushion_ticks: 1,
    max_cushion_ticks: 3,
    min_notional_usd: "1",
    max_quote_age_ms: 30_000,
    backoff: {
      enabled: true,
      after_failures: 3,
      base_ms: rests === "hours" ? HOUR_MS : 5 * MINUTE_MS,
      factor: 2,
      max_ms: rests === "hours" ? 4 * HOUR_MS : 20 * MINUTE_MS,
      jitter_pct: chance.pick("rest jitter", [0, 10]),
    },
    failure_tracking: true,
  };
}

/** The longest that a symbol can rest, milliseconds. */
export function longestRestMs({ max_ms, jitter_pct }: PurgePolicy["backoff"]): number {
  return max_ms * (1 + jitter_pct / 100);
}

/** The exchange of a plan, and a way to make it behave from some moment on. */
export interface Script {
  readonly script: PaperScript;
  heal(): void;
}

/** Orders of one symbol for which something is in store. */
const STEPS = 60;

/** What the exchange does to orders, and when its markets are not right. Whatever is called off in `faults` is left out. */
export function scriptOf(plan: Plan, faults: Faults): Script {
  const chance = chanceOf(plan.seed);
  const symbols = [...plan.toGo, ...plan.toStay];
  const products = new Map(symbols.map((symbol) => [symbol, productOf(chance, symbol)]));
  const behaviour = new Map(
    plan.toGo.map((symbol) => [symbol, stepsOf(chance, symbol, plan.startsAt, faults)] as const),
  );
  const windows = (kind: "halt" | "stale quotes" | "crossed book") =>
    windowsOf(chance, kind, plan, faults).flat();
  const halts = windows("halt");
  const stale_quotes = windows("stale quotes");
  const crossed = windows("crossed book");
  const account = Object.fromEntries(
    [...products].map(([symbol, { price }]) => [
      symbol.slice(0, symbol.indexOf("-")),
      { balance: balanceOf(chance, symbol, Number(price)), hold: "0" },
    ]),
  );
  return {
    script: {
      seed: plan.seed % 2 ** 32,
      fee_bps: chance.pick("fee", ["0", "60"]),
      latency_ms: { min: 0, max: 0 },
      fill_after_ms: chance.pick("fill after", [500, 3_000]),
      refusals: chance.pick("refusals", ["remembered", "forgotten", "forgotten"]),
      account: { ...account, USD: { balance: "100", hold: "0" } },
      products,
      behaviour,
      outages: [],
      halts,
      stale_quotes,
      crossed,
    },
    heal() {
      behaviour.clear();
      for (const list of [halts, stale_quotes, crossed]) list.length = 0;
    },
  };
}

function productOf(chance: Chance, symbol: string): PaperProduct {
  const name = `product ${symbol}`;
  const [price, price_increment, base_increment] = chance.pick<readonly [string, string, string]>(name, [
    ["0.00002184", "0.00000001", "1"],
    ["0.1563", "0.0001", "0.1"],
    ["3.21", "0.01", "0.001"],
    ["41.7", "0.1", "0.00001"],
  ]);
  return {
    price,
    price_increment,
    base_increment,
    base_min_size: base_increment,
    quote_min_size: "1",
    spread_bps: chance.pick(name, [1, 10, 100]),
    volatility_bps: chance.pick(name, [0, 50, 300]),
    status: "online",
  };
}

/** Worth between 6 and 40 dollars, and never on the increment. */
function balanceOf(chance: Chance, symbol: string, price: number): string {
  const worth = chance.integer(`worth ${symbol}`, 6, 40);
  return `${Math.floor(worth / price)}.${chance.integer(`worth ${symbol}`, 10, 99)}7`;
}

function stepsOf(chance: Chance, symbol: string, at: number, faults: Faults): readonly ProgramNode[] {
  const share = chance.draw(`steps ${symbol}`) ** 2;
  return Array.from({ length: STEPS }, (_, index): ProgramNode => {
    const step = stepOf(chance, `steps ${symbol}`);
    const isDue = chance.happens(`steps ${symbol}`, share);
    const isThere = isDue && faults.planned(`order ${symbol} ${described(step)} #${index + 1}`, at);
    return { repeat: 1, step: isThere ? step : { kind: "default" } };
  });
}

function described(step: Step): string {
  return step.kind === "reject" || step.kind === "fail" ? `${step.kind} ${step.refusal.code}` : step.kind;
}

/** Every code that an exchange may say of an order. */
const CODES = REJECTION_TABLE.filter(({ source }) => source === "exchange").flatMap(({ codes }) => codes);

function stepOf(chance: Chance, name: string): Step {
  const fraction = `0.${chance.integer(name, 1, 9)}`;
  const refusal = {
    code: chance.happens(name, 0.05)
      ? "NEVER_HEARD_OF"
      : (CODES[chance.integer(name, 0, CODES.length - 1)] ?? ""),
    message: "said the exchange",
    details: null,
    preview_failure: null,
  };
  const after_ms = chance.integer(name, 0, 60_000);
  return chance.pick<Step>(name, [
    { kind: "reject", refusal },
    { kind: "reject", refusal },
    { kind: "no_fill" },
    { kind: "no_fill" },
    { kind: "fill", parts: [{ fraction, after_ms }] },
    { kind: "partial", part: { fraction, after_ms }, remainder: "rest" },
    { kind: "partial", part: { fraction, after_ms }, remainder: "cancel" },
    { kind: "fill_during_cancel", fraction },
    { kind: "cancel_refused", times: chance.integer(name, 1, 3) },
    { kind: "fail", refusal, after_ms },
    { kind: "expire", after_ms },
    { kind: "unknown", happened: true },
    { kind: "unknown", happened: false },
    { kind: "rate_limited", times: chance.integer(name, 1, 6) },
    { kind: "server_error", times: chance.integer(name, 1, 6) },
  ]);
}

function windowsOf(chance: Chance, kind: string, plan: Plan, faults: Faults) {
  const share = chance.happens(`${kind} at all`, 0.4) ? 0.5 : 0;
  const last = Math.floor(plan.troubleMs / 1_000);
  return plan.toGo.map((symbol) => {
    const isDue = chance.happens(kind, share);
    const from_s = chance.integer(kind, 0, last);
    const for_s = chance.integer(kind, 10, 1_800);
    if (!isDue || !faults.planned(`${kind} ${symbol}`, plan.startsAt + from_s * 1_000)) return [];
    return [{ symbol, from_s, for_s }];
  });
}
