// Watches a simulated world and blows the whistle at the first promise that is broken. It sees the disk, the exchange and
// the server as they are, and never asks the programs.
import type { CycleReport, JournalRecord } from "../actors/ports.ts";
import type { OrderRequest, TradingSymbol, VenueState } from "../machines/mod.ts";
import { OrderRules } from "./order_rules.ts";
import type { Plan } from "./plan.ts";
import { RecordRules } from "./record_rules.ts";
import { ResultRules } from "./result_rules.ts";
import { Whistle } from "./invariants.ts";
import type { ExchangeView } from "./exchange_view.ts";

export interface RefereeOptions {
  readonly plan: Plan;
  readonly ledgerId: string;
  readonly exchange: ExchangeView;
  /** Epoch milliseconds of the world. */
  readonly now: () => number;
}

export class Referee {
  readonly whistle = new Whistle();
  readonly records: RecordRules;
  readonly orders: OrderRules;
  readonly results: ResultRules;
  readonly #plan: Plan;
  #startsSinceCycle = 0;

  constructor({ plan, ledgerId, exchange, now }: RefereeOptions) {
    this.#plan = plan;
    this.records = new RecordRules(ledgerId, this.whistle, now);
    this.orders = new OrderRules(plan, exchange, this.records, this.whistle);
    this.results = new ResultRules(ledgerId, this.records, this.whistle);
  }

  onDurable(records: readonly JournalRecord[]): void {
    for (const record of records) {
      this.records.take(record);
      this.orders.checkFollowed(record.symbol);
      this.results.recorded(record);
      if (record.event.type === "purge.requested" && record.event.reason !== "operator") {
        this.#startsSinceCycle += 1;
      }
    }
    const { maxPerCycle } = this.#plan.cycle;
    if (this.#startsSinceCycle <= maxPerCycle) return;
    const message = `${this.#startsSinceCycle} attempts were started in one cycle, and ${maxPerCycle} are allowed`;
    this.whistle.blow("starts_per_cycle", message);
  }

  /** A cycle has decided; what it starts is not durable yet. */
  onCycle({ started, cycle }: CycleReport): void {
    this.#startsSinceCycle = 0;
    const { maxPerCycle } = this.#plan.cycle;
    if (started.length <= maxPerCycle) return;
    const message = `cycle ${cycle} started ${started.length} attempts, and ${maxPerCycle} are allowed`;
    this.whistle.blow("starts_per_cycle", message);
  }

  onSent(order: OrderRequest, venue: VenueState | null): void {
    this.orders.sent(order, venue);
  }

  onArrived<A>(order: OrderRequest, serve: () => A): A {
    return this.orders.arrived(order, serve);
  }

  /** When nothing has gone wrong for long enough.
   *
   * @param told the ids of the transitions that observers got; null where none are kept for them */
  atEnd(told: readonly string[] | null): void {
    for (const symbol of this.#plan.toGo) {
      this.#checkEnd(symbol);
      this.orders.checkFollowed(symbol);
    }
    const untold = told === null ? null : this.records.untold(told);
    if (untold === null) return;
    const message = `record ${untold} of ${this.records.count} was never told to observers`;
    this.whistle.blow("observers_are_told", message);
  }

  /** Why a symbol is not done with; null when it is. */
  whyNotDone(symbol: TradingSymbol): string | null {
    const last = this.records.last(symbol);
    const value = this.orders.exchange.valueUsd(symbol);
    if (last !== null && last.context.attempt !== null) return `an attempt is under way: ${last.state}`;
    const isLeft = value >= Number(this.#plan.cycle.rules.minLiquidationValueUsd);
    if (!isLeft) return null;
    return `$${value.toFixed(2)} of it are left, and it is ${last?.state ?? "not known to anybody"}`;
  }

  #checkEnd(symbol: TradingSymbol): void {
    const sold = this.records.last(symbol)?.context.sold_size ?? "0";
    const filled = this.orders.exchange.filled(symbol);
    if (filled !== sold) {
      const message = `${symbol}: the exchange sold ${filled}, and the ledger says ${sold}`;
      this.whistle.blow("fills_add_up", message);
    }
  }
}
