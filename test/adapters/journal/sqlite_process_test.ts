// Real processes on one ledger: killed in the middle of their work, and in each other's way.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { openSqliteJournal } from "../../../adapters/journal/mod.ts";
import { BONK, draft } from "./drafts.ts";
import { collect, journalErrorOf, seqs } from "./journal_conformance.ts";
import { type Child, ledgerDirectory, nextLine, startChild } from "./ledger_directory.ts";

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});
const place = () => {
  const made = ledgerDirectory();
  undo.push(made.remove);
  return made;
};
const started = (task: string, file: string): Child => {
  const child = startChild(task, file);
  undo.push(async () => {
    child.process.kill("SIGKILL");
    await child.ended;
  });
  return child;
};

/** Lets the child say `count` lines, kills it, and answers with the last seq that it said. */
async function killAfter(child: Child, count: number): Promise<number> {
  for (let n = 1; n < count; n += 1) await nextLine(child);
  let last = Number(await nextLine(child));
  child.process.kill("SIGKILL");
  for await (const line of child.lines) last = Number(line);
  expect(await child.ended).toBe("SIGKILL");
  return last;
}

test("whatever was said to be durable survives kill -9, without gaps and with no group torn, time after time", async () => {
  const { file } = place();
  const ids = new Set<string>();
  let before = 0;
  for (const count of [1, 7, 40, 3, 90]) {
    const said = await killAfter(started("append", file), count);
    expect(said).toBeGreaterThan(before);
    const journal = await openSqliteJournal(file);
    ids.add(journal.ledgerId);
    const records = await collect(journal.read());
    const latest = await journal.latest();
    await journal.close();
    expect(seqs(records)).toEqual(records.map((_, index) => index + 1));
    expect(records.length).toBeGreaterThanOrEqual(said);
    expect(tornGroups(records.slice(before).map((record) => record.snapshot))).toEqual([]);
    const lastOf = new Map(records.map((record) => [record.symbol, record.seq]));
    expect(seqs(latest)).toEqual([...lastOf.values()].sort((a, b) => a - b));
    before = records.length;
  }
  expect(ids.size).toBe(1);
});

/** Groups of which not all records are there. */
function tornGroups(snapshots: readonly unknown[]): unknown[] {
  const groups = Map.groupBy(snapshots, (snapshot) => JSON.stringify(snapshot));
  return [...groups].filter(([text, all]) => JSON.parse(text).size !== all.length);
}

describe("the lock", () => {
  test("names the directory and the process that holds it, and passes on when that one closes", async () => {
    const { file, directory } = place();
    const holder = started("hold", file);
    expect(await nextLine(holder)).toBe("open");
    const error = await journalErrorOf(openSqliteJournal(file));
    expect(error.reason).toBe("locked");
    expect(error.message).toContain(directory);
    expect(error.message).toContain(`pid ${holder.process.pid}`);
    holder.process.stdin?.end();
    expect(await holder.ended).toBe(0);
    await (await openSqliteJournal(file)).close();
  });

  test("of a process that was killed does not hold up the next start", async () => {
    const { file } = place();
    const holder = started("hold", file);
    expect(await nextLine(holder)).toBe("open");
    holder.process.kill("SIGKILL");
    const journal = await openSqliteJournal(file);
    await journal.append([draft(BONK, 1)]);
    await journal.close();
  });

  test("goes to one of many that start at once", async () => {
    const { file } = place();
    const children = Array.from({ length: 5 }, () => started("hold", file));
    const said = await Promise.all(children.map(nextLine));
    expect(said.filter((line) => line === "open")).toHaveLength(1);
    const winner = children[said.indexOf("open")];
    for (const line of said.filter((one) => one !== "open")) {
      expect(line).toMatch(/^locked /);
      expect(line).toContain(`pid ${winner?.process.pid}`);
    }
  });

  test("waits for a holder as long as it is told to", async () => {
    const { file } = place();
    const holder = started("hold", file);
    expect(await nextLine(holder)).toBe("open");
    const opening = openSqliteJournal(file, { lockWaitMs: 20_000 });
    holder.process.stdin?.end();
    await (await opening).close();
    expect(await holder.ended).toBe(0);
  });

  test("is not dropped when this process tries a second time, however often", async () => {
    const { file } = place();
    const journal = await openSqliteJournal(file);
    undo.push(() => journal.close());
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const error = await journalErrorOf(openSqliteJournal(file));
      expect(error.message).toContain(`this very process (pid ${process.pid})`);
    }
    expect(await nextLine(started("hold", file))).toMatch(new RegExp(`^locked .*pid ${process.pid}`));
  });

  test("file that is something else is named, and not touched", async () => {
    const { file, directory } = place();
    const lockFile = join(directory, "lock.sqlite");
    writeFileSync(lockFile, "garbage ".repeat(1_000));
    const error = await journalErrorOf(openSqliteJournal(file));
    expect(error).toMatchObject({ reason: "corrupt", message: expect.stringContaining(lockFile) });
    expect(readFileSync(lockFile, "utf8")).toBe("garbage ".repeat(1_000));
  });

  test("is of the directory: a second ledger file in it has to wait as well", async () => {
    const { file, directory } = place();
    const journal = await openSqliteJournal(file);
    undo.push(() => journal.close());
    expect((await journalErrorOf(openSqliteJournal(join(directory, "other.sqlite")))).reason).toBe("locked");
  });
});
