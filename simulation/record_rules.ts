// What must be true of every durable record: each symbol's failures, rests and attempts, counted here a second time.
import { Schema } from "effect";
import type { JournalRecord } from "../actors/ports.ts";
import {
  createReplay,
  formatDivergence,
  PurgeContext,
  type PurgePolicy,
  SNAPSHOT_VERSION,
  type TradingSymbol,
} from "../machines/mod.ts";
import type { Whistle } from "./invariants.ts";

/** Where a symbol stands by its last record. */
export interface LastRecord {
  readonly state: string;
  readonly context: PurgeContext;
  /** When it became durable, epoch milliseconds of the world. */
  readonly since: number;
}

/** A question may be on its way for so long, to the gateway and from there. */
const ON_ITS_WAY_MS = 3 * 60_000;

const snapshotOf = Schema.decodeUnknownSync(Schema.Struct({ context: PurgeContext }));

export class RecordRules {
  readonly #ledgerId: string;
  readonly #whistle: Whistle;
  readonly #now: () => number;
  readonly #last = new Map<TradingSymbol, LastRecord>();
  readonly #replay = createReplay({ compareContext: true });
  #untoldBefore = 0;
  count = 0;

  constructor(ledgerId: string, whistle: Whistle, now: () => number) {
    this.#now = now;
    this.#ledgerId = ledgerId;
    this.#whistle = whistle;
  }

  last(symbol: TradingSymbol): LastRecord | null {
    return this.#last.get(symbol) ?? null;
  }

  liveOrder(symbol: TradingSymbol): string | null {
    return this.#last.get(symbol)?.context.attempt?.order?.request.client_order_id ?? null;
  }

  /** The exchange was asked for the market of a symbol. */
  asked(symbol: TradingSymbol): void {
    const last = this.last(symbol);
    if (last === null || last.context.attempt !== null || this.#now() - last.since < ON_ITS_WAY_MS) return;
    this.#whistle.blow("rest_is_quiet", `the market of ${symbol} was read, and ${symbol} is ${last.state}`);
  }

  take(record: JournalRecord): void {
    const { symbol, state, snapshot } = record;
    this.count += 1;
    this.#checkReplay(record);
    const { context } = snapshotOf(snapshot);
    const last = this.last(symbol);
    this.#last.set(symbol, { state, context, since: this.#now() });
    this.#checkFailures(record, last?.context ?? null, context);
    this.#checkAttempts(record, last, context);
  }

  /** The first record that observers have not heard of; null when they have heard of all. What was durable before a server
   * had any of this ledger is told by the last record of each symbol alone.
   *
   * @param ids of what they were told */
  untold(ids: readonly string[]): number | null {
    const told = new Set(ids.map((id) => Number(id.split("/")[2])));
    for (let seq = this.#untoldBefore + 1; seq <= this.count; seq += 1) if (!told.has(seq)) return seq;
    return null;
  }

  /** Nobody has been told anything yet. */
  noneTold(): void {
    this.#untoldBefore = this.count;
  }

  #checkReplay(record: JournalRecord): void {
    const replayed = this.#replay.take({
      ...record,
      ledger_id: this.#ledgerId,
      machine: SNAPSHOT_VERSION,
    });
    if (replayed.kind === "differs") {
      this.#whistle.blow("journal_replays", formatDivergence(replayed.divergence));
    } else if (replayed.kind !== "same") {
      const why = replayed.kind === "refused" ? replayed.message : replayed.kind;
      this.#whistle.blow("journal_replays", `record ${record.seq}: ${why}`);
    }
  }

  /** Failed attempts since the last success, counted from how each attempt ended. */
  #checkFailures(record: JournalRecord, before: PurgeContext | null, context: PurgeContext): void {
    const { seq, symbol, event } = record;
    const outcome = context.last_outcome;
    const hasEnded = outcome !== null && outcome.attempt !== (before?.last_outcome?.attempt ?? 0);
    const had = before?.failures ?? 0;
    const kind = hasEnded ? outcome.kind : event.type === "operator.reset" ? "sold" : "none";
    const expected = kind === "stuck" ? had + 1 : kind === "sold" ? 0 : had;
    if (context.failures === expected) return;
    const after = hasEnded
      ? `attempt ${outcome.attempt} ended as ${outcome.kind} (${outcome.code})`
      : event.type;
    const message = `${symbol}, record ${seq}: ${context.failures} failures after ${had} and ${after}; expected ${expected}`;
    this.#whistle.blow(
      kind === "interrupted" ? "interruptions_do_not_count" : "failures_are_counted",
      message,
    );
  }

  #checkAttempts(record: JournalRecord, last: LastRecord | null, context: PurgeContext): void {
    const { seq, symbol, event, state } = record;
    const before = last?.context ?? null;
    const from = last?.state ?? "idle";
    const had = before?.attempts ?? 0;
    const isStart = event.type === "purge.requested";
    if (context.attempts !== had + (isStart ? 1 : 0) || (isStart && before?.attempt != null)) {
      const message = `${symbol}, record ${seq}: attempt ${context.attempts} after ${had} with ${event.type} in ${state}`;
      this.#whistle.blow("attempts_are_numbered", message);
    }
    const isWoken = event.type === "deadline.reached" && state === "backoff.due";
    if (isWoken && before?.retry_at != null && event.at < before.retry_at) {
      const message = `${symbol}, record ${seq}: woken at ${event.at}, and was to rest until ${before.retry_at}`;
      this.#whistle.blow("rest_is_kept", message);
    }
    if (isStart && from === "backoff.waiting") {
      this.#whistle.blow("rest_is_kept", `${symbol}, record ${seq}: tried again while it was resting`);
    }
    const isNewFailure = context.failures > (before?.failures ?? 0);
    const policy = before?.attempt?.policy.backoff;
    if (isNewFailure && policy !== undefined) this.#checkRest(record, context, policy);
  }

  /** `min(base · factor^(n − after), max)`, and up to so many percent more. */
  #checkRest(
    { seq, symbol, at }: JournalRecord,
    context: PurgeContext,
    policy: PurgePolicy["backoff"],
  ): void {
    const { failures, retry_at } = context;
    const rests = failures >= policy.after_failures;
    const least = rests
      ? Math.min(policy.base_ms * policy.factor ** (failures - policy.after_failures), policy.max_ms)
      : 0;
    const rest = retry_at === null ? 0 : Date.parse(retry_at) - Date.parse(at);
    if (rest >= least && rest <= least * (1 + policy.jitter_pct / 100)) return;
    const message = `${symbol}, record ${seq}: rests ${rest} ms after ${failures} failures; expected ${least} ms and up to ${policy.jitter_pct} % more`;
    this.#whistle.blow("rest_is_kept", message);
  }
}
