// The configuration as the program uses it: units in names, amounts as decimal strings, durations in whole milliseconds.
import { createHash } from "node:crypto";
import * as BigDecimal from "effect/BigDecimal";
import type * as Redacted from "effect/Redacted";
import type { AppFile } from "./app_schema.ts";
import { type ListedSymbol, plainDecimal, utcTime } from "./keys.ts";
import type { PolicyFile } from "./policy_schema.ts";
import type { UniverseFile } from "./universe_schema.ts";

/** The rules of one attempt. The same shape as the machines' `PurgePolicy`, whose fields travel on events. */
export interface PolicyConfig {
  readonly slice_usd: string;
  readonly replace_ms: number;
  readonly max_duration_ms: number;
  readonly max_slices: number;
  readonly max_residual_usd: string;
  readonly max_consecutive_no_fill: number;
  readonly allow_taker_fallback: boolean;
  readonly taker_fallback_threshold_usd: string;
  readonly taker_max_slippage_bps: number;
  readonly cushion_ticks: number;
  readonly max_cushion_ticks: number;
  readonly min_notional_usd: string;
  readonly max_quote_age_ms: number;
  readonly backoff: {
    readonly enabled: boolean;
    readonly after_failures: number;
    readonly base_ms: number;
    readonly factor: number;
    readonly max_ms: number;
    readonly jitter_pct: number;
  };
  readonly failure_tracking: boolean;
}

/** What one cycle may start. */
export interface CycleConfig {
  readonly intervalMs: number;
  readonly jitterPct: number;
  readonly autoLiquidateIneligible: boolean;
  readonly dustThresholdUsd: string;
  readonly minLiquidationValueUsd: string;
  readonly maxLiquidationsPerCycle: number;
  /** From 0 to 1. */
  readonly maxCandidateShare: number;
  readonly ineligibleGraceCycles: number;
  /** Whose holdings are used, null: the gateway's; and how old they may be, null: two intervals. */
  readonly holdings: { readonly source: string | null; readonly maxAgeMs: number | null };
}

export interface HardeningConfig {
  readonly detailedErrors: boolean;
  readonly failureTracking: boolean;
  readonly backoff: boolean;
}

export interface BanConfig {
  readonly symbol: ListedSymbol;
  readonly reason: string | null;
  /** RFC 3339, UTC, with milliseconds; null for a ban without end. */
  readonly until: string | null;
}

export interface UniverseConfig {
  readonly tiers: readonly { readonly name: string; readonly symbols: readonly ListedSymbol[] }[];
  /** The symbols of all tiers. */
  readonly eligible: readonly ListedSymbol[];
  readonly neverTrade: readonly ListedSymbol[];
  readonly bans: readonly BanConfig[];
  readonly protectedCurrencies: readonly string[];
  /** Both or neither: older than `maxAgeMs`, the universe is stale and nothing is purged. */
  readonly updatedAt: string | null;
  readonly maxAgeMs: number | null;
}

export interface NatsConfig {
  /** Null: the in-process bus. */
  readonly url: string | null;
  readonly user: Redacted.Redacted<string> | null;
  readonly password: Redacted.Redacted<string> | null;
  readonly token: Redacted.Redacted<string> | null;
  /** The seed itself, not where it is. So it is with the credentials, and the certificates in PEM. */
  readonly nkeySeed: Redacted.Redacted<string> | null;
  readonly credentials: Redacted.Redacted<string> | null;
  /** Null: TLS only where the server or its address asks for it, with the system's certificates. */
  readonly tls: {
    readonly ca: string | null;
    readonly cert: string | null;
    readonly key: Redacted.Redacted<string> | null;
  } | null;
  /** Null: `_INBOX_` and the user's name, or the client's own where there is no plain one. */
  readonly inboxPrefix: string | null;
}

export interface AppConfig {
  readonly log: { readonly level: AppFile["log"]["level"] };
  /** Port null: none is opened; 0: any free one. */
  readonly http: { readonly host: string; readonly port: number | null };
  readonly nats: NatsConfig;
  readonly breaker: {
    readonly venueCooldownMs: number;
    readonly venueCooldownMaxMs: number;
    readonly accountCooldownMs: number;
    readonly symbolsForHalt: number;
    readonly haltWindowMs: number;
  };
  readonly gateway: {
    readonly requestTimeoutMs: number;
    readonly maxAttempts: number;
    readonly baseDelayMs: number;
    readonly maxDelayMs: number;
    readonly pollMs: number;
  };
  readonly limits: {
    readonly mailbox: number;
    readonly pendingRecords: number;
    readonly groupRecords: number;
  };
}

