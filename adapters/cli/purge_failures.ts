// Failure records in and out, in the Python original's JSON: `{"purge_failures": {"BONK-USD": {…}}}`.
import { Schema } from "effect";
import {
  type DecimalString,
  type PurgeContext,
  type PurgeEventOf,
  Timestamp,
  TradingSymbol,
} from "../../machines/mod.ts";
import { type JsonMember, type JsonValue, readJson } from "./json_reader.ts";

/** The part of a machine's memory that is exported. */
export type FailureSource = Pick<PurgeContext, "symbol" | "failures" | "last_failure">;

/** A `failure.imported` event, but for the time of the import and the policy it counts under. */
export type ImportedFailure = Omit<PurgeEventOf<"failure.imported">, "type" | "at" | "policy">;

export type ParsedFailures =
  | {
      readonly ok: true;
      /** In the order of the file. */
      readonly entries: readonly ImportedFailure[];
      /** What could not be taken over to the letter, one line each. */
      readonly notes: readonly string[];
    }
  /** All that is wrong, one line each. Nothing is to be imported. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** The failure records of a ledger as a JSON text that the Python original reads, in order of symbol.
 *
 * Amounts keep every digit and always have a decimal point, so that Python takes them for floats. Times are UTC and say
 * so, in `isoformat`'s shape; all but ASCII is escaped, as Python's own writer does.
 */
export function exportFailures(contexts: readonly FailureSource[]): string {
  const entries = contexts
    .toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1))
    .flatMap(({ symbol, failures, last_failure }) =>
      failures === 0 || last_failure === null ? [] : [entryText(symbol, failures, last_failure)],
    );
  const body = entries.length === 0 ? "{}" : `{\n${entries.join(",\n")}\n  }`;
  return `{\n  "purge_failures": ${body}\n}\n`;
}

/** Reads the original's whole state file, or just what stands under `purge_failures`; other keys are ignored.
 *
 * @param now epoch milliseconds: a failure cannot lie after it
 */
export function parseFailures(text: string, now: number): ParsedFailures {
  const reading = readJson(text);
  if (!reading.ok) return { ok: false, problems: [`not JSON: ${reading.message}`] };
  const report: Report = { problems: [], notes: [] };
  const found = findFailures(reading.value, report);
  const entries = found === null ? [] : readEntries(found, now, report);
  return report.problems.length > 0
    ? { ok: false, problems: report.problems }
    : { ok: true, entries, notes: report.notes };
}

const SECTION = "purge_failures";
/** What `failure.imported` can carry. */
const MAX_ERROR_CHARS = 4_000;
const MAX_INTEGER_DIGITS = 30;
const MAX_DECIMAL_PLACES = 30;
const MAX_SHOWN_CHARS = 60;

const isTradingSymbol = Schema.is(TradingSymbol);
const isTimestamp = Schema.is(Timestamp);

interface Report {
  readonly problems: string[];
  readonly notes: string[];
}
interface Found {
  /** Stands before each key in messages. */
  readonly prefix: string;
  readonly members: readonly JsonMember[];
}

function entryText(
  symbol: string,
  failures: number,
  failure: NonNullable<FailureSource["last_failure"]>,
): string {
  const fields = [
    `"failure_count": ${failures}`,
    `"last_failed_at_iso": ${jsonText(failure.failed_at.replace(/Z$/, "000+00:00"))}`,
    `"last_error": ${jsonText(failure.error)}`,
    `"balance": ${floatText(failure.balance)}`,
    `"value_usd": ${floatText(failure.value_usd)}`,
  ];
  return `    ${jsonText(symbol)}: {\n${fields.map((field) => `      ${field}`).join(",\n")}\n    }`;
}

function jsonText(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, codeUnit);
}

function codeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function floatText(amount: DecimalString): string {
  return amount.includes(".") ? amount : `${amount}.0`;
}

function findFailures(root: JsonValue, report: Report): Found | null {
  if (root.kind !== "object") {
    report.problems.push(`the file is ${shown(root)}; expected an object with ${SECTION}`);
    return null;
  }
  const sections = root.members.filter(({ key }) => key === SECTION);
  const section = sections[0]?.value;
  if (section === undefined) return bareFailures(root.members, report);
  if (sections.length > 1) {
    report.problems.push(`${SECTION} is in the file ${sections.length} times; keep one`);
    return null;
  }
  if (section.kind === "object") return { prefix: `${SECTION}.`, members: section.members };
  report.problems.push(`${SECTION} is ${shown(section)}; expected an object with one entry a symbol`);
  return null;
}

