// Importing failure records: all or nothing, and never under a running attempt.
import { expect, test } from "vitest";
import { type FailureToImport, importFailures } from "../../actors/import_failures.ts";
import { memoryJournal } from "../../adapters/journal/mod.ts";
import { startPurge, TradingSymbol } from "../../machines/mod.ts";
import { BONK, POLICY } from "../machines/scenario.ts";
import { requested } from "./symbols_kit.ts";

const NOW = Date.parse("2025-11-11T22:00:00.000Z");
const SEI = TradingSymbol.make("SEI-USD");

function entry(symbol: TradingSymbol, failure_count: number): FailureToImport {
  const last_failed_at = "2025-11-11T21:30:00.000Z";
  return { symbol, failure_count, last_failed_at, last_error: "no", balance: "5", value_usd: "9" };
}

test("each entry becomes a record, and rests from the time it last failed at", async () => {
  const journal = memoryJournal();
  expect(await importFailures(journal, [entry(BONK, 3), entry(SEI, 1)], POLICY, NOW)).toEqual([]);
  const latest = await journal.latest();
  expect(latest.map(({ symbol, state }) => [symbol, state])).toEqual([
    [BONK, "backoff.waiting"],
    [SEI, "failed"],
  ]);
  const run = startPurge({ ledgerId: journal.ledgerId, symbol: BONK, snapshot: latest[0]?.snapshot });
  expect(run.context).toMatchObject({ failures: 3, retry_at: "2025-11-11T22:30:00.000Z" });
});

test("an import replaces the record that is there", async () => {
  const journal = memoryJournal();
  await importFailures(journal, [entry(BONK, 3)], POLICY, NOW);
  await importFailures(journal, [entry(BONK, 1)], POLICY, NOW);
  const [last] = await journal.latest();
  const run = startPurge({ ledgerId: journal.ledgerId, symbol: BONK, snapshot: last?.snapshot });
  expect([run.state, run.context.failures]).toEqual(["failed", 1]);
});

test("nothing at all is imported while one of the symbols has an attempt under way", async () => {
  const journal = memoryJournal();
  const run = startPurge({ ledgerId: journal.ledgerId, symbol: SEI });
  const event = requested(SEI, NOW);
  const { path, state, commands, snapshot } = run.step(event);
  await journal.append([{ at: event.at, symbol: SEI, event, path, state, commands, snapshot }]);
  expect(await importFailures(journal, [entry(BONK, 3), entry(SEI, 1)], POLICY, NOW)).toEqual([
    "SEI-USD: an attempt is under way (purging.quoting); let it end, then import again",
  ]);
  expect((await journal.latest()).map(({ symbol }) => symbol)).toEqual([SEI]);
});

test("nothing to import changes nothing", async () => {
  const journal = memoryJournal();
  expect(await importFailures(journal, [], POLICY, NOW)).toEqual([]);
  expect(await journal.lastAt()).toBeNull();
});
