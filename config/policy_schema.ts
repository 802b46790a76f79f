// policy.yaml: what is purged, how it is sold, and how long a refused symbol rests.
import * as Schema from "effect/Schema";
import { boolean, ignoring, integer, number, optionalBot, optionalNumber, usd } from "./keys.ts";
import { originalPolicyKeys as original } from "./original_keys.ts";

const purgeExecution = Schema.Struct({
  slice_usd: usd({ default: "5", min: "0.01", max: "1000000" }, "Value of one slice."),
  replace_seconds: number(
    { default: 45, min: 1, max: 3600 },
    "How long a post-only slice rests before it is cancelled and replaced.",
  ),
  max_duration_seconds: number(
    { default: 240, min: 1, max: 86_400 },
    "How long one attempt may take; after it the attempt ends with what was sold.",
  ),
  max_slices: integer({ default: 24, min: 1, max: 10_000 }, "Slices in one attempt."),
  max_residual_usd: usd(
    { default: "8", min: "0", max: "1000000" },
    "An attempt that sold something and leaves no more than this is a success.",
  ),
  max_consecutive_no_fill: integer(
    { default: 2, min: 1, max: 1000 },
    "Slices in a row without a fill before the attempt stops trying as maker.",
  ),
  allow_taker_fallback: boolean(
    true,
    "When makers find no buyer, sell a small remainder as a limit IOC with a floor price.",
  ),
  taker_fallback_threshold_usd: usd(
    { default: "10", min: "0", max: "1000000" },
    "The fallback is used only when the remainder is worth no more than this.",
  ),
  taker_max_slippage_bps: integer(
    { default: 100, min: 0, max: 2000 },
    "Floor price of the fallback: this many hundredths of a percent under the best bid.",
  ),
  cushion_ticks: integer(
    { default: 1, min: 1, max: 100 },
    "A post-only order is priced this many price increments above the best bid.",
  ),
  max_cushion_ticks: integer(
    { default: 3, min: 1, max: 100 },
    "The cushion grows up to this when a post-only order would cross.",
  ),
}).annotate(ignoring(original.purge_execution));

const portfolioManagement = Schema.Struct({
  auto_liquidate_ineligible: boolean(
    true,
    "Sell positions that fell out of the universe. Off: only excluded ones are sold.",
  ),
  min_liquidation_value_usd: usd(
    { default: "5", min: "0", max: "1000000" },
    "Positions worth less are left alone.",
  ),
  max_liquidations_per_cycle: integer(
    { default: 5, min: 1, max: 1000 },
    "Attempts started in one cycle, whatever becomes of them.",
  ),
  max_candidate_share: number(
    { default: 0.5, min: 0.01, max: 1 },
    "Mass-purge guard: when more than this share of the positions turns ineligible at once, nothing is purged.",
  ),
  purge_execution: purgeExecution,
}).annotate(ignoring(original.portfolio_management));

const liquidity = Schema.Struct({
  eligibility_persistence: Schema.Struct({
    ineligible_grace_cycles: integer(
      { default: 2, min: 0, max: 10_000 },
      "Cycles in a row that a position must be ineligible before it is a candidate. An exclusion does not wait.",
    ),
  }).annotate(ignoring(original.eligibility_persistence)),
}).annotate(ignoring(original.liquidity));

const holdings = Schema.Struct({
  source: optionalBot(
    "The bot whose published holdings are used. Without one the gateway is asked what the account holds.",
  ),
  max_age_seconds: optionalNumber(
    { min: 1, max: 86_400 },
    "With a source: nothing is purged by holdings read longer ago than this. Without it: twice `loop.interval_seconds`.",
  ),
});

const jitter =
  "Random spread around each wait, in percent of it, so that many instances do not act together.";

const backoff = Schema.Struct({
  after_failures: integer(
    { default: 3, min: 1, max: 1000 },
    "Failures in a row that are retried every cycle; from this one on the symbol rests.",
  ),
  base_hours: number({ default: 1, min: 0.001, max: 720 }, "The first rest."),
  factor: number({ default: 2, min: 1, max: 10 }, "Each further failure multiplies the rest by this."),
  max_hours: number({ default: 4, min: 0.001, max: 8760 }, "No rest is longer."),
  jitter_pct: number({ default: 0, min: 0, max: 50 }, jitter),
});

const hardening = Schema.Struct({
  detailed_errors: boolean(
    true,
    "Report a refusal with everything the exchange said. Off: its code and message only.",
  ),
  failure_tracking: boolean(
    true,
    "Record failed attempts. Off: nothing is remembered, so nothing backs off.",
  ),
  backoff: boolean(true, "Rest after repeated failures. Off: a failed symbol is tried again every cycle."),
});

export const PolicyFile = Schema.Struct({
  portfolio_management: portfolioManagement,
  execution: Schema.Struct({
    min_notional_usd: usd(
      { default: "1", min: "0.01", max: "1000000" },
      "No order is worth less, even where the exchange would take it.",
    ),
  }).annotate(ignoring(original.execution)),
  risk: Schema.Struct({
    dust_threshold_usd: usd(
      { default: "1", min: "0", max: "1000000" },
      "A position worth less is dust: not counted, not considered.",
    ),
  }).annotate(ignoring(original.risk)),
  liquidity,
  microstructure: Schema.Struct({
    max_quote_age_seconds: number(
      { default: 30, min: 1, max: 3600 },
      "A quote older than this is asked for again before an order is priced from it.",
    ),
  }).annotate(ignoring(original.microstructure)),
  loop: Schema.Struct({
    interval_seconds: number({ default: 60, min: 1, max: 86_400 }, "From one cycle to the next."),
    jitter_pct: number({ default: 0, min: 0, max: 50 }, jitter),
  }).annotate(ignoring(original.loop)),
  holdings,
  backoff,
  purge_hardening: hardening,
}).annotate({
  ...ignoring("any"),
  title: "Purgatory: policy.yaml",
  description: "What is purged, how it is sold, and how long a refused symbol rests.",
});
export type PolicyFile = typeof PolicyFile.Type;
