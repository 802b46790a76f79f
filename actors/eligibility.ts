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
  /** Why this universe must not be acted on (empty, stale); null when it may. */
  readonly unusable: string | null;
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

/** Assesses every position.
 *
 * Excluded positions go at once. Ineligible ones go after `graceCycles` cycles in a row, and not at all while so many
 * turn ineligible together that the universe itself must be doubted.
 */
export function assess(
  positions: readonly Position[],
  universe: Universe,
  rules: EligibilityRules,
  seenBefore: ReadonlyMap<TradingSymbol, number>,
): Assessment {
  const held = positions.flatMap((position) => worth(position, universe, rules));
  const none = { candidates: [], held, seen: seenBefore };
  if (universe.unusable !== null) return { ...none, heldBack: universe.unusable };

  const excluded = held.filter(({ symbol }) => universe.excluded.has(symbol));
  const ineligible = held.filter(
    ({ symbol }) => !universe.excluded.has(symbol) && !universe.eligible.has(symbol),
  );
  const turned = ineligible.filter(({ symbol }) => (seenBefore.get(symbol) ?? 0) <= rules.graceCycles);
  if (held.length > 1 && turned.length / held.length > rules.maxCandidateShare) {
    const heldBack = `${turned.length} of ${held.length} positions turned ineligible at once, more than max_candidate_share ${rules.maxCandidateShare}; check universe.yaml`;
    return { ...none, heldBack };
  }
  const seen = new Map(ineligible.map(({ symbol }) => [symbol, (seenBefore.get(symbol) ?? 0) + 1] as const));
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
