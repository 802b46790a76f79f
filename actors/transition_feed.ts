// Tells observers of every durable step, in order of seq: what the bus did not take is read from the journal again.
import type { Link } from "./child_spec.ts";
import { type Bus, BusError, type Cancel, type Clock, type Journal, type JournalRecord } from "./ports.ts";
import type { Observe } from "./ports.ts";

export interface TransitionFeed {
  /** A step has become durable. */
  push(record: JournalRecord): void;
  /** Waits for what is on its way. What is left unsent is sent by the next life, where the bus knows how far it got. */
  stop(): Promise<void>;
}

export interface TransitionFeedOptions {
  readonly bus: Bus;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly observe: Observe;
}

/** Steps on their way at a time. */
const IN_FLIGHT = 256;
/** Steps that may wait in memory while the bus is slow or gone; more are read from the journal when it is back. */
const WAITING_MAX = 4_096;
/** When a bus that refused is tried again, unless it says itself that it is back. */
const AGAIN_MS = 1_000;

/** Goes on after the last step that the bus keeps of this ledger; where it keeps none, after the last of each symbol. */
export async function startTransitionFeed(
  options: TransitionFeedOptions,
  link: Link,
): Promise<TransitionFeed> {
  const { bus, journal } = options;
  const latest = await journal.latest();
  const end = latest.at(-1)?.seq ?? 0;
  const kept = await bus.lastTransition(journal.ledgerId);
  const feed = new Feed(options, kept === null ? end : Math.min(kept, end), end);
  if (kept === null) feed.first = latest;
  feed.start(link);
  return feed;
}

class Feed implements TransitionFeed {
  /** Sent before all else, and only once: where everyone stands. */
  first: readonly JournalRecord[] = [];
  readonly #options: TransitionFeedOptions;
  readonly #cancelConnection: Cancel;
  /** Everything up to here was taken by the bus. */
  #sent: number;
  /** The last step that is durable. */
  #end: number;
  /** The steps that follow `#sent`, without a gap; empty where they must be read from the journal. */
  #waiting: JournalRecord[] = [];
  #wake: (() => void) | null = null;
  #isStopping = false;
  #isTroubled = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: TransitionFeedOptions, sent: number, end: number) {
    this.#options = options;
    this.#sent = sent;
    this.#end = end;
    this.#cancelConnection = options.bus.onConnection((connected) => {
      if (connected) this.#wake?.();
    });
  }

  start(link: Link): void {
    this.#loop = this.#run().catch((error: unknown) => {
      link.exit({ crash: error instanceof Error ? error : new Error(String(error)) });
    });
  }

  push(record: JournalRecord): void {
    const follows = this.#sent + this.#waiting.length + 1 === record.seq;
    if (follows && this.#waiting.length < WAITING_MAX) this.#waiting.push(record);
    this.#end = record.seq;
    if (!this.#isTroubled) this.#wake?.();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#cancelConnection();
    this.#wake?.();
    // Without a connection nothing arrives; what was under way is sent again by the next life.
    if (this.#options.bus.connected) await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping && this.first.length > 0) {
      const taken = await this.#publish(this.first.slice(0, IN_FLIGHT));
      this.first = this.first.slice(taken);
    }
    while (!this.#isStopping) {
      if (this.#sent >= this.#end) {
        await this.#sleep();
        continue;
      }
      const group = this.#waiting.length > 0 ? this.#waiting.slice(0, IN_FLIGHT) : await this.#read();
      const taken = await this.#publish(group);
      this.#sent += taken;
      this.#waiting.splice(0, taken);
    }
  }

  async #read(): Promise<readonly JournalRecord[]> {
    const records: JournalRecord[] = [];
    for await (const record of this.#options.journal.read({ afterSeq: this.#sent, limit: IN_FLIGHT })) {
      records.push(record);
    }
    if (records.length === 0) throw new Error(`the journal has lost what follows record ${this.#sent}`);
    return records;
  }

  /** How many of `records`, from the first on, the bus has taken. */
  async #publish(records: readonly JournalRecord[]): Promise<number> {
    const { observe, clock } = this.#options;
    const results = await Promise.allSettled(records.map((record) => this.#publishOne(record)));
    const failed = results.findIndex(({ status }) => status === "rejected");
    if (failed === -1) {
      this.#isTroubled = false;
      return records.length;
    }
    const failure = results[failed];
    if (!this.#isTroubled && !this.#isStopping && failure?.status === "rejected") {
      const message = `transitions wait from ${records[failed]?.seq} on: ${String(failure.reason)}`;
      observe({ kind: "note", level: "warn", message });
    }
    this.#isTroubled = true;
    if (!this.#isStopping) {
      const cancel = clock.schedule(clock.now() + AGAIN_MS, () => this.#wake?.());
      await this.#sleep();
      cancel();
    }
    return failed;
  }

  async #publishOne(record: JournalRecord): Promise<void> {
    const { bus, journal, observe } = this.#options;
    try {
      await bus.publish("transitions", { ledger_id: journal.ledgerId, ...record });
    } catch (error) {
      if (!(error instanceof BusError) || error.reason !== "encode") throw error;
      const message = `transition ${record.seq} of ${record.symbol} cannot be sent: ${error.message}`;
      observe({ kind: "note", level: "error", message });
    }
  }

  async #sleep(): Promise<void> {
    if (this.#isStopping) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = null;
  }
}
