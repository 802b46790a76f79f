// Brings a purge machine into any state, and makes the events that fit it there.
import {
  ClientOrderId,
  type OrderRequest,
  type Product,
  type PurgeCommand,
  type PurgeEvent,
  type PurgeEventOf,
  type PurgePolicy,
  type PurgeRun,
  type PurgeStep,
  type Rejection,
  startPurge,
  type Timestamp,
  TradingSymbol,
} from "../../machines/mod.ts";

export const LEDGER = "00000000-0000-4000-8000-000000000001";
export const BONK = TradingSymbol.make("BONK-USD");
export const START = Date.parse("2025-11-11T22:00:00.000Z");

export const POLICY: PurgePolicy = {
  slice_usd: "5",
  replace_ms: 45_000,
  max_duration_ms: 240_000,
  max_slices: 24,
  max_residual_usd: "8",
  max_consecutive_no_fill: 2,
  allow_taker_fallback: true,
  taker_fallback_threshold_usd: "10",
  taker_max_slippage_bps: 100,
  cushion_ticks: 1,
  max_cushion_ticks: 3,
  min_notional_usd: "1",
  max_quote_age_ms: 30_000,
  backoff: {
    enabled: true,
    after_failures: 3,
    base_ms: 3_600_000,
    factor: 2,
    max_ms: 14_400_000,
    jitter_pct: 0,
  },
  failure_tracking: true,
};

export const PRODUCT: Product = {
  base_increment: "1",
  price_increment: "0.00000001",
  base_min_size: "1",
  quote_min_size: "1",
  status: "online",
};

export const NOBODY = ClientOrderId.make("00000000-0000-5000-8000-00000000dead");

export function rejection(code = "INVALID_ORDER_CONFIGURATION", over: Partial<Rejection> = {}): Rejection {
  return {
    class: "symbol",
    classified: true,
    code,
    message: "Invalid order size",
    details: null,
    preview_failure: null,
    raw_response: `{"success":false,"error_response":{"error":"${code}"}}`,
    ...over,
  };
}

/** One machine on hand-driven time. */
export class Scenario {
  run: PurgeRun;
  now = START;
  readonly steps: PurgeStep[] = [];
  readonly events: PurgeEvent[] = [];
  policy: PurgePolicy;

  constructor(policy: Partial<PurgePolicy> = {}, symbol: TradingSymbol = BONK) {
    this.policy = { ...POLICY, ...policy };
    this.run = startPurge({ ledgerId: LEDGER, symbol });
  }

  get at(): Timestamp {
    return new Date(this.now).toISOString();
  }

  get order(): OrderRequest {
    const order = this.run.context.attempt?.order?.request;
    if (order === undefined) throw new Error(`no order is live in ${this.run.state}`);
    return order;
  }

  wait(ms: number): this {
    this.now += ms;
    return this;
  }

  send(event: PurgeEvent): PurgeStep {
    this.events.push(event);
    const step = this.run.step(event);
    this.steps.push(step);
    return step;
  }

  /** From the journal and back: what a crash does. */
  restart(): this {
    const snapshot = structuredClone(this.steps.at(-1)?.snapshot);
    this.run = startPurge({
      ledgerId: LEDGER,
      symbol: this.run.context.symbol,
      ...(snapshot && { snapshot }),
    });
    return this;
  }

  base<T extends string>(type: T) {
    return { type, symbol: this.run.context.symbol, at: this.at } as const;
  }

  request(): PurgeEventOf<"purge.requested"> {
    return {
      ...this.base("purge.requested"),
      reason: "excluded",
      balance: "889587.0",
      value_usd: "9.48",
      policy: this.policy,
    };
  }

  quote(over: Partial<PurgeEventOf<"market.snapshot">> = {}): PurgeEventOf<"market.snapshot"> {
    return {
      ...this.base("market.snapshot"),
      request_id: this.run.context.attempt?.request_id ?? "none asked",
      quoted_at: this.at,
      best_bid: "0.00001066",
      best_ask: "0.00001068",
      available: "889587.0",
      product: PRODUCT,
      ...over,
    };
  }

  noMarket(
    why: Rejection = rejection("UNAVAILABLE", { class: "venue" }),
  ): PurgeEventOf<"market.unavailable"> {
    const request_id = this.run.context.attempt?.request_id ?? "none asked";
    return { ...this.base("market.unavailable"), request_id, rejection: why };
  }

