// Why another bot's holdings were refused, in one of a few words: reasons are free text, and a metric's label must not be.

/** By how such a reason is worded. What fits none is `other`. */
const CLASSES = [
  ["source", /^holdings\.source\b/],
  ["sequence", /^sequence\b/],
  ["stale", /^read at \S+, \d+ s ago\b/],
  ["future", /^read at \S+, \d+ s from now\b/],
  ["content", /^the eligible set\b|^[A-Z0-9]+-[A-Z0-9]+ is both\b|^[A-Z0-9]+ is listed\b|^the position in\b/],
] as const satisfies readonly (readonly [string, RegExp])[];

export type RefusalClass = (typeof CLASSES)[number][0] | "other";

export function refusalClass(reason: string): RefusalClass {
  return CLASSES.find(([, pattern]) => pattern.test(reason))?.[0] ?? "other";
}
