// Why another bot's holdings were refused, in one of a few words: reasons are free text, and a metric's label must not be.

/** The first that fits. What fits none is `other`. */
const CLASSES = [
  ["mode", /\bmode\b/i],
  ["future", /\bfuture\b|\bahead\b/i],
  ["source", /\bsource\b/i],
  ["sequence", /\bsequence\b/i],
  ["stale", /\bstale\b|\bold(?:er)?\b|\bage\b/i],
  ["content", /\beligible\b|\bexcluded\b|\bpositions?\b|\bempty\b/i],
] as const satisfies readonly (readonly [string, RegExp])[];

export type RefusalClass = (typeof CLASSES)[number][0] | "other";

export function refusalClass(reason: string): RefusalClass {
  return CLASSES.find(([, pattern]) => pattern.test(reason))?.[0] ?? "other";
}
