// What the exchange reports, in the words of the protocol: plain decimals, times in milliseconds, bounded texts. Every
// event made here has passed its schema; what cannot pass is returned as a sentence that says why.
import { Result, Schema } from "effect";
import {
  classify,
  DecimalString,
  Holdings,
  MarketSnapshot,
  OrderUpdate,
  Position,
  type PurgeEventOf,
  type Rejection,
  type Timestamp,
} from "../machines/mod.ts";
import type { MarketReport, OrderReport, Unreachable } from "./ports.ts";

/** The limit of `ShortText`. */
const SHORT_TEXT_MAX = 500;

type Told<A> = Result.Result<A, string>;
type Update = PurgeEventOf<"order.update">;
type Snapshot = PurgeEventOf<"market.snapshot">;

/** The update that a report stands for, if it is about the order that was meant. */
export function orderUpdate(
  meant: Pick<Update, "client_order_id" | "symbol">,
  report: OrderReport,
  at: Timestamp,
): Told<Update> {
  if (report.client_order_id !== meant.client_order_id || report.symbol !== meant.symbol) {
    return Result.fail(
      shortText(
        `the exchange answered with order ${report.client_order_id} of ${report.symbol}, ` +
          `expected ${meant.client_order_id} of ${meant.symbol}`,
      ),
    );
  }
  return checked(decodeOrderUpdate, {
    type: "order.update",
    symbol: report.symbol,
    at,
    client_order_id: report.client_order_id,
    order_id: report.order_id,
    revision: report.revision,
    status: report.status,
    filled_size: plain(report.filled_size),
    filled_value: plain(report.filled_value),
    fee: plain(report.fee),
    rejection: null,
  });
}

/** The snapshot that answers `asked`. */
export function marketSnapshot(
  asked: Pick<Snapshot, "request_id" | "symbol">,
  report: MarketReport,
  at: Timestamp,
): Told<Snapshot> {
  if (report.symbol !== asked.symbol) {
    return Result.fail(shortText(`the exchange answered for ${report.symbol}, expected ${asked.symbol}`));
  }
  const { product } = report;
  return checked(decodeMarketSnapshot, {
    type: "market.snapshot",
    symbol: asked.symbol,
    at,
    request_id: asked.request_id,
    quoted_at: toTimestamp(report.quoted_at) ?? report.quoted_at,
    best_bid: plain(report.best_bid),
    best_ask: plain(report.best_ask),
    available: plain(report.available),
    product: {
      base_increment: plain(product.base_increment),
      price_increment: plain(product.price_increment),
      base_min_size: plain(product.base_min_size),
      quote_min_size: plain(product.quote_min_size),
      status: product.status,
    },
  });
}

/** Everything the account holds, and the currencies that were left out because the protocol has no name for them.
 *
 * A price that cannot be read is null. An amount that cannot be read spoils the whole snapshot: a position that is
 * missing from it would pass for one that was sold.
 */
export function holdingsSnapshot(
  requestId: string,
  positions: Holdings["positions"],
  at: Timestamp,
): Told<{ readonly holdings: Holdings; readonly leftOut: readonly string[] }> {
  const leftOut = positions.map(({ currency }) => currency).filter((currency) => !isCurrency(currency));
  const named = positions.filter(({ currency }) => isCurrency(currency)).map(plainPosition);
  const holdings = checked(decodeHoldings, {
    type: "holdings.snapshot",
    request_id: requestId,
    at,
    positions: named,
  });
  return Result.map(holdings, (snapshot) => ({ holdings: snapshot, leftOut: leftOut.map(shortText) }));
}

/** The request never got a usable answer. */
export function unreachableRejection(error: Unreachable): Rejection {
  const { kind, message, raw_response } = error;
  return {
    ...classify({
      code: UNREACHABLE_CODES[kind],
      message,
      details: null,
      preview_failure: null,
      raw_response,
    }),
    class: kind === "venue" ? "venue" : "transport",
  };
}

/** The exchange answered, and nobody can read the answer. */
export function invalidResponse(message: string, answer: unknown): Rejection {
  const raw_response = JSON.stringify(answer) ?? null;
  return classify({ code: "INVALID_RESPONSE", message, details: null, preview_failure: null, raw_response });
}

/** A decimal in plain notation, for any way of writing a number that is not negative: `1E-8`, `+1`, `.5`, `007`.
 * Null for anything else. */
export function plainDecimal(text: string): DecimalString | null {
  const parts = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,3}))?$/.exec(text.trim());
  if (parts === null) return null;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = parts;
  const digits = whole + fraction;
  if (digits === "" || (sign === "-" && /[1-9]/.test(digits))) return null;
  const point = whole.length + Number(exponent);
  const before = digits.slice(0, Math.max(point, 0)).padEnd(point, "0").replace(/^0+/, "");
  const after = "0".repeat(Math.max(-point, 0)) + digits.slice(Math.max(point, 0));
  const kept = after.length > FRACTION_MAX ? after.replace(/0+$/, "") : after;
  const plainText = `${before === "" ? "0" : before}${kept === "" ? "" : `.${kept}`}`;
  return isDecimal(plainText) ? plainText : null;
}

/** RFC 3339 with any offset and any precision, as UTC with milliseconds. Null for what is not a time. */
export function toTimestamp(text: string): Timestamp | null {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$/.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

/** `text` within the limit of `ShortText`, saying so where something is missing. */
export function shortText(text: string): string {
  const whole = text.toWellFormed();
  if (whole.length <= SHORT_TEXT_MAX) return whole;
  const note = `… (cut, ${whole.length} characters)`;
  return whole.slice(0, SHORT_TEXT_MAX - note.length).replace(/[\uD800-\uDBFF]$/, "") + note;
}

/** Digits after the point that `DecimalString` takes. */
const FRACTION_MAX = 30;

const UNREACHABLE_CODES = {
  network: "TRANSPORT_ERROR",
  timeout: "TRANSPORT_TIMEOUT",
  rate_limited: "RATE_LIMITED",
  venue: "UNAVAILABLE",
} as const;

const isDecimal = Schema.is(DecimalString);
const isCurrency = Schema.is(Position.fields.currency);
const isSymbol = Schema.is(Position.fields.symbol);
const decodeOrderUpdate = Schema.decodeUnknownResult(OrderUpdate);
const decodeMarketSnapshot = Schema.decodeUnknownResult(MarketSnapshot);
const decodeHoldings = Schema.decodeUnknownResult(Holdings);

/** What no decimal can be made of stays as it is, for the schema to refuse and to name. */
function plain(text: string): string {
  return plainDecimal(text) ?? text;
}

function plainPosition(position: Position): Position {
  const { currency, symbol, balance, available, price_usd } = position;
  return {
    currency,
    symbol: isSymbol(symbol) ? symbol : null,
    balance: plain(balance),
    available: plain(available),
    price_usd: price_usd === null ? null : plainDecimal(price_usd),
  };
}

function checked<A>(
  decode: (input: unknown) => Result.Result<A, Schema.SchemaError>,
  event: unknown,
): Told<A> {
  return Result.mapError(decode(event), (error) =>
    shortText(`the exchange's answer cannot be used: ${error.message.replace(/\s+/g, " ")}`),
  );
}
