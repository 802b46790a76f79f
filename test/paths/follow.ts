// Leads the real stack along a path, step by step beside the model.
import { expect } from "vitest";
import type { JournalRecord } from "../../actors/ports.ts";
import { SNAPSHOT_VERSION, type TradingSymbol } from "../../machines/mod.ts";
import { type Path, type Step, walk } from "./graph.ts";
import { stateOf } from "./model.ts";
import type { Stack } from "./real_stack.ts";

/** What a stack did on a path, and the steps that the model did. */
export interface Followed {
  readonly steps: readonly Step[];
  readonly records: readonly JournalRecord[];
}

/** Sends what happens on `path` to `stack`, each event at its time.
 *
 * Expects after each step that the journal holds what the model did (event, path, state, commands, snapshot) and nothing
 * else, and that the gateway was asked what the model asked for and nothing else.
 */
export async function follow(path: Path, stack: Stack, symbol: TradingSymbol): Promise<Followed> {
  const steps = walk(path, { ledgerId: stack.ledgerId, symbol, start: stack.clock.now() });
  const records: JournalRecord[] = [];
  for (const [index, step] of steps.entries()) {
    const seen = stack.asked.length;
    await stack.happen(step.move.event);
    const written = await stack.records(records.length);
    records.push(...written);
    const done = { journal: written.map(told), gateway: stack.asked.slice(seen), trouble: stack.trouble };
    expect(done, marked(path, index)).toEqual({
      journal: step.after.isNews ? [expected(step)] : [],
      gateway: step.after.commands,
      trouble: [],
    });
  }
  return { steps, records };
}

/** A path in words, with the step that is spoken of between brackets. */
function marked({ labels }: Path, index: number): string {
  const words = labels.map((label, n) => (n === index ? `[[ ${label} ]]` : label));
  return `step ${index + 1} of ${labels.length}: ${words.join(" → ")}`;
}

function told({ at, event, path, state, commands, snapshot }: JournalRecord) {
  return { at, event, path, state, commands, snapshot };
}

function expected({ move, after }: Step): ReturnType<typeof told> {
  const { value, context, path, commands } = after;
  const { event } = move;
  const snapshot = { version: SNAPSHOT_VERSION, value, context };
  return { at: event.at, event, path, state: stateOf(after), commands, snapshot };
}
