// The words of a failure sequence. Each is data; `play` makes it happen.
import type { OperatorAction } from "../actors/ports.ts";
import { type Duration, milliseconds } from "./duration.ts";
import { checkState } from "./states.ts";

/** What becomes of one order, as a step of a paper exchange's script. */
export interface OrderStep {
  readonly kind: "orders";
  readonly words: string;
  /** How many orders in a row meet this. */
  readonly times: number;
  readonly fate: Readonly<Record<string, unknown>>;
}

/** One step of a failure sequence. */
export type Step =
  | OrderStep
  | { readonly kind: "wait"; readonly words: string; readonly ms: number }
  | { readonly kind: "until"; readonly words: string; readonly state: string }
  | { readonly kind: "crash"; readonly words: string }
  | {
      readonly kind: "venue";
      readonly words: string;
      readonly ms: number;
      readonly how: "down" | "maintenance" | "rate_limited";
    }
  | { readonly kind: "operator"; readonly words: string; readonly action: OperatorAction };

export interface Times {
  /** How many orders in a row; 1 if left out. */
  readonly times?: number;
}

export interface RejectedOptions extends Times {
  /** What the exchange says beside its code. */
  readonly message?: string;
  readonly details?: string;
  /** A code in capitals, such as `PREVIEW_INVALID_ORDER_CONFIG`. */
  readonly previewFailure?: string;
}

/** The next order is refused.
 *
 * @param code the exchange's own word; whose fault it is follows from it, as `docs/rejections.md` says
 */
export function rejected(code = "INVALID_ORDER_CONFIGURATION", options: RejectedOptions = {}): Step {
  const { message = "Order refused", details, previewFailure } = options;
  const reject = {
    ...{ code, message },
    ...(details === undefined ? {} : { details }),
    ...(previewFailure === undefined ? {} : { preview_failure: previewFailure }),
  };
  return orders(`rejected("${code}")`, { reject }, options);
}

/** The next order is taken, and nobody buys: it rests until it is cancelled. */
export function unfilled(options: Times = {}): Step {
  return orders("unfilled()", { no_fill: "true" }, options);
}

/** Part of the next order is sold.
 *
 * @param fraction above 0 and below 1
 */
export function partlyFilled(fraction: number, options: Times = {}): Step {
  if (!(fraction > 0 && fraction < 1)) {
    throw new RangeError(`partlyFilled(${fraction}): expected a fraction above 0 and below 1, such as 0.4`);
  }
  const part = fraction.toFixed(9).replace(/0+$/, "");
  return orders(`partlyFilled(${fraction})`, { partial: { fraction: part } }, options);
}

/** All of the next order is sold. So is every order after the last step of a sequence. */
export function filled(options: Times = {}): Step {
  return orders("filled()", { fill: {} }, options);
}

export interface TimedOutOptions extends Times {
  /** Whether the exchange has the order all the same; true if left out. */
  readonly arrived?: boolean;
}

/** The next order is sent, and no answer comes: its outcome is unknown until somebody asks. */
export function timedOut(options: TimedOutOptions = {}): Step {
  const { arrived = true } = options;
  return orders(`timedOut({ arrived: ${arrived} })`, { unknown: { happened: String(arrived) } }, options);
}

export interface VenueDownOptions {
  /** `down` (the default): no connection. `maintenance`: 503. `rate_limited`: 429. */
  readonly how?: "down" | "maintenance" | "rate_limited";
}

/** From here on, and for `duration`, the whole exchange cannot be used. No time passes by this step itself. */
export function venueDown(duration: Duration, { how = "down" }: VenueDownOptions = {}): Step {
  const ms = milliseconds(duration);
  if (ms === 0) throw new RangeError('venueDown: expected a duration above 0, such as "5 min"');
  return { kind: "venue", words: `venueDown(${JSON.stringify(duration)})`, ms, how };
}

/** Time passes, and whatever happens meanwhile happens. */
export function wait(duration: Duration): Step {
  return { kind: "wait", words: `wait(${JSON.stringify(duration)})`, ms: milliseconds(duration) };
}

/** Time passes until the last order listed before this has reached the exchange and the symbol then rests in `state`, such as
 * `purging.resting`; `purging` stands for all that is in it. What follows happens right there.
 *
 * @throws ScenarioError when the machine has no such state
 */
export function until(state: string): Step {
  checkState(state, "until");
  return { kind: "until", words: `until("${state}")`, state };
}

/** The process dies here, without a last word, and a new one starts from the same journal and against the same exchange. */
export function crash(): Step {
  return { kind: "crash", words: "crash()" };
}

/** An operator says this here. */
export function operator(action: OperatorAction): Step {
  return { kind: "operator", words: `operator("${action}")`, action };
}

function orders(words: string, fate: OrderStep["fate"], { times = 1 }: Times): OrderStep {
  if (!Number.isSafeInteger(times) || times < 1) {
    throw new RangeError(`${words}: times is ${times}; expected a whole number from 1 up`);
  }
  return { kind: "orders", words, times, fate };
}
