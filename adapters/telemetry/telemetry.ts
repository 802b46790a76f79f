// Log, metrics and status of one run, all fed by one callback: observations go in, and nothing comes back to the actors.
import type { Observation, Observe, SymbolStatus } from "../../actors/ports.ts";
import type { Timestamp } from "../../machines/mod.ts";
import type { LogLine } from "./lines.ts";
import { createLogger, type LoggerOptions } from "./logger.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createNarrator, type NarratorOptions } from "./narrator.ts";
import { createTracker, type Tracker } from "./tracker.ts";

export interface TelemetryOptions extends Omit<LoggerOptions, "base">, Omit<NarratorOptions, "now"> {
  readonly version: string;
  readonly mode: string;
}

export interface Telemetry {
  /** Never throws. */
  readonly observe: Observe;
  readonly metrics: Metrics;
  readonly tracker: Tracker;
  overview(): Overview;
}

/** The run as a whole, at this moment: for whoever asks from outside. */
export interface Overview extends Pick<Tracker, "connected" | "venue" | "lastCycle"> {
  readonly startedAt: Timestamp;
  readonly symbols: readonly SymbolStatus[];
}

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { version, mode } = options;
  const logger = createLogger({ ...options, base: { service: "purgatory", version, mode } });
  const now = (): number => options.clock.now();
  const narrate = createNarrator({ ...options, now });
  const metrics = createMetrics({ version, mode, node: process.versions.node });
  const tracker = createTracker();
  const tell = (observation: Observation): void => {
    for (const line of narrate(observation)) logger.log(line);
  };
  const parts = { tracker: tracker.observe, metrics: metrics.observe, log: tell };
  const startedAt = new Date(now()).toISOString();
  return {
    observe: eachOnItsOwn(parts, logger.log),
    metrics,
    tracker,
    overview() {
      const { connected, venue, lastCycle } = tracker;
      return { startedAt, connected, venue, lastCycle, symbols: tracker.symbols() };
    },
  };
}

/** Gives each observation to every part, whatever the others do with it: a fault in a metric is no reason to stop selling.
 *
 * Each fault is told once: it would come back with every observation of its kind. */
export function eachOnItsOwn(
  parts: Readonly<Record<string, Observe>>,
  report: (line: LogLine) => void,
): Observe {
  const told = new Set<string>();
  const fault = (part: string, observation: Observation, error: unknown): void => {
    const key = `${part}/${observation.kind}`;
    if (told.has(key)) return;
    told.add(key);
    try {
      report({
        level: "error",
        msg: `Telemetry: ${part} could not take in "${observation.kind}"; further ones are not reported`,
        fields: { line: "note", err: error },
      });
    } catch {
      // The log itself is what fails: there is nobody left to tell.
    }
  };
  return (observation) => {
    for (const [part, observe] of Object.entries(parts)) {
      try {
        observe(observation);
      } catch (error) {
        fault(part, observation, error);
      }
    }
  };
}
