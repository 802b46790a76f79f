// The feed of transitions: every durable step once, in order of seq, whatever the bus and the journal do meanwhile.
import { describe, expect, test } from "vitest";
import type { ExitReason, Link } from "../../actors/child_spec.ts";
import { type Bus, BusError, type Journal, JournalError, type Observation } from "../../actors/ports.ts";
import { startTransitionFeed } from "../../actors/transition_feed.ts";
import { type VirtualClock, virtualClock } from "../../adapters/clock/mod.ts";
import { memoryJournal } from "../../adapters/journal/mod.ts";
import { BONK, draft, SEI } from "../adapters/journal/drafts.ts";

/** A bus that keeps transitions, and takes them as a test says. */
class FakeBus {
  readonly taken: number[] = [];
  /** Every publish there was, taken or not. */
  readonly tried: number[] = [];
  ledgers = new Set<string>();
  last: number | null = null;
  connected = true;
  /** What a publish rejects with, by seq; null: the bus takes it. */
  refuse: (seq: number) => unknown = () => null;
  /** Publishes that wait for `release`; undefined: none waits. */
  held: (() => void)[] | undefined;
  askError: BusError | null = null;
  listeners = new Set<(connected: boolean) => void>();
  readonly port: Bus;

  constructor() {
    const never = async () => {
      throw new Error("not a feed's business");
    };
    const current = () => this.connected;
    this.port = {
      publish: async (_channel, body) => {
        if (!("ledger_id" in body)) throw new Error("not a transition");
        this.tried.push(body.seq);
        if (this.held !== undefined) await new Promise<void>((resolve) => this.held?.push(resolve));
        if (!this.connected) throw new BusError({ reason: "disconnected", message: "no connection" });
        const error = this.refuse(body.seq);
        if (error !== null) throw error;
        this.ledgers.add(body.ledger_id);
        this.taken.push(body.seq);
      },
      lastTransition: async () => {
        if (!this.connected) throw new BusError({ reason: "disconnected", message: "no connection" });
        if (this.askError !== null) throw this.askError;
        return this.last;
      },
      get connected() {
        return current();
      },
      onConnection: (listener) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
      },
      consume: never,
      close: never,
    };
  }

  connect(connected: boolean): void {
    this.connected = connected;
    for (const listener of [...this.listeners]) listener(connected);
  }

  release(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const go of held) go();
  }
}

const refused = () => new BusError({ reason: "refused", message: "the stream is full" });
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** A feed over a ledger with `steps` steps of BONK and SEI in turn, on a bus that keeps those up to `last`. */
async function startFeed({
  steps = 0,
  bus = new FakeBus(),
  wrap = (journal: Journal): Journal => journal,
}: {
  steps?: number;
  bus?: FakeBus;
  wrap?: (journal: Journal) => Journal;
} = {}) {
  const clock: VirtualClock = virtualClock();
  const memory = memoryJournal();
  const notes: string[] = [];
  const exits: ExitReason[] = [];
  let reads = 0;
  let n = 0;
  const append = (count: number) =>
    memory.append(
      Array.from({ length: count }, () => {
        n += 1;
        return draft(n % 2 === 1 ? BONK : SEI, n);
      }),
    );
  if (steps > 0) await append(steps);
  const journal = wrap({
    ...memory,
    read: (filter) => {
      reads += 1;
      return memory.read(filter);
    },
  });
  const observe = (observation: Observation): void => {
    if (observation.kind === "note") notes.push(`${observation.level}: ${observation.message}`);
  };
  const link: Link = {
    id: "transitions",
    permissions: [],
    signal: new AbortController().signal,
    exit: (reason) => exits.push(reason),
  };
  const feed = await startTransitionFeed({ bus: bus.port, journal, clock, observe }, link);
  await clock.settle();
  /** Steps that become durable now. */
  const make = async (count: number): Promise<void> => {
    for (const record of await append(count)) feed.push(record);
    await clock.settle();
  };
  return { bus, clock, feed, memory, notes, exits, append, make, reads: () => reads };
}

