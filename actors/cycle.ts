// The cycle actor: every interval, who should go and who may go now? It starts attempts and never waits for one.
import {
  compare,
  type HoldingsMessage,
  type PurgeEvent,
  type PurgePolicy,
  type Timestamp,
  type TradingSymbol,
  type VenueState,
} from "../machines/mod.ts";
import { assess, type Candidate, type EligibilityRules, type Universe } from "./eligibility.ts";
import type { Bus, Cancel, Clock, CycleReport, Observe, Skip } from "./ports.ts";
import { stamp } from "./time.ts";

/** What the cycle needs to know of a symbol, from its last durable record. */
export interface SymbolView {
  readonly state: string;
  /** An attempt is under way. */
  readonly isBusy: boolean;
  readonly failures: number;
  readonly lastFailedAt: Timestamp | null;
  readonly retryAt: Timestamp | null;
  readonly backoffMs: number;
  readonly suspendedFor: string | null;
}

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
  /** Cycles done so far; a restarted actor goes on from there. */
  readonly progress: { done: number };
  /** The last of `cycles` has been done. */
  readonly onLast: () => void;
}

/** How long the account may take to be read. */
const HOLDINGS_MS = 60_000;

/** Starts the first cycle at once. Returns what stops it. */
export async function startCycle(options: CycleOptions): Promise<{ stop(): void }> {
  const { bus, clock, observe, settings } = options;
  const cycle = new Cycle(options);
  const cancels: Cancel[] = [];
  cancels.push(
    await bus.consume("holdings", (delivery) => {
      cycle.hear(delivery.body);
      delivery.ack();
    }),
  );
  cancels.push(
    await bus.consume("venue", (delivery) => {
      cycle.venue = delivery.body;
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
    stop() {
      isStopped = true;
      next();
      cycle.stop();
      for (const cancel of cancels) cancel();
    },
  };
}

class Cycle {
  venue: VenueState | null = null;
  readonly #options: CycleOptions;
  #seen: ReadonlyMap<TradingSymbol, number> = new Map();
  #awaiting: { readonly id: string; readonly resolve: (message: HoldingsMessage | string) => void } | null =
    null;

  constructor(options: CycleOptions) {
    this.#options = options;
  }

  hear(message: HoldingsMessage): void {
    if (message.type === "holdings.published") return;
    if (this.#awaiting?.id === message.request_id) this.#awaiting.resolve(message);
  }

  stop(): void {
    this.#awaiting?.resolve("the cycle was stopped");
  }

  async run(cycle: number): Promise<void> {
    const { clock, observe } = this.#options;
    const startedAt = clock.now();
    if (this.#awaiting !== null) {
      observe({
        kind: "note",
        level: "warn",
        message: `cycle ${cycle} left out: the account is still being read`,
      });
      return;
    }
    const holdings = await this.#holdings(cycle);
    const release = clock.hold();
    try {
      observe({ kind: "cycle.completed", report: this.#decide(cycle, startedAt, holdings) });
    } finally {
      release();
    }
  }

  /** What the account holds, or why that is not known. */
  async #holdings(cycle: number): Promise<HoldingsMessage | string> {
    const { bus, clock } = this.#options;
    if (!bus.connected) return "the bus is not connected";
    const id = `${cycle}-${clock.now()}`;
    let cancel: Cancel = () => {};
    try {
      return await new Promise<HoldingsMessage | string>((resolve) => {
        this.#awaiting = { id, resolve };
        const late = () => resolve(`the account could not be read within ${HOLDINGS_MS / 1_000} s`);
        cancel = clock.schedule(clock.now() + HOLDINGS_MS, late);
        bus
          .publish("account", { type: "holdings.refresh", request_id: id })
          .catch((error: unknown) => resolve(String(error)));
      });
    } finally {
      cancel();
      this.#awaiting = null;
    }
  }

  #decide(cycle: number, startedAt: number, holdings: HoldingsMessage | string): CycleReport {
    const { clock, settings } = this.#options;
    const nothing = { cycle, at: stamp(startedAt), positions: 0, candidates: [], started: [], skipped: [] };
    const held = (heldBack: string, seen: Partial<CycleReport> = {}): CycleReport => ({
      ...nothing,
      ...seen,
      durationMs: clock.now() - startedAt,
      heldBack,
    });
    if (typeof holdings === "string") return held(holdings);
    if (holdings.type === "holdings.unavailable") {
      return held(`the account could not be read: ${holdings.rejection.code} ${holdings.rejection.message}`);
    }
    const assessment = assess(holdings.positions, settings.universe(clock.now()), settings.rules, this.#seen);
    this.#seen = assessment.seen;
    const positions = holdings.positions.length;
    if (assessment.heldBack !== null) return held(assessment.heldBack, { positions });
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
      const view = symbols.view(candidate.symbol);
      const skip = this.#skip(candidate, view, started.length);
      if (skip === null) {
        this.#request(candidate, view);
        started.push(candidate.symbol);
      } else {
        skipped.push({ symbol: candidate.symbol, skip });
        observe({ kind: "purge.skipped", symbol: candidate.symbol, skip });
      }
    }
    return { started, skipped };
  }

  #skip({ symbol, valueUsd }: Candidate, view: SymbolView | null, started: number): Skip | null {
    const { clock, settings } = this.#options;
    const ban = settings.universe(clock.now()).bans.get(symbol);
    if (ban !== undefined) return { why: "suspended", detail: `banned in universe.yaml: ${ban}` };
    const state = view?.state ?? "idle";
    if (state === "suspended") return { why: "suspended", detail: view?.suspendedFor ?? "" };
    if (state === "backoff.waiting" && view !== null) {
      const remainingMs = Math.max(0, Date.parse(view.retryAt ?? "") - clock.now());
      return { why: "backoff", failures: view.failures, backoffMs: view.backoffMs, remainingMs };
    }
    if (state !== "idle" && state !== "failed" && state !== "backoff.due") {
      return { why: "busy", detail: state };
    }
    if (settings.isDryRun) return { why: "dry_run", detail: `would sell ${symbol}, worth $${valueUsd}` };
    if (this.venue?.state === "open") {
      return { why: "venue", detail: `${this.venue.cause}: ${this.venue.reason}, until ${this.venue.until}` };
    }
    if (started >= settings.maxPerCycle) {
      return { why: "limit", detail: `max_liquidations_per_cycle ${settings.maxPerCycle} attempts started` };
    }
    return null;
  }

  #request(candidate: Candidate, view: SymbolView | null): void {
    const { clock, observe, settings, symbols } = this.#options;
    const { symbol, reason, balance, valueUsd } = candidate;
    const at = stamp(clock.now());
    if (view?.state === "backoff.due" && view.lastFailedAt !== null) {
      observe({
        kind: "purge.retrying",
        symbol,
        failures: view.failures,
        lastFailedAt: view.lastFailedAt,
        at,
      });
    }
    symbols.tell({
      type: "purge.requested",
      symbol,
      at,
      reason,
      balance,
      value_usd: valueUsd,
      policy: settings.policy,
    });
  }
}