  accepted(id = this.order.client_order_id): PurgeEventOf<"order.accepted"> {
    return { ...this.base("order.accepted"), client_order_id: id, order_id: "X-1" };
  }

  rejected(why: Rejection = rejection(), id = this.order.client_order_id): PurgeEventOf<"order.rejected"> {
    return { ...this.base("order.rejected"), client_order_id: id, rejection: why };
  }

  update(over: Partial<PurgeEventOf<"order.update">> = {}): PurgeEventOf<"order.update"> {
    const live = this.run.context.attempt?.order;
    return {
      ...this.base("order.update"),
      client_order_id: live?.request.client_order_id ?? NOBODY,
      order_id: "X-1",
      revision: (live?.revision ?? 0) + 1,
      status: "open",
      filled_size: live?.filled_size ?? "0",
      filled_value: live?.filled_value ?? "0",
      fee: "0",
      rejection: null,
      ...over,
    };
  }

  filled(over: Partial<PurgeEventOf<"order.update">> = {}): PurgeEventOf<"order.update"> {
    const { base_size } = this.order;
    return this.update({
      status: "filled",
      filled_size: base_size,
      filled_value: "4.99",
      fee: "0.03",
      ...over,
    });
  }

  cancelled(over: Partial<PurgeEventOf<"order.update">> = {}): PurgeEventOf<"order.update"> {
    return this.update({ status: "cancelled", ...over });
  }

  unknown(
    outcome: "undetermined" | "not_found" = "undetermined",
    id = this.order.client_order_id,
  ): PurgeEventOf<"order.unknown"> {
    return { ...this.base("order.unknown"), client_order_id: id, outcome, message: "no answer" };
  }

  deadline(name = this.run.context.deadline?.name ?? "none"): PurgeEventOf<"deadline.reached"> {
    return { ...this.base("deadline.reached"), name };
  }

  /** Moves time to the machine's own deadline and tells it so. */
  reachDeadline(): PurgeStep {
    const deadline = this.run.context.deadline;
    if (deadline === null) throw new Error(`nothing is waited for in ${this.run.state}`);
    this.now = Math.max(this.now, Date.parse(deadline.at));
    return this.send(this.deadline());
  }

  operator<T extends "pause" | "resume" | "reset" | "ban" | "abort">(what: T) {
    return { ...this.base(`operator.${what}` as const), by: "ada", reason: "tests" };
  }

  poisoned(): PurgeEventOf<"symbol.poisoned"> {
    return { ...this.base("symbol.poisoned"), reason: "crashed three times on one event" };
  }

  held(): PurgeEventOf<"position.held"> {
    return { ...this.base("position.held"), balance: "889587.0", value_usd: "9.48" };
  }

  imported(failure_count = 4): PurgeEventOf<"failure.imported"> {
    return {
      ...this.base("failure.imported"),
      failure_count,
      last_failed_at: this.at,
      last_error: "INVALID_ORDER_CONFIGURATION",
      balance: "889587.0",
      value_usd: "9.48",
      policy: this.policy,
    };
  }

  /** An attempt that ends with a refusal of its first order. */
  fail(times = 1): this {
    for (let n = 0; n < times; n += 1) {
      if (this.run.state === "backoff.waiting") this.reachDeadline();
      this.send(this.request());
      this.send(this.quote());
      this.send(this.rejected());
      this.wait(60_000);
    }
    return this;
  }

  /** To a resting order, through acceptance. */
  rest(): this {
    this.send(this.request());
    this.send(this.quote());
    this.send(this.accepted());
    return this;
  }

  /** Sells everything in one order, and clears. */
  sell(): this {
    this.rest();
    this.send(this.filled());
    this.send(this.quote({ available: "0" }));
    return this;
  }
}

/** The orders among what a machine asked for. */
export const placed = (commands: readonly PurgeCommand[]): readonly OrderRequest[] =>
  commands.flatMap((command) => (command.type === "order.place" ? [command.order] : []));
export const types = (commands: readonly PurgeCommand[]): readonly string[] =>
  commands.map(({ type }) => type);

/** One slice that nobody buys: rests for its time, is cancelled, and ends without a fill. */
export function noBuyer(scenario: Scenario): void {
  scenario.send(scenario.quote());
  scenario.send(scenario.accepted());
  scenario.reachDeadline();
  scenario.send(scenario.cancelled());
}
