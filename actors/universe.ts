// The universe as it stands at one moment: bans run out, an old list must not be acted on, and another bot may bring its own.
import type { UniverseConfig } from "../config/mod.ts";
import type { HoldingsPublished } from "../machines/mod.ts";
import type { Universe } from "./eligibility.ts";

/** @param now epoch milliseconds */
export function universeAt(config: UniverseConfig, now: number): Universe {
  const inForce = config.bans.filter(({ until }) => until === null || Date.parse(until) > now);
  return {
    eligible: new Set(config.eligible),
    excluded: new Set(config.neverTrade),
    bans: new Map(inForce.map(({ symbol, reason }) => [symbol, reason ?? "no reason given"])),
    protectedCurrencies: new Set(config.protectedCurrencies),
    stale: whyStale(config, now),
  };
}

/** With the lists of a message in place of its own, where the message has them. Bans and protected currencies stay, and
 * so does the age of universe.yaml while one of its own lists is still in use. */
export function withLists(
  universe: Universe,
  { eligible, excluded }: Pick<HoldingsPublished, "eligible" | "excluded">,
): Universe {
  return {
    ...universe,
    eligible: eligible === null ? universe.eligible : new Set(eligible),
    excluded: excluded === null ? universe.excluded : new Set(excluded),
    stale: eligible !== null && excluded !== null ? null : universe.stale,
  };
}

function whyStale({ updatedAt, maxAgeMs }: UniverseConfig, now: number): string | null {
  if (updatedAt === null || maxAgeMs === null) return null;
  const ageMs = now - Date.parse(updatedAt);
  if (ageMs <= maxAgeMs) return null;
  return `universe.yaml is of ${updatedAt}, older than its max_age_hours of ${maxAgeMs / 3_600_000}`;
}
