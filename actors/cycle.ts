// The cycle actor: every interval, who should go and who may go now? It starts attempts and never waits for one.
import {
  compare,
  type HoldingsPublished,
  type Position,
  type PurgeEvent,
  type PurgeEventOf,
  type PurgePolicy,
  type TradingSymbol,
  valueUsd,
} from "../machines/mod.ts";
import { AccountReading, type Reading } from "./account_reading.ts";
import { assess, type Candidate, type EligibilityRules, stayers, type Universe } from "./eligibility.ts";
import { HeardVenue } from "./heard_venue.ts";
import type { StartNow } from "./operators.ts";
import type { Bus, Cancel, Clock, CycleReport, Observe, OperatorRefusal, Skip } from "./ports.ts";
import { type HoldingsSource, seconds } from "./published_holdings.ts";
import { refusalOf, type StartConditions, type SymbolView, whySkip } from "./start_rules.ts";
import { stamp } from "./time.ts";
import { withLists } from "./universe.ts";

export type { SymbolView } from "./start_rules.ts";

/** The symbols, as far as the cycle is concerned. */
export interface Symbols {
  /** Null for a symbol of which nothing has happened yet. */
  view(symbol: TradingSymbol): SymbolView | null;
  /** Hands an event to the symbol's actor, which is started if need be. */
  tell(event: PurgeEvent): void;
  /** Attempts under way. */
  readonly busy: number;
}

export interface CycleSettings {
  readonly intervalMs: number;
  /** How much earlier or later than the interval a cycle may start, in percent. */
  readonly jitterPct: number;
  readonly maxPerCycle: number;
  readonly rules: EligibilityRules;
  readonly policy: PurgePolicy;
  /** Whose holdings are used, null or left out: the gateway is asked. A message may be `maxAgeMs` old; null: two
   * intervals. */
  readonly holdings?: { readonly source: string | null; readonly maxAgeMs: number | null };
  /** Read anew in every cycle, so that a stale universe is noticed. */
  readonly universe: (now: number) => Universe;
  /** Report candidates, start nothing. */
  readonly isDryRun: boolean;
  /** End after so many cycles; null to go on. */
  readonly cycles: number | null;
  /** 0 ≤ random() < 1, for the jitter. */
  readonly random: () => number;
}

export interface CycleOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly observe: Observe;
  readonly symbols: Symbols;
  readonly settings: CycleSettings;
  /** Nobody else in this process hears of the venue then, so the cycle tells of it. */
  readonly isGatewayElsewhere: boolean;
  /** Cycles done so far, and the last message of another bot that was accepted; a restarted actor goes on from there. */
  readonly progress: { done: number; published?: HoldingsPublished };
  /** The last of `cycles` has been done. */
  readonly onLast: () => void;
}

export interface RunningCycle {
  /** Whether an attempt on this symbol may be started at once, on an operator's word; if so, with which event. The
   * attempt counts as started; nobody is told. */
  readonly startNow: StartNow;
  /** Whether the account held any of it when it was last read. */
  heldNow(symbol: TradingSymbol): boolean;
  stop(): void;
}

/** Starts the first cycle at once. */
export async function startCycle(options: CycleOptions): Promise<RunningCycle> {
  const { bus, clock, observe, settings } = options;
  const cycle = new Cycle(options);
  const cancels: Cancel[] = [];
  cancels.push(await bus.consume("holdings", (delivery) => cycle.account.hear(delivery)));
  cancels.push(
    await bus.consume("venue", (delivery) => {
      cycle.venue.hear(delivery.body, clock.now());
      if (options.isGatewayElsewhere) {
        observe({ kind: "venue", venue: delivery.body });
        cycle.account.askAgain();
      }
      delivery.ack();
    }),
  );
  let isStopped = false;
  let next: Cancel = () => {};
  const turn = (at: number): void => {
    options.progress.done += 1;
    const { done } = options.progress;
    const isLast = done === settings.cycles;
    cycle.run(done).then(
      () => {
        if (isLast && !isStopped) options.onLast();
      },
      (error: unknown) =>
        observe({ kind: "note", level: "error", message: `cycle ${done} failed: ${String(error)}` }),
    );
    if (isLast) return;
    const jitter = 1 + (settings.jitterPct / 100) * (2 * settings.random() - 1);
    const following = Math.max(at + settings.intervalMs * jitter, clock.now());
    next = clock.schedule(following, () => turn(following));
  };
  turn(clock.now());
  return {
    startNow: (symbol) => cycle.startNow(symbol),
    heldNow: (symbol) => cycle.heldNow(symbol),
    stop() {
      isStopped = true;
      next();
      cycle.account.stop();
      for (const cancel of cancels) cancel();
    },
  };
}

