// A whole simulated world: one seed, its exchange, its server, its disk, its programs, and all that goes wrong among them.
import type { Channel, JournalRecord, Observation, OperatorAction } from "../actors/ports.ts";
import { openPaperExchange, type PaperExchange } from "../adapters/exchange/mod.ts";
import { type MemoryLedger, memoryLedger } from "../adapters/journal/mod.ts";
import { subjectOf } from "../adapters/bus/mod.ts";
import { compare, type TradingSymbol } from "../machines/mod.ts";
import { type Chance, chanceOf } from "./chance.ts";
import { ExchangeView } from "./exchange_view.ts";
import type { Storm } from "./exchange_door.ts";
import { Faults } from "./faults.ts";
import { MessageServer } from "./message_server.ts";
import { longestRestMs, type Plan, type Script, scriptOf } from "./plan.ts";
import { Program } from "./programs.ts";
import { Referee } from "./referee.ts";
import { WorldClock } from "./sim_clock.ts";

/** What the programs stand on. */
export type Ground = Omit<World, "run" | "close" | "lives">;

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
/** How often the weather may change. */
const WEATHER_MS = 10 * SECOND_MS;
/** How far a clock is set wrong at the most. */
const CLOCK_STEP_MS = 3 * HOUR_MS;
/** What every symbol needs, besides its rest, to be sold by an exchange that takes everything. */
const PATIENCE_MS = 2 * HOUR_MS;
const ACTIONS = ["purge", "pause", "resume", "reset", "ban", "abort"] as const;

export class World {
  readonly plan: Plan;
  readonly clock: WorldClock;
  readonly chance: Chance;
  readonly faults: Faults;
  readonly server: MessageServer;
  readonly ledger: MemoryLedger;
  readonly paper: PaperExchange;
  readonly referee: Referee;
  readonly trace: (line: string) => void;
  readonly #script: Script;
  readonly #programs: readonly Program[];
  #storm: Storm | null = null;
  #isServerUp = true;
  #isHealed = false;
  /** Whether all is done is asked now and then. */
  #looksAgainAt = 0;

