// Whether this process is alive and whether it can do its work, with the reasons when not.
import type { Timestamp } from "../../machines/mod.ts";
import type { Tracker } from "./tracker.ts";

export interface Verdict {
  readonly ok: boolean;
  /** Empty when `ok`. */
  readonly reasons: readonly string[];
}

/** Alive: no supervisor has given up for good. What is not alive wants a restart. */
export function health(tracker: Pick<Tracker, "escalated">): Verdict {
  return verdict(tracker.escalated.map((name) => `supervisor ${name} gave up after too many restarts`));
}

export interface ReadinessInput {
  readonly isJournalOpen: boolean;
  readonly isBusConnected: boolean;
  readonly holdingsReadAt: Timestamp | null;
  /** Milliseconds. A few cycles' length: one missed reading is no reason to worry. */
  readonly maxHoldingsAgeMs: number;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Ready: able to purge. What is not ready wants patience, or an operator. */
export function readiness(input: ReadinessInput): Verdict {
  const reasons: string[] = [];
  if (!input.isJournalOpen) reasons.push("the journal is not open");
  if (!input.isBusConnected) reasons.push("the bus is not connected");
  const stale = holdingsProblem(input);
  if (stale !== null) reasons.push(stale);
  return verdict(reasons);
}

function holdingsProblem({ holdingsReadAt, maxHoldingsAgeMs, now }: ReadinessInput): string | null {
  if (holdingsReadAt === null) return "the account's holdings have not been read yet";
  const ageMs = now - Date.parse(holdingsReadAt);
  if (ageMs <= maxHoldingsAgeMs) return null;
  const [age, most] = [ageMs, maxHoldingsAgeMs].map((ms) => Math.round(ms / 1_000));
  return `the account's holdings were last read ${age} s ago, more than ${most} s`;
}

function verdict(reasons: readonly string[]): Verdict {
  return { ok: reasons.length === 0, reasons };
}
