// The real stack for one symbol, on virtual time: supervisor, symbol actor, commit pipeline, journal, and a bus in process
// on which a gateway listens and says what it is told to.
import * as Result from "effect/Result";
import { Schema } from "effect";
import type { Child, Link } from "../../actors/child_spec.ts";
import { type Ledger, startLedger } from "../../actors/ledger.ts";
import { observationOf } from "../../actors/observed_supervision.ts";
import type { Journal, JournalRecord, Observe } from "../../actors/ports.ts";
import { PurgeSupervisor } from "../../actors/purge_supervisor.ts";
import { startSupervisor } from "../../actors/supervisor.ts";
import type { World } from "../../actors/supervisor_core.ts";
import { inProcessTransport, messageBus } from "../../adapters/bus/mod.ts";
import { type VirtualClock, virtualClock } from "../../adapters/clock/mod.ts";
import { OrderResult, type PurgeCommand, type PurgeEvent } from "../../machines/mod.ts";

export interface Stack {
  readonly clock: VirtualClock;
  readonly ledgerId: string;
  /** Everything that the gateway was asked, in order. */
  readonly asked: readonly PurgeCommand[];
  /** What went wrong where nobody was to answer for it: dead letters, crashes, commands that were not sent. */
  readonly trouble: readonly string[];
  records(afterSeq: number): Promise<readonly JournalRecord[]>;
  /** Lets `event` happen at its own time, in the way in which it really comes about, and all that follows from it. */
  happen(event: PurgeEvent): Promise<void>;
  stop(): Promise<void>;
}

export interface StackOptions {
  readonly openJournal: () => Promise<Journal>;
  /** Epoch milliseconds. */
  readonly start: number;
}

const isResult = Schema.is(OrderResult);

export async function startStack({ openJournal, start }: StackOptions): Promise<Stack> {
  const clock = virtualClock(start);
  const trouble: string[] = [];
  const { bus, asked } = await listen(clock, trouble);
  const observe = watch(trouble);
  const world: World = { clock, observe: (event) => observe(observationOf(event)) };
  let ledger: Ledger | null = null;
  let symbols: PurgeSupervisor | null = null;
  const children = [
    {
      id: "journal",
      start: async (link: Link): Promise<Child> => {
        ledger = await startLedger(openJournal, { clock, observe, groupRecords: 256, maxPending: 64 }, link);
        return ledger;
      },
    },
    {
      id: "symbols",
      start: async (link: Link): Promise<Child> => {
        const { journal, pipeline } = needed<Ledger>(ledger);
        const onTransition = (): void => {};
        const parts = { journal, pipeline, bus, clock, observe, onTransition, world, mailboxSize: 16 };
        symbols = await PurgeSupervisor.start(parts, link);
        return symbols;
      },
    },
  ];
  const flags = { name: "paths", strategy: "rest_for_one", max_restarts: 0, period_ms: 1 } as const;
  const root = Result.getOrThrow(await startSupervisor({ ...flags, children }, world));
  await clock.settle();
  return {
    clock,
    asked,
    trouble,
    ledgerId: needed<Ledger>(ledger).journal.ledgerId,
    records: (afterSeq) => Array.fromAsync(needed<Ledger>(ledger).journal.read({ afterSeq })),
    async happen(event) {
      await clock.advance(Date.parse(event.at) - clock.now());
      if (event.type === "deadline.reached") return;
      if (isResult(event)) await bus.publish("results", event);
      else needed<PurgeSupervisor>(symbols).tell(event);
      await clock.settle();
    },
    stop: async () => {
      await root.stop();
      await bus.close();
    },
  };
}

async function listen(clock: VirtualClock, trouble: string[]) {
  const asked: PurgeCommand[] = [];
  const bus = messageBus(inProcessTransport(), { clock });
  await bus.consume("orders", (delivery) => {
    asked.push(asDecided(delivery.body));
    delivery.ack();
  });
  await bus.consume("dead", (delivery) => {
    trouble.push(`a dead letter: ${delivery.body.subject}: ${delivery.body.reason}`);
    delivery.ack();
  });
  return { bus, asked };
}

/** As the machine decided it: that it is sent once more is for the gateway alone. */
function asDecided(command: PurgeCommand): PurgeCommand {
  if (command.type !== "order.place") return command;
  const { resent: _, ...decided } = command;
  return decided;
}

/** Whatever says that this was no ordinary run. */
function watch(trouble: string[]): Observe {
  return (observation) => {
    if (observation.kind === "dead_letter") trouble.push(`a dead letter: ${observation.reason}`);
    if (observation.kind === "note" && observation.level !== "info" && observation.level !== "debug") {
      trouble.push(observation.message);
    }
    if (observation.kind === "child" && !["started", "exited"].includes(observation.what)) {
      trouble.push(`${observation.child} ${observation.what}: ${observation.reason}`);
    }
  };
}

function needed<T>(part: T | null): T {
  if (part === null) throw new Error("this part of the stack was not started");
  return part;
}
