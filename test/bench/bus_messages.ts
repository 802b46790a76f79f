// Results as a gateway would send them, for symbols of an account that never runs empty.
import { encode, type TransportMessage } from "../../adapters/bus/mod.ts";
import {
  type OrderRequest,
  type OrderResult,
  type PurgeCommand,
  type PurgeEventOf,
  type PurgePolicy,
  TradingSymbol,
} from "../../machines/mod.ts";
import { POLICY, PRODUCT, rejection } from "../machines/scenario.ts";

/** Nothing of a run is to end by the clock. */
const BENCH_POLICY: PurgePolicy = {
  ...POLICY,
  slice_usd: "1000000",
  replace_ms: 3_600_000,
  max_duration_ms: 7_200_000,
  max_slices: 100_000,
  max_quote_age_ms: 3_600_000,
};
const BALANCE = "999999999999999";
const BID = "0.00001066";
const ASK = "0.00001068";
/** Of 10^-8 dollars. */
const ASK_UNITS = 1_068n;

export function symbolsNamed(prefix: string, count: number): readonly TradingSymbol[] {
  return Array.from({ length: count }, (_, index) => TradingSymbol.make(`${prefix}${index}-USD`));
}

export function purgeRequested(symbol: TradingSymbol): PurgeEventOf<"purge.requested"> {
  return {
    type: "purge.requested",
    symbol,
    at: now(),
    reason: "excluded",
    balance: BALANCE,
    value_usd: "10659999999.99",
    policy: BENCH_POLICY,
  };
}

export function marketSnapshot(command: PurgeCommand & { readonly type: "market.refresh" }): OrderResult {
  const { symbol, request_id } = command;
  const at = now();
  const market = { quoted_at: at, best_bid: BID, best_ask: ASK, available: BALANCE, product: PRODUCT };
  return { type: "market.snapshot", symbol, at, request_id, ...market };
}

export function accepted({ symbol, client_order_id }: OrderRequest): OrderResult {
  return { type: "order.accepted", symbol, at: now(), client_order_id, order_id: orderId(client_order_id) };
}

/** The order crossed the book: the machine asks for a new quote. */
export function wouldCross({ symbol, client_order_id }: OrderRequest): OrderResult {
  const refusal = rejection("INVALID_LIMIT_PRICE_POST_ONLY", {
    class: "requote",
    message: "Post only order would cross",
  });
  return { type: "order.rejected", symbol, at: now(), client_order_id, rejection: refusal };
}

/** One more unit sold with each revision. */
export function partFilled(order: OrderRequest, revision: number): OrderResult {
  return update(order, revision, "open", `${revision}`);
}

export function filled(order: OrderRequest): OrderResult {
  return update(order, 1, "filled", order.base_size);
}

export function resultMessage(result: OrderResult): TransportMessage {
  return encode("results", result, { mode: "paper" });
}

/** @throws Error when the command is another one */
export function expected<T extends PurgeCommand["type"]>(
  command: PurgeCommand | undefined,
  type: T,
): Extract<PurgeCommand, { readonly type: T }> {
  const isIt = (one: PurgeCommand | undefined): one is Extract<PurgeCommand, { readonly type: T }> =>
    one?.type === type;
  if (isIt(command)) return command;
  throw new Error(`expected ${type}, found ${command?.type}`);
}

function update(order: OrderRequest, revision: number, status: "open" | "filled", size: string): OrderResult {
  const { symbol, client_order_id } = order;
  return {
    type: "order.update",
    symbol,
    at: now(),
    client_order_id,
    order_id: orderId(client_order_id),
    revision,
    status,
    filled_size: size,
    filled_value: dollars(BigInt(size) * ASK_UNITS),
    fee: dollars((BigInt(size) * ASK_UNITS) / 250n),
    rejection: null,
  };
}

const orderId = (clientOrderId: string): string => `exchange-${clientOrderId}`;

function dollars(units: bigint): string {
  const digits = `${units}`.padStart(9, "0");
  return `${digits.slice(0, -8)}.${digits.slice(-8)}`;
}

const now = (): string => new Date().toISOString();
