// Whatever the bus does to commands, and whenever gateways die: no order twice, none that nobody ends, no answer missing.
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Gateway, startGateway } from "../../actors/gateway.ts";
import { type VirtualClock, virtualClock } from "../../adapters/clock/mod.ts";
import { openPaperExchange, type PaperExchange, parsePaperScript } from "../../adapters/exchange/mod.ts";
import {
  ClientOrderId,
  type OrderRequest,
  type OrderResult,
  type PurgeCommand,
  TradingSymbol,
} from "../../machines/mod.ts";
import { cancel, place, query, SETTINGS } from "./gateway_kit.ts";
import { WorkQueue } from "./work_queue.ts";

const SYMBOLS = ["AAA-USD", "BBB-USD"].map((symbol) => TradingSymbol.make(symbol));
const ORDERS = 2;

/** An exchange that has no time, loses answers, and fills while it cancels. Orders that it had no time for are rejected
 * by the gateway; asked again, it would take them. */
const SCRIPT = parsePaperScript(`
fill_after_ms: 86400000
account: { USD: 0, AAA: 1000000, BBB: 1000000 }
products:
  AAA-USD: { price: 1, base_increment: 1, price_increment: 0.01, base_min_size: 1, quote_min_size: 1 }
  BBB-USD: { price: 1, base_increment: 1, price_increment: 0.01, base_min_size: 1, quote_min_size: 1 }
behaviour:
  AAA-USD:
    - rate_limited: 2
    - rate_limited: 5
    - unknown: { happened: true }
  BBB-USD:
    - rate_limited: 5
    - unknown: { happened: false }
    - fill_during_cancel: 0.5
`);

type Step =
  /** The next command of this order: place, perhaps once more, cancel, query. */
  | { readonly what: "send"; readonly order: number }
  | { readonly what: "wait"; readonly ms: number }
  | { readonly what: "crash" }
  | { readonly what: "fail"; readonly publishes: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ what: fc.constant("send"), order: fc.nat(SYMBOLS.length * ORDERS - 1) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ what: fc.constant("wait"), ms: fc.constantFrom(0, 100, 3_000, 20_000) }),
  },
  { weight: 4, arbitrary: fc.record({ what: fc.constant("crash") }) },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant("fail"), publishes: fc.integer({ min: 1, max: 4 }) }),
  },
);

interface World {
  readonly clock: VirtualClock;
  readonly queue: WorkQueue;
  readonly exchange: PaperExchange;
  gateway: Gateway;
}

async function startLife({ clock, queue, exchange }: Omit<World, "gateway">): Promise<Gateway> {
  const settings = { ...SETTINGS, lookUpFirstMs: 120_000 };
  const bus = queue.connect();
  const gateway = await startGateway({ bus, exchange, clock, observe: () => {}, settings });
  await clock.settle();
  return gateway;
}

async function perform(steps: readonly Step[]): Promise<World> {
  const clock = virtualClock();
  const exchange = openPaperExchange({ file: ":memory:", script: SCRIPT, clock });
  const queue = new WorkQueue(clock);
  const world: World = { clock, queue, exchange, gateway: await startLife({ clock, queue, exchange }) };
  const left = plans();
  for (const one of steps) {
    if (one.what === "send") {
      const command = left[one.order]?.shift();
      if (command !== undefined && isWanted(command, queue)) queue.send(command);
    } else if (one.what === "wait") await clock.advance(one.ms);
    else if (one.what === "fail") queue.failures += one.publishes;
    else {
      const dead = world.gateway;
      queue.crash();
      await dead.stop();
      world.gateway = await startLife(world);
    }
    await clock.settle();
  }
  // In the end every order is cancelled, as its machine would.
  queue.failures = 0;
  for (const command of left.flat()) if (isWanted(command, queue)) queue.send(command);
  await clock.advance(600_000);
  await world.gateway.stop();
  return world;
}

/** What a machine sends for each order: it places, perhaps again while it has no answer, and ends it. */
function plans(): PurgeCommand[][] {
  return Array.from({ length: SYMBOLS.length * ORDERS }, (_, n) => {
    const order = orderNumber(n);
    return n % 2 === 0
      ? [place(order), cancel(order), query(order)]
      : [place(order), place(order), cancel(order), cancel(order)];
  });
}

/** A machine repeats an order only while it has no answer. */
function isWanted(command: PurgeCommand, { results }: WorkQueue): boolean {
  if (command.type !== "order.place") return true;
  return !results.some((result) => idOf(result) === command.order.client_order_id);
}

function idOf(result: OrderResult): string | null {
  return "client_order_id" in result ? result.client_order_id : null;
}

function orderNumber(n: number): OrderRequest {
  return {
    client_order_id: ClientOrderId.make(`00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`),
    symbol: SYMBOLS[n % SYMBOLS.length] ?? TradingSymbol.make("AAA-USD"),
    side: "SELL",
    kind: "post_only",
    base_size: "100",
    limit_price: "1.02",
  };
}

test("commands that are repeated, late, reordered, or in the hands of a gateway that dies", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { queue, exchange } = await perform(steps);
      try {
        checkExchange(exchange);
        checkAnswers(queue);
      } finally {
        await exchange.close();
      }
    }),
    { numRuns: 100 },
  );
});

function checkExchange(exchange: PaperExchange): void {
  const bodies = new Map<string, string>();
  const taken = new Map<string, number>();
  for (const { call, client_order_id: id, body, answer } of exchange.requests()) {
    if (call !== "place" || id === null || body === null) continue;
    expect(bodies.get(id) ?? body).toBe(body);
    bodies.set(id, body);
    if (answer === "open") taken.set(id, (taken.get(id) ?? 0) + 1);
  }
  expect([...taken.values()].filter((times) => times > 1)).toEqual([]);
  expect(exchange.orders().filter(({ status }) => status === "open")).toEqual([]);
}

function checkAnswers({ kept, results }: WorkQueue): void {
  for (const { command, answered, dead } of kept) {
    expect([command.type, dead, answered === null]).toEqual([command.type, null, false]);
    if (command.type === "market.refresh") continue;
    const id = command.type === "order.place" ? command.order.client_order_id : command.client_order_id;
    expect(answered?.some((result) => idOf(result) === id)).toBe(true);
  }
  const told = (type: OrderResult["type"]): Set<string | null> =>
    new Set(results.filter((result) => result.type === type).map(idOf));
  expect([...told("order.rejected").intersection(told("order.accepted"))]).toEqual([]);
}
