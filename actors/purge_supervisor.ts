// The purge supervisor: one supervised actor for each held symbol, started from its last durable record, and what to do
// with an event that none of them survives.
import * as Result from "effect/Result";
import type { PurgeEvent, PurgeSnapshot, TradingSymbol } from "../machines/mod.ts";
import { Asked, type Told } from "./asked.ts";
import { type Child, describeEnd, type Link, type StopReason, type SupervisorEnd } from "./child_spec.ts";
import type { CommitPipeline } from "./commit_pipeline.ts";
import type { Symbols } from "./cycle.ts";
import { type DynamicSupervisor, dynamicSupervisorChild } from "./dynamic_supervisor.ts";
import type { Envelope } from "./envelope.ts";
import { Mailbox, type Unfinished } from "./mailbox.ts";
import type { Bus, Cancel, Clock, Delivery, Journal, JournalRecord, Observe } from "./ports.ts";
import { type Supervisor, supervisorChild } from "./supervisor.ts";
import type { World } from "./supervisor_core.ts";
import { SymbolActor } from "./symbol.ts";
import { type DetailedView, viewOf } from "./symbol_view.ts";
import { stamp } from "./time.ts";

export interface PurgeSupervisorOptions {
  readonly journal: Journal;
  readonly pipeline: CommitPipeline;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly observe: Observe;
  /** Told of every step after it is durable. */
  readonly onTransition: (record: JournalRecord) => void;
  readonly world: World;
  /** Events that may wait for one symbol. */
  readonly mailboxSize: number;
}

/** A symbol's actor may crash this often within the period; then the event in its way is set aside. */
const MAX_CRASHES = 3;
const CRASH_PERIOD_MS = 60_000;
/** How long a message waits whose symbol has no room for it, or is being restarted. */
const LATER_MS = 1_000;
/** Deliveries from the bus that may be unanswered: enough to fill a group commit. */
const MAX_IN_FLIGHT = 512;

/** A symbol of which nothing could be read. */
const UNKNOWN: DetailedView = {
  state: "suspended",
  isBusy: false,
  failures: 0,
  lastFailedAt: null,
  retryAt: null,
  backoffMs: 0,
  suspendedFor: null,
  endsFor: null,
  isBanned: false,
};

/** What is kept of a symbol between the lives of its actor. */
interface Post {
  /** Null before anything has happened. */
  view: DetailedView | null;
  lastSeq: number | null;
  /** Null while its actor starts, or starts again. */
  mailbox: Mailbox<Envelope> | null;
  actor: SymbolActor | null;
  /** Steps given to the journal and not yet durable. */
  pending: number;
  onFlushed: (() => void)[];
  /** Taken, and not finished: what the next life of the actor begins with. */
  held: Envelope[];
  crash: { readonly envelope: Envelope; readonly error: Error } | null;
  /** Set when even the news of the poison could not be processed. */
  setAside: string | null;
}

export class PurgeSupervisor implements Child, Symbols {
  readonly #options: PurgeSupervisorOptions;
  readonly #posts = new Map<TradingSymbol, Post>();
  readonly #boot = new Map<TradingSymbol, JournalRecord>();
  readonly #cancels: Cancel[] = [];
  readonly #asked = new Asked();
  #symbols: DynamicSupervisor<Supervisor, TradingSymbol> | null = null;

  private constructor(options: PurgeSupervisorOptions) {
    this.#options = options;
  }

  /** Listens for results, then brings back every symbol of the ledger, which ask again for what is open. */
  static async start(options: PurgeSupervisorOptions, link: Link): Promise<PurgeSupervisor> {
    const supervisor = new PurgeSupervisor(options);
    await supervisor.#start(link);
    return supervisor;
  }

  async #start(link: Link): Promise<void> {
    const { journal, bus, observe, world } = this.#options;
    const spec = dynamicSupervisorChild<Supervisor, TradingSymbol>(
      {
        name: "symbols",
        child: {
          type: "supervisor",
          restart: "temporary",
          start: (own, symbol) => this.#startSymbol(own, symbol),
        },
      },
      world,
    );
    this.#symbols = await spec.start(link);
    const records = await journal.latest();
    for (const record of records) {
      this.#boot.set(record.symbol, record);
      this.#post(record.symbol).lastSeq = record.seq;
      observe({ kind: "transition", record, recovered: true });
    }
    this.#cancels.push(
      await bus.consume("results", (delivery) => this.#takeResult(delivery), { maxInFlight: MAX_IN_FLIGHT }),
      bus.onConnection((connected) => {
        if (connected) for (const { actor } of this.#posts.values()) actor?.sendPending();
      }),
    );
    for (const { symbol } of records) await this.#spawn(symbol);
  }

