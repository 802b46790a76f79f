// universe.yaml: what the account may hold, what it must not hold, and what is left alone.
import * as Schema from "effect/Schema";
import { currency, ignoring, optionalNumber, optionalReason, optionalTime, symbol } from "./keys.ts";
import { originalUniverseKeys as original } from "./original_keys.ts";

/** Never sold, unless the file says otherwise: cash, and what the account is counted in. */
export const protectedByDefault = ["USD", "USDC", "USDT", "BTC", "ETH"] as const;

const tierName = Schema.String.check(Schema.isPattern(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/u));
const tier = Schema.Struct({
  symbols: Schema.Array(symbol).annotate({ description: "Symbols of this tier." }),
}).annotate(ignoring("any"));

const exclusions = Schema.Struct({
  never_trade: Schema.Array(symbol).annotate({
    description:
      "Must not be held: sold at once, without grace. To stop the purging of a symbol, ban it instead.",
    default: [],
  }),
}).annotate(ignoring(original.exclusions));

const ban = Schema.Struct({
  symbol: symbol,
  reason: optionalReason("Why, for whoever reads it next."),
  until: optionalTime("When the ban ends; without it, never."),
});

export const UniverseFile = Schema.Struct({
  tiers: Schema.Record(tierName, tier).annotate({
    description:
      "Symbols that the account may hold, in tiers of any name. A position in none of them is ineligible.",
  }),
  exclusions,
  bans: Schema.Array(ban).annotate({
    description: "Symbols whose purging is suspended until the ban ends or is taken out.",
    default: [],
  }),
  protected: Schema.Array(currency).annotate({
    description: "Currencies that are never touched, whatever else is said of them.",
    default: [...protectedByDefault],
  }),
  updated_at: optionalTime("When this list was made. Only together with `max_age_hours`."),
  max_age_hours: optionalNumber(
    { min: 0.01, max: 87_600 },
    "A list older than this is stale, and a cycle with a stale list purges nothing.",
  ),
}).annotate({
  ...ignoring("any"),
  title: "Purgatory: universe.yaml",
  description: "What the account may hold, what it must not hold, and what is left alone.",
});
export type UniverseFile = typeof UniverseFile.Type;
