// The one place that knows subjects: which channel is published where, and what a subject says about a message.
import type { Channel, ChannelBody } from "../../actors/ports.ts";
import { TradingSymbol } from "../../machines/mod.ts";
import { Schema } from "effect";

export const SUBJECT_PREFIX = "purge.v1";

/** The last token of `purge.v1.dead.…` when the subject of the dead message names no symbol. */
const NO_SYMBOL = "_";

type Addressing = "symbol" | "symbol or _" | "single";
const ADDRESSING: { readonly [C in Channel]: Addressing } = {
  orders: "symbol",
  results: "symbol",
  transitions: "symbol",
  account: "single",
  holdings: "single",
  venue: "single",
  dead: "symbol or _",
};

/** What a subject says. `symbol` is null for channels that have one subject, and for dead letters without a symbol. */
export interface Address {
  readonly channel: Channel;
  readonly symbol: TradingSymbol | null;
}

const isSymbol = Schema.is(TradingSymbol);
const isChannel = (token: string): token is Channel => Object.hasOwn(ADDRESSING, token);

/** The symbol that decides the subject of a body. */
const SYMBOL_OF: { readonly [C in Channel]: (body: ChannelBody[C]) => TradingSymbol | null } = {
  orders: (body) => body.symbol,
  results: (body) => body.symbol,
  transitions: (body) => body.symbol,
  account: () => null,
  holdings: () => null,
  venue: () => null,
  dead: (body) => addressOf(body.subject)?.symbol ?? null,
};

/** The subject that `body` is published on.
 *
 * @throws RangeError when its symbol is not one, so that no text from outside ever becomes a subject.
 */
export function subjectFor<C extends Channel>(channel: C, body: ChannelBody[C]): string {
  return subjectOf({ channel, symbol: SYMBOL_OF[channel](body) });
}

/** @throws RangeError when the symbol is not one, is missing, or has no place in this channel's subject. */
export function subjectOf({ channel, symbol }: Address): string {
  if (symbol !== null && !isSymbol(symbol)) {
    throw new RangeError(`${JSON.stringify(symbol)} is no symbol and cannot be part of a subject`);
  }
  const addressing = ADDRESSING[channel];
  if (addressing === "single") {
    if (symbol !== null)
      throw new RangeError(`${channel} has one subject for all symbols, so ${symbol} has no place in it`);
    return `${SUBJECT_PREFIX}.${channel}`;
  }
  if (symbol === null && addressing === "symbol") {
    throw new RangeError(`a subject of ${channel} ends in a symbol, and there is none`);
  }
  return `${SUBJECT_PREFIX}.${channel}.${symbol ?? NO_SYMBOL}`;
}

/** What to subscribe to for all of a channel, or for one symbol of it.
 *
 * @throws RangeError as `subjectOf` does.
 */
export function patternOf(channel: Channel, symbol?: TradingSymbol): string {
  if (symbol !== undefined) return subjectOf({ channel, symbol });
  return ADDRESSING[channel] === "single" ? `${SUBJECT_PREFIX}.${channel}` : `${SUBJECT_PREFIX}.${channel}.*`;
}

/** Reads a subject; null when it is none of ours. */
export function addressOf(subject: string): Address | null {
  if (!subject.startsWith(`${SUBJECT_PREFIX}.`)) return null;
  const [channel, token, ...rest] = subject.slice(SUBJECT_PREFIX.length + 1).split(".");
  if (channel === undefined || !isChannel(channel) || rest.length > 0) return null;
  const addressing = ADDRESSING[channel];
  if (addressing === "single") return token === undefined ? { channel, symbol: null } : null;
  if (addressing === "symbol or _" && token === NO_SYMBOL) return { channel, symbol: null };
  return isSymbol(token) ? { channel, symbol: token } : null;
}

/** The channel of a subject or pattern; null when it is none of ours. */
export function channelOf(pattern: string): Channel | null {
  if (!pattern.startsWith(`${SUBJECT_PREFIX}.`)) return null;
  const [channel = ""] = pattern.slice(SUBJECT_PREFIX.length + 1).split(".");
  return isChannel(channel) ? channel : null;
}

/** Whether a subscription to `pattern` gets messages of `subject`: `*` stands for one token, `>` for all the rest. */
export function matches(pattern: string, subject: string): boolean {
  if (pattern === subject) return true;
  const wanted = pattern.split(".");
  const tokens = subject.split(".");
  for (const [index, want] of wanted.entries()) {
    const token = tokens[index];
    if (token === undefined) return false;
    if (want === ">") return true;
    if (want !== "*" && want !== token) return false;
  }
  return wanted.length === tokens.length;
}
