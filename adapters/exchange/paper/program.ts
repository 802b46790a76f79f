// What a script has in store for the orders of one symbol: steps in order, each used up by one new order.
import type { ScriptItem, ScriptStep } from "./script_schema.ts";

export interface ScriptedRefusal {
  readonly code: string;
  readonly message: string;
  readonly details: string | null;
  readonly preview_failure: string | null;
}

/** A fill of a share of the order, some time after it was placed; null: after the script's `fill_after_ms`. */
export interface FillPart {
  readonly fraction: string;
  readonly after_ms: number | null;
}

/** What becomes of one order. `default` is what happens when the script has nothing more to say. */
export type Step =
  | { readonly kind: "default" }
  | { readonly kind: "no_fill" }
  | { readonly kind: "reject"; readonly refusal: ScriptedRefusal }
  | { readonly kind: "fill"; readonly parts: readonly FillPart[] }
  | { readonly kind: "partial"; readonly part: FillPart; readonly remainder: "rest" | "cancel" }
  | { readonly kind: "fill_during_cancel"; readonly fraction: string }
  | { readonly kind: "cancel_refused"; readonly times: number }
  | { readonly kind: "fail"; readonly refusal: ScriptedRefusal; readonly after_ms: number | null }
  | { readonly kind: "expire"; readonly after_ms: number | null }
  | { readonly kind: "unknown"; readonly happened: boolean }
  | { readonly kind: "rate_limited" | "server_error"; readonly times: number };

export type ProgramNode =
  | { readonly repeat: number; readonly step: Step }
  | { readonly repeat: number; readonly steps: readonly ProgramNode[] };

/** The step at `position`, counted from 0 with repeats written out; `default` past the end. */
export function stepAt(nodes: readonly ProgramNode[], position: number): Step {
  let left = position;
  for (const node of nodes) {
    const once = "step" in node ? 1 : lengthOf(node.steps);
    if (left < once * node.repeat) return "step" in node ? node.step : stepAt(node.steps, left % once);
    left -= once * node.repeat;
  }
  return { kind: "default" };
}

export function toProgram(items: readonly ScriptItem[]): readonly ProgramNode[] {
  return items.map(({ repeat, steps, ...step }) => {
    return steps === undefined ? { repeat, step: toStep(step) } : { repeat, steps: toProgram(steps) };
  });
}

function lengthOf(nodes: readonly ProgramNode[]): number {
  return nodes.reduce((sum, node) => sum + node.repeat * ("step" in node ? 1 : lengthOf(node.steps)), 0);
}

/** The schema has seen to it that exactly one of the keys is there. */
function toStep(step: Omit<ScriptStep, "repeat">): Step {
  const { reject, fill, partial, fill_during_cancel, cancel_refused, fail, expire, unknown } = step;
  if (reject !== undefined) return { kind: "reject", refusal: toRefusal(reject) };
  if (fill !== undefined) return { kind: "fill", parts: toParts(fill) };
  if (partial !== undefined) {
    const { fraction, after_ms = null, remainder } = partial;
    return { kind: "partial", part: { fraction, after_ms }, remainder };
  }
  if (fill_during_cancel !== undefined) return { kind: "fill_during_cancel", fraction: fill_during_cancel };
  if (cancel_refused !== undefined) return { kind: "cancel_refused", times: cancel_refused };
  if (fail !== undefined) return { kind: "fail", refusal: toRefusal(fail), after_ms: fail.after_ms ?? null };
  if (expire !== undefined) return { kind: "expire", after_ms: expire.after_ms ?? null };
  if (unknown !== undefined) return { kind: "unknown", happened: unknown.happened === "true" };
  if (step.rate_limited !== undefined) return { kind: "rate_limited", times: step.rate_limited };
  if (step.server_error !== undefined) return { kind: "server_error", times: step.server_error };
  return { kind: "no_fill" };
}

function toRefusal(refusal: NonNullable<ScriptStep["reject"]>): ScriptedRefusal {
  const { code, message, details = null, preview_failure = null } = refusal;
  return { code, message, details, preview_failure };
}

/** `after_ms` of a fill in parts is the distance from one part to the next, where a part has no time of its own. */
function toParts({ after_ms, parts }: NonNullable<ScriptStep["fill"]>): readonly FillPart[] {
  if (parts === undefined || parts.length === 0) return [{ fraction: "1", after_ms: after_ms ?? null }];
  return parts.map((part, i) => {
    const inTurn = after_ms === undefined ? null : after_ms * (i + 1);
    return { fraction: part.fraction, after_ms: part.after_ms ?? inTurn };
  });
}
