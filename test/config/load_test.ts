// From a directory or from texts to a configuration, or to every problem at once.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import {
  configTexts,
  formatCheck,
  formatNotes,
  formatProblem,
  formatProblems,
  loadConfig,
  parseConfig,
  shippedConfigDir,
} from "../../config/mod.ts";

const tiers = "tiers: {core: {symbols: [SOL-USD]}}";

const check = (texts: Parameters<typeof configTexts>[0], env = {}) => parseConfig(configTexts(texts), env);
const lines = (texts: Parameters<typeof configTexts>[0]) => {
  const result = check(texts);
  return result.ok ? [] : result.problems.map(formatProblem);
};

describe("the shipped files", () => {
  const result = loadConfig(shippedConfigDir, {});

  test("are valid, with nothing to note", () => {
    expect(formatCheck(result)).toBe("✅ All configuration files are valid!");
  });

  test("say in policy.yaml and app.yaml what the defaults are", () => {
    const defaults = check({ "universe.yaml": tiers });
    if (!result.ok || !defaults.ok) throw new Error("neither may have a problem");
    const { universe: _shipped, ...shipped } = result.config;
    const { universe: _other, ...bare } = defaults.config;
    expect(shipped).toEqual(bare);
  });

  test("allow what the paper account may keep, exclude BONK and SEI, and know nothing of WLFI and PEPE", () => {
    if (!result.ok) throw new Error("must be valid");
    const { eligible, neverTrade, protectedCurrencies, bans } = result.config.universe;
    expect(eligible).toContain("SOL-USD");
    expect(neverTrade).toEqual(["BONK-USD", "SEI-USD"]);
    expect(protectedCurrencies).toEqual(["USD", "USDC", "USDT", "BTC", "ETH"]);
    expect([...eligible, ...bans.map((ban) => ban.symbol)]).not.toContain("WLFI-USD");
    expect(eligible).not.toContain("PEPE-USD");
  });
});

describe("every problem is reported at once", () => {
  test("across files, and beside a file that is not YAML", () => {
    expect(
      lines({
        "policy.yaml": "loop:\n\tinterval_seconds: 60\n",
        "universe.yaml": "tiers:\n  core:\n    symbols: [sol-usd, XRP-USD, XRP-USD]\nbans: none\n",
        "app.yaml": "log:\n  level: wran\nnats:\n  token: {env: NOT_SET}\n",
      }),
    ).toEqual([
      "policy.yaml:2: this line is indented with a tab; indent with spaces",
      'universe.yaml:3: tiers.core.symbols[0] is "sol-usd", not a symbol such as BONK-USD; did you mean SOL-USD?',
      "universe.yaml:3: tiers.core.symbols[2] is XRP-USD, listed already in line 3 (tiers.core.symbols[1]); delete one of them",
      "universe.yaml:4: bans is text, not a list; write one item a line, each after a dash",
      'app.yaml:2: log.level is "wran", not one of trace, debug, info, warn, error, fatal, silent; did you mean warn?',
      "app.yaml:4: nats.token is taken from the variable NOT_SET, which is not set; set it",
    ]);
  });

  test("within one file: syntax that can be got over, types, ranges, unknown keys and contradictions", () => {
    const text = [
      "portfolio_management:",
      "  max_candidate_share: 2",
      "  max_candidate_share: 3",
      "  purge_execution:",
      "    slice_usd: 0.5",
      "    slise_usd: 5",
      "    max_slices: many",
      "backoff:",
      "  base_hours: 5",
      "  max_hours: &x 4",
      "  factor: *x",
      "---",
      "loop: 1",
    ].join("\n");
    expect(
      lines({ "policy.yaml": text, "universe.yaml": tiers }).map((line) => line.replace(/ is .*/, "")),
    ).toEqual([
      "policy.yaml:3: this line writes max_candidate_share a second time in its section; delete one of them",
      "policy.yaml:3: portfolio_management.max_candidate_share",
      "policy.yaml:5: portfolio_management.purge_execution.slice_usd",
      "policy.yaml:6: portfolio_management.purge_execution.slise_usd",
      "policy.yaml:7: portfolio_management.purge_execution.max_slices",
      "policy.yaml:9: backoff.base_hours",
      "policy.yaml:11: backoff.factor",
      "policy.yaml:12: this line begins a second document; keep one document a file",
    ]);
  });

  test("a value at fault contradicts nothing: its own fault is enough", () => {
    const text = "execution:\n  min_notional_usd: lots\n";
    expect(lines({ "policy.yaml": text, "universe.yaml": tiers })).toHaveLength(1);
  });

  test("the taker threshold matters only while the fallback is on", () => {
    const text = (on: boolean) =>
      `portfolio_management: {purge_execution: {allow_taker_fallback: ${on}, taker_fallback_threshold_usd: 0}}`;
    expect(lines({ "policy.yaml": text(true), "universe.yaml": tiers })).toHaveLength(2);
    expect(lines({ "policy.yaml": text(false), "universe.yaml": tiers })).toEqual([]);
  });

  test("they are counted at the end", () => {
    const result = check({ "policy.yaml": "- a", "universe.yaml": "" });
    if (result.ok) throw new Error("must be refused");
    expect(formatProblems(result.problems).split("\n").at(-1)).toBe("❌ 2 problems in the configuration");
    expect(formatProblems(result.problems.slice(1)).split("\n").at(-1)).toBe(
      "❌ 1 problem in the configuration",
    );
  });
});

