// What happened, in words: an observation in, log lines out. It writes nothing itself, so that the words are tested
// without a log.
import type { Observation } from "../../actors/ports.ts";
import type { Level } from "./line_table.ts";
import { type LogLine, say } from "./lines.ts";
import { createNeighbours } from "./narrate_neighbours.ts";
import { narrateTransition } from "./narrate_transition.ts";
import { agoText, durationText, oneLine } from "./text.ts";

export interface NarratorOptions {
  /** `purge_hardening.detailed_errors`: whether refusals are logged with preview failure and raw response. */
  readonly detailedErrors: boolean;
  /** A group commit that takes longer is reported. Milliseconds. */
  readonly slowCommitMs?: number;
  /** Epoch milliseconds. What repeats within a minute is told a few times only. */
  readonly now: () => number;
}

type Of<Kind extends Observation["kind"]> = Extract<Observation, { readonly kind: Kind }>;

/** Puts an observation into words: none, one or several lines, in the order in which they belong in the log. */
export function createNarrator(options: NarratorOptions): (observation: Observation) => readonly LogLine[] {
  const { detailedErrors, slowCommitMs = 1_000, now } = options;
  const neighbours = createNeighbours(now);
  return (observation) => {
    switch (observation.kind) {
      case "transition":
        return narrateTransition(observation.record, observation.recovered, detailedErrors);
      case "cycle.completed":
        return [cycle(observation)];
      case "purge.skipped":
        return [skipped(observation)];
      case "purge.retrying":
        return [retrying(observation)];
      case "venue":
        return [venue(observation)];
      case "commit":
        return observation.durationMs > slowCommitMs ? [slowJournal(observation)] : [];
      case "queue":
        return [];
      case "dead_letter":
        return [deadLetter(observation)];
      case "connection":
        return [say(observation.connected ? "bus_connected" : "bus_lost", {})];
      case "bus":
        return neighbours.bus(observation);
      case "operator":
        return neighbours.operator(observation);
      case "holdings.refused":
        return neighbours.holdings(observation);
      case "child":
        return [child(observation)];
      case "gateway.retry":
        return [gatewayRetry(observation)];
      case "note":
        return [note(observation)];
    }
  };
}

function cycle({ report }: Of<"cycle.completed">): LogLine {
  const { cycle, positions, candidates, started, skipped, heldBack } = report;
  const fields = { cycle, at: report.at, duration_ms: report.durationMs, positions, candidates, started };
  if (heldBack !== null) return say("cycle_held_back", { cycle, reason: heldBack }, fields);
  const counts = { candidates: candidates.length, started: started.length, skipped: skipped.length };
  const level = candidates.length === 0 ? "debug" : "info";
  return say("cycle_completed", { cycle, positions, ...counts }, fields, level);
}

const SKIP_LEVELS: Partial<Record<string, Level>> = { busy: "debug" };

function skipped({ symbol, skip }: Of<"purge.skipped">): LogLine {
  if (skip.why !== "backoff") {
    const { why, detail } = skip;
    return say("purge_not_started", { symbol, why, detail }, { symbol, why }, SKIP_LEVELS[why]);
  }
  const { failures, backoffMs, remainingMs } = skip;
  const [backoff, remaining] = [durationText(backoffMs), durationText(remainingMs)];
  const fields = { symbol, failures, backoff_ms: backoffMs, remaining_ms: remainingMs };
  return say("purge_skipped", { symbol, count: failures, backoff, remaining }, fields);
}

function retrying({ symbol, failures, lastFailedAt, at }: Of<"purge.retrying">): LogLine {
  const ago = agoText(Date.parse(at) - Date.parse(lastFailedAt));
  const fields = { symbol, failures, last_failed_at: lastFailedAt, at };
  return say("purge_retrying", { symbol, count: failures, ago }, fields);
}

function venue({ venue: { state, at, cause, reason, until } }: Of<"venue">): LogLine {
  const fields = { state, at, cause, reason, until };
  if (state === "closed") return say("venue_closed", {}, fields);
  if (state === "half_open") return say("venue_half_open", {}, fields);
  const words = {
    cause: cause ?? "venue",
    reason: reason ?? "no reason given",
    until: until ?? "further notice",
  };
  return say("venue_open", words, fields);
}

function slowJournal({ records, durationMs, pending }: Of<"commit">): LogLine {
  const fields = { records, duration_ms: durationMs, pending };
  return say("journal_slow", { records, ms: Math.round(durationMs), pending }, fields);
}

function deadLetter({ symbol, reason }: Of<"dead_letter">): LogLine {
  return say("dead_letter", { symbol: symbol ?? "no symbol", reason }, { symbol, reason });
}

function child({ supervisor, child, what, reason }: Of<"child">): LogLine {
  const fields = { supervisor, child, reason };
  if (what === "started") return say("child_started", { supervisor, child }, fields);
  const level = what === "exited" && isOrderly(reason) ? "debug" : undefined;
  const because = reason === null ? "" : `: ${reason}`;
  return say(`child_${what}`, { supervisor, child, because }, fields, level);
}

/** The reasons that are no failures, as supervisors word them. */
function isOrderly(reason: string | null): boolean {
  return reason === null || reason === "normal" || /^shutdown(?::|$)/.test(reason);
}

function gatewayRetry({ symbol, attempt, message }: Of<"gateway.retry">): LogLine {
  const words = { symbol: symbol ?? "the account", attempt, message };
  return say("gateway_retry", words, { symbol, attempt });
}

function note({ level, message, data }: Of<"note">): LogLine {
  const fields = data === undefined ? {} : { data };
  return { level, msg: oneLine(message), fields: { line: "note", ...fields } };
}
