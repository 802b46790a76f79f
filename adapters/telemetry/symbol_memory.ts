// What observers read from a journal record: the machine's memory after the event, and how that event was taken.
import type { JournalRecord } from "../../actors/ports.ts";
import { type Outcome, PurgeContext, type Rejection } from "../../machines/mod.ts";

const CONTEXT_KEYS = Object.keys(PurgeContext.fields);

/** The machine's context after the event; null when the snapshot is not in a shape that this version knows.
 *
 * Its values are trusted: the actor that wrote the record made them, and every edge that they may have crossed since has
 * decoded them. Decoding once more for each observer would cost more than all else that observers do. */
export function memoryOf(record: JournalRecord): PurgeContext | null {
  return isSnapshot(record.snapshot) ? record.snapshot.context : null;
}

function isSnapshot(snapshot: unknown): snapshot is { readonly context: PurgeContext } {
  if (typeof snapshot !== "object" || snapshot === null || !("context" in snapshot)) return false;
  const { context } = snapshot;
  return typeof context === "object" && context !== null && CONTEXT_KEYS.every((key) => key in context);
}

/** The state without what is nested in it: `purging.resting` is `purging`; the two halves of `backoff` stay apart. */
export function mainState(state: string): string {
  return state.startsWith("backoff.") ? state : (state.split(".")[0] ?? state);
}

export function isWorking(state: string): boolean {
  return state.startsWith("purging.") || state.startsWith("retrying.");
}

/** Whether this event began an attempt. */
export function startedAttempt({ event, state, path }: JournalRecord): boolean {
  return event.type === "purge.requested" && path.length > 0 && isWorking(state);
}

/** How the attempt ended that ended with this event; null when none did.
 *
 * The state `failed` alone does not tell: an interrupted retry, a resumed symbol and an imported record come to rest
 * there too, and none of them is a failure. */
export function endedAttempt(record: JournalRecord): Outcome | null {
  if (!record.path.some(isWorking) || isWorking(record.state)) return null;
  return memoryOf(record)?.last_outcome ?? null;
}

/** The exchange's refusal of an order, if this event brought one and the machine took notice. A repeated or late one is
 * recorded too, but moves nothing and is not one refusal more. */
export function refusedOrder({ event, path }: JournalRecord): RefusedOrder | null {
  if (path.length === 0) return null;
  const isRefusal =
    event.type === "order.rejected" || (event.type === "order.update" && event.status === "failed");
  if (!isRefusal || event.rejection === null) return null;
  return { clientOrderId: event.client_order_id, rejection: event.rejection };
}
export interface RefusedOrder {
  readonly clientOrderId: string;
  readonly rejection: Rejection;
}

/** Whose fault an interruption was. */
export type Fault = "venue" | "account" | "transport" | "operator" | "nobody";
export const FAULTS: readonly Fault[] = ["venue", "account", "transport", "operator", "nobody"];

export function faultOf(outcome: Outcome): Fault {
  switch (outcome.rejection?.class) {
    case "venue":
    case "account":
    case "transport":
      return outcome.rejection.class;
    default:
      return FAULT_BY_CODE.get(outcome.code) ?? "nobody";
  }
}

/** Interruptions that the machine itself found, without a word of the exchange. */
const FAULT_BY_CODE: ReadonlyMap<string, Fault> = new Map([
  ["OPERATOR", "operator"],
  ["NO_ANSWER", "transport"],
  ["INSUFFICIENT_FUND", "account"],
]);

/** Whether this event sent an order on its way that was lost before, under the same id. */
export function isPlacedAgain({ event }: JournalRecord): boolean {
  return event.type === "order.unknown";
}