describe("a feed", () => {
  test("sends every step that becomes durable, in order and once, under the name of its ledger", async () => {
    const { bus, make, memory, reads } = await startFeed();
    await make(3);
    await make(2);
    expect(bus.taken).toEqual([1, 2, 3, 4, 5]);
    expect([...bus.ledgers]).toEqual([memory.ledgerId]);
    expect(reads()).toBe(0);
  });

  test("on a bus that keeps none of this ledger first tells where each symbol stands, and nothing older", async () => {
    const { bus, make } = await startFeed({ steps: 6 });
    await make(1);
    expect(bus.taken).toEqual([5, 6, 7]);
  });

  test("goes on after the last step that the bus keeps", async () => {
    const bus = new FakeBus();
    bus.last = 2;
    const { make } = await startFeed({ steps: 6, bus });
    await make(1);
    expect(bus.taken).toEqual(range(3, 7));
  });

  test("has nothing to tell of a ledger that the bus knows further than it goes", async () => {
    const bus = new FakeBus();
    bus.last = 9;
    const { make } = await startFeed({ steps: 4, bus });
    expect(bus.taken).toEqual([]);
    await make(1);
    expect(bus.taken).toEqual([5]);
  });

  test("catches up from the journal in many parts, while new steps arrive", async () => {
    const bus = new FakeBus();
    bus.last = 0;
    bus.held = [];
    const { make, clock } = await startFeed({ steps: 1_000, bus });
    await make(10);
    expect(bus.tried).toEqual([1]);
    bus.release();
    await clock.settle();
    await make(3);
    expect(bus.taken).toEqual(range(1, 1_013));
  });

  test("keeps no more than some thousand steps in memory while the bus is slow, and still sends all", async () => {
    const bus = new FakeBus();
    bus.held = [];
    const { make, clock, reads } = await startFeed({ bus });
    await make(1);
    await make(5_000);
    bus.release();
    await clock.settle();
    await make(1);
    expect(bus.taken).toEqual(range(1, 5_002));
    expect(reads()).toBeGreaterThan(0);
  });

  test("is not confused by steps that are told of out of turn", async () => {
    const { bus, append, feed, clock } = await startFeed();
    const [first, second, third] = await append(3);
    for (const record of [second, third, first]) if (record !== undefined) feed.push(record);
    await clock.settle();
    expect(bus.taken).toEqual([1, 2, 3]);
  });
});

describe("while the bus is away", () => {
  test("steps wait, told of once, and go out in order as soon as it is back", async () => {
    const { bus, clock, make, notes } = await startFeed();
    await make(2);
    bus.connect(false);
    await make(3);
    await clock.advance(60_000);
    expect(bus.taken).toEqual([1, 2]);
    expect(notes).toEqual(["warn: observers get no transitions: they wait from 3 on: no connection"]);
    bus.connect(true);
    await clock.settle();
    expect(bus.taken).toEqual([1, 2, 3, 4, 5]);
  });

  test("more steps than fit into memory are read from the journal afterwards", async () => {
    const { bus, clock, make } = await startFeed();
    await make(1);
    bus.connect(false);
    await make(6_000);
    bus.connect(true);
    await clock.settle();
    await make(1);
    expect(bus.taken).toEqual(range(1, 6_002));
  });

  test("a feed can start, and asks what the bus has when it is back", async () => {
    const bus = new FakeBus();
    bus.last = 2;
    bus.connected = false;
    const { clock, make, notes, exits } = await startFeed({ steps: 4, bus });
    await make(2);
    await clock.advance(5_000);
    expect([bus.tried, notes.length, exits]).toEqual([[], 1, []]);
    bus.connect(true);
    await clock.settle();
    expect(bus.taken).toEqual([3, 4, 5, 6]);
    await make(1);
    expect(bus.taken).toEqual(range(3, 7));
  });

  test("a feed of a new ledger that started then tells where each symbol stood, and all that followed", async () => {
    const bus = new FakeBus();
    bus.connected = false;
    const { clock, make } = await startFeed({ steps: 6, bus });
    await make(2);
    bus.connect(true);
    await clock.settle();
    expect(bus.taken).toEqual([5, 6, 7, 8]);
  });
});