  constructor(plan: Plan, calledOff: ReadonlySet<string>, trace: (at: number, line: string) => void) {
    this.plan = plan;
    this.clock = new WorldClock(plan.startsAt);
    this.trace = (line) => trace(this.clock.now(), line);
    this.chance = chanceOf(plan.seed);
    this.faults = new Faults({ chance: this.chance, now: () => this.clock.now(), calledOff });
    const { clock, chance, faults } = this;
    this.server = new MessageServer({ clock, chance, faults });
    this.ledger = memoryLedger(`00000000-0000-4000-8000-${String(plan.seed).padStart(12, "0")}`);
    this.#script = scriptOf(plan, faults);
    this.paper = openPaperExchange({ file: ":memory:", script: this.#script.script, clock });
    this.referee = new Referee({
      plan,
      ledgerId: this.ledger.ledgerId,
      exchange: new ExchangeView(this.paper),
      now: () => clock.now(),
    });
    const names = plan.layout === "apart" ? (["supervisor", "gateway"] as const) : (["supervisor"] as const);
    this.#programs = names.map((name) => new Program(name, this));
  }

  storm = (): Storm | null => this.#storm;
  isServerUp = (): boolean => this.#isServerUp;

  onDurable(records: readonly JournalRecord[]): void {
    for (const { seq, symbol, event, state, commands } of records) {
      const asks = commands.map(({ type }) => type).join(", ");
      this.trace(`record ${seq} ${symbol} ${event.type} → ${state}${asks === "" ? "" : ` asks ${asks}`}`);
    }
    this.referee.onDurable(records);
    if (this.server.told.length === 0) this.referee.records.noneTold();
  }

  onObservation(program: string, observation: Observation): void {
    switch (observation.kind) {
      case "cycle.completed":
        this.referee.onCycle(observation.report);
        if (observation.report.heldBack !== null)
          this.trace(`${program}: held back: ${observation.report.heldBack}`);
        if (this.#isHealed) this.#lift();
        break;
      case "child":
        this.trace(`${program}: ${observation.child} ${observation.what}: ${observation.reason ?? ""}`);
        break;
      case "dead_letter":
        this.trace(`${program}: dead letter: ${observation.reason}`);
        break;
      case "note":
        if (observation.level !== "debug") this.trace(`${program}: ${observation.message}`);
        break;
      default:
        break;
    }
  }

  /** Runs until everything is sold, a promise is broken, or `signal` is aborted. */
  async run(signal?: AbortSignal): Promise<void> {
    const { whistle } = this.referee;
    const isOver = (): boolean => whistle.first !== null || signal?.aborted === true;
    for (const program of this.#programs) program.start();
    await this.clock.settle();
    this.#weather();
    const troubleEnds = this.plan.startsAt + this.plan.troubleMs;
    await this.#runUntil(troubleEnds, isOver);
    if (isOver()) return;
    this.#heal();
    const { backoff } = this.plan.cycle.policy;
    const latest = troubleEnds + longestRestMs(backoff) + CLOCK_STEP_MS + PATIENCE_MS;
    await this.#runUntil(latest, () => isOver() || this.#isDone());
    if (isOver()) return;
    const late = this.plan.toGo.flatMap((symbol) => {
      const why = this.referee.whyNotDone(symbol);
      return why === null ? [] : [`${symbol}: ${why}`];
    });
    if (late.length > 0) whistle.blow("time_heals", late.join("; "));
    this.referee.atEnd(this.plan.layout === "alone" ? null : this.server.told);
  }

  async close(): Promise<void> {
    for (const program of this.#programs) program.end();
    await this.paper.close();
  }

  get lives(): number {
    return this.#programs.reduce((sum, { lives }) => sum + lives, 0);
  }

  async #runUntil(end: number, isDone: () => boolean): Promise<void> {
    while (!isDone()) if (!(await this.clock.step(end))) return;
  }

  #isDone(): boolean {
    if (this.clock.now() < this.#looksAgainAt) return false;
    this.#looksAgainAt = this.clock.now() + WEATHER_MS;
    return (
      this.referee.records.count === this.ledger.rows.length &&
      this.plan.toGo.every((symbol) => this.referee.whyNotDone(symbol) === null) &&
      this.server.results.size === 0 &&
      this.#isTold()
    );
  }

  #isTold(): boolean {
    return this.plan.layout === "alone" || this.referee.records.untold(this.server.told) === null;
  }

  #weather(): void {
    if (this.#isHealed) return;
    this.clock.after(WEATHER_MS, () => this.#weather());
    const { faults, chance } = this;
    for (const program of this.#programs) {
      if (faults.strikes(`${program.name}.crash`, "at any time")) program.kill("killed at any time");
      if (faults.strikes(`${program.name}.stop`, "at any time")) program.stop();
      if (faults.strikes("bus.outage", `line of ${program.name}`)) this.#cut([program]);
      this.#setClock(program);
    }
    if (faults.strikes("bus.outage", "server")) this.#cut(this.#programs);
    if (faults.strikes("bus.forgetful", "server")) {
      this.#cut(this.#programs);
      this.server.orders.forget();
      this.server.results.forget();
    }
    if (faults.strikes("exchange.storm", "exchange")) {
      this.#blow(chance.pick("storm", ["down", "maintenance", "rate limit"]));
    }
    for (const symbol of this.plan.toGo) {
      if (faults.strikes("operator", symbol)) this.#operate(symbol);
      if (faults.strikes("deposit", symbol)) this.#deposit(symbol);
    }
    if (faults.strikes("message.poison", "server")) this.#poison();
  }

  #setClock(program: Program): void {
    for (const [kind, sign] of [
      ["clock.forward", 1],
      ["clock.back", -1],
    ] as const) {
      if (!this.faults.strikes(kind, program.name)) continue;
      const by = Math.round(SECOND_MS * (CLOCK_STEP_MS / SECOND_MS) ** this.chance.draw("clock step"));
      this.trace(`the clock of the ${program.name} is set ${sign * by} ms from the true time`);
      program.wall.set(sign * by);
    }
  }

  #cut(programs: readonly Program[]): void {
    const isAll = programs === this.#programs;
    const ms = this.chance.integer("outage", SECOND_MS, 3 * MINUTE_MS);
    this.trace(`${isAll ? "the server is" : `the line of the ${programs[0]?.name} is`} gone for ${ms} ms`);
    if (isAll) this.#isServerUp = false;
    for (const program of programs) program.connect(false);
    this.clock.after(ms, () => {
      if (isAll) this.#isServerUp = true;
      for (const program of programs) program.connect(true);
    });
  }

  #blow(storm: Storm): void {
    const ms = this.chance.integer("storm", SECOND_MS, 20 * MINUTE_MS);
    this.trace(`the exchange: ${storm} for ${ms} ms`);
    this.#storm = storm;
    this.clock.after(ms, () => {
      this.#storm = null;
    });
  }

  #operate(symbol: TradingSymbol): void {
    const action: OperatorAction = this.chance.pick("operator", ACTIONS);
    this.trace(`operator: ${action} ${symbol}`);
    this.#act(action, symbol);
  }

  #act(action: OperatorAction, symbol: TradingSymbol): void {
    const [supervisor] = this.#programs;
    void supervisor?.operators?.act({ action, symbol, by: "somebody", reason: "simulated" });
  }

  #deposit(symbol: TradingSymbol): void {
    const [currency = ""] = symbol.split("-");
    const [bought] = this.paper.balances().filter((balance) => balance.currency === currency);
    // What no attempt could sell would be there for ever.
    if (bought === undefined || compare(bought.total, bought.initial) > 0) return;
    this.trace(`${bought.initial} ${currency} are bought`);
    this.paper.deposit(currency, bought.initial);
  }

  #poison(): void {
    const [symbol] = this.plan.toGo;
    if (symbol === undefined) return;
    const channel: Channel = this.chance.pick("poison", [
      "results",
      "orders",
      "holdings",
      "account",
      "venue",
    ]);
    const isForOne = channel === "results" || channel === "orders";
    const subject = subjectOf({ channel, symbol: isForOne ? symbol : null });
    const length = this.chance.integer("poison", 0, 64);
    const bytes = Uint8Array.from({ length }, () => this.chance.integer("poison", 0, 255));
    const type = this.chance.pick("poison", ["application/json", "application/msgpack", "text/plain"]);
    this.trace(`poison: ${length} bytes under ${subject}`);
    this.server.publish(subject, bytes, { "Content-Type": type, "Schema-Version": "1" });
  }

  #heal(): void {
    this.trace("from now on nothing goes wrong");
    this.faults.end();
    this.#script.heal();
    this.#isHealed = true;
    this.#storm = null;
    this.#isServerUp = true;
    for (const program of this.#programs) {
      program.wall.set(0);
      program.connect(true);
    }
    this.#lift();
  }

  /** Whoever an operator, or a poisoned message, had suspended is let go. */
  #lift(): void {
    for (const symbol of this.plan.toGo) {
      if (this.referee.records.last(symbol)?.state === "suspended") this.#act("reset", symbol);
    }
  }
}