/** The object itself may be the section; a state file that has none is told apart by its keys. */
function bareFailures(members: readonly JsonMember[], report: Report): Found | null {
  const isEntry = ({ key, value }: JsonMember): boolean =>
    symbolOf(key) !== null ||
    (value.kind === "object" && value.members.some((field) => field.key === "failure_count"));
  if (members.length === 0 || members.some(isEntry)) return { prefix: "", members };
  const keys = members.slice(0, 5).map(({ key }) => quoted(key));
  const more = members.length > keys.length ? `, and ${members.length - keys.length} more` : "";
  report.problems.push(`${SECTION} is missing; the file has ${keys.join(", ")}${more}`);
  return null;
}

function readEntries({ prefix, members }: Found, now: number, report: Report): readonly ImportedFailure[] {
  const firstKeys = new Map<string, string>();
  return members.flatMap(({ key, value }) => {
    const path = `${prefix}${/^[\w-]{1,40}$/.test(key) ? key : quoted(key)}`;
    const symbol = symbolOf(key);
    if (symbol === null) {
      report.problems.push(`${path} is no symbol; expected such as BONK-USD, or BONK for BONK-USD`);
      return [];
    }
    const first = firstKeys.get(symbol);
    if (first !== undefined) {
      const as = first === key ? "" : ` as ${first}`;
      report.problems.push(`${path}: ${symbol} is already in the file${as}; keep one of the two`);
      return [];
    }
    firstKeys.set(symbol, key);
    const entry = readEntry(symbol, new Entry(path, value, report), now);
    return entry === null ? [] : [entry];
  });
}

function symbolOf(key: string): TradingSymbol | null {
  const symbol = key.includes("-") ? key : `${key}-USD`;
  return isTradingSymbol(symbol) ? symbol : null;
}

/** All fields are read, so that all that is wrong is said. */
function readEntry(symbol: TradingSymbol, entry: Entry, now: number): ImportedFailure | null {
  if (!entry.isObject) return null;
  const failure_count = entry.count("failure_count");
  const last_failed_at = entry.pastTime("last_failed_at_iso", now);
  const last_error = entry.text("last_error");
  const balance = entry.amount("balance");
  const value_usd = entry.amount("value_usd");
  if (failure_count === null || last_failed_at === null || last_error === null) return null;
  if (balance === null || value_usd === null) return null;
  return { symbol, failure_count, last_failed_at, last_error, balance, value_usd };
}

/** One entry of the section. A field that is not as it should be is reported and read as null. */
class Entry {
  readonly isObject: boolean;
  readonly #path: string;
  readonly #members: readonly JsonMember[];
  readonly #report: Report;

  constructor(path: string, value: JsonValue, report: Report) {
    this.#path = path;
    this.#report = report;
    this.isObject = value.kind === "object";
    this.#members = value.kind === "object" ? value.members : [];
    if (!this.isObject) report.problems.push(`${path} is ${shown(value)}; expected an object`);
  }

  count(name: string): number | null {
    const expected = "a whole number from 1 on";
    const value = this.#field(name, expected);
    if (value === null) return null;
    const plain = value.kind === "number" ? decimalOf(value.source) : null;
    const count = plain?.ok && /^[0-9]{1,16}$/.test(plain.text) ? Number(plain.text) : 0;
    return count >= 1 && Number.isSafeInteger(count) ? count : this.#wrong(name, value, expected);
  }

  amount(name: string): DecimalString | null {
    const expected = "a number from 0 on, such as 889587.0";
    const value = this.#field(name, expected);
    if (value === null) return null;
    if (value.kind !== "number") return this.#wrong(name, value, expected);
    const plain = decimalOf(value.source);
    if (!plain.ok) return this.#wrong(name, value, plain.expected);
    if (plain.isCut) {
      this.#note(name, `is ${shown(value)}; digits past the thirtieth decimal place were dropped`);
    }
    return plain.text;
  }

  text(name: string): string | null {
    const expected = "a text";
    const value = this.#field(name, expected);
    if (value === null) return null;
    if (value.kind !== "text") return this.#wrong(name, value, expected);
    const text = value.text.toWellFormed();
    if (text.length <= MAX_ERROR_CHARS) return text;
    this.#note(name, `is ${text.length} characters long; cut to ${MAX_ERROR_CHARS}`);
    return `${text.slice(0, MAX_ERROR_CHARS - 1).replace(/[\ud800-\udbff]$/, "")}…`;
  }

