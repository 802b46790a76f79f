// Brings failure records from elsewhere into a ledger that nobody runs: all of them, or none.
import { type PurgeEventOf, type PurgePolicy, type PurgeRun, startPurge } from "../machines/mod.ts";
import type { Journal, JournalDraft, JournalRecord } from "./ports.ts";
import { stamp } from "./time.ts";

export type FailureToImport = Omit<PurgeEventOf<"failure.imported">, "type" | "at" | "policy">;

/** Appends one record for each entry, as one group.
 *
 * @param now epoch milliseconds of the import
 * @returns what is in the way, one line each; nothing was imported unless this is empty
 */
export async function importFailures(
  journal: Journal,
  entries: readonly FailureToImport[],
  policy: PurgePolicy,
  now: number,
): Promise<readonly string[]> {
  const known = new Map((await journal.latest()).map((record) => [record.symbol, record]));
  const problems: string[] = [];
  const drafts: JournalDraft[] = [];
  for (const entry of entries) {
    const run = resume(journal.ledgerId, entry, known.get(entry.symbol));
    if (run.context.attempt !== null) {
      problems.push(`${entry.symbol}: an attempt is under way (${run.state}); let it end, then import again`);
      continue;
    }
    const event = { type: "failure.imported", at: stamp(now), policy, ...entry } as const;
    const { path, state, commands, snapshot } = run.step(event);
    drafts.push({ at: event.at, symbol: entry.symbol, event, path, state, commands, snapshot });
  }
  if (problems.length === 0 && drafts.length > 0) await journal.append(drafts);
  return problems;
}

function resume(ledgerId: string, { symbol }: FailureToImport, last: JournalRecord | undefined): PurgeRun {
  return startPurge({ ledgerId, symbol, ...(last === undefined ? {} : { snapshot: last.snapshot }) });
}
