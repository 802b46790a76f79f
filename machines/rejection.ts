// Whose fault a refusal is, and what to say about it. The knowledge is in `rejection_table.ts`.
import { REJECTION_TABLE, type RejectionRow } from "./rejection_table.ts";
import type { Rejection } from "./vocabulary.ts";

export { REJECTION_TABLE, type RejectionRow } from "./rejection_table.ts";

/** A refusal in the exchange's own words, before it is classified. */
export type Refusal = Omit<Rejection, "class" | "classified">;

const ROWS: ReadonlyMap<string, RejectionRow> = new Map(
  REJECTION_TABLE.flatMap((row) => row.codes.map((code) => [code, row] as const)),
);

/** What the table says of a code, with or without `PREVIEW_` before it; undefined when it says nothing. */
export function lookUp(code: string): RejectionRow | undefined {
  const key = code.trim().toUpperCase();
  const known = ROWS.get(key) ?? ROWS.get(key.replace(/^PREVIEW_/, ""));
  if (known !== undefined) return known;
  return /^HTTP_5[0-9]{2}$/.test(key) ? ROWS.get("HTTP_500") : undefined;
}

/** The row that decides about a refusal: its code's, unless that is vague or unknown and something beside it tells more. */
export function decisiveRow(refusal: Refusal): RejectionRow | undefined {
  const ofCode = lookUp(refusal.code);
  const ofPreview = lookUp(refusal.preview_failure ?? "");
  return [ofCode, ofPreview].find(isTelling) ?? rowInText(refusal) ?? ofCode;
}

/** Finds out whose fault a refusal is and keeps it whole, within the limits of `Rejection`. */
export function classify(refusal: Refusal): Rejection {
  const row = decisiveRow(refusal);
  return {
    class: row?.class ?? "symbol",
    classified: row !== undefined,
    code: cut(refusal.code, TEXT_MAX),
    message: cut(refusal.message, TEXT_MAX),
    details: cutOrNull(refusal.details, TEXT_MAX),
    preview_failure: cutOrNull(refusal.preview_failure, TEXT_MAX),
    raw_response: cutOrNull(refusal.raw_response, RAW_MAX),
  };
}

/** One line that says all that the exchange said, in the shape that operators grep for. */
export function errorLine(rejection: Rejection): string {
  const { code, message, preview_failure } = rejection;
  const parts = [`error=${code}`, `message=${message}`, `preview_failure=${preview_failure ?? ""}`];
  return oneLine([`Order placement failed: ${headline(rejection)}`, ...parts].join(" | "));
}

/** What an operator should do about a code. */
export function adviceFor(code: string): string {
  return lookUp(code)?.advice ?? UNCLASSIFIED_ADVICE;
}

const UNCLASSIFIED_ADVICE =
  "This code is in no table and was taken for the symbol's fault. Read the message and the raw response, and report the code.";

/** The limits of `ShortText` and `RawText`. */
const TEXT_MAX = 500;
const RAW_MAX = 16_384;

/** What some refusals say in prose only, under a vague code or none. */
const PROSE: readonly (readonly [RegExp, string])[] = [
  [/missing required scopes?|unauthori[sz]ed|invalid api key/i, "PERMISSION_DENIED"],
  [/rate limit|too many requests/i, "RATE_LIMIT_EXCEEDED"],
  [/insufficient (balance|fund)/i, "INSUFFICIENT_FUND"],
  [
    /post.?only.{0,40}(cross|match)|would (cross|immediately (match|execute))/i,
    "INVALID_LIMIT_PRICE_POST_ONLY",
  ],
  [/\bmaintenance\b/i, "MAINTENANCE"],
];

/** A telling code of the exchange's in the message, the details or the body; else a phrase, which a body has by chance. */
function rowInText({ message, details, raw_response }: Refusal): RejectionRow | undefined {
  const prose = `${message}\n${details ?? ""}`;
  const codes = `${prose}\n${raw_response ?? ""}`.match(/\b[A-Z]+(_[A-Z0-9]+)+\b/g) ?? [];
  const spoken = PROSE.filter(([phrase]) => phrase.test(prose)).map(([, code]) => code);
  return [...codes, ...spoken]
    .flatMap((code) => lookUp(code) ?? [])
    .find((row) => row.source === "exchange" && isTelling(row));
}

function isTelling(row: RejectionRow | undefined): boolean {
  return row !== undefined && row.vague !== true;
}

function headline({ code, class: fault }: Rejection): string {
  if (lookUp(code)?.source !== "own") return "API error";
  return fault === "transport" ? "transport error" : "attempt ended";
}

/** Text from outside must not be able to write a second log line. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
}

function cutOrNull(text: string | null, max: number): string | null {
  return text === null ? null : cut(text, max);
}

/** At most `max` UTF-16 units, saying so where something is missing. */
function cut(text: string, max: number): string {
  const whole = text.toWellFormed();
  if (whole.length <= max) return whole;
  const note = `… (cut, ${whole.length} characters)`;
  return whole.slice(0, max - note.length).replace(/[\uD800-\uDBFF]$/, "") + note;
}
