// The whole tree on virtual time, for one symbol: what main.ts starts, with a journal in memory and a scripted exchange, and
// able to die at any moment and start again.
import * as Result from "effect/Result";
import type { JournalRecord, Observation, OperatorAction } from "../actors/ports.ts";
import { startTree, type Tree } from "../actors/tree.ts";
import { inProcessTransport, messageBus } from "../adapters/bus/mod.ts";
import { type VirtualClock, virtualClock } from "../adapters/clock/mod.ts";
import { type MemoryLedger, memoryJournal, memoryLedger } from "../adapters/journal/mod.ts";
import type { Config } from "../config/mod.ts";
import type { PurgePolicy, TradingSymbol } from "../machines/mod.ts";
import { Life } from "./life.ts";
import { Market, type MarketOptions } from "./market.ts";
import type { OrderStep } from "./steps.ts";
import { troubleIn } from "./trouble.ts";

/** Of every run, so that its order ids are the same each time. */
export const LEDGER_ID = "00000000-0000-4000-8000-000000000001";

export interface StageOptions {
  readonly market: MarketOptions;
  readonly config: Config;
  readonly policy: PurgePolicy;
  readonly fates: readonly OrderStep[];
  /** Epoch milliseconds. */
  readonly startsAt: number;
}

export class Stage {
  readonly clock: VirtualClock;
  readonly market: Market;
  readonly trouble: string[] = [];
  /** The last record that became known, of this life or one before. */
  last: JournalRecord | null = null;
  readonly #options: StageOptions;
  readonly #ledger: MemoryLedger = memoryLedger(LEDGER_ID);
  #life = new Life();
  #tree: Tree | null = null;

  constructor(options: StageOptions) {
    this.#options = options;
    this.clock = virtualClock(options.startsAt);
    this.market = new Market(options.market, options.fates, this.clock);
  }

  async start(): Promise<void> {
    const { config, policy, market } = this.#options;
    const life = new Life();
    this.#life = life;
    const clock = life.clock(this.clock);
    const started = await startTree({
      clock,
      observe: life.observe((observation) => this.#observe(observation)),
      first: [],
      claim: null,
      openBus: async () => messageBus(inProcessTransport(), { clock }),
      openJournal: async () => life.journal(memoryJournal({ ledger: this.#ledger })),
      openExchange: async () => life.exchange(this.market.exchange),
      gateway: { ...config.app.gateway, breaker: config.app.breaker, seed: 1 },
      limits: config.app.limits,
      cycle: {
        intervalMs: config.cycle.intervalMs,
        jitterPct: 0,
        maxPerCycle: config.cycle.maxLiquidationsPerCycle,
        rules: { ...config.cycle, maxCandidateShare: 1, graceCycles: 0 },
        policy,
        universe: () => universeWithout(market.symbol),
        isDryRun: false,
        cycles: null,
        random: () => 0.5,
      },
      extra: () => [],
    });
    this.#tree = Result.getOrThrow(started);
    await this.clock.settle();
  }

  async crash(): Promise<void> {
    this.#end();
    await this.start();
  }

  /** Lets time pass, event by event, until `isDone`; false when that was not so within `ms`. */
  async runUntil(isDone: () => boolean, ms: number): Promise<boolean> {
    const endsAt = this.clock.now() + ms;
    await this.clock.settle();
    while (!isDone()) {
      const next = this.clock.nextAt();
      if (next === null || next > endsAt) return false;
      await this.clock.advance(Math.max(0, next - this.clock.now()));
    }
    return true;
  }

  /** Null when it was done, else why it was not. */
  async operate(action: OperatorAction): Promise<string | null> {
    const { symbol } = this.#options.market;
    const request = { action, symbol, by: "the test", reason: "the sequence says so" };
    const answering = this.#tree?.operators.act(request);
    await this.clock.settle();
    const answer = await answering;
    return answer === undefined || answer.ok ? null : answer.message;
  }

  /** Everything in the journal, and nothing of this goes on. */
  async finish(): Promise<readonly JournalRecord[]> {
    this.#end();
    await this.market.exchange.close();
    const journal = memoryJournal({ ledger: this.#ledger });
    const records = await Array.fromAsync(journal.read());
    await journal.close();
    return records;
  }

  #end(): void {
    this.#life.die();
    // The lock of a ledger goes with the process that held it.
    this.#ledger.isLocked = false;
    this.#tree = null;
  }

  #observe(observation: Observation): void {
    if (observation.kind === "transition") this.last = observation.record;
    const trouble = troubleIn(observation);
    if (trouble !== null) this.trouble.push(trouble);
  }
}

/** One in which `symbol` must go at once. */
function universeWithout(symbol: TradingSymbol) {
  return {
    eligible: new Set(["BTC-USD"]),
    excluded: new Set<string>([symbol]),
    bans: new Map(),
    protectedCurrencies: new Set(["USD"]),
    stale: null,
  };
}