describe("missing files", () => {
  test("policy.yaml and app.yaml mean their defaults, with a note", () => {
    const result = check({ "universe.yaml": tiers });
    expect(formatCheck(result)).toBe(
      [
        "note: policy.yaml: is not there: every key has its default",
        "note: app.yaml: is not there: every key has its default",
        "✅ All configuration files are valid!",
      ].join("\n"),
    );
  });

  test("universe.yaml is a problem: nothing would say what may be held", () => {
    expect(lines({})).toEqual([expect.stringMatching(/^universe\.yaml: the file is missing: /)]);
  });
});

describe("what is not ours", () => {
  const notes = (texts: Parameters<typeof configTexts>[0]) => {
    const result = check({
      "app.yaml": "log: {}",
      "policy.yaml": "loop: {}",
      "universe.yaml": tiers,
      ...texts,
    });
    expect(result.ok).toBe(true);
    return formatNotes(result.notes).split("\n");
  };

  test("unknown sections are ignored with a note, whatever is in them", () => {
    expect(notes({ "policy.yaml": "ai:\n  enabled: !maybe 1\ntwap: [*x]\nloop: {}\n" })).toEqual([
      "note: policy.yaml:1: ai, twap: not a section of Purgatory's, ignored",
    ]);
  });

  test("an unknown section that may be a slip of the pen is asked about", () => {
    expect(notes({ "policy.yaml": "loop: {}\nbakoff:\n  factor: 3\n" })).toEqual([
      "note: policy.yaml:2: bakoff: not a section of Purgatory's, ignored",
      "note: policy.yaml:2: bakoff is ignored; did you mean backoff?",
    ]);
  });

  test("keys of the Python original are ignored with a note that names them", () => {
    expect(notes({ "policy.yaml": "risk:\n  dust_threshold_usd: 3.0\n  max_open_positions: 12\n" })).toEqual([
      "note: policy.yaml:3: risk: max_open_positions: without effect here, ignored",
    ]);
  });

  test("a key of ours in the wrong place is pointed at", () => {
    expect(notes({ "policy.yaml": "execution:\n  taker_max_slippage_bps: {T1: 20}\n" })).toContain(
      "note: policy.yaml:2: execution.taker_max_slippage_bps is ignored; " +
        "did you mean portfolio_management.purge_execution.taker_max_slippage_bps?",
    );
  });

  test("what else a tier says is ignored", () => {
    expect(
      notes({ "universe.yaml": "tiers:\n  core:\n    refresh: weekly\n    symbols: [SOL-USD]\n" }),
    ).toEqual(["note: universe.yaml:3: tiers.core: refresh: without effect here, ignored"]);
  });

  test("settings that are sound but surprising are noted", () => {
    const policy = "purge_hardening: {failure_tracking: false}\nholdings: {max_age_seconds: 90}";
    const app = "http: {host: 0.0.0.0, port: 9100}";
    expect(
      notes({ "policy.yaml": policy, "app.yaml": app, "universe.yaml": "tiers: {}\nprotected: []" }),
    ).toEqual([
      "note: policy.yaml: purge_hardening.backoff has no effect while failure_tracking is false: nothing is counted",
      "note: policy.yaml: holdings.max_age_seconds has no effect while holdings.source names no bot",
      "note: universe.yaml: protected is empty: cash and stablecoins count as positions too",
      "note: universe.yaml:1: no tier lists a symbol: with an empty universe nothing is purged",
      "note: app.yaml: http.host 0.0.0.0 shows metrics to whoever reaches this machine, without a password",
    ]);
  });
});

