// The whole tree, from ports: what is started after what, and what goes down with what.
import * as Result from "effect/Result";
import type { Child, ChildSpec, Link } from "./child_spec.ts";
import { type CycleSettings, type RunningCycle, startCycle } from "./cycle.ts";
import { startGateway } from "./gateway.ts";
import type { GatewaySettings } from "./gateway_requests.ts";
import { type Ledger, startLedger } from "./ledger.ts";
import { createOperators } from "./operators.ts";
import { observationOf } from "./observed_supervision.ts";
import type { Bus, Clock, Exchange, Journal, Observation, Observe, Operators } from "./ports.ts";
import { PurgeSupervisor } from "./purge_supervisor.ts";
import { startTransitionFeed, type TransitionFeed } from "./transition_feed.ts";
import { type Supervisor, startSupervisor, supervisorChild } from "./supervisor.ts";
import type { StartError, World } from "./supervisor_core.ts";

export interface TreeOptions {
  readonly clock: Clock;
  readonly observe: Observe;
  /** Started before everything else and stopped after it, such as a server that the bus needs. Each has a supervisor of
   * its own: when it is restarted, nobody else is. */
  readonly first: readonly ChildSpec[];
  readonly openBus: () => Promise<Bus>;
  /** Makes sure that nobody else does this over the bus, after it is open and before anything is taken from it. Rejects
   * when there is somebody. Null where there can be nobody. */
  readonly claim: (() => Promise<Child>) | null;
  readonly openJournal: () => Promise<Journal>;
  /** Null when another program is the gateway. */
  readonly openExchange: (() => Promise<Exchange>) | null;
  readonly cycle: CycleSettings;
  readonly gateway: GatewaySettings;
  readonly limits: {
    readonly mailbox: number;
    readonly pendingRecords: number;
    readonly groupRecords: number;
  };
  /** Stops everything when aborted, also while it is starting. */
  readonly signal?: AbortSignal;
  /** Further children, started last and stopped first, such as an HTTP server. */
  readonly extra: (planted: Planted) => readonly ChildSpec[];
}

/** What runs now, whatever is being restarted meanwhile. */
export interface Planted {
  /** The supervisor of symbols that runs now. */
  readonly symbols: () => PurgeSupervisor | null;
  readonly bus: () => Bus | null;
  /** The ledger that is open now. */
  readonly ledgerId: () => string | null;
  readonly operators: Operators;
}

export interface Tree extends Planted {
  readonly root: Supervisor;
  /** Resolves when the last cycle has been done and no attempt is under way any more. */
  readonly finished: Promise<void>;
}

/** Restarts of the tree's own parts within a minute that are taken for bad luck. */
const MAX_RESTARTS = 5;
const PERIOD_MS = 60_000;
/** How long the attempts of the last cycle may go on. Longer than any attempt with one lost answer. */
const LAST_ATTEMPTS_MS = 15 * 60_000;
const STOP_MS = 10_000;

/** Starts everything, each part when the one that it leans on has started. Under `rest_for_one` a part that crashes
 * takes along those after it, and no other. */
export async function startTree(options: TreeOptions): Promise<Result.Result<Tree, StartError>> {
  const parts = new Parts(options);
  const { openExchange, claim } = options;
  const planted: Planted = {
    symbols: () => parts.symbols,
    bus: () => parts.bus,
    ledgerId: () => parts.ledger?.journal.ledgerId ?? null,
    operators: parts.operators(),
  };
  const children = [
    ...options.first.map((spec) => parts.apart(spec)),
    parts.spec("bus", () => parts.startBus()),
    ...(claim === null ? [] : [parts.spec("claim", claim)]),
    parts.spec("journal", (link) => parts.startLedger(link)),
    parts.spec("transitions", (link) => parts.startFeed(link)),
    // Before the symbols, which send what is pending as soon as they are back: on a plain bus nobody keeps it for later.
    ...(openExchange === null ? [] : [parts.spec("gateway", () => parts.startGateway(openExchange))]),
    {
      id: "symbols",
      type: "supervisor" as const,
      start: (link: Link) => parts.startSymbols(link),
      shutdown: STOP_MS,
    },
    parts.spec("cycle", () => parts.startCycle()),
    ...options.extra(planted),
  ];
  const root = await startSupervisor(
    {
      name: "purgatory",
      strategy: "rest_for_one",
      children,
      max_restarts: MAX_RESTARTS,
      period_ms: PERIOD_MS,
    },
    parts.world,
    options.signal === undefined ? {} : { signal: options.signal },
  );
  return Result.map(root, (supervisor) => ({
    ...planted,
    root: supervisor,
    finished: parts.finished,
  }));
}

/** The parts that run now, for those that are started after them. */
class Parts {
  bus: Bus | null = null;
  ledger: Ledger | null = null;
  feed: TransitionFeed | null = null;
  symbols: PurgeSupervisor | null = null;
  cycle: RunningCycle | null = null;
  readonly finished: Promise<void>;
  readonly world: World;
  readonly #options: TreeOptions;
  readonly #finish: () => void;
  /** Outlives the cycle actor, so that a restarted one does not begin to count anew. */
  readonly #cycles = { done: 0 };
  #isLast = false;

