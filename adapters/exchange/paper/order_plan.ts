// What a resting order has before it: the fills and the end that its step schedules, in sizes and milliseconds.
import { add, compare, floorTo, multiply, subtract } from "../../../machines/mod.ts";
import type { FillPart, ScriptedRefusal, Step } from "./program.ts";

/** Something that will happen to an order `after_ms` after it was placed. */
export interface PlannedAct {
  readonly after_ms: number;
  readonly act: "fill" | "cancel" | "expire" | "fail";
  /** For a fill. */
  readonly size: string | null;
  /** For `fail`. */
  readonly refusal: ScriptedRefusal | null;
}

export interface OrderPlan {
  readonly acts: readonly PlannedAct[];
  readonly fill_during_cancel: string | null;
  readonly cancels_refused: number;
}

interface Sizes {
  readonly base_size: string;
  readonly base_increment: string;
  readonly fill_after_ms: number;
}

/** The life of a post-only order. Steps that concern the call alone leave it to the default. */
export function planResting(step: Step, sizes: Sizes): OrderPlan {
  const none: OrderPlan = { acts: [], fill_during_cancel: null, cancels_refused: 0 };
  const ms = (given: number | null): number => given ?? sizes.fill_after_ms;
  switch (step.kind) {
    case "no_fill":
      return none;
    case "fill":
      return { ...none, acts: fills(step.parts, sizes) };
    case "partial": {
      const [filled] = fills([step.part], sizes);
      const ended = { act: "cancel", after_ms: ms(step.part.after_ms), size: null, refusal: null } as const;
      const acts = filled === undefined ? [] : [filled];
      return { ...none, acts: step.remainder === "cancel" ? [...acts, ended] : acts };
    }
    case "fill_during_cancel":
      return { ...none, fill_during_cancel: step.fraction };
    case "cancel_refused":
      return { ...none, cancels_refused: step.times };
    case "fail":
      return {
        ...none,
        acts: [{ act: "fail", after_ms: ms(step.after_ms), size: null, refusal: step.refusal }],
      };
    case "expire":
      return { ...none, acts: [{ act: "expire", after_ms: ms(step.after_ms), size: null, refusal: null }] };
    default:
      return { ...none, acts: fills([{ fraction: "1", after_ms: null }], sizes) };
  }
}

/** How much of an IOC order finds a buyer at once. It never rests, so steps about cancelling leave it to the default. */
export function immediateSize(step: Step, sizes: Sizes): string {
  if (step.kind === "no_fill" || step.kind === "expire") return "0";
  if (step.kind === "partial") return share(step.part.fraction, sizes);
  return sizes.base_size;
}

/** `fraction` of the order, on its increment. */
export function share(fraction: string, { base_size, base_increment }: Omit<Sizes, "fill_after_ms">): string {
  return floorTo(multiply(base_size, fraction), base_increment);
}

/** Sizes are differences of running totals, so that the parts of a whole order add up to the whole order. */
function fills(parts: readonly FillPart[], sizes: Sizes): readonly PlannedAct[] {
  let fraction = "0";
  let done = "0";
  const acts = parts.map((part, i): PlannedAct => {
    fraction = add(fraction, part.fraction);
    const total = share(fraction, sizes);
    const size = subtract(total, done);
    done = total;
    return { act: "fill", after_ms: part.after_ms ?? sizes.fill_after_ms * (i + 1), size, refusal: null };
  });
  return acts.filter((act) => act.size !== null && compare(act.size, "0") > 0);
}
