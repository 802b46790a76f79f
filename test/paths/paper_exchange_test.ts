// The machine's transitions with the real gateway and the paper exchange behind them: what simulated worlds take. On the
// shortest paths a script answers, since no exchange says what a path needs when it needs it.
import { expect, test } from "vitest";
import { memoryJournal } from "../../adapters/journal/mod.ts";
import type { TradingSymbol } from "../../machines/mod.ts";
import { planOf } from "../../simulation/plan.ts";
import { World } from "../../simulation/world.ts";
import { beginning, edgeNames, take, type World as Model } from "./model.ts";

const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1);
const TROUBLE_MS = 30 * 60_000;
/** No exchange has a part in these: operators who come at random are seldom there at the right moment, and nobody imports or
 * poisons anything. */
const OF_OTHERS = /: (operator\.|symbol\.poisoned|failure\.imported)/;
/** Two things have to come together within seconds, and in few worlds they do. */
const SELDOM: readonly string[] = [
  "anywhere: order.update [provesMore] → the same",
  "attempt: done [isSuspending] → suspended",
  "attempt: done [wasDue] → backoff.due",
  "attempt.quoting: deadline.reached [isMyDeadline] → attempt.deciding",
  "attempt.placing: order.update [isLiveAndNewer] → attempt.resting",
  "attempt.placing: order.rejected [isLive] → attempt.querying",
  "attempt.resting: order.unknown [isLive] → attempt.querying",
  "attempt.cancelling: order.accepted [isUnnamed] → attempt.cancelling",
  "attempt.cancelling: order.rejected [isRefusal] → attempt.deciding",
  "attempt.cancelling: order.unknown [isLive] → attempt.querying",
  "attempt.querying: order.accepted [isUnnamed] → attempt.resting",
  "attempt.querying: order.rejected [isRefusal] → attempt.deciding",
];

/** `purging` and `retrying` share one chart: what is taken in either is taken. */
const folded = (edge: string): string => edge.replaceAll(/\b(purging|retrying)\b/g, "attempt");

/** What the machines of one world took, by the word of its journal. */
async function takenIn(seed: number): Promise<readonly string[]> {
  const world = new World(planOf(seed, TROUBLE_MS), new Set(), () => {});
  await world.run();
  await world.close();
  const journal = memoryJournal({ ledger: { ...world.ledger, isLocked: false } });
  const models = new Map<TradingSymbol, Model>();
  const taken: string[] = [];
  for await (const { symbol, event } of journal.read()) {
    const origin = { ledgerId: journal.ledgerId, symbol, start: world.plan.startsAt };
    const model = take(models.get(symbol) ?? beginning(origin), event);
    models.set(symbol, model);
    taken.push(...model.taken.map(folded));
  }
  return taken;
}

test("every transition that the exchange brings about is taken with the paper exchange, but for the rare ones that are named", async () => {
  const all = new Set(edgeNames.map(folded));
  expect(SELDOM.filter((edge) => !all.has(edge))).toEqual([]);
  const taken = new Set<string>();
  for (const seed of SEEDS) for (const edge of await takenIn(seed)) taken.add(edge);
  console.log(
    `paper exchange: ${taken.size} of ${all.size} transitions taken, purging and retrying counted once, in ${SEEDS.length} worlds`,
  );
  const missed = [...all].filter((edge) => !taken.has(edge));
  expect(missed.filter((edge) => !OF_OTHERS.test(edge) && !SELDOM.includes(edge))).toEqual([]);
});
