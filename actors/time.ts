// Epoch milliseconds as the timestamps of events and records.
import type { Timestamp } from "../machines/mod.ts";

/** RFC 3339, UTC, with milliseconds. */
export function stamp(epochMs: number): Timestamp {
  return new Date(epochMs).toISOString();
}
