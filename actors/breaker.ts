// The venue breaker: a pure state machine that says whether an order may go to the exchange, and a thin shell with a timer.
import type { ClientOrderId, TradingSymbol, VenueState } from "../machines/mod.ts";
import { shortText } from "./gateway_report.ts";
import type { Cancel, Clock } from "./ports.ts";

export interface BreakerSettings {
  /** How long the breaker stays open the first time, milliseconds. Doubles with every reopening. */
  readonly venueCooldownMs: number;
  readonly venueCooldownMaxMs: number;
  /** How long the account's fault keeps it open, milliseconds. Does not double: an operator has to act. */
  readonly accountCooldownMs: number;
  /** The same halt code on this many symbols is the venue's fault. */
  readonly symbolsForHalt: number;
  /** How long a halt is remembered for that count, milliseconds. */
  readonly haltWindowMs: number;
}

interface Halt {
  readonly code: string;
  readonly symbol: TradingSymbol;
  readonly at: number;
}

/** Whose fault it is and what was said, kept until the breaker closes. */
interface Fault {
  readonly cause: "venue" | "account";
  readonly reason: string;
  /** The halt code that opened it; null when something else did. */
  readonly haltCode: string | null;
  /** Milliseconds it was last open for. */
  readonly cooldownMs: number;
}

/** Times are epoch milliseconds. `halts` holds fewer than `symbolsForHalt` symbols a code, all within the window. */
export type BreakerState =
  | { readonly state: "closed"; readonly since: number; readonly halts: readonly Halt[] }
  | { readonly state: "open"; readonly since: number; readonly until: number; readonly fault: Fault }
  | {
      readonly state: "half_open";
      readonly since: number;
      /** The one order that was let through; null while there has been none. */
      readonly probe: ClientOrderId | null;
      readonly fault: Fault;
    };

export type BreakerEvent = { readonly at: number } & (
  | { readonly type: "failed"; readonly cause: Fault["cause"]; readonly reason: string }
  /** An order was refused with a code that says that its product does not trade now. */
  | {
      readonly type: "halted";
      readonly code: string;
      readonly symbol: TradingSymbol;
      readonly order: ClientOrderId;
    }
  /** An order went to the exchange. */
  | { readonly type: "admitted"; readonly order: ClientOrderId }
  /** The exchange answered an order: it took it, or refused it for a reason of the order's own. */
  | { readonly type: "answered"; readonly order: ClientOrderId }
  /** An order ended without an answer. */
  | { readonly type: "unanswered"; readonly order: ClientOrderId }
  /** An order was held back before it reached the exchange, and so tells nothing. */
  | { readonly type: "withdrawn"; readonly order: ClientOrderId }
  | { readonly type: "cooled" }
);

export function closedBreaker(at: number): BreakerState {
  return { state: "closed", since: at, halts: [] };
}

/** What follows from `event`. Returns `state` itself when nothing changes. */
export function stepBreaker(
  state: BreakerState,
  event: BreakerEvent,
  settings: BreakerSettings,
): BreakerState {
  switch (event.type) {
    case "failed":
      return fail(state, event, null, settings);
    case "halted":
      return halt(state, event, settings);
    case "admitted":
      return state.state === "half_open" && state.probe === null ? { ...state, probe: event.order } : state;
    case "answered":
      return isProbe(state, event.order) ? closedBreaker(event.at) : state;
    case "unanswered":
      return state.state === "half_open" && state.probe === event.order
        ? open(event.at, { ...state.fault, reason: unansweredReason(state.fault) }, state, settings)
        : state;
    case "withdrawn":
      return state.state === "half_open" && state.probe === event.order ? { ...state, probe: null } : state;
    case "cooled":
      if (state.state !== "open" || event.at < state.until) return state;
      return { state: "half_open", since: event.at, probe: null, fault: state.fault };
  }
}

/** Whether an order may go to the exchange now. */
export function admits(state: BreakerState, order: ClientOrderId): boolean {
  if (state.state === "half_open") return state.probe === null || state.probe === order;
  return state.state === "closed";
}

/** As published on the channel `venue`. */
export function venueState(state: BreakerState): VenueState {
  const type = "venue.state";
  const at = new Date(state.since).toISOString();
  if (state.state === "closed") return { type, at, state: "closed", cause: null, reason: null, until: null };
  const { cause, reason } = state.fault;
  const until = state.state === "open" ? new Date(state.until).toISOString() : null;
  return { type, at, state: state.state, cause, reason: shortText(reason), until };
}

