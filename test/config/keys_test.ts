// Every accepted key has an effect: changing it changes its place in the typed result, and no other.
import * as Redacted from "effect/Redacted";
import { describe, expect, test } from "vitest";
import { fileSchemas, type SchemaName } from "../../config/json_schema.ts";
import { type Config, configTexts, parseConfig } from "../../config/mod.ts";
import { keysOf } from "../../config/shape.ts";

type Row = readonly [key: string, yaml: string, place: string, value: unknown];

const purge = "portfolio_management.purge_execution";
const policyRows: readonly Row[] = [
  ["portfolio_management.auto_liquidate_ineligible", "false", "cycle.autoLiquidateIneligible", false],
  ["portfolio_management.min_liquidation_value_usd", "7.250", "cycle.minLiquidationValueUsd", "7.250"],
  ["portfolio_management.max_liquidations_per_cycle", "9", "cycle.maxLiquidationsPerCycle", 9],
  ["portfolio_management.max_candidate_share", "0.25", "cycle.maxCandidateShare", 0.25],
  [`${purge}.slice_usd`, "5.10", "policy.slice_usd", "5.10"],
  [`${purge}.replace_seconds`, "0.5e1", "policy.replace_ms", 5000],
  [`${purge}.max_duration_seconds`, "600", "policy.max_duration_ms", 600_000],
  [`${purge}.max_slices`, "12", "policy.max_slices", 12],
  [`${purge}.max_residual_usd`, "7.99", "policy.max_residual_usd", "7.99"],
  [`${purge}.max_consecutive_no_fill`, "4", "policy.max_consecutive_no_fill", 4],
  [`${purge}.allow_taker_fallback`, "false", "policy.allow_taker_fallback", false],
  [`${purge}.taker_fallback_threshold_usd`, "25", "policy.taker_fallback_threshold_usd", "25"],
  [`${purge}.taker_max_slippage_bps`, "50", "policy.taker_max_slippage_bps", 50],
  [`${purge}.cushion_ticks`, "2", "policy.cushion_ticks", 2],
  [`${purge}.max_cushion_ticks`, "5", "policy.max_cushion_ticks", 5],
  ["execution.min_notional_usd", "1.01", "policy.min_notional_usd", "1.01"],
  ["risk.dust_threshold_usd", "0.1", "cycle.dustThresholdUsd", "0.1"],
  ["liquidity.eligibility_persistence.ineligible_grace_cycles", "5", "cycle.ineligibleGraceCycles", 5],
  ["microstructure.max_quote_age_seconds", "5", "policy.max_quote_age_ms", 5000],
  ["loop.interval_seconds", "0.1e2", "cycle.intervalMs", 10_000],
  ["loop.jitter_pct", "10", "cycle.jitterPct", 10],
  ["holdings.source", "rotation-bot", "cycle.holdings.source", "rotation-bot"],
  ["holdings.max_age_seconds", "90", "cycle.holdings.maxAgeMs", 90_000],
  ["backoff.after_failures", "2", "policy.backoff.after_failures", 2],
  ["backoff.base_hours", "0.5", "policy.backoff.base_ms", 1_800_000],
  ["backoff.factor", "3", "policy.backoff.factor", 3],
  ["backoff.max_hours", "8", "policy.backoff.max_ms", 28_800_000],
  ["backoff.jitter_pct", "12.5", "policy.backoff.jitter_pct", 12.5],
  ["purge_hardening.detailed_errors", "false", "hardening.detailedErrors", false],
  ["purge_hardening.failure_tracking", "false", "policy.failure_tracking", false],
  ["purge_hardening.backoff", "false", "policy.backoff.enabled", false],
];

const seed = `SU${"A".repeat(56)}`;
const creds = "-----BEGIN NATS USER JWT-----\n-----BEGIN USER NKEY SEED-----";
const certificate = "-----BEGIN CERTIFICATE-----";
const privateKey = "-----BEGIN PRIVATE KEY-----";

