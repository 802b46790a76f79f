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

/** Steps that are read from the journal at a time. */
const READ_AT_ONCE = 256;
/** Steps that may wait in memory while the bus is slow or gone; more are read from the journal when it is back. */
const WAITING_MAX = 4_096;
/** When a bus that refused is tried again, unless it says itself that it is back. */
const AGAIN_MS = 1_000;

/** Goes on after the last step that the bus keeps of this ledger; where it keeps none, after the last of each symbol.
 *
 * A bus that is away is asked when it is back. Rejects with `BusError` when it is there and does not tell.
 */
export async function startTransitionFeed(
  options: TransitionFeedOptions,
  link: Link,
): Promise<TransitionFeed> {
  const feed = new Feed(options, await options.journal.latest());
  await feed.start(link);
  return feed;
}

class Feed implements TransitionFeed {
  readonly #options: TransitionFeedOptions;
  readonly #cancelConnection: Cancel;
  readonly #latest: readonly JournalRecord[];
  /** Sent before all else, and only once: where everyone stands. */
  #first: readonly JournalRecord[] = [];
  /** Whether the bus has been asked how far the last life got. Until then `#sent` means nothing. */
  #isAsked = false;
  /** Everything up to here was taken by the bus. */
  #sent = 0;
  /** The last step that is durable. */
  #end: number;
  /** The steps that follow `#sent`, without a gap; empty where they must be read from the journal. */
  #waiting: JournalRecord[] = [];
  #wake: (() => void) | null = null;
  /** Ends the waiting of `stop` when the connection is lost. */
  #giveUp: (() => void) | null = null;
  #isStopping = false;
  #isTroubled = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: TransitionFeedOptions, latest: readonly JournalRecord[]) {
    this.#options = options;
    this.#latest = latest;
    this.#end = latest.at(-1)?.seq ?? 0;
    this.#cancelConnection = options.bus.onConnection((connected) => {
      if (connected) this.#wake?.();
      else this.#giveUp?.();
    });
  }

  async start(link: Link): Promise<void> {
    try {
      if (this.#options.bus.connected) await this.#ask();
    } catch (error) {
      this.#cancelConnection();
      throw error;
    }
    this.#loop = this.#run().catch((error: unknown) => {
      this.#cancelConnection();
      // What fails while everything is closed is no news.
      if (!this.#isStopping) link.exit({ crash: error instanceof Error ? error : new Error(String(error)) });
    });
  }

  push(record: JournalRecord): void {
    const follows = this.#isAsked && this.#sent + this.#waiting.length + 1 === record.seq;
    if (follows && this.#waiting.length < WAITING_MAX) this.#waiting.push(record);
    this.#end = Math.max(this.#end, record.seq);
    if (!this.#isTroubled) this.#wake?.();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#wake?.();
    // Without a connection nothing arrives; what was under way is sent again by the next life.
    if (this.#options.bus.connected) {
      const gone = new Promise<void>((resolve) => {
        this.#giveUp = resolve;
      });
      await Promise.race([this.#loop, gone]);
    }
    this.#cancelConnection();
  }

  async #run(): Promise<void> {
    while (!this.#isOver()) {
      if (!this.#isAsked) {
        if (!(await this.#ask())) await this.#troubled("the bus does not tell yet which ones it has");
      } else if (this.#first.length > 0) {
        this.#first = this.#first.slice(await this.#publish(this.#first));
      } else if (this.#sent >= this.#end) {
        await this.#sleep();
      } else {
        const taken = await this.#publish(this.#waiting.length > 0 ? this.#waiting : await this.#read());
        this.#sent += taken;
        this.#waiting.splice(0, taken);
      }
    }
  }

  /** A feed that is to stop still sends what it has in hand, as long as the bus takes it. */
  #isOver(): boolean {
    return this.#isStopping && (this.#isTroubled || !this.#isAsked || this.#waiting.length === 0);
  }

  /** Where to go on; false when the bus is not there to be asked. */
  async #ask(): Promise<boolean> {
    const { bus, journal } = this.#options;
    const end = this.#latest.at(-1)?.seq ?? 0;
    try {
      const kept = await bus.lastTransition(journal.ledgerId);
      this.#sent = Math.min(kept ?? end, end);
      if (kept === null) this.#first = this.#latest;
    } catch (error) {
      if (error instanceof BusError && error.reason === "disconnected") return false;
      throw error;
    }
    this.#isTroubled = false;
    this.#isAsked = true;
    return true;
  }

  async #read(): Promise<readonly JournalRecord[]> {
    const records: JournalRecord[] = [];
    for await (const record of this.#options.journal.read({ afterSeq: this.#sent, limit: READ_AT_ONCE })) {
      records.push(record);
    }
    if (records.length === 0) throw new Error(`the journal has lost what follows record ${this.#sent}`);
    return records;
  }

  /** How many of `records`, from the first on, the bus has taken. One after the other: the next life goes on after the last
   * one that the bus keeps, and would never miss one before it. */
  async #publish(records: readonly JournalRecord[]): Promise<number> {
    for (const [taken, record] of records.entries()) {
      const failure = await this.#publishOne(record);
      if (failure !== null) {
        await this.#troubled(`they wait from ${record.seq} on: ${failure.message}`);
        return taken;
      }
      this.#isTroubled = false;
    }
    return records.length;
  }

  /** Null when the bus has taken it, or it is not for the bus at all. */
  async #publishOne(record: JournalRecord): Promise<BusError | null> {
    const { bus, journal, observe } = this.#options;
    try {
      await bus.publish("transitions", { ledger_id: journal.ledgerId, ...record });
      return null;
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      if (error.reason !== "encode") return error;
      const message = `transition ${record.seq} of ${record.symbol} cannot be sent: ${error.message}`;
      observe({ kind: "note", level: "error", message });
      return null;
    }
  }

  /** Waits until the bus is back, or a moment. Told once, until the bus takes something again. */
  async #troubled(why: string): Promise<void> {
    const { observe, clock } = this.#options;
    if (!this.#isTroubled && !this.#isStopping) {
      observe({ kind: "note", level: "warn", message: `observers get no transitions: ${why}` });
    }
    this.#isTroubled = true;
    const cancel = clock.schedule(clock.now() + AGAIN_MS, () => this.#wake?.());
    await this.#sleep();
    cancel();
  }

  async #sleep(): Promise<void> {
    if (this.#isStopping) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = null;
  }
}
