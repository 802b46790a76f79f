// No result is lost: one that was acknowledged is in the journal, or says nothing that the journal does not know.
import type { JournalRecord } from "../actors/ports.ts";
import { decode, type TransportMessage } from "../adapters/bus/mod.ts";
import { type OrderResult, startPurge, type TradingSymbol } from "../machines/mod.ts";
import type { RecordRules } from "./record_rules.ts";
import type { Whistle } from "./invariants.ts";

/** Its `deliveries` may still grow. */
type Taken = TransportMessage & { readonly deliveries: number };

export class ResultRules {
  readonly #ledgerId: string;
  readonly #records: RecordRules;
  readonly #whistle: Whistle;
  readonly #recorded = new Set<string>();
  readonly #snapshots = new Map<TradingSymbol, unknown[]>();

  constructor(ledgerId: string, records: RecordRules, whistle: Whistle) {
    this.#ledgerId = ledgerId;
    this.#records = records;
    this.#whistle = whistle;
  }

  recorded({ event, symbol, snapshot }: JournalRecord): void {
    this.#recorded.add(keyOf(event));
    const snapshots = this.#snapshots.get(symbol) ?? [];
    snapshots.push(snapshot);
    this.#snapshots.set(symbol, snapshots);
  }

  /** The supervisor has a message in hand. The states that it may meet begin with the last durable one.
   *
   * @param now epoch milliseconds by the supervisor's own clock, which may be set wrong
   * @returns to be called when the server has been told that it need not deliver this again */
  taken(message: Taken, now: number): (answer: "ack" | "term") => void {
    const decoded = decode("results", message);
    if (!decoded.ok) return () => {};
    const result: OrderResult = { ...decoded.body, at: new Date(now).toISOString() };
    const known = this.#snapshots.get(result.symbol)?.length ?? 0;
    return (answer) => {
      // That an order was not found is old news when it comes again.
      if (result.type === "order.unknown" && message.deliveries > 1) return;
      this.#answered(result, answer, known - 1);
    };
  }

  /** @param from the first of the states that it may have met, by number */
  #answered(result: OrderResult, answer: "ack" | "term", from: number): void {
    if (answer === "term") {
      if (this.#records.last(result.symbol) === null) return;
      this.#whistle.blow("no_result_set_aside", `${result.type} of ${result.symbol} was set aside`);
      return;
    }
    if (this.#recorded.has(keyOf(result)) || this.#saysNothing(result, from)) return;
    const state = this.#records.last(result.symbol)?.state ?? "unknown";
    const message = `${JSON.stringify(result)} was acknowledged, is not in the journal, and would move ${state}`;
    this.#whistle.blow("no_result_lost", message);
  }

  #saysNothing(result: OrderResult, from: number): boolean {
    const { symbol } = result;
    const snapshots = this.#snapshots.get(symbol)?.slice(Math.max(0, from)) ?? [];
    return snapshots.some((snapshot) => {
      const { changed } = startPurge({ ledgerId: this.#ledgerId, symbol, snapshot }).step(result);
      return !changed;
    });
  }
}

/** An event without the time at which it was received. */
function keyOf({ at: _, ...event }: { readonly at: string }): string {
  return JSON.stringify(event);
}
