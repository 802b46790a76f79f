// The programs of a simulated world: the real trees, on simulated ground. Whoever dies is started again.
import { Cause, Exit } from "effect";
import * as Result from "effect/Result";
import { describeEnd } from "../actors/child_spec.ts";
import { startGatewayTree } from "../actors/gateway_tree.ts";
import type { Bus, Exchange, Observation, Operators } from "../actors/ports.ts";
import type { OrderRequest, VenueState } from "../machines/mod.ts";
import type { Supervisor } from "../actors/supervisor.ts";
import { startTree } from "../actors/tree.ts";
import { inProcessTransport, messageBus, type Role } from "../adapters/bus/mod.ts";
import { type Answer, exchangeDoor } from "./exchange_door.ts";
import { openJournalDoor } from "./journal_door.ts";
import { Life, type ProcessName } from "./life.ts";
import { WallClock } from "./sim_clock.ts";
import { SimTransport } from "./sim_transport.ts";
import type { Ground } from "./world.ts";

/** How long a process that ended stays away. */
const AWAY_MS = { min: 200, max: 90_000 };

/** One process: a machine with a clock on its wall, and one life after the other. */
export class Program {
  readonly name: ProcessName;
  readonly wall: WallClock;
  readonly #ground: Ground;
  #life: Life | null = null;
  #root: Supervisor | null = null;
  #operators: Operators | null = null;
  #transports: SimTransport[] = [];
  #venue: VenueState | null = null;
  #lives = 0;
  #isOver = false;
  #messages = 0;

  constructor(name: ProcessName, ground: Ground) {
    this.name = name;
    this.#ground = ground;
    this.wall = new WallClock(ground.clock);
  }

  get operators(): Operators | null {
    return this.#life?.isAlive === true ? this.#operators : null;
  }

  get lives(): number {
    return this.#lives;
  }

  start(): void {
    const { faults, trace } = this.#ground;
    const life = new Life(this.name, this.wall, faults, (why) => this.#ended(why));
    this.#life = life;
    this.#lives += 1;
    this.#transports = [];
    this.#venue = null;
    trace(`${this.name}: starts`);
    const starting = this.name === "gateway" ? this.#startGateway(life) : this.#startSupervisor(life);
    starting.then(
      (root) => this.#follow(life, root),
      (error: unknown) => life.kill(`did not start: ${String(error)}`),
    );
  }

  kill(why: string): void {
    this.#life?.kill(why);
  }

  /** Stops in good order, and comes back like any other that ended. */
  stop(): void {
    const life = this.#life;
    const root = this.#root;
    if (life?.isAlive !== true || root === null) return;
    this.#ground.trace(`${this.name}: is told to stop`);
    void Promise.resolve(root.stop()).then(() => life.kill("stopped in good order"));
  }

  connect(isConnected: boolean): void {
    for (const transport of this.#transports) transport.set(isConnected);
  }

  /** The end of the world. */
  end(): void {
    this.#isOver = true;
    this.#life?.kill("the simulation is over");
  }

  #ended(why: string): void {
    if (this.#isOver) return;
    const { clock, chance, ledger, trace } = this.#ground;
    trace(`${this.name}: ${why}`);
    this.#root = null;
    this.#operators = null;
    if (this.name === "supervisor") ledger.isLocked = false;
    clock.after(chance.integer(`${this.name} away`, AWAY_MS.min, AWAY_MS.max), () => this.start());
  }

  #follow(life: Life, root: Supervisor): void {
    if (!life.isAlive) return;
    this.#root = root;
    void root.exited.then((end) => life.kill(describeEnd(end)));
  }

  async #startSupervisor(life: Life): Promise<Supervisor> {
    const { plan, ledger, clock, chance, faults } = this.#ground;
    const hasGateway = plan.layout !== "apart";
    const tree = await startTree({
      clock: life.clock,
      observe: (observation) => this.#observe(life, observation),
      first: [],
      openBus: async () => this.#openBus(life, hasGateway ? "both" : "supervisor"),
      claim: null,
      openJournal: async () =>
        openJournalDoor({
          ...{ life, ledger, clock, chance, faults },
          onDurable: (records) => this.#ground.onDurable(records),
        }),
      openExchange: hasGateway ? async () => this.#openExchange(life) : null,
      cycle: plan.cycle,
      gateway: plan.gateway,
      limits: plan.limits,
      extra: () => [],
    });
    if (Result.isFailure(tree)) throw tree.failure;
    this.#operators = tree.success.operators;
    return tree.success.root;
  }

  async #startGateway(life: Life): Promise<Supervisor> {
    const { plan } = this.#ground;
    const tree = await startGatewayTree({
      clock: life.clock,
      observe: (observation) => this.#observe(life, observation),
      openBus: async () => this.#openBus(life, "gateway"),
      claim: null,
      openExchange: async () => this.#openExchange(life),
      gateway: plan.gateway,
    });
    if (Result.isFailure(tree)) throw tree.failure;
    return tree.success.root;
  }

  #openBus(life: Life, role: Role): Bus {
    const { plan, server, clock, faults, referee } = this.#ground;
    const options = {
      clock: life.clock,
      observe: (observation: Observation) => this.#observe(life, observation),
      format: plan.format,
      mode: "paper",
      newId: () => {
        this.#messages += 1;
        return `${this.name}-${this.#lives}-${this.#messages}`;
      },
    };
    if (plan.layout === "alone") return messageBus(inProcessTransport(), options);
    const transport = new SimTransport({
      ...{ server, clock, faults, role },
      isAlive: () => life.isAlive,
      diesAt: (place) => life.diesAt(place),
      onTaken: (message) => referee.results.taken(message, life.clock.now()),
    });
    this.#transports.push(transport);
    transport.set(this.#ground.isServerUp());
    return messageBus(transport, options);
  }

  #openExchange(life: Life): Exchange {
    const { paper, clock, chance, faults, referee, storm, trace } = this.#ground;
    // A gateway that starts has forgotten how the venue was.
    this.#venue = null;
    return exchangeDoor({
      ...{ life, paper, clock, chance, faults, storm },
      onAsked: (symbol) => referee.records.asked(symbol),
      onSent: (order) => {
        trace(`${this.name}: sends ${described(order)}`);
        referee.onSent(order, this.#venue);
      },
      onArrived: (order, serve) => {
        const answer = referee.onArrived(order, serve);
        trace(`the exchange: ${described(order)}: ${answered(answer)}`);
        return answer;
      },
    });
  }

  #observe(life: Life, observation: Observation): void {
    if (!life.isAlive) return;
    if (observation.kind === "venue" && this.#hasGateway()) this.#venue = observation.venue;
    this.#ground.onObservation(this.name, observation);
  }

  #hasGateway(): boolean {
    return this.name === "gateway" || this.#ground.plan.layout !== "apart";
  }
}

function described({ client_order_id, symbol, kind, base_size, limit_price }: OrderRequest): string {
  return `${symbol} ${kind} ${base_size} at ${limit_price} as ${client_order_id.slice(0, 8)}`;
}

function answered(answer: Answer): string {
  return Exit.match(answer, {
    onSuccess: ({ status }) => status,
    onFailure: (cause) => String(Cause.squash(cause)),
  });
}
