// That the whistle is blown: each promise is broken on purpose, as a broken program would break it, and it is noticed.
import { Effect } from "effect";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { JournalRecord } from "../../actors/ports.ts";
import { encode } from "../../adapters/bus/mod.ts";
import { openPaperExchange } from "../../adapters/exchange/mod.ts";
import {
  add,
  ClientOrderId,
  type OrderRequest,
  type OrderResult,
  type PurgeContext,
  type VenueState,
} from "../../machines/mod.ts";
import { chanceOf } from "../../simulation/chance.ts";
import { ExchangeView } from "../../simulation/exchange_view.ts";
import { Faults } from "../../simulation/faults.ts";
import { type Invariant, Whistle } from "../../simulation/invariants.ts";
import { planOf, scriptOf } from "../../simulation/plan.ts";
import { Referee } from "../../simulation/referee.ts";
import { WorldClock } from "../../simulation/sim_clock.ts";
import { World } from "../../simulation/world.ts";
import { BONK, LEDGER, rejection, Scenario, START } from "../machines/scenario.ts";

const blow = vi.spyOn(Whistle.prototype, "blow");
afterEach(() => blow.mockClear());
const blown = (): readonly Invariant[] => blow.mock.calls.map(([invariant]) => invariant);

const ONE = ClientOrderId.make("00000000-0000-5000-8000-000000000001");
const OTHER = ClientOrderId.make("00000000-0000-5000-8000-000000000002");
const MINUTE_MS = 60_000;
const OPEN: VenueState = {
  type: "venue.state",
  at: new Date(START).toISOString(),
  state: "open",
  cause: "venue",
  reason: "HTTP 503",
  until: null,
};

/** One symbol's machine, an exchange that does what it is asked, and the referee between them. */
class Stand {
  readonly plan = planOf(1, 0);
  readonly life = new Scenario();
  readonly paper = this.#openPaper();
  readonly referee = new Referee({
    plan: this.plan,
    ledgerId: LEDGER,
    exchange: new ExchangeView(this.paper),
    now: () => this.life.now,
  });
  #seen = 0;

  #openPaper() {
    const faults = new Faults({ chance: chanceOf(1), now: () => START, calledOff: new Set() });
    const { script, heal } = scriptOf(this.plan, faults);
    heal();
    return openPaperExchange({ file: ":memory:", script, clock: new WorldClock(START) });
  }

  /** What the machine has done since, as its journal has it; the last of it in other words. */
  watch(over: Partial<JournalRecord> = {}): this {
    const records = recordsOf(this.life).slice(this.#seen);
    this.#seen += records.length;
    this.referee.onDurable(
      records.map((record) => (record === records.at(-1) ? { ...record, ...over } : record)),
    );
    return this;
  }

  /** The last of it as a machine with another context would have written it. */
  watchWith(over: Partial<PurgeContext>): this {
    return this.watch({ snapshot: { context: { ...this.life.run.context, ...over } } });
  }

  /** The machine has an order on its way, and that is durable. */
  placing(): this {
    this.life.send(this.life.request());
    this.life.send(this.life.quote());
    return this.watch();
  }

  /** Two dollars' worth, just above the market. */
  order(over: Partial<OrderRequest> = {}): OrderRequest {
    const { best_bid, best_ask, product } = Effect.runSync(this.paper.market(BONK));
    return {
      client_order_id: ONE,
      symbol: BONK,
      side: "SELL",
      kind: "post_only",
      base_size: String(Math.ceil(2 / Number(best_bid))),
      limit_price: add(best_ask, product.price_increment),
      ...over,
    };
  }

  arrive(over: Partial<OrderRequest> = {}): void {
    const order = this.order(over);
    this.referee.onArrived(order, () => Effect.runSyncExit(this.paper.place(order)));
  }

  /** A cycle has decided on so many. */
  cycle(starts = 1): this {
    const started = Array.from({ length: starts }, () => BONK);
    const { at } = this.life;
    const counts = { cycle: 1, at, durationMs: 0, positions: 1, heldBack: null };
    this.referee.onCycle({ ...counts, candidates: started, started, skipped: [] });
    return this;
  }

  /** The supervisor takes a result, and may answer it later. */
  take(result: OrderResult, deliveries = 1): (answer: "ack" | "term") => void {
    return this.referee.results.taken({ ...encode("results", result), deliveries }, this.life.now);
  }
}