  stop(reason: StopReason): void | Promise<void> {
    for (const cancel of this.#cancels.splice(0)) cancel();
    this.#asked.refuse("the supervisor of the symbols is stopping");
    const release = (): void =>
      this.#asked.release("the supervisor of the symbols stopped before the journal had answered");
    const stopping = this.#symbols?.stop(reason);
    if (stopping instanceof Promise) return stopping.finally(release);
    release();
  }

  /** The symbols' supervisors, for introspection. */
  get symbols(): DynamicSupervisor<Supervisor, TradingSymbol> | null {
    return this.#symbols;
  }

  view(symbol: TradingSymbol): DetailedView | null {
    const post = this.#posts.get(symbol);
    if (post === undefined) return null;
    if (post.setAside === null) return post.view;
    return { ...(post.view ?? UNKNOWN), state: "suspended", suspendedFor: post.setAside };
  }

  get busy(): number {
    let busy = 0;
    for (const { view } of this.#posts.values()) if (view?.isBusy === true) busy += 1;
    return busy;
  }

  /** Events that wait for a symbol's actor, over all symbols. */
  get waiting(): number {
    let waiting = 0;
    for (const { mailbox, held } of this.#posts.values()) waiting += (mailbox?.depth ?? 0) + held.length;
    return waiting;
  }

  tell(event: PurgeEvent): void {
    const { clock } = this.#options;
    const again = (): void => this.tell(event);
    this.#deliver({
      event,
      ack: () => {},
      nak: (delayMs) => clock.schedule(clock.now() + delayMs, again),
      dead: (reason) => this.#noteDead(event, reason),
    });
  }

  /** Hands an event to the symbol's actor as `tell` does, and resolves when what it did is durable, or it is certain that it
   * did nothing. Never rejects; when this supervisor stops, or the journal fails, it resolves all the same. */
  ask(event: PurgeEvent): Promise<Told> {
    return this.#asked.ask(event, (envelope) => this.#deliver(envelope));
  }

  #takeResult(delivery: Delivery<"results">): void {
    const { clock } = this.#options;
    // That an order was not to be found is evidence of the moment at which it was looked for. One that comes again is older
    // than its time of arrival says, and the order may have arrived since; whoever waits for it asks again.
    if (delivery.body.type === "order.unknown" && delivery.deliveries > 1) {
      delivery.ack();
      return;
    }
    const event = { ...delivery.body, at: stamp(clock.now()) };
    this.#deliver({
      event,
      ack: () => delivery.ack(),
      nak: (delayMs) => delivery.nak(delayMs),
      dead: (reason) => {
        this.#noteDead(event, reason);
        delivery.dead(reason);
      },
    });
  }

  #noteDead(event: PurgeEvent, reason: string): void {
    this.#options.observe({ kind: "dead_letter", symbol: event.symbol, reason: `${event.type}: ${reason}` });
  }

  #deliver(envelope: Envelope): void {
    const { symbol, type } = envelope.event;
    const known = this.#posts.get(symbol);
    const post = known ?? (isAnswer(type) ? null : this.#post(symbol));
    if (post === null) envelope.dead(`nothing was asked for ${symbol} in this ledger`);
    else if (post.setAside !== null) envelope.dead(`${symbol} is set aside: ${post.setAside}`);
    else if (post.mailbox === null) post.held.push(envelope);
    else send(post.mailbox, envelope);
    if (known === undefined && post !== null) void this.#spawn(symbol);
  }

  #post(symbol: TradingSymbol): Post {
    const known = this.#posts.get(symbol);
    if (known !== undefined) return known;
    const post: Post = {
      view: null,
      lastSeq: null,
      mailbox: null,
      actor: null,
      pending: 0,
      onFlushed: [],
      held: [],
      crash: null,
      setAside: null,
    };
    this.#posts.set(symbol, post);
    return post;
  }

  async #spawn(symbol: TradingSymbol): Promise<void> {
    const started = await this.#symbols?.startChild(symbol, symbol);
    if (started === undefined || Result.isSuccess(started)) return;
    this.#setAside(symbol, started.failure.message);
  }

  /** A symbol's own supervisor, so that its crashes are counted apart from everybody else's. */
  #startSymbol(link: Link, symbol: TradingSymbol): Supervisor | Promise<Supervisor> {
    const child = { id: "actor", start: (own: Link) => this.#startActor(own, symbol) };
    const spec = supervisorChild(
      { name: symbol, children: [child], max_restarts: MAX_CRASHES - 1, period_ms: CRASH_PERIOD_MS },
      this.#options.world,
    );
    return spec.start({
      id: link.id,
      permissions: link.permissions,
      signal: link.signal,
      exit: (reason, because) => {
        link.exit(reason, because);
        if (because?.kind === "escalated") this.#poisoned(symbol, because);
      },
    });
  }

  async #startActor(link: Link, symbol: TradingSymbol): Promise<Child> {
    const { journal, pipeline, bus, clock, observe, mailboxSize } = this.#options;
    const post = this.#post(symbol);
    if (post.pending > 0) await new Promise<void>((resolve) => post.onFlushed.push(resolve));
    const actor = new SymbolActor({
      symbol,
      ledgerId: journal.ledgerId,
      last: await this.#lastRecord(symbol, post),
      pipeline,
      bus,
      clock,
      observe,
      onSubmit: () => {
        post.pending += 1;
      },
      onDurable: (record, snapshot) => this.#durable(post, record, snapshot),
      onTransition: (record) => {
        observe({ kind: "transition", record, recovered: false });
        this.#options.onTransition(record);
      },
      deliver: (envelope) => this.#deliver(envelope),
    });
    post.view = viewOf(actor.snapshot);
    const mailbox = new Mailbox<Envelope>({
      name: symbol,
      capacity: mailboxSize,
      overflow: "reject",
      handle: (envelope) => this.#receive(actor, envelope),
      deadLetter: (envelope) => envelope.nak(LATER_MS),
      handBack: (unfinished) => {
        actor.stop();
        this.#takeBack(post, unfinished);
      },
      link,
    });
    post.actor = actor;
    post.mailbox = mailbox;
    for (const envelope of post.held.splice(0)) send(mailbox, envelope);
    // Handled in a later turn of microtasks.
    actor.resume(mailbox.depth);
    return {
      stop: () => {
        actor.stop();
        for (const envelope of mailbox.stop().unprocessed) envelope.nak(LATER_MS);
        if (post.mailbox === mailbox) post.mailbox = null;
      },
    };
  }

  /** The actor has crashed: its next life begins with what it had in hand, so that order is kept. */
  #takeBack(post: Post, { error, inHand, unprocessed }: Unfinished<Envelope>): void {
    const first = inHand === null ? [] : [inHand.message];
    post.crash = inHand === null ? null : { envelope: inHand.message, error };
    post.held = [...first, ...unprocessed, ...post.held];
    post.mailbox = null;
    post.actor = null;
  }

  /** Waits where the journal is behind: the mailbox fills, then the bus is told to come again. */
  #receive(actor: SymbolActor, envelope: Envelope): void | Promise<void> {
    const { pipeline } = this.#options;
    if (!pipeline.isFull) return actor.receive(envelope);
    return new Promise<void>((resolve) => pipeline.onRoom(resolve)).then(() => actor.receive(envelope));
  }

  /** Read from the journal, never from memory: memory is what has just crashed. */
  async #lastRecord(symbol: TradingSymbol, post: Post): Promise<JournalRecord | null> {
    const boot = this.#boot.get(symbol);
    this.#boot.delete(symbol);
    if (boot !== undefined || post.lastSeq === null) return boot ?? null;
    const last = this.#options.journal.read({ symbol, afterSeq: post.lastSeq - 1, limit: 1 });
    for await (const record of last) return record;
    throw new Error(`${symbol}: record ${post.lastSeq} is gone from the journal`);
  }

  #durable(post: Post, record: JournalRecord, snapshot: PurgeSnapshot): void {
    post.view = viewOf(snapshot);
    post.lastSeq = record.seq;
    post.pending -= 1;
    if (post.pending === 0) for (const flushed of post.onFlushed.splice(0)) flushed();
  }

  /** The restarts are used up: the event that caused them goes, the symbol is suspended, the others never notice. */
  #poisoned(symbol: TradingSymbol, end: SupervisorEnd): void {
    const { clock, observe } = this.#options;
    const post = this.#post(symbol);
    const reason = describeEnd(end);
    observe({ kind: "child", supervisor: "symbols", child: symbol, what: "set_aside", reason });
    const { crash } = post;
    if (crash === null || crash.envelope.event.type === "symbol.poisoned") {
      this.#setAside(symbol, reason);
      return;
    }
    post.held = post.held.filter((envelope) => envelope !== crash.envelope);
    crash.envelope.dead(`crashed the actor of ${symbol} ${MAX_CRASHES} times: ${crash.error.message}`);
    const event = {
      type: "symbol.poisoned",
      symbol,
      at: stamp(clock.now()),
      reason: `${crash.envelope.event.type}: ${crash.error.message}`.slice(0, 500),
    } as const;
    post.held.unshift({ event, ack: () => {}, nak: () => {}, dead: (why) => this.#noteDead(event, why) });
    void this.#spawn(symbol);
  }

  /** Nothing more can be done for this symbol by itself: what comes for it becomes a dead letter. */
  #setAside(symbol: TradingSymbol, reason: string): void {
    const post = this.#post(symbol);
    post.setAside = reason;
    for (const envelope of post.held.splice(0)) envelope.dead(`${symbol} is set aside: ${reason}`);
    const message = `${symbol} is set aside until the next start: ${reason}`;
    this.#options.observe({ kind: "note", level: "error", message });
  }
}

/** A full mailbox leaves the message with its sender, who sends it again later. */
function send(mailbox: Mailbox<Envelope>, envelope: Envelope): void {
  if (mailbox.send(envelope) === "rejected") envelope.nak(LATER_MS);
}

/** Results answer a question; one that was never asked here starts nothing. */
function isAnswer(type: PurgeEvent["type"]): boolean {
  return type.startsWith("order.") || type.startsWith("market.") || type === "deadline.reached";
}