test("a byte order mark and Windows line ends are no problem", () => {
  expect(
    lines({ "policy.yaml": "\ufeffloop:\r\n  interval_seconds: 30\r\n", "universe.yaml": tiers }),
  ).toEqual([]);
});

test("a line number counts from the first line, whatever ends the lines", () => {
  expect(lines({ "policy.yaml": "loop:\r\n\r\n  interval_seconds: 0\r\n", "universe.yaml": tiers })).toEqual([
    "policy.yaml:3: loop.interval_seconds is 0, under the minimum 1; raise it",
  ]);
});

test("a value that a thousand aliases would multiply is refused in one line", () => {
  const text = `backoff:\n  factor: &a [${"1,".repeat(50)}]\n  base_hours: [*a, *a, *a]\n`;
  expect(lines({ "policy.yaml": text, "universe.yaml": tiers }).length).toBeGreaterThan(0);
});

test("a file nested without end is refused, not crashed on", () => {
  const found = lines({ "policy.yaml": "[".repeat(50_000), "universe.yaml": tiers });
  expect(found.length).toBeGreaterThan(0);
  expect(found.length).toBeLessThan(20);
});

test("a value nested over twenty deep is refused, not followed", () => {
  const found = lines({
    "policy.yaml": `backoff: ${"[".repeat(30)}${"]".repeat(30)}`,
    "universe.yaml": tiers,
  });
  expect(found[0]).toMatch(/^policy\.yaml:1: backoff(\[0\])+ is nested over 20 deep; write it flatter$/);
});

test("the example in docs/configuration.md is what the check prints", () => {
  const policy = Array.from({ length: 31 }, () => "");
  policy[9] = "portfolio_management:";
  policy[10] = "  purge_execution:";
  policy[11] = "    slice_usd: 0.5";
  policy[20] = "execution: {min_notional_usd: 1}";
  policy[29] = "backoff:";
  policy[30] = "  base_hour: 1";
  const universe = "\n\n\ntiers:\n  core:\n    symbols:\n      [BTC-USD, eth-usd]\n";
  const result = check({
    "policy.yaml": policy.join("\n"),
    "universe.yaml": universe,
    "app.yaml": "log: {}",
  });
  const page = readFileSync(resolve(import.meta.dirname, "../../docs/configuration.md"), "utf8");
  expect(page).toContain(`\`\`\`text\n${formatCheck(result)}\n\`\`\``);
});

describe("two values that must agree may be equal", () => {
  const purge = "portfolio_management.purge_execution";
  const section = (path: string, value: number) => {
    const steps = path.split(".");
    return steps.reduceRight((inner, step) => `{${step}: ${inner}}`, String(value)).slice(1, -1);
  };
  test.each([
    [
      `${purge}.replace_seconds`,
      "portfolio_management: {purge_execution: {replace_seconds: 90, max_duration_seconds: 90}}",
    ],
    [
      `${purge}.max_consecutive_no_fill`,
      "portfolio_management: {purge_execution: {max_consecutive_no_fill: 7, max_slices: 7}}",
    ],
    [`${purge}.cushion_ticks`, "portfolio_management: {purge_execution: {cushion_ticks: 3}}"],
    [`${purge}.slice_usd`, section("execution.min_notional_usd", 5)],
    [`${purge}.taker_fallback_threshold_usd`, section(`${purge}.taker_fallback_threshold_usd`, 8)],
    ["portfolio_management.min_liquidation_value_usd", section("risk.dust_threshold_usd", 5)],
    ["backoff.base_hours", section("backoff.base_hours", 4)],
  ])("%s", (_path, policy) => {
    expect(lines({ "policy.yaml": policy, "universe.yaml": tiers })).toEqual([]);
  });

  test.each([
    section("breaker.venue_cooldown_seconds", 900),
    section("gateway.base_delay_ms", 5000),
    section("limits.group_records", 1024),
    section("gateway.poll_seconds", 45),
  ])("app.yaml: %s", (app) => {
    expect(lines({ "app.yaml": app, "universe.yaml": tiers })).toEqual([]);
  });
});
