// `purgatory journal`: a ledger in a file, as lines.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeJournal } from "../../../adapters/cli/journal_command.ts";
import { type JournalCommand, ledgerPaths, parseCommandLine } from "../../../adapters/cli/mod.ts";
import { openSqliteJournal } from "../../../adapters/journal/mod.ts";
import { readRecordLine } from "../../../adapters/recording/mod.ts";
import { transitions } from "../recording/recording_kit.ts";
import { Collected, closing } from "./collected.ts";

const state = mkdtempSync(join(tmpdir(), "purgatory-journal-"));
const drafts = transitions.map(({ ledger_id: _, seq: _seq, ...draft }) => draft);
const COPIES = 20;

function command(line: string): JournalCommand {
  const words = `journal ${line} --state ${state}`.split(" ").filter((word) => word !== "");
  const parsed = parseCommandLine(words, {}, { version: "1", shippedConfigDir: "/opt/config", cwd: state });
  if (parsed.kind !== "journal") throw new Error(JSON.stringify(parsed));
  return parsed;
}
async function written(line: string): Promise<readonly string[]> {
  const stream = new Collected();
  const answer = await writeJournal(command(line), { stream });
  expect(answer).toEqual({ exitCode: 0, text: "", errors: "" });
  return stream.lines;
}
const seqs = (lines: readonly string[]): readonly number[] =>
  lines.map((line) => {
    const read = readRecordLine(line);
    return read.ok ? read.record.seq : -1;
  });

beforeAll(async () => {
  const { dir, journal: path } = ledgerPaths(state, "paper");
  mkdirSync(dir, { recursive: true });
  const journal = await openSqliteJournal(path);
  for (let n = 0; n < COPIES; n += 1) await journal.append(drafts);
  await journal.close();
});
afterAll(() => rmSync(state, { recursive: true }));

describe("the journal", () => {
  test("is written whole, in order, in more than one go", async () => {
    const stream = new Collected();
    await writeJournal(command(""), { stream });
    expect(seqs(stream.lines)).toEqual(
      Array.from({ length: COPIES * drafts.length }, (_, index) => index + 1),
    );
    expect(stream.writes).toBeGreaterThan(1);
  });

  test("is written for one symbol, and from one place to another", async () => {
    const symbols = (await written("SEI-USD")).map((line) => JSON.parse(line).symbol);
    expect(new Set(symbols)).toEqual(new Set(["SEI-USD"]));
    expect(seqs(await written("--from 3 --to 5"))).toEqual([3, 4, 5]);
    expect(seqs(await written("--from 2025-11-11T22:01 --to 2025-11-11T22:01"))).toEqual(
      transitions
        .filter(({ at }) => at === "2025-11-11T22:01:00.000Z")
        .flatMap(({ seq }) => Array.from({ length: COPIES }, (_, copy) => copy * drafts.length + seq))
        .sort((one, other) => one - other),
    );
  });

  test("is written no further than somebody reads", async () => {
    const pipe = closing();
    const answer = await writeJournal(command("--follow"), { stream: pipe });
    expect([answer.exitCode, answer.errors, pipe.writes]).toEqual([0, "", 1]);
  });

  test("is followed, while another process writes, until it is told to end", async () => {
    const last = COPIES * drafts.length;
    const stopping = new AbortController();
    const seen = Promise.withResolvers<void>();
    const stream = new Collected((to) => {
      if (to.lines.length === drafts.length + 1) seen.resolve();
      return true;
    });
    const { journal: path } = ledgerPaths(state, "paper");
    const following = writeJournal(command(`--from ${last} --follow`), {
      stream,
      signal: stopping.signal,
      pollMs: 5,
    });
    const journal = await openSqliteJournal(path);
    await journal.append(drafts);
    await seen.promise;
    await journal.close();
    stopping.abort();
    expect(await following).toMatchObject({ exitCode: 0 });
    expect(seqs(stream.lines)).toEqual(Array.from({ length: drafts.length + 1 }, (_, index) => last + index));
  });

  test("that is not there is said so", async () => {
    const elsewhere = { ...command(""), stateDir: join(state, "nowhere") };
    await expect(writeJournal(elsewhere, { stream: new Collected() })).rejects.toThrow(
      "there is no journal here",
    );
  });
});