  constructor(options: TreeOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.finished = promise;
    this.#finish = resolve;
    this.world = { clock: options.clock, observe: (event) => options.observe(observationOf(event)) };
  }

  spec(id: string, start: (link: Link) => Promise<Child>): ChildSpec {
    return { id, start, shutdown: STOP_MS };
  }

  apart(spec: ChildSpec): ChildSpec {
    const own = { name: spec.id, children: [spec], max_restarts: MAX_RESTARTS, period_ms: PERIOD_MS };
    return { ...supervisorChild(own, this.world), id: spec.id, shutdown: 2 * STOP_MS };
  }

  async startBus(): Promise<Child> {
    const bus = await this.#options.openBus();
    this.bus = bus;
    const { observe } = this.#options;
    // From here on the bus itself tells when the connection is lost or found.
    observe({ kind: "connection", connected: bus.connected });
    return { stop: () => this.#held(() => bus.close()) };
  }

  async startLedger(link: Link): Promise<Child> {
    const { openJournal, clock, observe, limits } = this.#options;
    const settings = { groupRecords: limits.groupRecords, maxPending: limits.pendingRecords };
    this.ledger = await startLedger(openJournal, { clock, observe, ...settings }, link);
    return this.ledger;
  }

  async startFeed(link: Link): Promise<Child> {
    const { clock, observe } = this.#options;
    const { journal } = needed("journal", this.ledger);
    this.feed = await startTransitionFeed({ bus: needed("bus", this.bus), journal, clock, observe }, link);
    return this.feed;
  }

  async startSymbols(link: Link): Promise<Child> {
    const { clock, limits } = this.#options;
    const symbols = await PurgeSupervisor.start(
      {
        ...needed("journal", this.ledger),
        bus: needed("bus", this.bus),
        clock,
        observe: (observation) => this.#observe(observation),
        onTransition: (record) => this.feed?.push(record),
        world: this.world,
        mailboxSize: limits.mailbox,
      },
      link,
    );
    this.symbols = symbols;
    return symbols;
  }

  async startGateway(openExchange: () => Promise<Exchange>): Promise<Child> {
    const { clock, observe, gateway: settings } = this.#options;
    const exchange = await openExchange();
    const gateway = await startGateway({ bus: needed("bus", this.bus), exchange, clock, observe, settings });
    const stop = async (): Promise<void> => {
      await gateway.stop();
      await exchange.close();
    };
    return { stop: () => this.#held(stop) };
  }

  async startCycle(): Promise<Child> {
    const { clock, cycle: settings } = this.#options;
    const observe = (observation: Observation): void => {
      this.#options.observe(observation);
      if (observation.kind === "cycle.completed") this.#observeQueues();
    };
    this.cycle = await startCycle({
      bus: needed("bus", this.bus),
      clock,
      observe,
      symbols: needed("symbols", this.symbols),
      settings,
      isGatewayElsewhere: this.#options.openExchange === null,
      progress: this.#cycles,
      onLast: () => this.#last(),
    });
    return this.cycle;
  }

  operators(): Operators {
    const { clock, observe } = this.#options;
    const reason = "the supervisor is still starting";
    return createOperators({
      symbols: {
        view: (symbol) => this.symbols?.view(symbol) ?? null,
        ask: async (event) => (await this.symbols?.ask(event)) ?? { what: "not_taken", reason },
      },
      startNow: (symbol) =>
        this.cycle?.startNow(symbol) ?? { ok: false, code: "not_ready", message: `${reason}; try again` },
      isHeld: (symbol) => this.cycle?.heldNow(symbol) ?? false,
      clock,
      observe,
    });
  }

  /** Closing is real work: a clock that runs fast must not reach the deadline for it before it has begun. */
  async #held(close: () => Promise<void>): Promise<void> {
    const release = this.#options.clock.hold();
    try {
      await close();
    } finally {
      release();
    }
  }

  #last(): void {
    const { clock } = this.#options;
    this.#isLast = true;
    clock.schedule(clock.now() + LAST_ATTEMPTS_MS, this.#finish);
    this.#finishIfIdle();
  }

  /** Once a cycle: a queue that is long then has not come to rest for a minute. */
  #observeQueues(): void {
    const { observe } = this.#options;
    observe({ kind: "queue", name: "journal", depth: this.ledger?.pipeline.pending ?? 0 });
    observe({ kind: "queue", name: "mailboxes", depth: this.symbols?.waiting ?? 0 });
  }

  #observe(observation: Observation): void {
    this.#options.observe(observation);
    if (observation.kind === "transition") this.#finishIfIdle();
  }

  /** In a turn of its own, so that what the cycle has just asked for is under way before it is looked for. */
  #finishIfIdle(): void {
    if (!this.#isLast) return;
    setImmediate(() => {
      if ((this.symbols?.busy ?? 0) === 0 && (this.ledger?.pipeline.pending ?? 0) === 0) this.#finish();
    });
  }
}

function needed<T>(name: string, part: T | null): T {
  if (part === null) throw new Error(`${name} was to be started before`);
  return part;
}