const appRows: readonly Row[] = [
  ["log.level", "debug", "app.log.level", "debug"],
  ["http.host", "127.0.0.2", "app.http.host", "127.0.0.2"],
  ["http.port", "0", "app.http.port", 0],
  ["nats.url", "tls://[::1]:4222", "app.nats.url", "tls://[::1]:4222"],
  ["nats.user", "purgatory", "app.nats.user", "purgatory"],
  ["nats.password", "{env: PASSWORD}", "app.nats.password", "from the environment"],
  ["nats.token", "{file: token}", "app.nats.token", "from a file"],
  ["nats.nkey", "{env: SEED}", "app.nats.nkeySeed", seed],
  ["nats.creds", "{env: CREDS}", "app.nats.credentials", creds],
  ["nats.tls_ca", "{env: CERT}", "app.nats.tls.ca", certificate],
  ["nats.tls_cert", "{env: CERT}", "app.nats.tls.cert", certificate],
  ["nats.tls_key", "{env: KEY}", "app.nats.tls.key", privateKey],
  ["nats.inbox_prefix", "_INBOX_me", "app.nats.inboxPrefix", "_INBOX_me"],
  ["breaker.venue_cooldown_seconds", "30", "app.breaker.venueCooldownMs", 30_000],
  ["breaker.venue_cooldown_max_seconds", "600", "app.breaker.venueCooldownMaxMs", 600_000],
  ["breaker.account_cooldown_seconds", "60", "app.breaker.accountCooldownMs", 60_000],
  ["breaker.symbols_for_halt", "5", "app.breaker.symbolsForHalt", 5],
  ["breaker.halt_window_seconds", "90", "app.breaker.haltWindowMs", 90_000],
  ["gateway.request_timeout_seconds", "2.5", "app.gateway.requestTimeoutMs", 2500],
  ["gateway.max_attempts", "2", "app.gateway.maxAttempts", 2],
  ["gateway.base_delay_ms", "100", "app.gateway.baseDelayMs", 100],
  ["gateway.max_delay_ms", "9000", "app.gateway.maxDelayMs", 9000],
  ["gateway.poll_seconds", "0.25", "app.gateway.pollMs", 250],
  ["limits.mailbox", "8", "app.limits.mailbox", 8],
  ["limits.pending_records", "300", "app.limits.pendingRecords", 300],
  ["limits.group_records", "64", "app.limits.groupRecords", 64],
];

const tiers = "tiers: {core: {symbols: [SOL-USD]}}";
const universeRows: readonly Row[] = [
  ["tiers.<name>.symbols", "tiers: {core: {symbols: [XRP-USD]}}", "universe.eligible.0", "XRP-USD"],
  [
    "exclusions.never_trade",
    `${tiers}\nexclusions: {never_trade: [SEI-USD]}`,
    "universe.neverTrade.0",
    "SEI-USD",
  ],
  ["bans", `${tiers}\nbans: [{symbol: WLFI-USD}]`, "universe.bans.0.until", null],
  ["bans[].symbol", `${tiers}\nbans: [{symbol: WLFI-USD}]`, "universe.bans.0.symbol", "WLFI-USD"],
  ["bans[].reason", `${tiers}\nbans: [{symbol: WLFI-USD, reason: why}]`, "universe.bans.0.reason", "why"],
  [
    "bans[].until",
    `${tiers}\nbans: [{symbol: WLFI-USD, until: 2026-12-31T01:00+01:00}]`,
    "universe.bans.0.until",
    "2026-12-31T00:00:00.000Z",
  ],
  ["protected", `${tiers}\nprotected: [USD]`, "universe.protectedCurrencies.length", 1],
  [
    "updated_at",
    `${tiers}\nupdated_at: 2026-11-22T00:00:00Z\nmax_age_hours: 24`,
    "universe.updatedAt",
    "2026-11-22T00:00:00.000Z",
  ],
  [
    "max_age_hours",
    `${tiers}\nupdated_at: 2026-11-22T00:00:00Z\nmax_age_hours: 0.5`,
    "universe.maxAgeMs",
    1_800_000,
  ],
];

/** What must stand beside a key. */
const companions: Readonly<Record<string, string>> = {
  "nats.password": "  user: me\n",
  "nats.tls_cert": "  tls_key: {env: KEY}\n",
  "nats.tls_key": "  tls_cert: {env: CERT}\n",
};

/** `a.b.c` and a value as YAML sections. */
function yaml(key: string, value: string): string {
  const steps = key.split(".");
  const indented = steps.map((step, depth) => `${"  ".repeat(depth)}${step}:`);
  return `${indented.join("\n")} ${value}\n`;
}

