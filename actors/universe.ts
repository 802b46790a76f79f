// The configured universe as it stands at one moment: bans run out, and an old universe must not be acted on.
import type { UniverseConfig } from "../config/mod.ts";
import type { Universe } from "./eligibility.ts";

/** @param now epoch milliseconds */
export function universeAt(config: UniverseConfig, now: number): Universe {
  const inForce = config.bans.filter(({ until }) => until === null || Date.parse(until) > now);
  return {
    eligible: new Set(config.eligible),
    excluded: new Set(config.neverTrade),
    bans: new Map(inForce.map(({ symbol, reason }) => [symbol, reason ?? "no reason given"])),
    protectedCurrencies: new Set(config.protectedCurrencies),
    unusable: whyUnusable(config, now),
  };
}

function whyUnusable({ eligible, updatedAt, maxAgeMs }: UniverseConfig, now: number): string | null {
  if (eligible.length === 0) return "universe.yaml names no eligible symbol: it is taken for a mistake";
  if (updatedAt === null || maxAgeMs === null) return null;
  const ageMs = now - Date.parse(updatedAt);
  if (ageMs <= maxAgeMs) return null;
  return `universe.yaml is of ${updatedAt}, older than its max_age_hours of ${maxAgeMs / 3_600_000}`;
}
