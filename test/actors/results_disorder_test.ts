// Results that come twice, late, or behind their successors: the journal is that of a calm run.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as Result from "effect/Result";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Bus, Channel, Clock, Delivery } from "../../actors/ports.ts";
import { startTree } from "../../actors/tree.ts";
import { universeAt } from "../../actors/universe.ts";
import { inProcessTransport, messageBus } from "../../adapters/bus/mod.ts";
import { virtualClock } from "../../adapters/clock/mod.ts";
import { openPaperExchange, readPaperScript } from "../../adapters/exchange/mod.ts";
import { memoryJournal, memoryLedger } from "../../adapters/journal/mod.ts";
import { loadConfig } from "../../config/mod.ts";
import { PurgeContext } from "../../machines/mod.ts";
import { Schema } from "effect";
import { writeStory } from "../e2e/paper_story.ts";

const SYMBOLS = 6;
const CYCLES = 60;
const HOURS = 2;
const contextOf = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ context: PurgeContext })));

/** What befalls one result on its way. */
type Fate =
  /** Comes again at once. */
  | "twice"
  /** Comes again after so many others. */
  | { readonly again: number }
  /** Comes so many milliseconds later. */
  | { readonly lateMs: number };

describe("an account sold", () => {
  test("with results that come twice, at once or much later, has the same journal to the letter", async () => {
    const calm = await sell([]);
    expect(calm.rows.length).toBeGreaterThan(100);
    const fate = fc.oneof(
      { weight: 2, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.constant<Fate>("twice") },
      { weight: 1, arbitrary: fc.nat(60).map((again): Fate => ({ again })) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fate, { minLength: 100, maxLength: 400 }), async (fates) => {
        const disturbed = await sell(fates);
        expect(disturbed.repeated).toBeGreaterThan(0);
        expect(disturbed.rows).toEqual(calm.rows);
      }),
      { numRuns: 6 },
    );
  });

  test("with results that overtake each other ends in the same states, with the same amounts and failures", async () => {
    const calm = await sell([]);
    let overtaken = 0;
    const fate = fc.oneof(
      { weight: 2, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 2_000 }).map((lateMs): Fate => ({ lateMs })) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fate, { minLength: 100, maxLength: 400 }), async (fates) => {
        const disturbed = await sell(fates);
        overtaken += disturbed.overtaken;
        expect(disturbed.ends).toEqual(calm.ends);
      }),
      { numRuns: 6 },
    );
    expect(overtaken).toBeGreaterThan(6);
  });
});

/** Sells the story's account while the n-th result meets the n-th fate. */
async function sell(fates: readonly (Fate | null)[]) {
  const dir = mkdtempSync(join(tmpdir(), "purgatory-disorder-"));
  const story = writeStory(dir, SYMBOLS);
  const loaded = loadConfig(dir, {});
  if (!loaded.ok) throw new Error("the story's configuration is not valid");
  const { config } = loaded;
  const clock = virtualClock();
  const ledger = memoryLedger("one-ledger");
  const disorder = new Disorder(fates, clock);
  const script = readPaperScript(story.script);
  const started = await startTree({
    clock,
    observe: () => {},
    first: [],
    claim: null,
    openBus: async () => disorder.on(messageBus(inProcessTransport(), { clock })),
    openJournal: async () => memoryJournal({ ledger }),
    openExchange: async () => openPaperExchange({ file: join(dir, "exchange.sqlite"), clock, script }),
    gateway: { ...config.app.gateway, breaker: config.app.breaker, seed: 1 },
    limits: config.app.limits,
    cycle: {
      intervalMs: config.cycle.intervalMs,
      jitterPct: 0,
      maxPerCycle: SYMBOLS,
      rules: { ...config.cycle, maxCandidateShare: 1, graceCycles: 0 },
      policy: config.policy,
      universe: (now) => universeAt(config.universe, now),
      isDryRun: false,
      cycles: CYCLES,
      random: () => 0.5,
    },
    extra: () => [],
  });
  await clock.advance(HOURS * 3_600_000);
  await Result.getOrThrow(started).root.stop();
  rmSync(dir, { recursive: true, force: true });
  const ends = story.symbols.map((symbol) => {
    const row = ledger.rows.findLast((one) => one.symbol === symbol);
    const { sold_size, failures } = contextOf(row?.snapshot ?? "").context;
    return { symbol, state: row?.state, sold_size, failures };
  });
  return { rows: ledger.rows, ends, repeated: disorder.repeated, overtaken: disorder.overtaken };
}

/** Between the bus and whoever takes results from it. */
class Disorder {
  repeated = 0;
  overtaken = 0;
  readonly #clock: Clock;
  readonly #fates: readonly (Fate | null)[];
  #count = 0;
  /** What comes after so many more results. */
  #later: { left: number; readonly deliver: () => void }[] = [];

  constructor(fates: readonly (Fate | null)[], clock: Clock) {
    this.#clock = clock;
    this.#fates = fates;
  }

  on(bus: Bus): Bus {
    const disturb = <C extends Channel>(handler: (delivery: Delivery<C>) => void) => {
      return (delivery: Delivery<C>): void => this.#pass(delivery, handler);
    };
    return {
      publish: (channel, body) => bus.publish(channel, body),
      consume: (channel, handler, options) =>
        bus.consume(channel, channel === "results" ? disturb(handler) : handler, options),
      lastTransition: (ledgerId) => bus.lastTransition(ledgerId),
      get connected() {
        return bus.connected;
      },
      onConnection: (listener) => bus.onConnection(listener),
      close: () => bus.close(),
    };
  }

  #pass<C extends Channel>(delivery: Delivery<C>, handler: (delivery: Delivery<C>) => void): void {
    const fate = this.#fates[this.#count] ?? null;
    this.#count += 1;
    const copy = (): void => {
      this.repeated += 1;
      handler({ ...delivery, deliveries: 2, ack: () => {}, nak: () => {}, dead: () => {} });
    };
    if (fate === null || fate === "twice" || "again" in fate) handler(delivery);
    if (fate === "twice") copy();
    else if (fate !== null && "again" in fate) this.#later.push({ left: fate.again, deliver: copy });
    else if (fate !== null) this.#hold(fate.lateMs, () => handler(delivery));
    this.#deliverDue();
  }

  #hold(ms: number, deliver: () => void): void {
    const before = this.#count;
    this.#clock.schedule(this.#clock.now() + ms, () => {
      if (this.#count > before) this.overtaken += 1;
      deliver();
    });
  }

  #deliverDue(): void {
    const all = this.#later;
    this.#later = [];
    for (const one of all) {
      one.left -= 1;
      if (one.left < 0) one.deliver();
      else this.#later.push(one);
    }
  }
}