function recordsOf({ steps, events, run }: Scenario): readonly JournalRecord[] {
  return events.flatMap((event, index) => {
    const step = steps[index];
    if (step === undefined) return [];
    const { path, state, commands, snapshot } = step;
    return [
      { seq: index + 1, at: event.at, symbol: run.context.symbol, event, path, state, commands, snapshot },
    ];
  });
}

/** How each promise is broken. */
const BREAKS: Record<Invariant, (stand: Stand) => unknown> = {
  never_a_buy: (stand) => stand.referee.onSent(Object.assign(stand.order(), { side: "BUY" }), null),
  only_what_must_go: (stand) =>
    stand.referee.onSent(stand.order({ symbol: stand.plan.toStay[0] ?? BONK }), null),
  on_increment: (stand) => stand.arrive({ limit_price: add(stand.order().limit_price, "0.000000001") }),
  not_more_than_held: (stand) => stand.arrive({ base_size: "1000000000" }),
  one_body_per_id: (stand) => {
    stand.referee.onSent(stand.order(), null);
    stand.referee.onSent(stand.order({ kind: "ioc" }), null);
  },
  one_live_order: (stand) => {
    stand.arrive();
    stand.arrive({ client_order_id: OTHER });
  },
  order_is_wanted: (stand) => {
    stand.life.fail(3);
    stand.watch().arrive();
  },
  none_while_open: (stand) => stand.referee.onSent(stand.order(), OPEN),
  failures_are_counted: (stand) => {
    stand.life.fail(2);
    stand.watchWith({ failures: 1 });
  },
  interruptions_do_not_count: (stand) => {
    stand.placing().life.send(stand.life.rejected(rejection("UNAVAILABLE", { class: "venue" })));
    stand.watchWith({ failures: 1 });
  },
  rest_is_kept: (stand) => {
    stand.life.fail(3);
    stand.watchWith({ retry_at: stand.life.at });
  },
  rest_is_quiet: (stand) => {
    stand.life.fail(3);
    stand.watch().life.wait(5 * MINUTE_MS);
    stand.referee.records.asked(BONK);
  },
  attempts_are_numbered: (stand) => {
    stand.life.send(stand.life.request());
    stand.watchWith({ attempts: 2 });
  },
  starts_per_cycle: ({ referee, plan }) => {
    const lives = [...plan.toGo, ...plan.toStay].map((symbol) => new Scenario({}, symbol));
    for (const life of lives) life.send(life.request());
    referee.onDurable(lives.flatMap(recordsOf).map((record, index) => ({ ...record, seq: index + 1 })));
  },
  journal_replays: (stand) => {
    stand.life.send(stand.life.request());
    stand.watch({ state: "idle" });
  },
  no_result_lost: (stand) => stand.placing().take(stand.life.accepted())("ack"),
  no_result_set_aside: (stand) => stand.placing().take(stand.life.accepted())("term"),
  fills_add_up: (stand) => {
    stand.life.sell();
    stand.watch().referee.atEnd(null);
  },
  time_heals: async ({ plan }) => {
    const world = new World({ ...plan, cycle: { ...plan.cycle, maxPerCycle: 0 } }, new Set(), () => {});
    await world.run();
    await world.close();
  },
  observers_are_told: (stand) => {
    stand.life.sell();
    stand.watch().referee.atEnd(["transition/ledger/1"]);
  },
};

test.each(Object.entries(BREAKS))("%s is seen to be broken", async (invariant, breakIt) => {
  await breakIt(new Stand());
  expect(blown()).toContain(invariant);
});