/** Readings of the account that are older than so many intervals are not acted on, unless another age is allowed. */
const INTERVALS_READ = 2;

function sourceOf({ holdings, intervalMs }: CycleSettings): HoldingsSource | null {
  if (holdings == null || holdings.source === null) return null;
  return { name: holdings.source, maxAgeMs: holdings.maxAgeMs ?? INTERVALS_READ * intervalMs };
}

class Cycle {
  readonly venue = new HeardVenue();
  readonly account: AccountReading;
  readonly #options: CycleOptions;
  readonly #source: HoldingsSource | null;
  #seen: ReadonlyMap<TradingSymbol, number> = new Map();
  /** When the account was read that `#seen` was last counted from: sent twice, it is still one piece of evidence. */
  #countedAt: number | null = null;
  /** Attempts started since the cycle that runs now has begun to decide. */
  #started = 0;

  constructor(options: CycleOptions) {
    this.#options = options;
    const { bus, clock, observe, progress: memory, settings } = options;
    this.#source = sourceOf(settings);
    this.account = new AccountReading({ bus, clock, observe, source: this.#source, memory });
  }

  async run(cycle: number): Promise<void> {
    const { clock, observe } = this.#options;
    const startedAt = clock.now();
    if (this.account.isWaiting) {
      observe({
        kind: "note",
        level: "warn",
        message: `cycle ${cycle} left out: the account is still being read`,
      });
      return;
    }
    const reading = await this.account.read(cycle);
    const release = clock.hold();
    try {
      observe({ kind: "cycle.completed", report: this.#decide(cycle, startedAt, reading) });
    } finally {
      release();
    }
  }

  heldNow(symbol: TradingSymbol): boolean {
    const positions = this.account.last?.positions ?? [];
    return positions.some((position) => position.symbol === symbol && compare(position.balance, "0") > 0);
  }

  startNow(symbol: TradingSymbol): ReturnType<StartNow> {
    const { symbols } = this.#options;
    const reading = this.#recent();
    if (typeof reading === "string") return refused("not_ready", reading);
    const position = reading.positions.find((held) => held.symbol === symbol);
    if (position === undefined) {
      return refused("not_held", `${symbol} is not held, as the account was last read`);
    }
    const doubt = this.#whyProtected(symbol, position, reading);
    if (doubt !== null) return refused("protected", doubt);
    const candidate = this.#sellable(symbol, position);
    if (typeof candidate === "string") return refused("not_held", candidate);
    const view = symbols.view(symbol);
    // Who carries this out says first that it is held again.
    const asIdle = view?.state === "cleared" ? { ...view, state: "idle" } : view;
    const skip = whySkip(candidate, asIdle, this.#conditions());
    if (skip !== null) return { ok: false, ...refusalOf(skip, symbol) };
    this.#started += 1;
    return { ok: true, event: this.#requested({ ...candidate, reason: "operator" }) };
  }

  /** The last reading, or why there is none to act on. */
  #recent(): Reading | string {
    const { bus, clock, settings } = this.#options;
    const { last } = this.account;
    if (!bus.connected) return "the bus is not connected; try again when it is";
    if (last === null) return "the account has not been read yet; try again after the next cycle";
    const maxAgeMs = this.#source?.maxAgeMs ?? INTERVALS_READ * settings.intervalMs;
    const ageMs = clock.now() - last.readAt;
    if (ageMs <= maxAgeMs) return last;
    return `the account was last read ${seconds(ageMs)} s ago, and ${seconds(maxAgeMs)} s are allowed; see why the cycles do not read it`;
  }

  /** An operator's word does not change what the account may hold. */
  #whyProtected(symbol: TradingSymbol, { currency }: Position, reading: Reading): string | null {
    const { rules } = this.#options.settings;
    const universe = this.#universe(reading);
    if (universe.protectedCurrencies.has(currency)) {
      return `${currency} is among the protected currencies of universe.yaml, which are never sold`;
    }
    const { heldBack } = assess(reading.positions, universe, rules, this.#seen, false);
    if (heldBack !== null) return `nothing is sold now: ${heldBack}`;
    if (!stayers(universe)(symbol)) return null;
    const where = reading.published?.eligible == null ? "universe.yaml" : reading.published.source;
    return `${symbol} is eligible by ${where}; take it out of its tier there, or put it among what must go, and it will`;
  }

  #sellable(
    symbol: TradingSymbol,
    { balance, price_usd }: Position,
  ): Pick<Candidate, "symbol" | "balance" | "valueUsd"> | string {
    const { minLiquidationValueUsd, dustThresholdUsd } = this.#options.settings.rules;
    if (price_usd === null) return `${symbol} has no price, so its worth is not known`;
    const value = valueUsd(balance, price_usd);
    const least =
      compare(minLiquidationValueUsd, dustThresholdUsd) < 0 ? dustThresholdUsd : minLiquidationValueUsd;
    if (compare(value, least) < 0) return `${symbol} is worth $${value}, under the minimum of $${least}`;
    return { symbol, balance, valueUsd: value };
  }

  #universe({ published }: Reading): Universe {
    const { clock, settings } = this.#options;
    const universe = settings.universe(clock.now());
    return published === null ? universe : withLists(universe, published);
  }

  #conditions(): StartConditions {
    const { clock, settings } = this.#options;
    const now = clock.now();
    const { isDryRun, maxPerCycle } = settings;
    const { bans } = settings.universe(now);
    return { now, bans, isDryRun, maxPerCycle, openVenue: this.venue.open(now), started: this.#started };
  }

  #decide(cycle: number, startedAt: number, reading: Reading | string): CycleReport {
    const { clock, settings } = this.#options;
    this.#started = 0;
    const nothing = { cycle, at: stamp(startedAt), positions: 0, candidates: [], started: [], skipped: [] };
    const held = (heldBack: string, seen: Partial<CycleReport> = {}): CycleReport => ({
      ...nothing,
      ...seen,
      durationMs: clock.now() - startedAt,
      heldBack,
    });
    if (typeof reading === "string") return held(reading);
    const isNew = reading.readAt !== this.#countedAt;
    const universe = this.#universe(reading);
    const assessment = assess(reading.positions, universe, settings.rules, this.#seen, isNew);
    const positions = reading.positions.length;
    if (assessment.heldBack !== null) return held(assessment.heldBack, { positions });
    this.#seen = assessment.seen;
    this.#countedAt = reading.readAt;
    this.#noteHeldAgain(assessment.held);
    const { started, skipped } = this.#start(assessment.candidates);
    return {
      ...nothing,
      positions,
      candidates: assessment.candidates.map(({ symbol }) => symbol),
      started,
      skipped,
      durationMs: clock.now() - startedAt,
      heldBack: null,
    };
  }

  /** A cleared symbol that is worth purging again goes back to `idle` first. */
  #noteHeldAgain(
    held: readonly { readonly symbol: TradingSymbol; readonly balance: string; readonly valueUsd: string }[],
  ): void {
    const { symbols, clock, settings } = this.#options;
    for (const { symbol, balance, valueUsd } of held) {
      const isWorthIt = compare(valueUsd, settings.rules.minLiquidationValueUsd) >= 0;
      if (!isWorthIt || symbols.view(symbol)?.state !== "cleared") continue;
      symbols.tell({ type: "position.held", symbol, at: stamp(clock.now()), balance, value_usd: valueUsd });
    }
  }

  #start(candidates: readonly Candidate[]) {
    const { observe, symbols } = this.#options;
    const started: TradingSymbol[] = [];
    const skipped: { readonly symbol: TradingSymbol; readonly skip: Skip }[] = [];
    for (const candidate of candidates) {
      const { symbol } = candidate;
      const view = symbols.view(symbol);
      const skip = whySkip(candidate, view, this.#conditions());
      if (skip === null) {
        this.#announceRetry(symbol, view);
        symbols.tell(this.#requested(candidate));
        this.#started += 1;
        started.push(symbol);
      } else {
        skipped.push({ symbol, skip });
        observe({ kind: "purge.skipped", symbol, skip });
      }
    }
    return { started, skipped };
  }

  #announceRetry(symbol: TradingSymbol, view: SymbolView | null): void {
    if (view?.state !== "backoff.due" || view.lastFailedAt === null) return;
    const { clock, observe } = this.#options;
    const { failures, lastFailedAt } = view;
    observe({ kind: "purge.retrying", symbol, failures, lastFailedAt, at: stamp(clock.now()) });
  }

  #requested({
    symbol,
    reason,
    balance,
    valueUsd: value_usd,
  }: Omit<Candidate, "reason"> & {
    readonly reason: PurgeEventOf<"purge.requested">["reason"];
  }): PurgeEventOf<"purge.requested"> {
    const { clock, settings } = this.#options;
    const at = stamp(clock.now());
    return { type: "purge.requested", symbol, at, reason, balance, value_usd, policy: settings.policy };
  }
}

function refused(code: OperatorRefusal, message: string): ReturnType<StartNow> {
  return { ok: false, code, message };
}
