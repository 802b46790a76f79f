// Who should go: the account's positions against the universe. Pure.
import { compare, type Position, type TradingSymbol, valueUsd } from "../machines/mod.ts";

/** Which symbols the account may hold. */
export interface Universe {
  /** Symbols of all tiers: these may stay. */
  readonly eligible: ReadonlySet<string>;
  /** `exclusions.never_trade`: these must go, without grace. */
  readonly excluded: ReadonlySet<string>;
  /** Symbols whose purging is suspended, with the reason. */
  readonly bans: ReadonlyMap<string, string>;
  /** Currencies that are never touched. */
  readonly protectedCurrencies: ReadonlySet<string>;
  /** Why its lists are too old to be acted on; null when they are not. */
  readonly stale: string | null;
}

export interface EligibilityRules {
  readonly autoLiquidateIneligible: boolean;
  /** Positions worth less are left alone; USD. */
  readonly minLiquidationValueUsd: string;
  /** Positions worth less do not even count as positions; USD. */
  readonly dustThresholdUsd: string;
  /** Share of the positions, 0 to 1, that may turn ineligible at once before it is taken for a mistake. */
  readonly maxCandidateShare: number;
  /** Cycles in a row in which a position must be seen ineligible before it is a candidate. */
  readonly graceCycles: number;
}

export interface Candidate {
  readonly symbol: TradingSymbol;
  readonly reason: "ineligible" | "excluded";
  readonly balance: string;
  readonly valueUsd: string;
}

export interface Assessment {
  readonly candidates: readonly Candidate[];
  /** Symbols held and worth looking at, whether eligible or not. */
  readonly held: readonly {
    readonly symbol: TradingSymbol;
    readonly balance: string;
    readonly valueUsd: string;
  }[];
  /** For the next cycle: how often in a row each position was seen ineligible. */
  readonly seen: ReadonlyMap<TradingSymbol, number>;
  /** Set when nobody may go, with the reason. */
  readonly heldBack: string | null;
}

/** Why nobody may be sold by this universe: stale, empty, or at odds with itself; null when it may be acted on. */
export function whyUnusable({ eligible, excluded, stale }: Universe): string | null {
  if (eligible.size === 0) return "universe.yaml names no eligible symbol: it is taken for a mistake";
  const both = [...excluded].filter((symbol) => eligible.has(symbol));
  if (both.length > 0) {
    return `${both.slice(0, 5).join(", ")} may stay and must go at once; take it out of one of the lists`;
  }
  return stale;
}

/** Tells whether the account may hold a symbol: it is eligible itself, or is under another quote currency. */
export function stayers({ eligible }: Universe): (symbol: TradingSymbol) => boolean {
  const currencies = new Set([...eligible].map(baseOf));
  return (symbol) => currencies.has(baseOf(symbol));
}

/** The currency that an order of this symbol sells. */
export function baseOf(symbol: string): string {
  return symbol.slice(0, symbol.indexOf("-"));
}

/** Assesses every position.
 *
 * Excluded positions go at once. Ineligible ones go after `graceCycles` cycles in a row, and not at all while so many
 * turn ineligible together that the universe itself must be doubted. What was assessed before is no new evidence: it
 * serves nobody's grace, so that one wrong reading sells nothing however often it is looked at.
 */
export function assess(
  positions: readonly Position[],
  universe: Universe,
  rules: EligibilityRules,
  seenBefore: ReadonlyMap<TradingSymbol, number>,
  isNewReading = true,
): Assessment {
  const held = positions.flatMap((position) => worth(position, universe, rules));
  const none = { candidates: [], held, seen: seenBefore };
  const unusable = whyUnusable(universe);
  if (unusable !== null) return { ...none, heldBack: unusable };

  const mayStay = stayers(universe);
  const strangers = held.filter(({ symbol }) => !mayStay(symbol));
  const excluded = strangers.filter(({ symbol }) => universe.excluded.has(symbol));
  const ineligible = strangers.filter(({ symbol }) => !universe.excluded.has(symbol));
  const turned = ineligible.filter(({ symbol }) => (seenBefore.get(symbol) ?? 0) <= rules.graceCycles);
  if (held.length > 1 && turned.length / held.length > rules.maxCandidateShare) {
    const heldBack = `${turned.length} of ${held.length} positions turned ineligible at once, more than max_candidate_share ${rules.maxCandidateShare}; check universe.yaml`;
    return { ...none, heldBack };
  }
  const more = isNewReading ? 1 : 0;
  const seen = new Map(
    ineligible.map(({ symbol }) => [symbol, (seenBefore.get(symbol) ?? 0) + more] as const),
  );
  const due = rules.autoLiquidateIneligible
    ? ineligible.filter(({ symbol }) => (seen.get(symbol) ?? 0) > rules.graceCycles)
    : [];
  const isSellable = (position: { readonly valueUsd: string }) =>
    compare(position.valueUsd, rules.minLiquidationValueUsd) >= 0;
  const candidates: Candidate[] = [
    ...excluded.map((position) => ({ ...position, reason: "excluded" as const })),
    ...due.map((position) => ({ ...position, reason: "ineligible" as const })),
  ].filter(isSellable);
  return { candidates, held, seen, heldBack: null };
}

function worth(position: Position, universe: Universe, rules: EligibilityRules) {
  const { symbol, currency, balance, price_usd } = position;
  if (symbol === null || price_usd === null || universe.protectedCurrencies.has(currency)) return [];
  const value = valueUsd(balance, price_usd);
  return compare(value, rules.dustThresholdUsd) < 0 ? [] : [{ symbol, balance, valueUsd: value }];
}
