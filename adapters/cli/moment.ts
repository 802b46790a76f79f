// A place in a ledger as somebody types it: a sequence number, or a time.
import type { FlagProblems } from "./flag_values.ts";

/** `at` is RFC 3339, UTC, with milliseconds, as in a record. */
export type Moment = { readonly seq: number } | { readonly at: string };

const SEQ = /^[1-9][0-9]{0,14}$/;
const TIME = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)?Z?$/;

/** A whole number is a sequence number; `2025-11-11`, `2025-11-11T03:04` and longer are times, UTC. */
export function momentOf(flag: string, value: string, problems: FlagProblems): Moment | null {
  if (SEQ.test(value)) return { seq: Number(value) };
  const text = `${value.replace(" ", "T").replace(/Z$/, "")}${value.length > "2025-11-11Z".length ? "Z" : ""}`;
  const ms = TIME.test(value) ? Date.parse(text) : Number.NaN;
  const at = Number.isNaN(ms) ? "" : new Date(ms).toISOString();
  // Date.parse takes the 31st of November for the 1st of December.
  if (at !== "" && at.startsWith(value.slice(0, 10))) return { at };
  problems.add(flag, value, "a sequence number, or a time in UTC such as 2025-11-11T03:04:05Z");
  return null;
}

/** Whether a record is at or after a moment. */
export function isFrom({ seq, at }: { readonly seq: number; readonly at: string }, moment: Moment): boolean {
  return "seq" in moment ? seq >= moment.seq : at >= moment.at;
}

/** Whether a record is after a moment. */
export function isAfter({ seq, at }: { readonly seq: number; readonly at: string }, moment: Moment): boolean {
  return "seq" in moment ? seq > moment.seq : at > moment.at;
}
