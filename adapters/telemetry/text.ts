// How amounts, durations and foreign words look in a log line.
import { type DecimalString, toFixedUsd } from "../../machines/mod.ts";

/** Longer text from outside is cut: a log line is for reading, the whole text is in its fields. */
const MAX_LINE_CHARS = 2_000;
const MINUTE_MS = 60_000;
const HOUR_MIN = 60;

/** `1h`, `42min`, `1h5min`, `<1min`: whole minutes, rounded down. */
export function durationText(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / MINUTE_MS);
  if (minutes === 0) return "<1min";
  const hours = Math.floor(minutes / HOUR_MIN);
  const rest = minutes % HOUR_MIN;
  return `${hours > 0 ? `${hours}h` : ""}${rest > 0 ? `${rest}min` : ""}`;
}

/** How long ago something was: whole hours once it is an hour, as operators' searches expect (`last 2h ago`). */
export function agoText(ms: number): string {
  const hour = HOUR_MIN * MINUTE_MS;
  return durationText(ms < hour ? ms : Math.floor(ms / hour) * hour);
}

/** A balance as it is, with one decimal at least: `889587` reads `889587.0`. */
export function balanceText(amount: DecimalString): string {
  return amount.includes(".") ? amount : `${amount}.0`;
}

/** Dollars with two decimals: `9.475` reads `9.48`. */
export function usdText(amount: DecimalString): string {
  return toFixedUsd(amount, 2);
}

/** Foreign text on one line: no line breaks, terminal escapes or reversed writing, so that nobody can forge a log line. */
export function oneLine(text: string): string {
  const flat = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, " ");
  return flat.length <= MAX_LINE_CHARS ? flat : `${flat.slice(0, MAX_LINE_CHARS).toWellFormed()}…`;
}
