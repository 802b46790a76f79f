// What an operator may do to a symbol, whoever carries their words: their wish as an event, and the machine's answer to it
// as theirs.
import type { PurgeEvent, PurgeEventOf, TradingSymbol } from "../machines/mod.ts";
import type { Told } from "./asked.ts";
import type {
  Clock,
  Observe,
  OperatorAction,
  OperatorAnswer,
  OperatorRefusal,
  OperatorRequest,
  Operators,
} from "./ports.ts";
import type { DetailedView } from "./symbol_view.ts";
import { stamp } from "./time.ts";

/** The symbols, as far as operators are concerned. */
export interface AskableSymbols {
  /** Null for a symbol of which nothing has happened yet. */
  view(symbol: TradingSymbol): DetailedView | null;
  /** Resolves when what the event did is durable, or it is certain that it did nothing. */
  ask(event: PurgeEvent): Promise<Told>;
}

/** The cycle's word on whether an attempt may be started now. */
export type StartNow = (
  symbol: TradingSymbol,
) =>
  | { readonly ok: true; readonly event: PurgeEventOf<"purge.requested"> }
  | { readonly ok: false; readonly code: OperatorRefusal; readonly message: string };

export interface OperatorsOptions {
  readonly symbols: AskableSymbols;
  readonly startNow: StartNow;
  /** Whether the account holds any of it, as far as it has been read. */
  readonly isHeld: (symbol: TradingSymbol) => boolean;
  readonly clock: Clock;
  readonly observe: Observe;
}

/** Every request is observed with its answer, the refused ones too: that is the audit. */
export function createOperators(options: OperatorsOptions): Operators {
  return {
    async act(request) {
      const answer = await (request.action === "purge"
        ? purge(options, request)
        : change(options, { ...request, action: request.action }));
      options.observe({ kind: "operator", request, answer });
      return answer;
    },
  };
}

type Change = Exclude<OperatorAction, "purge">;

async function change(
  { symbols, isHeld, clock }: OperatorsOptions,
  { action, symbol, by, reason }: OperatorRequest & { readonly action: Change },
): Promise<OperatorAnswer> {
  // A slip of the pen must not make a machine. A ban is the exception: it may be wanted before there is anything to sell.
  if (action !== "ban" && symbols.view(symbol) === null && !isHeld(symbol)) {
    const message = `${symbol} is neither in the ledger nor held, as far as the account has been read; check the spelling`;
    return refused("unknown_symbol", message);
  }
  const told = await symbols.ask({ type: `operator.${action}`, symbol, at: stamp(clock.now()), by, reason });
  return told.what === "unchanged" ? unchanged(action, symbol, symbols.view(symbol)) : answerTo(told, symbol);
}

/** The machine had no use for it: because what is wanted is so already, or because this is not the way to it. */
function unchanged(action: Change, symbol: TradingSymbol, view: DetailedView | null): OperatorAnswer {
  const state = view?.state ?? "idle";
  if (action === "abort") {
    return refused("not_applicable", `${symbol} is ${state}: there is no attempt to abort`);
  }
  if (action === "resume" && view?.isBanned === true) {
    const message = `${symbol} stays suspended (${view.suspendedFor}): a ban is lifted by reset, not by resume`;
    return refused("suspended", message);
  }
  if (action === "resume" && view?.endsFor != null && view.endsFor.kind !== "abort") {
    const { kind, by, reason } = view.endsFor;
    const message = `${symbol}: its attempt is being ended for a ${kind} by ${by}: ${reason}; try again when it is suspended`;
    return refused("suspended", message);
  }
  return { ok: true, changed: false, seq: null, state };
}

async function purge(
  { symbols, startNow }: OperatorsOptions,
  { symbol, by, reason }: OperatorRequest,
): Promise<OperatorAnswer> {
  const start = startNow(symbol);
  if (!start.ok) return start;
  const { event } = start;
  if (symbols.view(symbol)?.state === "cleared") {
    const { at, balance, value_usd } = event;
    const held = await symbols.ask({ type: "position.held", symbol, at, balance, value_usd });
    if (held.what !== "recorded" && held.what !== "unchanged") return answerTo(held, symbol);
  }
  const told = await symbols.ask({ ...event, by, note: reason });
  return told.what === "unchanged" ? overtaken(symbol, symbols.view(symbol)) : answerTo(told, symbol);
}

/** Something else was durable first. */
function overtaken(symbol: TradingSymbol, view: DetailedView | null): OperatorAnswer {
  const state = view?.state ?? "idle";
  if (view?.isBusy === true) return refused("busy", `${symbol} is ${state}: an attempt is under way already`);
  if (state === "suspended") return refused("suspended", `${symbol} is suspended: ${view?.suspendedFor}`);
  if (state === "backoff.waiting") {
    const message = `${symbol} rests until ${view?.retryAt} after ${view?.failures} failures; reset ends that`;
    return refused("in_backoff", message);
  }
  return refused("not_applicable", `${symbol} is ${state}, where no attempt can be started`);
}

function answerTo(told: Exclude<Told, { what: "unchanged" }>, symbol: TradingSymbol): OperatorAnswer {
  switch (told.what) {
    case "recorded":
      return { ok: true, changed: true, seq: told.record.seq, state: told.record.state };
    case "not_taken":
      return refused("not_ready", `nothing was done: ${told.reason}; try again`);
    case "unsure":
      return refused(
        "not_ready",
        `${told.reason}: it may have been done; look at the status of ${symbol} before asking again`,
      );
    case "set_aside":
      return refused("suspended", `nothing was done: ${told.reason}`);
  }
}

function refused(code: OperatorRefusal, message: string): OperatorAnswer {
  return { ok: false, code, message };
}
