// The commands that look at a ledger or change it while nobody runs it: `status`, `export`, `import`.
import { readFileSync, writeFileSync } from "node:fs";
import { Schema } from "effect";
import type { Journal } from "../../actors/ports.ts";
import { formatProblems, loadConfig, type PolicyConfig } from "../../config/mod.ts";
import { PurgeContext } from "../../machines/mod.ts";
import { latestRecords, ledgerHolder, ledgerTime, openSqliteJournal } from "../journal/mod.ts";
import { createTracker, redactText } from "../telemetry/mod.ts";
import { type Answer, done, failed } from "./answer.ts";
import type { ExportCommand, ImportCommand, StatusCommand } from "./command.ts";
import { ledgerPaths } from "./ledger_paths.ts";
import { exportFailures, type ImportedFailure, parseFailures } from "./purge_failures.ts";
import { readRunFile } from "./run_file.ts";
import { statusDocument, statusLines } from "./status_view.ts";

/** What a ledger's file says, whether or not somebody writes there.
 *
 * @throws JournalError when there is none, or it cannot be read
 */
export async function statusOfLedger({
  stateDir,
  mode,
  json,
}: Pick<StatusCommand, "stateDir" | "mode" | "json">): Promise<Answer> {
  const { dir, journal } = ledgerPaths(stateDir, mode);
  const tracker = createTracker();
  for (const record of await latestRecords(journal)) {
    tracker.observe({ kind: "transition", record, recovered: true });
  }
  const lastAt = await ledgerTime(journal);
  const lockedBy = ledgerHolder(dir);
  const left = lockedBy === null ? null : readRunFile(dir, lockedBy);
  const input = {
    mode,
    dir,
    lockedBy,
    lastAt: lastAt === null ? null : new Date(lastAt).toISOString(),
    statuses: tracker.symbols(),
    grants: left?.grants ?? null,
    bus: left?.bus ?? null,
    now: Math.max(Date.now(), lastAt ?? 0),
  };
  if (json) return done(JSON.stringify(statusDocument(input, redactText)));
  const { columns = 120 } = process.stdout;
  const colour = process.stdout.isTTY === true && process.stdout.hasColors(process.env);
  return done(statusLines(input, { width: columns, colour, redact: redactText }).join("\n"));
}

/** The failure records of a ledger, as text or into a file.
 *
 * @throws JournalError
 */
export async function exportRecords({ stateDir, mode, file }: ExportCommand): Promise<Answer> {
  const decode = Schema.decodeUnknownSync(Schema.Struct({ context: PurgeContext }));
  const records = await latestRecords(ledgerPaths(stateDir, mode).journal);
  const text = exportFailures(records.map(({ snapshot }) => decode(snapshot).context));
  if (file === "-") return done(text);
  writeFileSync(file, text);
  return done();
}

/** Puts failure records into a journal, all or none; answers with what speaks against it. */
export type ImportFailures = (
  journal: Journal,
  entries: readonly ImportedFailure[],
  policy: PolicyConfig,
  now: number,
) => Promise<readonly string[]>;

/** Takes failure records in.
 *
 * @throws JournalError when the ledger cannot be opened or written
 */
export async function importRecords(
  { stateDir, mode, file, configDir }: ImportCommand,
  importFailures: ImportFailures,
): Promise<Answer> {
  const loaded = loadConfig(configDir, process.env);
  if (!loaded.ok) return failed(formatProblems(loaded.problems));
  const text = readFileSync(file === "-" ? 0 : file, "utf8");
  const paths = ledgerPaths(stateDir, mode);
  // A ledger that was run fast is ahead of this machine's clock.
  const now = Math.max(Date.now(), (await ledgerTime(paths.journal)) ?? 0);
  const parsed = parseFailures(text, now);
  if (!parsed.ok) return failed(["Nothing was imported.", ...parsed.problems].join("\n"));
  const journal = await openSqliteJournal(paths.journal);
  try {
    const problems = await importFailures(journal, parsed.entries, loaded.config.policy, now);
    if (problems.length > 0) return failed(["Nothing was imported.", ...problems].join("\n"));
  } finally {
    await journal.close();
  }
  const said = `Imported ${parsed.entries.length} failure records into the ${mode} ledger.`;
  return { ...done(said), errors: parsed.notes.join("\n") };
}