export interface Config {
  readonly policy: PolicyConfig;
  readonly cycle: CycleConfig;
  readonly hardening: HardeningConfig;
  readonly universe: UniverseConfig;
  readonly app: AppConfig;
  /** Twelve hex digits that differ when anything in policy.yaml that has an effect differs, however it is written. */
  readonly policyVersion: string;
}

const second = 1000;
const hour = 3_600_000;
const ms = (value: number, unit: number) => Math.round(value * unit);

export function policyConfig(
  file: PolicyFile,
): Pick<Config, "policy" | "cycle" | "hardening" | "policyVersion"> {
  const { detailed_errors, failure_tracking, backoff } = file.purge_hardening;
  const rules = {
    policy: purgePolicy(file),
    cycle: cycleConfig(file),
    hardening: { detailedErrors: detailed_errors, failureTracking: failure_tracking, backoff },
  };
  return { ...rules, policyVersion: fingerprint(rules) };
}

function purgePolicy(file: PolicyFile): PolicyConfig {
  const { replace_seconds, max_duration_seconds, ...execution } = file.portfolio_management.purge_execution;
  const { base_hours, max_hours, ...backoff } = file.backoff;
  return {
    ...execution,
    replace_ms: ms(replace_seconds, second),
    max_duration_ms: ms(max_duration_seconds, second),
    min_notional_usd: file.execution.min_notional_usd,
    max_quote_age_ms: ms(file.microstructure.max_quote_age_seconds, second),
    backoff: {
      ...backoff,
      enabled: file.purge_hardening.backoff,
      base_ms: ms(base_hours, hour),
      max_ms: ms(max_hours, hour),
    },
    failure_tracking: file.purge_hardening.failure_tracking,
  };
}

function cycleConfig({
  portfolio_management: portfolio,
  risk,
  liquidity,
  loop,
  holdings,
}: PolicyFile): CycleConfig {
  const { source, max_age_seconds } = holdings;
  return {
    intervalMs: ms(loop.interval_seconds, second),
    jitterPct: loop.jitter_pct,
    autoLiquidateIneligible: portfolio.auto_liquidate_ineligible,
    dustThresholdUsd: risk.dust_threshold_usd,
    minLiquidationValueUsd: portfolio.min_liquidation_value_usd,
    maxLiquidationsPerCycle: portfolio.max_liquidations_per_cycle,
    maxCandidateShare: portfolio.max_candidate_share,
    ineligibleGraceCycles: liquidity.eligibility_persistence.ineligible_grace_cycles,
    holdings: { source, maxAgeMs: max_age_seconds === null ? null : ms(max_age_seconds, second) },
  };
}

export function universeConfig(file: UniverseFile): UniverseConfig {
  const tiers = Object.entries(file.tiers).map(([name, { symbols }]) => ({ name, symbols }));
  return {
    tiers,
    eligible: tiers.flatMap(({ symbols }) => symbols),
    neverTrade: file.exclusions.never_trade,
    bans: file.bans.map((ban) => ({ ...ban, until: ban.until === null ? null : utcTime(ban.until) })),
    protectedCurrencies: file.protected,
    updatedAt: file.updated_at === null ? null : utcTime(file.updated_at),
    maxAgeMs: file.max_age_hours === null ? null : ms(file.max_age_hours, hour),
  };
}

export function appConfig({ log, http, breaker, gateway, limits }: AppFile, nats: NatsConfig): AppConfig {
  return {
    log,
    http,
    nats,
    breaker: {
      venueCooldownMs: ms(breaker.venue_cooldown_seconds, second),
      venueCooldownMaxMs: ms(breaker.venue_cooldown_max_seconds, second),
      accountCooldownMs: ms(breaker.account_cooldown_seconds, second),
      symbolsForHalt: breaker.symbols_for_halt,
      haltWindowMs: ms(breaker.halt_window_seconds, second),
    },
    gateway: {
      requestTimeoutMs: ms(gateway.request_timeout_seconds, second),
      maxAttempts: gateway.max_attempts,
      baseDelayMs: gateway.base_delay_ms,
      maxDelayMs: gateway.max_delay_ms,
      pollMs: ms(gateway.poll_seconds, second),
    },
    limits: {
      mailbox: limits.mailbox,
      pendingRecords: limits.pending_records,
      groupRecords: limits.group_records,
    },
  };
}

/** Keys in sorted order and amounts without trailing zeros, so that `5` and `5.0` are the same policy. */
function fingerprint(rules: object): string {
  const sorted = (_key: string, value: unknown): unknown => {
    if (typeof value === "string" && plainDecimal.test(value))
      return BigDecimal.format(BigDecimal.normalize(BigDecimal.fromStringUnsafe(value)));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  return createHash("sha256").update(JSON.stringify(rules, sorted)).digest("hex").slice(0, 12);
}
