// What a journal keeps of a machine is the whole of it: at any point of any story it goes on from there as if it had never
// stopped.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memoryJournal, memoryLedger } from "../../adapters/journal/mod.ts";
import { add, compare, floorTo, type PurgeEvent, type PurgeStep, startPurge } from "../../machines/mod.ts";
import { beginning, take, type World } from "../paths/model.ts";
import { movesOf } from "../paths/moves.ts";
import { BONK, LEDGER, placed, PRODUCT, START } from "./scenario.ts";

const origin = { ledgerId: LEDGER, symbol: BONK, start: START };
const identity = { ledgerId: LEDGER, symbol: BONK };

/** A story in which at each step one of the things happens that may. */
const stories = fc.array(fc.nat(), { minLength: 1, maxLength: 30 }).map((choices) => {
  let world = beginning(origin);
  return choices.map((choice): { readonly event: PurgeEvent; readonly after: World } => {
    const moves = movesOf(world);
    const move = moves[choice % moves.length];
    if (move === undefined) throw new Error("there is a state in which nothing may happen");
    world = take(world, move.event);
    return { event: move.event, after: world };
  });
});
const eventsOf = stories.map((story) => story.map(({ event }) => event));

describe("a stored snapshot", () => {
  test("goes on as the machine would that was never stored", () => {
    fc.assert(
      fc.property(eventsOf, (events) => {
        const living = startPurge(identity);
        let snapshot: unknown = living.snapshot;
        for (const event of events) {
          const stored: unknown = JSON.parse(JSON.stringify(snapshot));
          const restored = startPurge({ ...identity, snapshot: stored });
          expect(restored.pending).toEqual(living.pending);
          const step = restored.step(event);
          expect(step).toEqual(living.step(event));
          snapshot = step.snapshot;
        }
      }),
      { numRuns: 60 },
    );
  });

  test("comes back from a journal as it was written, with everything else that is in its record", async () => {
    const drafts = (events: readonly PurgeEvent[]) => {
      const run = startPurge(identity);
      return events.map((event) => {
        const { path, state, commands, snapshot }: PurgeStep = run.step(event);
        return { at: event.at, symbol: BONK, event, path, state, commands, snapshot };
      });
    };
    await fc.assert(
      fc.asyncProperty(eventsOf, async (events) => {
        const journal = memoryJournal({ ledger: memoryLedger(LEDGER) });
        const written = drafts(events);
        await journal.append(written);
        const read = await Array.fromAsync(journal.read());
        expect(read).toEqual(written.map((draft, index) => ({ ...draft, seq: index + 1 })));
      }),
      { numRuns: 60 },
    );
  });
});

describe("in any story", () => {
  test("an order and what the attempt has sold are together never more than the position", () => {
    fc.assert(
      fc.property(stories, (story) => {
        for (const { after } of story) {
          const { attempt } = after.context;
          if (attempt === null) continue;
          const offered = attempt.order?.request.base_size ?? "0";
          const filled = attempt.order?.filled_size ?? "0";
          // What the live order has sold is counted as sold already.
          expect(compare(add(attempt.sold_size, offered), add(attempt.balance, filled))).toBeLessThanOrEqual(
            0,
          );
        }
      }),
      { numRuns: 150 },
    );
  });

  test("one client order id has one body, on the product's increments", () => {
    fc.assert(
      fc.property(stories, (story) => {
        const bodies = new Map<string, unknown>();
        for (const order of story.flatMap(({ after }) => placed(after.commands))) {
          expect(bodies.get(order.client_order_id) ?? order).toEqual(order);
          bodies.set(order.client_order_id, order);
          expect(floorTo(order.base_size, PRODUCT.base_increment)).toBe(order.base_size);
          expect(floorTo(order.limit_price, PRODUCT.price_increment)).toBe(order.limit_price);
        }
      }),
      { numRuns: 150 },
    );
  });

  test("nothing is asked of the exchange at rest", () => {
    fc.assert(
      fc.property(stories, (story) => {
        const resting = story.filter(({ after }) => after.context.attempt === null);
        const asked = resting.flatMap(({ after }) => after.commands);
        expect(asked).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});