describe("it is also noticed", () => {
  test("when a symbol is woken before its rest is over, and when it is tried again while it rests", () => {
    const woken = new Stand();
    woken.life.fail(3);
    woken.watch().life.reachDeadline();
    woken.watch({ event: { ...woken.life.deadline("backoff"), at: new Date(START).toISOString() } });
    expect(blown()).toContain("rest_is_kept");
    blow.mockClear();
    const tried = new Stand();
    tried.life.fail(3);
    tried.watch().life.send(tried.life.request());
    tried.watch();
    expect(blown()).toContain("rest_is_kept");
  });

  test("when a cycle says itself that it started too many", () => {
    const stand = new Stand();
    stand.cycle(stand.plan.cycle.maxPerCycle);
    expect(blown()).toEqual([]);
    stand.cycle(stand.plan.cycle.maxPerCycle + 1);
    expect(blown()).toEqual(["starts_per_cycle"]);
  });

  test("when a machine goes on without an order that is open", () => {
    const stand = new Stand().placing();
    stand.arrive({ client_order_id: stand.life.order.client_order_id });
    expect(blown()).toEqual([]);
    stand.life.send(stand.life.rejected());
    stand.watch();
    expect(blown()).toEqual(["order_is_wanted"]);
  });

  test("when an order is left open in the end", () => {
    const stand = new Stand();
    stand.arrive();
    blow.mockClear();
    stand.referee.atEnd(null);
    expect(blown()).toEqual(["order_is_wanted"]);
  });
});

describe("a result that is acknowledged and not in the journal", () => {
  test("is lost though it would have said nothing to the states before it came", () => {
    const stand = new Stand().placing();
    stand.take(stand.life.accepted())("ack");
    expect(blown()).toEqual(["no_result_lost"]);
  });

  test("is not lost when it says nothing to a state that came while it was in hand", () => {
    const stand = new Stand().placing();
    const accepted = stand.life.accepted();
    const answered = stand.take(accepted);
    stand.life.send(stand.life.filled());
    stand.watch();
    answered("ack");
    expect(blown()).toEqual([]);
  });

  test("is not lost when it only says again that an order was not found", () => {
    const stand = new Stand().placing();
    stand.take(stand.life.unknown("not_found"), 2)("ack");
    expect(blown()).toEqual([]);
    stand.take(stand.life.unknown("not_found"))("ack");
    expect(blown()).toEqual(["no_result_lost"]);
  });

  test("is not lost when it comes too early to count, by a supervisor's clock that was set back", () => {
    const stand = new Stand().placing();
    stand.life.send(stand.life.unknown());
    stand.life.send(stand.life.unknown("not_found"));
    const again = stand
      .watch()
      .life.wait(60 * MINUTE_MS)
      .unknown("not_found");
    stand.life.wait(-90 * MINUTE_MS);
    stand.take(again)("ack");
    expect(blown()).toEqual([]);
  });
});

test("a world ends with the promise that is broken, before anything is healed", async () => {
  const lines: string[] = [];
  const world = new World(planOf(1, MINUTE_MS), new Set(), (_, line) => lines.push(line));
  world.referee.whistle.blow("never_a_buy", "somebody bought");
  await world.run();
  await world.close();
  expect([world.clock.now(), lines.includes("from now on nothing goes wrong")]).toEqual([START, false]);
});

test("nothing is said of a life in which every promise is kept", () => {
  const stand = new Stand();
  for (let failures = 1; failures <= 3; failures += 1) {
    stand.cycle().life.fail();
    stand.watch();
  }
  stand.life.reachDeadline();
  stand
    .cycle()
    .placing()
    .life.send(stand.life.rejected(rejection("UNAVAILABLE", { class: "venue" })));
  stand.cycle().placing();
  const order = stand.order({ client_order_id: stand.life.order.client_order_id });
  stand.referee.onSent(order, { ...OPEN, state: "closed" });
  stand.arrive(order);
  const answered = stand.take(stand.life.accepted());
  stand.life.send(stand.life.accepted());
  stand.watch();
  answered("ack");
  expect(blown()).toEqual([]);
});