describe("a step that the bus refuses", () => {
  test("is tried again every second, and nothing is sent ahead of it: nobody would miss it later", async () => {
    const { bus, clock, make, notes } = await startFeed();
    bus.refuse = (seq) => (seq === 3 ? refused() : null);
    await make(6);
    await clock.advance(2_000);
    expect(bus.taken).toEqual([1, 2]);
    expect(bus.tried.filter((seq) => seq === 3)).toHaveLength(3);
    bus.refuse = () => null;
    await clock.advance(1_000);
    expect(bus.taken).toEqual([1, 2, 3, 4, 5, 6]);
    await make(2);
    expect(bus.taken).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(notes).toEqual(["warn: observers get no transitions: they wait from 3 on: the stream is full"]);
  });

  test("sends nothing more ahead of itself", async () => {
    const { bus, clock, make } = await startFeed();
    bus.refuse = (seq) => (seq === 1 ? refused() : null);
    await make(1);
    await make(3);
    await clock.advance(5_000);
    expect(bus.taken).toEqual([]);
    bus.refuse = () => null;
    await clock.advance(1_000);
    expect(bus.taken).toEqual([1, 2, 3, 4]);
  });

  test("because it cannot be encoded is told of and left out", async () => {
    const { bus, make, notes, exits } = await startFeed();
    bus.refuse = (seq) => (seq === 2 ? new BusError({ reason: "encode", message: "too deep" }) : null);
    await make(3);
    expect(bus.taken).toEqual([1, 3]);
    expect(notes).toEqual(["error: transition 2 of SEI-USD cannot be sent: too deep"]);
    expect(exits).toEqual([]);
  });
});

describe("a feed ends with a crash, for its supervisor to see,", () => {
  test("when the journal cannot be read", async () => {
    const bus = new FakeBus();
    bus.last = 0;
    const failed = new JournalError({ reason: "io", message: "the disk is gone" });
    const wrap = (journal: Journal): Journal => ({
      ...journal,
      read: () => {
        throw failed;
      },
    });
    const { exits } = await startFeed({ steps: 2, bus, wrap });
    expect(exits).toEqual([{ crash: failed }]);
    expect(bus.listeners.size).toBe(0);
  });

  test("when the journal has lost a step", async () => {
    const bus = new FakeBus();
    bus.last = 0;
    const wrap = (journal: Journal): Journal => ({ ...journal, read: async function* () {} });
    const { exits } = await startFeed({ steps: 2, bus, wrap });
    expect(exits).toEqual([{ crash: new Error("the journal has lost what follows record 0") }]);
  });

  test("when the bus throws what no bus should", async () => {
    const { bus, make, exits } = await startFeed();
    const bug = new TypeError("undefined is not a function");
    bus.refuse = () => bug;
    await make(1);
    expect(exits).toEqual([{ crash: bug }]);
  });

  test("and does not start where the bus does not tell what it has", async () => {
    const bus = new FakeBus();
    bus.askError = refused();
    await expect(startFeed({ steps: 2, bus })).rejects.toBe(bus.askError);
    expect(bus.listeners.size).toBe(0);
  });
});

describe("stopping", () => {
  test("sends what has just become durable, and waits for what is on its way", async () => {
    const { bus, append, feed, clock } = await startFeed();
    bus.held = [];
    for (const record of await append(2)) feed.push(record);
    let isStopped = false;
    const stopped = feed.stop().then(() => {
      isStopped = true;
    });
    await clock.settle();
    expect([bus.tried, isStopped]).toEqual([[1], false]);
    bus.release();
    await stopped;
    expect(bus.taken).toEqual([1, 2]);
    expect(bus.listeners.size).toBe(0);
  });

  test("waits for nobody while there is no connection, nor when it is lost meanwhile", async () => {
    const away = await startFeed();
    away.bus.connect(false);
    await away.make(1);
    await away.feed.stop();

    const losing = await startFeed();
    losing.bus.held = [];
    await losing.make(1);
    const stopped = losing.feed.stop();
    losing.bus.connect(false);
    await stopped;
    losing.bus.release();
    await losing.clock.settle();
    expect([losing.bus.taken, losing.exits]).toEqual([[], []]);
  });

  test("leaves what the bus refuses to the next life", async () => {
    const { bus, feed, make, exits } = await startFeed();
    bus.refuse = refused;
    await make(2);
    await feed.stop();
    expect([bus.taken, exits]).toEqual([[], []]);
  });

  test("is quiet about a journal that is closed under it", async () => {
    const bus = new FakeBus();
    bus.last = 0;
    bus.held = [];
    const { feed, memory, clock, exits } = await startFeed({ steps: 300, bus });
    const stopped = feed.stop();
    bus.connect(false);
    await stopped;
    await memory.close();
    bus.connected = true;
    bus.release();
    await clock.settle();
    expect(exits).toEqual([]);
  });
});
