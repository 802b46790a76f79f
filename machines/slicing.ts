// The one place that knows money: decimal arithmetic, rounding to increments, and the size and price of the next order.
import * as BigDecimal from "effect/BigDecimal";
import { DECIMAL_PATTERN, type DecimalString, type Product, type PurgePolicy } from "./vocabulary.ts";

/** What a quote and the policy say about the next order. */
export interface MarketInput {
  readonly available: DecimalString;
  readonly best_bid: DecimalString;
  readonly best_ask: DecimalString;
  readonly product: Product;
  readonly policy: PurgePolicy;
}
export interface MakerInput extends MarketInput {
  /** How many price increments above the best bid. Grows when the exchange says that the price would have crossed. */
  readonly cushion_ticks: number;
}

export type UnsellableReason =
  | "halted"
  | "delisted"
  | "cancel_only"
  | "post_only_market"
  | "no_quote"
  | "crossed";

/** The next order of an attempt, or why there is none. `dust` is finished, not failed. */
export type SlicePlan =
  | {
      readonly kind: "order";
      readonly base_size: DecimalString;
      readonly limit_price: DecimalString;
      readonly notional_usd: DecimalString;
    }
  | { readonly kind: "dust"; readonly size: DecimalString; readonly value_usd: DecimalString }
  | { readonly kind: "unsellable"; readonly reason: UnsellableReason; readonly message: string };

/** The next post-only sell: `slice_usd` worth, one or more price increments above the best bid.
 *
 * The size is on `base_increment`, at least the smallest order, and takes along what would be left too small to sell. The
 * best ask only tells whether the quote makes sense: the price is not held down to it, or a raised cushion could not
 * get away from a market that rises between quote and order.
 */
export function planMakerSlice(input: MakerInput): SlicePlan {
  const checked = checkMarket(input);
  if ("kind" in checked) return checked;
  const { bid, tick, policy } = checked;
  const cushioned = BigDecimal.sum(bid, BigDecimal.multiply(whole(input.cushion_ticks), tick));
  const price = above(roundTo(cushioned, tick, "up"), bid, tick);
  const smallest = smallestOrder(checked, price);
  if (smallest > checked.sellable) return dust(input);
  const wanted = quotient(parse(policy.slice_usd), BigDecimal.multiply(price, checked.increment), "down");
  const size = most(wanted, smallest);
  const isRestSellable = checked.sellable - size >= smallestOrder(checked, bid);
  return order(checked, isRestSellable ? size : checked.sellable, price);
}

/** The last resort: everything that is left, at once, at no less than the permitted slippage below the best bid. */
export function planTakerSlice(input: MarketInput): SlicePlan {
  if (input.product.status === "post_only" && !isZero(input.available)) {
    return unsellable("post_only_market", "the market takes post-only orders alone");
  }
  const checked = checkMarket(input);
  if ("kind" in checked) return checked;
  const { bid, tick, policy } = checked;
  const keptBps = whole(Math.max(10_000 - policy.taker_max_slippage_bps, 0));
  const floor = BigDecimal.multiply(bid, BigDecimal.multiply(keptBps, BASIS_POINT));
  const price = above(roundTo(floor, tick, "up"), ZERO, tick);
  if (BigDecimal.isGreaterThan(price, bid)) {
    return unsellable("no_quote", `no price on ${input.product.price_increment} lies within the slippage`);
  }
  return smallestOrder(checked, price) > checked.sellable
    ? dust(input)
    : order(checked, checked.sellable, price);
}

/** Whether an attempt may end as sold: little enough is left, and something went. */
export function isResidualSettled(input: {
  readonly remaining_value_usd: DecimalString;
  readonly sold_size: DecimalString;
  readonly policy: Pick<PurgePolicy, "max_residual_usd">;
}): boolean {
  return compare(input.remaining_value_usd, input.policy.max_residual_usd) <= 0 && !isZero(input.sold_size);
}

/** What `size` is worth at `price`. */
export function valueUsd(size: DecimalString, price: DecimalString): DecimalString {
  return multiply(size, price);
}

export function add(a: DecimalString, b: DecimalString): DecimalString {
  return toText(BigDecimal.sum(parse(a), parse(b)));
}

/** Throws a `RangeError` when `b` is the larger: an amount below zero is a bug. */
export function subtract(a: DecimalString, b: DecimalString): DecimalString {
  const rest = BigDecimal.subtract(parse(a), parse(b));
  if (BigDecimal.isNegative(rest)) throw new RangeError(`${a} − ${b} is below zero`);
  return toText(rest);
}

/** Exact, but for digits past the thirtieth decimal place, which are dropped. */
export function multiply(a: DecimalString, b: DecimalString): DecimalString {
  return toText(BigDecimal.multiply(parse(a), parse(b)));
}

export function compare(a: DecimalString, b: DecimalString): -1 | 0 | 1 {
  return BigDecimal.Order(parse(a), parse(b));
}

export function isZero(value: DecimalString): boolean {
  return BigDecimal.isZero(parse(value));
}

export function min(a: DecimalString, b: DecimalString): DecimalString {
  return compare(a, b) <= 0 ? a : b;
}

/** The largest multiple of `increment` that is not above `value`. Throws a `RangeError` when `increment` is zero. */
export function floorTo(value: DecimalString, increment: DecimalString): DecimalString {
  return toText(roundTo(parse(value), parseIncrement(increment), "down"));
}

/** The smallest multiple of `increment` that is not below `value`. Throws a `RangeError` when `increment` is zero. */
export function ceilTo(value: DecimalString, increment: DecimalString): DecimalString {
  return toText(roundTo(parse(value), parseIncrement(increment), "up"));
}

