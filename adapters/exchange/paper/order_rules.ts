// The exchange's standing rules for a new order, in the order in which they are looked at.
import { compare, floorTo, isZero, multiply, type OrderRequest } from "../../../machines/mod.ts";
import type { ScriptedRefusal } from "./program.ts";
import type { PaperProduct } from "./script_schema.ts";

/** What an order is judged by. */
export interface Circumstances {
  readonly product: PaperProduct;
  readonly best_bid: string;
  /** Base currency that no open order and nobody else holds. */
  readonly available: string;
}

/** Why the order cannot be taken; null when it can. */
export function ruleAgainst(order: OrderRequest, circumstances: Circumstances): ScriptedRefusal | null {
  const { product, available, best_bid } = circumstances;
  const broken = ruleAgainstTrading(order, product) ?? ruleAgainstNumbers(order, product);
  if (broken !== null) return broken;
  if (compare(order.base_size, available) > 0) {
    const details = `${order.base_size} wanted, ${available} available`;
    return { ...refusal("INSUFFICIENT_FUND", "Insufficient balance in source account"), details };
  }
  if (order.kind === "post_only" && compare(order.limit_price, best_bid) <= 0) {
    const details = `limit price ${order.limit_price}, best bid ${best_bid}`;
    return { ...refusal("INVALID_LIMIT_PRICE_POST_ONLY", "Post-only order would cross"), details };
  }
  return null;
}

function ruleAgainstTrading(
  { kind, symbol }: OrderRequest,
  { status }: PaperProduct,
): ScriptedRefusal | null {
  if (status === "halted") return refusal("PRODUCT_TRADING_HALTED", `Trading in ${symbol} is halted`);
  if (status === "delisted") return refusal("UNTRADABLE_PRODUCT", `${symbol} is delisted`);
  if (status === "cancel_only") return refusal("TRADING_DISABLED", `${symbol} takes cancellations alone`);
  if (status === "post_only" && kind === "ioc") {
    const preview = "PREVIEW_INVALID_ORDER_CONFIG";
    return refusal("UNSUPPORTED_ORDER_CONFIGURATION", `${symbol} takes post-only orders alone`, preview);
  }
  return null;
}

function ruleAgainstNumbers(order: OrderRequest, product: PaperProduct): ScriptedRefusal | null {
  const { base_size: size, limit_price: price } = order;
  const { base_increment, price_increment, base_min_size, quote_min_size } = product;
  const badConfiguration = (message: string, preview: string) =>
    refusal("INVALID_ORDER_CONFIGURATION", message, preview);
  if (!isOn(size, base_increment)) {
    return refusal("INVALID_SIZE_PRECISION", `Size ${size} is not a multiple of ${base_increment}`);
  }
  if (!isOn(price, price_increment)) {
    return refusal("INVALID_PRICE_PRECISION", `Price ${price} is not a multiple of ${price_increment}`);
  }
  if (isZero(price)) return refusal("INVALID_LIMIT_PRICE", "Limit price is 0");
  if (compare(size, base_min_size) < 0) {
    return badConfiguration(`Size ${size} is under ${base_min_size}`, "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL");
  }
  if (isZero(size)) return badConfiguration("Size is 0", "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL");
  const notional = multiply(size, price);
  if (compare(notional, quote_min_size) < 0) {
    return badConfiguration(
      `Value ${notional} is under ${quote_min_size}`,
      "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL",
    );
  }
  return null;
}

/** No such product is listed. */
export function unknownProduct(symbol: string): ScriptedRefusal {
  return refusal("INVALID_PRODUCT_ID", `${symbol} is not a product of this exchange`);
}

/** Another order under a client order id that is taken. Not remembered: the first order stands. */
export function duplicateId(clientOrderId: string): ScriptedRefusal {
  const message = "Another order has this client order id";
  return { code: "DUPLICATE_CLIENT_ORDER_ID", message, details: clientOrderId, preview_failure: null };
}

function refusal(code: string, message: string, preview = `PREVIEW_${code}`): ScriptedRefusal {
  return { code, message, details: null, preview_failure: preview };
}

function isOn(value: string, increment: string): boolean {
  return compare(floorTo(value, increment), value) === 0;
}
