// Journal records for observers' tests, made by the real machine: nothing here invents a snapshot.
import { Schema } from "effect";
import type { JournalRecord, Observation } from "../../../actors/ports.ts";
import {
  type ClientOrderId,
  type Product,
  type PurgeEvent,
  type PurgePolicy,
  type PurgeRun,
  type Rejection,
  startPurge,
  TradingSymbol,
} from "../../../machines/mod.ts";

const START_MS = Date.parse("2025-11-11T22:00:00.000Z");

export const POLICY: PurgePolicy = {
  slice_usd: "5",
  replace_ms: 45_000,
  max_duration_ms: 240_000,
  max_slices: 24,
  max_residual_usd: "8",
  max_consecutive_no_fill: 2,
  allow_taker_fallback: true,
  taker_fallback_threshold_usd: "50",
  taker_max_slippage_bps: 60,
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

const PRODUCT: Product = {
  base_increment: "1",
  price_increment: "0.00000001",
  base_min_size: "1",
  quote_min_size: "1",
  status: "online",
};

/** The refusal that started it all, as Coinbase words it. */
export const INVALID_SIZE: Rejection = {
  class: "symbol",
  classified: true,
  code: "INVALID_ORDER_CONFIGURATION",
  message: "Invalid order size",
  details: null,
  preview_failure: "PREVIEW_INVALID_BASE_SIZE",
  raw_response: '{"success":false,"error_response":{"error":"INVALID_ORDER_CONFIGURATION"}}',
};

export const symbolOf = Schema.decodeUnknownSync(TradingSymbol);
export const BONK = symbolOf("BONK-USD");

type Timed<E> = E extends PurgeEvent ? Omit<E, "symbol" | "at"> : never;

/** One symbol's life, event by event. Each method answers with the record of what it did. */
export class Story {
  readonly records: JournalRecord[] = [];
  readonly #run: PurgeRun;
  readonly #policy: PurgePolicy;
  #now = START_MS;

  constructor(policy: Partial<PurgePolicy> = {}) {
    this.#policy = { ...POLICY, ...policy };
    this.#run = startPurge({ ledgerId: "ledger-1", symbol: BONK });
  }

  get state(): string {
    return this.#run.state;
  }

  wait(ms: number): this {
    this.#now += ms;
    return this;
  }

  tell(event: Timed<PurgeEvent>): JournalRecord {
    const at = new Date(this.#now).toISOString();
    const whole: PurgeEvent = { ...event, symbol: BONK, at };
    const { path, state, commands, snapshot } = this.#run.step(whole);
    const seq = this.records.length + 1;
    const record = { seq, at, symbol: BONK, event: whole, path, state, commands, snapshot };
    this.records.push(record);
    return record;
  }

  request(changed: Partial<PurgePolicy> = {}): JournalRecord {
    const amounts = { balance: "889587", value_usd: "9.48" };
    const policy = { ...this.#policy, ...changed };
    return this.tell({ type: "purge.requested", reason: "ineligible", ...amounts, policy });
  }

  quote(available = "889587"): JournalRecord {
    return this.tell({
      type: "market.snapshot",
      request_id: this.#run.context.attempt?.request_id ?? "none",
      quoted_at: new Date(this.#now).toISOString(),
      best_bid: "0.00001066",
      best_ask: "0.00001068",
      available,
      product: PRODUCT,
    });
  }

  get orderId(): ClientOrderId {
    const order = this.#run.context.attempt?.order;
    if (order === undefined || order === null) throw new Error(`no order is live in ${this.state}`);
    return order.request.client_order_id;
  }

  reject(rejection: Rejection = INVALID_SIZE): JournalRecord {
    return this.tell({ type: "order.rejected", client_order_id: this.orderId, rejection });
  }

  accept(): JournalRecord {
    return this.tell({ type: "order.accepted", client_order_id: this.orderId, order_id: "x-1" });
  }

  update(
    status: "open" | "filled" | "cancelled" | "failed",
    revision: number,
    filled: readonly [size: string, value: string, fee: string] = ["0", "0", "0"],
    client_order_id: ClientOrderId = this.orderId,
    rejection: Rejection | null = null,
  ): JournalRecord {
    const [filled_size, filled_value, fee] = filled;
    const sums = { filled_size, filled_value, fee, rejection };
    return this.tell({ type: "order.update", client_order_id, order_id: "x-1", revision, status, ...sums });
  }

  deadline(): JournalRecord {
    const { deadline } = this.#run.context;
    if (deadline === null) throw new Error(`nothing is awaited in ${this.state}`);
    this.#now = Math.max(this.#now, Date.parse(deadline.at));
    return this.tell({ type: "deadline.reached", name: deadline.name });
  }

  /** One attempt that the exchange refuses. Ends with the record of the failure. */
  fail(): JournalRecord {
    this.request();
    this.quote();
    return this.reject();
  }

  /** One attempt that sells everything in one order. Ends with the record that clears the symbol. */
  sell(): JournalRecord {
    this.request();
    this.quote("450000");
    this.accept();
    this.update("filled", 1, ["450000", "4.80", "0.02"]);
    return this.quote("0");
  }

  operator(action: "pause" | "resume" | "reset" | "ban" | "abort", reason = "delisting"): JournalRecord {
    return this.tell({ type: `operator.${action}`, by: "ana", reason });
  }
}

export function transition(record: JournalRecord, recovered = false): Observation {
  return { kind: "transition", record, recovered };
}