/** For people: `value` with exactly `digits` decimal places, halves rounded up. */
export function toFixedUsd(value: DecimalString, digits: number): string {
  const rounded = BigDecimal.round(parse(value), { scale: digits, mode: "half-from-zero" });
  return plain(BigDecimal.scale(rounded, digits));
}

type Decimal = BigDecimal.BigDecimal;
type Rounding = "up" | "down";

/** A market that can be sold into. Sizes are counted in base increments. */
interface Checked {
  readonly bid: Decimal;
  readonly tick: Decimal;
  readonly increment: Decimal;
  readonly sellable: bigint;
  readonly product: Product;
  readonly policy: PurgePolicy;
}

const ZERO = BigDecimal.fromBigInt(0n);
const BASIS_POINT = BigDecimal.make(1n, 4);
/** What `DecimalString` can hold. */
const MAX_DECIMAL_PLACES = 30;

const isDecimalString = (text: string): boolean => DECIMAL_PATTERN.test(text);

/** Beyond a bug's reach: `BigDecimal` itself would read "" as zero, and take a sign or an exponent. */
function parse(text: DecimalString): Decimal {
  if (!isDecimalString(text))
    throw new RangeError(`${JSON.stringify(text)} is not a non-negative plain decimal`);
  const point = text.indexOf(".");
  if (point === -1) return BigDecimal.make(BigInt(text), 0);
  return BigDecimal.make(BigInt(text.slice(0, point) + text.slice(point + 1)), text.length - point - 1);
}

function parseIncrement(text: DecimalString): Decimal {
  const increment = parse(text);
  if (BigDecimal.isZero(increment)) throw new RangeError("an increment of zero rounds to nothing");
  return increment;
}

/** `BigDecimal.format` changes to exponents at sixteen decimal places, which no exchange reads. */
function toText(value: Decimal): DecimalString {
  const short = value.scale > MAX_DECIMAL_PLACES ? BigDecimal.scale(value, MAX_DECIMAL_PLACES) : value;
  const normal = BigDecimal.normalize(short);
  const text = plain(normal.scale < 0 ? BigDecimal.scale(normal, 0) : normal);
  if (!isDecimalString(text)) throw new RangeError(`${text} is larger than any amount`);
  return text;
}

function plain({ value, scale }: Decimal): string {
  const digits = String(value).padStart(scale + 1, "0");
  return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function whole(count: number): Decimal {
  return BigDecimal.fromBigInt(BigInt(count));
}

/** How often `divisor` goes into `value`, exactly. */
function quotient(value: Decimal, divisor: Decimal, rounding: Rounding): bigint {
  const scale = Math.max(value.scale, divisor.scale);
  const dividend = BigDecimal.scale(value, scale).value;
  const by = BigDecimal.scale(divisor, scale).value;
  return rounding === "up" ? (dividend + by - 1n) / by : dividend / by;
}

function roundTo(value: Decimal, increment: Decimal, rounding: Rounding): Decimal {
  return times(quotient(value, increment, rounding), increment);
}

function times(count: bigint, increment: Decimal): Decimal {
  return BigDecimal.make(count * increment.value, increment.scale);
}

function most(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** `price`, or the next one on the tick when it is not strictly above `bound`. */
function above(price: Decimal, bound: Decimal, tick: Decimal): Decimal {
  return BigDecimal.isGreaterThan(price, bound) ? price : BigDecimal.sum(price, tick);
}

const STATUS_MESSAGES = {
  halted: "trading in this product is halted",
  delisted: "the exchange no longer lists this product",
  cancel_only: "the market takes cancellations alone",
} as const;

function checkMarket(input: MarketInput): Checked | SlicePlan {
  const { available, best_bid, best_ask, product, policy } = input;
  // Nothing is worth nothing, whatever the market is doing.
  if (isZero(available)) return { kind: "dust", size: "0", value_usd: "0" };
  const { status } = product;
  if (status === "halted" || status === "delisted" || status === "cancel_only") {
    return unsellable(status, STATUS_MESSAGES[status]);
  }
  if (isZero(product.base_increment) || isZero(product.price_increment)) {
    const { base_increment, price_increment } = product;
    return unsellable(
      "no_quote",
      `increments of ${base_increment} and ${price_increment} cannot be traded on`,
    );
  }
  if (isZero(best_bid) || isZero(best_ask)) {
    return unsellable("no_quote", `bid ${best_bid}, ask ${best_ask}: one side of the book is empty`);
  }
  if (compare(best_bid, best_ask) >= 0) {
    return unsellable("crossed", `bid ${best_bid} is not below ask ${best_ask}`);
  }
  const increment = parse(product.base_increment);
  const sellable = quotient(parse(available), increment, "down");
  return { bid: parse(best_bid), tick: parse(product.price_increment), increment, sellable, product, policy };
}

/** The fewest base increments that the exchange takes as an order at `price`. Never none. */
function smallestOrder({ increment, product, policy }: Checked, price: Decimal): bigint {
  const notional = BigDecimal.max(parse(policy.min_notional_usd), parse(product.quote_min_size));
  const byValue = quotient(notional, BigDecimal.multiply(price, increment), "up");
  const bySize = quotient(parse(product.base_min_size), increment, "up");
  return most(most(byValue, bySize), 1n);
}

function order({ increment }: Checked, count: bigint, price: Decimal): SlicePlan {
  const size = times(count, increment);
  return {
    kind: "order",
    base_size: toText(size),
    limit_price: toText(price),
    notional_usd: toText(BigDecimal.multiply(size, price)),
  };
}

function dust({ available, best_bid }: MarketInput): SlicePlan {
  return { kind: "dust", size: available, value_usd: valueUsd(available, best_bid) };
}

function unsellable(reason: UnsellableReason, message: string): SlicePlan {
  return { kind: "unsellable", reason, message };
}
