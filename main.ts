#!/usr/bin/env node
// The command line: the only file that may import from every room.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as Result from "effect/Result";
import { describeEnd } from "./actors/child_spec.ts";
import type { Universe } from "./actors/eligibility.ts";
import type { Bus, Clock } from "./actors/ports.ts";
import { startTree } from "./actors/tree.ts";
import { inProcessTransport, messageBus, natsTransport } from "./adapters/bus/mod.ts";
import { pacedClock, systemClock } from "./adapters/clock/mod.ts";
import { openPaperExchange, readPaperScript } from "./adapters/exchange/mod.ts";
import { openJournalReader, openSqliteJournal } from "./adapters/journal/mod.ts";
import { createTelemetry } from "./adapters/telemetry/mod.ts";
import { formatProblems, loadConfig, shippedConfigDir, type UniverseConfig } from "./config/mod.ts";

const { values } = parseArgs({
  options: {
    cycles: { type: "string" },
    speed: { type: "string" },
    state: { type: "string", default: ".purgatory" },
    nats: { type: "string" },
    config: { type: "string", default: shippedConfigDir },
    script: { type: "string" },
    json: { type: "boolean" },
  },
  allowPositionals: true,
});

function universe(config: UniverseConfig, now: number): Universe {
  const { eligible, neverTrade, bans, protectedCurrencies, updatedAt, maxAgeMs } = config;
  const isStale = updatedAt !== null && maxAgeMs !== null && now - Date.parse(updatedAt) > maxAgeMs;
  const inForce = bans.filter(({ until }) => until === null || Date.parse(until) > now);
  return {
    eligible: new Set(eligible),
    excluded: new Set(neverTrade),
    bans: new Map(inForce.map(({ symbol, reason }) => [symbol, reason ?? "no reason given"])),
    protectedCurrencies: new Set(protectedCurrencies),
    unusable:
      eligible.length === 0
        ? "universe.yaml names no eligible symbol"
        : isStale
          ? `universe.yaml is of ${updatedAt}`
          : null,
  };
}

const loaded = loadConfig(values.config, process.env);
if (!loaded.ok) {
  console.error(formatProblems(loaded.problems));
  process.exit(1);
}
const { config } = loaded;
const dir = join(values.state, "paper");
mkdirSync(dir, { recursive: true });
const journalFile = join(dir, "journal.sqlite");
const lastAt = await openJournalReader(journalFile).then(
  async (reader) => {
    const at = await reader.lastAt();
    await reader.close();
    return at === null ? 0 : Date.parse(at);
  },
  () => 0,
);
const start = Math.max(Date.now(), lastAt);
const speed = values.speed === "max" ? "max" : Number(values.speed ?? 1);
const clock: Clock & { close(): void } =
  speed === 1 && start === Date.now() ? systemClock() : pacedClock(start, speed);
const telemetry = createTelemetry({
  version: "0.1.0",
  mode: "paper",
  stream: process.stdout,
  level: config.app.log.level,
  pretty: values.json !== true,
  clock,
  detailedErrors: config.hardening.detailedErrors,
});
const openBus = async (): Promise<Bus> => {
  const transport =
    values.nats === undefined
      ? inProcessTransport()
      : await natsTransport({ servers: values.nats, name: "purgatory" }, telemetry.observe);
  return messageBus(transport, { clock, observe: telemetry.observe });
};
const tree = await startTree({
  clock,
  observe: telemetry.observe,
  openBus,
  openJournal: () => openSqliteJournal(journalFile),
  openExchange: async () =>
    openPaperExchange({
      file: join(dir, "exchange.sqlite"),
      script: readPaperScript(values.script ?? join(shippedConfigDir, "paper.yaml")),
      clock,
    }),
  gateway: { ...config.app.gateway, breaker: config.app.breaker, seed: "purgatory" },
  limits: config.app.limits,
  cycle: {
    intervalMs: config.cycle.intervalMs,
    jitterPct: config.cycle.jitterPct,
    maxPerCycle: config.cycle.maxLiquidationsPerCycle,
    rules: { ...config.cycle, graceCycles: config.cycle.ineligibleGraceCycles },
    policy: config.policy,
    universe: (now) => universe(config.universe, now),
    isDryRun: false,
    cycles: values.cycles === undefined ? null : Number(values.cycles),
    random: Math.random,
  },
  extra: [],
});
if (Result.isFailure(tree)) {
  console.error(tree.failure.message);
  process.exit(1);
}
const { root, finished } = tree.success;
process.once("SIGINT", () => void root.stop());
process.once("SIGTERM", () => void root.stop());
void finished.then(() => root.stop());
const end = await root.exited;
clock.close();
console.log(describeEnd(end), JSON.stringify(telemetry.tracker.summary()));
process.exitCode = end.kind === "stopped" ? 0 : 1;