  pastTime(name: string, now: number): Timestamp | null {
    const expected = "a time such as 2025-11-16T12:34:56.789012+00:00; without a zone it is read as UTC";
    const value = this.#field(name, expected);
    if (value === null) return null;
    const at = value.kind === "text" ? timeOf(value.text) : null;
    if (at === null) return this.#wrong(name, value, expected);
    if (Date.parse(at) <= now) return at;
    return this.#wrong(
      name,
      value,
      `a time that has passed: it is ${new Date(now).toISOString()} now, and a time without a zone is read as UTC`,
    );
  }

  #field(name: string, expected: string): JsonValue | null {
    const found = this.#members.filter(({ key }) => key === name);
    if (found.length > 1) {
      this.#report.problems.push(`${this.#path}.${name} is given ${found.length} times; keep one`);
      return null;
    }
    const value = found[0]?.value;
    if (value !== undefined) return value;
    this.#report.problems.push(`${this.#path}.${name} is missing; expected ${expected}`);
    return null;
  }

  #wrong(name: string, value: JsonValue, expected: string): null {
    this.#report.problems.push(`${this.#path}.${name} is ${shown(value)}; expected ${expected}`);
    return null;
  }

  #note(name: string, what: string): void {
    this.#report.notes.push(`${this.#path}.${name} ${what}`);
  }
}

type Plain =
  | { readonly ok: true; readonly text: DecimalString; readonly isCut: boolean }
  | { readonly ok: false; readonly expected: string };

/** A JSON number as a plain decimal without trailing zeros, digit by digit: through a float it would not be exact. */
function decimalOf(source: string): Plain {
  const match = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(source);
  if (match === null) return { ok: false, expected: "a number that can be counted with" };
  const [, sign, whole = "", places = "", exponent = "0"] = match;
  const digits = `${whole}${places}`;
  const zeros = /^0*/.exec(digits)?.[0].length ?? 0;
  const significant = digits.slice(zeros).replace(/0+$/, "");
  if (significant === "") return { ok: true, text: "0", isCut: false };
  if (sign === "-") return { ok: false, expected: "a number from 0 on" };
  /** How many digits stand before the point; negative for as many zeros after it. */
  const point = whole.length + Number(exponent) - zeros;
  if (point > MAX_INTEGER_DIGITS) {
    return { ok: false, expected: `at most ${MAX_INTEGER_DIGITS} digits before the decimal point` };
  }
  if (point <= -MAX_DECIMAL_PLACES) return { ok: true, text: "0", isCut: true };
  const before = point > 0 ? significant.slice(0, point).padEnd(point, "0") : "0";
  const after = point > 0 ? significant.slice(point) : `${"0".repeat(-point)}${significant}`;
  const kept = after.slice(0, MAX_DECIMAL_PLACES).replace(/0+$/, "");
  return {
    ok: true,
    text: kept === "" ? before : `${before}.${kept}`,
    isCut: after.length > MAX_DECIMAL_PLACES,
  };
}

const ISO =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(?:Z|([+-])([01][0-9]|2[0-3]):?([0-5][0-9]))?$/;

/** Python's `isoformat`: microseconds or none, a zone or none. Cut to milliseconds; null where there is no such time. */
function timeOf(text: string): Timestamp | null {
  const match = ISO.exec(text);
  if (match === null) return null;
  const [, date, time, fraction = "", sign, hours, minutes] = match;
  const local = `${date}T${time}.${fraction.slice(0, 3).padEnd(3, "0")}Z`;
  const ms = Date.parse(local);
  // Date.parse takes 30 February for 2 March, and 24:00 for the next day.
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== local) return null;
  if (sign === undefined) return local;
  const aheadMs = (Number(hours) * 60 + Number(minutes)) * 60_000;
  const utc = new Date(sign === "-" ? ms + aheadMs : ms - aheadMs).toISOString();
  return isTimestamp(utc) ? utc : null;
}

/** A value in a message: short, and unable to play tricks on a terminal. */
function shown(value: JsonValue): string {
  switch (value.kind) {
    case "object":
      return "an object";
    case "list":
      return "a list";
    case "text":
      return `the text ${quoted(value.text)}`;
    case "number":
      return short(value.source);
    case "word":
      return value.word;
  }
}

function quoted(text: string): string {
  return JSON.stringify(short(text)).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (sign) =>
    sign.split("").map(codeUnit).join(""),
  );
}

function short(text: string): string {
  return text.length <= MAX_SHOWN_CHARS ? text : `${text.slice(0, MAX_SHOWN_CHARS)}…`;
}
