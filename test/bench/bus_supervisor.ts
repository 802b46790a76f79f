// The supervisor's part of the program, put together as `run` does it, on a real server and a real ledger.
import { join } from "node:path";
import type { NatsConnection } from "@nats-io/transport-node";
import * as Result from "effect/Result";
import type { Child, ChildSpec, Link } from "../../actors/child_spec.ts";
import { type Ledger, startLedger } from "../../actors/ledger.ts";
import type { Bus, Clock, Observation, Observe } from "../../actors/ports.ts";
import { PurgeSupervisor } from "../../actors/purge_supervisor.ts";
import { startSupervisor } from "../../actors/supervisor.ts";
import { startTransitionFeed, type TransitionFeed } from "../../actors/transition_feed.ts";
import { openBus } from "../../adapters/bus/mod.ts";
import { systemClock } from "../../adapters/clock/mod.ts";
import { openSqliteJournal } from "../../adapters/journal/mod.ts";
import { createTelemetry } from "../../adapters/telemetry/mod.ts";
import { type Config, loadConfig } from "../../config/mod.ts";

/** `core`: decode, machine, journal, ack. `whole`: besides, what `run` does with each step: transitions for observers,
 * log, metrics, status. */
export type Extent = "core" | "whole";

export interface SupervisorSetup {
  readonly url: string;
  /** Where its ledger is, or will be. */
  readonly dir: string;
  readonly extent: Extent;
  readonly observe?: Observe;
}

export interface BenchSupervisor {
  readonly symbols: PurgeSupervisor;
  readonly connection: NatsConnection;
  stop(): Promise<void>;
}

export async function startBenchSupervisor(setup: SupervisorSetup): Promise<BenchSupervisor> {
  const clock = systemClock();
  const observe = observer(setup, clock);
  const bus = await openBus({
    nats: { servers: setup.url, name: "bench supervisor" },
    role: "supervisor",
    mode: "paper",
    clock,
    observe,
  });
  const parts = new Parts(setup, { bus, clock, observe });
  const flags = { name: "bench", strategy: "rest_for_one" } as const;
  const root = await startSupervisor({ ...flags, children: parts.children() }, { clock });
  if (Result.isFailure(root)) throw new Error(root.failure.message);
  return {
    symbols: there(parts.symbols),
    connection: there(bus.connection),
    async stop() {
      await root.success.stop();
      await bus.close();
      clock.close();
    },
  };
}

interface Around {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly observe: Observe;
}

class Parts {
  symbols: PurgeSupervisor | null = null;
  readonly #setup: SupervisorSetup;
  readonly #around: Around;
  readonly #limits = shippedConfig().app.limits;
  #ledger: Ledger | null = null;
  #feed: TransitionFeed | null = null;

  constructor(setup: SupervisorSetup, around: Around) {
    this.#setup = setup;
    this.#around = around;
  }

  /** In the order of `actors/tree.ts`. */
  children(): readonly ChildSpec[] {
    return [
      { id: "journal", start: (link) => this.#startLedger(link) },
      ...(this.#setup.extent === "core"
        ? []
        : [{ id: "transitions", start: (link: Link) => this.#startFeed(link) }]),
      { id: "symbols", type: "supervisor", start: (link) => this.#startSymbols(link) },
    ];
  }

  async #startLedger(link: Link): Promise<Child> {
    const { clock, observe } = this.#around;
    const { groupRecords, pendingRecords: maxPending } = this.#limits;
    const open = () => openSqliteJournal(join(this.#setup.dir, "journal.sqlite"));
    this.#ledger = await startLedger(open, { clock, observe, groupRecords, maxPending }, link);
    return this.#ledger;
  }

  async #startFeed(link: Link): Promise<Child> {
    this.#feed = await startTransitionFeed({ ...this.#around, journal: there(this.#ledger).journal }, link);
    return this.#feed;
  }

  async #startSymbols(link: Link): Promise<Child> {
    const { journal, pipeline } = there(this.#ledger);
    this.symbols = await PurgeSupervisor.start(
      {
        ...{ ...this.#around, journal, pipeline },
        onTransition: (record) => this.#feed?.push(record),
        world: { clock: this.#around.clock },
        mailboxSize: this.#limits.mailbox,
      },
      link,
    );
    return this.symbols;
  }
}

/** A log that is written, and thrown away. */
function observer({ extent, observe = () => {} }: SupervisorSetup, clock: Clock): Observe {
  if (extent === "core") return observe;
  const telemetry = createTelemetry({
    version: "bench",
    mode: "paper",
    stream: { write: () => {} },
    level: shippedConfig().app.log.level,
    pretty: false,
    clock,
    detailedErrors: true,
  });
  return (observation: Observation) => {
    telemetry.observe(observation);
    observe(observation);
  };
}

function shippedConfig(): Config {
  const loaded = loadConfig(join(import.meta.dirname, "../../config"), {});
  if (!loaded.ok) throw new Error("the shipped configuration does not load");
  return loaded.config;
}

function there<T>(part: T | null): T {
  if (part === null) throw new Error("a part of the supervisor was to be there");
  return part;
}