/** A breaker that keeps its own time. */
export interface Breaker {
  readonly state: BreakerState;
  /** Takes note of what happened, now. */
  tell(event: WithoutTime<BreakerEvent>): void;
  /** Forgets its timer and hears nothing more. */
  stop(): void;
}
type WithoutTime<E> = E extends unknown ? Omit<E, "at"> : never;

/** Starts closed. `onChange` is called with every state that differs to the outside from the one before. */
export function startBreaker(options: {
  readonly clock: Clock;
  readonly settings: BreakerSettings;
  readonly onChange: (venue: VenueState) => void;
}): Breaker {
  const { clock, settings, onChange } = options;
  let state = closedBreaker(clock.now());
  let cancelTimer: Cancel = () => {};
  let stopped = false;

  const take = (event: BreakerEvent): void => {
    if (stopped) return;
    const before = state;
    state = stepBreaker(before, event, settings);
    if (state.state === before.state && faultOf(state) === faultOf(before)) return;
    cancelTimer();
    if (state.state === "open") cancelTimer = clock.schedule(state.until, cooled);
    onChange(venueState(state));
  };
  const cooled = (): void => take({ type: "cooled", at: clock.now() });
  return {
    get state() {
      return state;
    },
    tell: (event) => take({ ...event, at: clock.now() }),
    stop() {
      stopped = true;
      cancelTimer();
    },
  };
}

/** Said once, however many probes go without an answer. */
function unansweredReason({ reason }: Fault): string {
  const words = "no answer to the probe; ";
  return reason.startsWith(words) ? reason : words + reason;
}

function faultOf(state: BreakerState): Fault | null {
  return state.state === "closed" ? null : state.fault;
}

function isProbe(state: BreakerState, order: ClientOrderId): boolean {
  return state.state === "half_open" && state.probe === order;
}

/** An open breaker stays as it is, except that the account's fault outweighs the venue's: waiting will not mend it. */
function fail(
  state: BreakerState,
  event: { readonly at: number; readonly cause: Fault["cause"]; readonly reason: string },
  haltCode: string | null,
  settings: BreakerSettings,
): BreakerState {
  if (state.state === "open" && (state.fault.cause === "account" || event.cause === "venue")) return state;
  return open(event.at, { cause: event.cause, reason: event.reason, haltCode }, state, settings);
}

function open(
  at: number,
  fault: Omit<Fault, "cooldownMs">,
  before: BreakerState,
  settings: BreakerSettings,
): BreakerState {
  const cooldownMs =
    fault.cause === "account" ? settings.accountCooldownMs : venueCooldownMs(before, settings);
  return { state: "open", since: at, until: at + cooldownMs, fault: { ...fault, cooldownMs } };
}

function venueCooldownMs(before: BreakerState, settings: BreakerSettings): number {
  const { venueCooldownMs: first, venueCooldownMaxMs: max } = settings;
  if (before.state === "closed" || before.fault.cause !== "venue") return Math.min(first, max);
  return Math.min(before.fault.cooldownMs * 2, max);
}

function halt(
  state: BreakerState,
  event: Extract<BreakerEvent, { readonly type: "halted" }>,
  settings: BreakerSettings,
): BreakerState {
  const { at, code, symbol, order } = event;
  if (state.state === "open") return state;
  if (state.state === "half_open") {
    if (!isProbe(state, order)) return state;
    // One product that does not trade says nothing of the venue, unless it says again what opened the breaker.
    if (state.fault.haltCode !== code) return remember(closedBreaker(at), event, settings);
    return fail(state, { at, cause: "venue", reason: `${code} again on ${symbol}` }, code, settings);
  }
  return remember(state, event, settings);
}

function remember(
  state: BreakerState,
  event: Extract<BreakerEvent, { readonly type: "halted" }>,
  settings: BreakerSettings,
): BreakerState {
  if (state.state !== "closed") return state;
  const { at, code, symbol } = event;
  const recent = state.halts.filter(
    (known) => at - known.at < settings.haltWindowMs && !(known.code === code && known.symbol === symbol),
  );
  const halts = [...recent, { code, symbol, at }];
  const symbols = halts.filter((known) => known.code === code).length;
  if (symbols < settings.symbolsForHalt) return { ...state, halts };
  const reason = `${code} on ${symbols} symbols within ${settings.haltWindowMs} ms`;
  return fail(state, { at, cause: "venue", reason }, code, settings);
}