function load(texts: Parameters<typeof configTexts>[0]): Config {
  const files = configTexts({ "universe.yaml": tiers, ...texts }, { token: "from a file\n" });
  const result = parseConfig(files, {
    PASSWORD: "from the environment",
    SEED: seed,
    CREDS: creds,
    CERT: certificate,
    KEY: privateKey,
  });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

function at(config: Config, place: string): unknown {
  const found = place.split(".").reduce((value: unknown, step) => {
    return typeof value === "object" && value !== null ? Reflect.get(value, step) : undefined;
  }, config);
  return Redacted.isRedacted(found) ? Redacted.value(found) : found;
}

/** Everything but the place in question, and the fingerprint that is meant to change with it. */
function others(config: Config, ...places: readonly string[]): unknown {
  const copy: unknown = JSON.parse(JSON.stringify(config));
  for (const place of places) {
    const steps = place.split(".");
    const parent = steps
      .slice(0, -1)
      .reduce((value: unknown, step) => Object(Reflect.get(Object(value), step)), copy);
    Reflect.deleteProperty(Object(parent), steps.at(-1) ?? "");
  }
  return copy;
}

const defaults = load({});

describe("changing a key changes its place in the result and nothing else", () => {
  // A switch that both the machine and the telemetry look at shows in two places.
  const twice: Readonly<Record<string, string>> = {
    "purge_hardening.failure_tracking": "hardening.failureTracking",
    "purge_hardening.backoff": "hardening.backoff",
  };

  test.each(policyRows)("policy.yaml: %s", (key, value, place, expected) => {
    const config = load({ "policy.yaml": yaml(key, value) });
    const changed = [place, "policyVersion", twice[key] ?? place];
    expect(at(config, place)).toEqual(expected);
    expect(at(defaults, place)).not.toEqual(expected);
    expect(others(config, ...changed)).toEqual(others(defaults, ...changed));
    expect(config.policyVersion).not.toBe(defaults.policyVersion);
  });

  test.each(appRows)("app.yaml: %s", (key, value, place, expected) => {
    const config = load({ "app.yaml": `${yaml(key, value)}${companions[key] ?? ""}` });
    expect(at(config, place)).toEqual(expected);
    expect(at(defaults, place)).not.toEqual(expected);
    const changed = [place.replace(/\.tls\..*/, ".tls"), "app.nats.user"];
    expect(others(config, ...changed)).toEqual(others(defaults, ...changed));
  });

  test.each(universeRows)("universe.yaml: %s", (_key, text, place, expected) => {
    expect(at(load({ "universe.yaml": text }), place)).toEqual(expected);
    expect(at(defaults, place)).not.toEqual(expected);
  });
});

test.each<[SchemaName, readonly Row[]]>([
  ["policy", policyRows],
  ["universe", universeRows],
  ["app", appRows],
])("no key of %s.yaml is without such a test", (name, rows) => {
  expect(rows.map(([key]) => key)).toEqual(keysOf(fileSchemas[name].ast).map(({ path }) => path));
});

test("amounts keep every digit that the file has", () => {
  const exact = "5.000000000000000000000000000001";
  expect(load({ "policy.yaml": yaml(`${purge}.slice_usd`, exact) }).policy.slice_usd).toBe(exact);
});

test("an amount is compared as a decimal, not as a float", () => {
  const just = "0.999999999999999999999999999999"; // Number() of this is 1
  const result = parseConfig(
    configTexts({ "universe.yaml": tiers, "policy.yaml": yaml(`${purge}.slice_usd`, just) }),
    {},
  );
  expect(result.ok).toBe(false);
});

test("the policy version does not depend on how a value is written", () => {
  const written = (value: string) => load({ "policy.yaml": yaml(`${purge}.slice_usd`, value) }).policyVersion;
  expect(written("5.00")).toBe(defaults.policyVersion);
  expect(written("5.01")).not.toBe(defaults.policyVersion);
});

test("a section with nothing in it means its defaults", () => {
  expect(load({ "policy.yaml": "backoff:\nportfolio_management:\n  purge_execution: {}\n" })).toEqual(
    defaults,
  );
});
