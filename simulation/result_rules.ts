// No result is lost: one that was acknowledged is in the journal, or says nothing that the journal does not know.
import type { JournalRecord } from "../actors/ports.ts";
import { decode, type TransportMessage } from "../adapters/bus/mod.ts";
import { type OrderResult, startPurge, type TradingSymbol } from "../machines/mod.ts";
import type { RecordRules } from "./record_rules.ts";
import type { Whistle } from "./invariants.ts";

/** Snapshots of a symbol that a result may have met, the newest last. */
const KEPT = 12;

export class ResultRules {
  readonly #ledgerId: string;
  readonly #records: RecordRules;
  readonly #whistle: Whistle;
  readonly #recorded = new Set<string>();
  readonly #snapshots = new Map<TradingSymbol, unknown[]>();
  acknowledged = 0;

  constructor(ledgerId: string, records: RecordRules, whistle: Whistle) {
    this.#ledgerId = ledgerId;
    this.#records = records;
    this.#whistle = whistle;
  }

  recorded({ event, symbol, snapshot }: JournalRecord): void {
    this.#recorded.add(keyOf(event));
    const snapshots = this.#snapshots.get(symbol) ?? [];
    snapshots.push(snapshot);
    if (snapshots.length > KEPT) snapshots.shift();
    this.#snapshots.set(symbol, snapshots);
  }

  /** The supervisor has told the server that it need not deliver this again.
   *
   * @param deliveries how often it was delivered: that an order was not found is old news when it comes again */
  answered(message: TransportMessage, answer: "ack" | "term", deliveries: number): void {
    const decoded = decode("results", message);
    if (!decoded.ok) return;
    const result = decoded.body;
    if (result.type === "order.unknown" && deliveries > 1) return;
    if (answer === "term") {
      if (this.#records.last(result.symbol) === null) return;
      this.#whistle.blow("no_result_set_aside", `${result.type} of ${result.symbol} was set aside`);
      return;
    }
    this.acknowledged += 1;
    if (this.#recorded.has(keyOf(result)) || this.#saysNothing(result)) return;
    const state = this.#records.last(result.symbol)?.state ?? "unknown";
    const message_ = `${JSON.stringify(result)} was acknowledged, is not in the journal, and would move ${state}`;
    this.#whistle.blow("no_result_lost", message_);
  }

  #saysNothing(result: OrderResult): boolean {
    const { symbol } = result;
    const snapshots = this.#snapshots.get(symbol) ?? [];
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
