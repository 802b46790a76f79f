// The journal in an SQLite file: what it adds to the contract.
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, test } from "vitest";
import type { Journal } from "../../../actors/ports.ts";
import { openSqliteJournal } from "../../../adapters/journal/mod.ts";
import { BONK, draft, drafts, SEI, symbolOf } from "./drafts.ts";
import { collect, journalConformance, journalErrorOf, seqs } from "./journal_conformance.ts";
import { bytesIn, ledgerDirectory, namesIn, startChild } from "./ledger_directory.ts";

journalConformance("the SQLite journal", async () => {
  const { file, remove } = ledgerDirectory();
  return { open: () => openSqliteJournal(file, { lockWaitMs: 20 }), remove: async () => remove() };
});

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});
const place = () => {
  const made = ledgerDirectory();
  undo.push(made.remove);
  return made;
};
const opened = async (file: string): Promise<Journal> => {
  const journal = await openSqliteJournal(file);
  undo.push(() => journal.close());
  return journal;
};
const edit = (file: string, sql: string): void => {
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
};
const written = async (file: string): Promise<void> => {
  const journal = await openSqliteJournal(file);
  await journal.append([draft(BONK, 1), draft(SEI, 2)]);
  await journal.close();
};

describe("files", () => {
  test("the directory is made, and after close only the ledger and the empty lock are left in it", async () => {
    const { directory } = place();
    const inner = join(directory, "paper", "main");
    await written(join(inner, "journal.sqlite"));
    expect(namesIn(inner)).toEqual(["journal.sqlite", "lock.sqlite"]);
  });

  test("a crash while a ledger was being created leaves nothing that is taken for one", async () => {
    const { file } = place();
    writeFileSync(`${file}.new`, "half a ledger");
    writeFileSync(`${file}.new-journal`, "and its rollback journal");
    await written(file);
    expect(seqs(await (await opened(file)).latest())).toEqual([1, 2]);
  });

  test("a write-ahead log is used and synced in full, and foreign tools can read the columns", async () => {
    const { file } = place();
    await written(file);
    const db = new DatabaseSync(file, { readOnly: true });
    undo.push(() => db.close());
    expect(db.prepare("PRAGMA journal_mode").get()).toMatchObject({ journal_mode: "wal" });
    expect(
      db.prepare("SELECT seq, symbol, state, event ->> 'type' AS type FROM records").all(),
    ).toMatchObject([
      { seq: 1, symbol: "BONK-USD", state: "backoff.waiting", type: "deadline.reached" },
      { seq: 2, symbol: "SEI-USD", state: "backoff.waiting", type: "deadline.reached" },
    ]);
  });

  test("recovery and symbol reads use an index and sort nothing", async () => {
    const { file } = place();
    await written(file);
    const db = new DatabaseSync(file, { readOnly: true });
    undo.push(() => db.close());
    const plan = (sql: string) =>
      db
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map((row) => String(row["detail"]))
        .join("; ");
    const latest = plan("SELECT * FROM records WHERE seq IN (SELECT seq FROM latest) ORDER BY seq");
    expect(latest).toContain("SEARCH records USING INTEGER PRIMARY KEY");
    expect(latest).not.toContain("TEMP B-TREE");
    expect(plan("SELECT * FROM records WHERE symbol = 'A-USD' AND seq > 1 ORDER BY seq")).toMatch(
      /^SEARCH records USING INDEX records_by_symbol \(symbol=\? AND rowid>\?\)$/,
    );
  });

  test("a backup made by VACUUM INTO, which is in no write-ahead mode, opens and goes on", async () => {
    const { file, directory } = place();
    await written(file);
    const restored = join(directory, "restored", "journal.sqlite");
    mkdirSync(join(directory, "restored"));
    edit(file, `VACUUM INTO '${restored.replaceAll("'", "''")}'`);
    expect(seqs(await (await opened(restored)).append([draft(BONK, 3)]))).toEqual([3]);
  });
});

test("a backup taken while the writer runs opens elsewhere as the same ledger, and the writer goes on", async () => {
  const { file, directory } = place();
  const journal = await opened(file);
  await journal.append([draft(BONK, 1), draft(SEI, 2)]);
  const copy = join(directory, "backup", "journal.sqlite");
  mkdirSync(join(directory, "backup"));
  const db = new DatabaseSync(file, { readOnly: true });
  undo.push(() => db.close());
  await backup(db, copy);
  await journal.append([draft(BONK, 3)]);
  const restored = await opened(copy);
  expect(restored.ledgerId).toBe(journal.ledgerId);
  expect(seqs(await restored.latest())).toEqual([1, 2]);
});

describe("after a crash", () => {
  const crashed = async () => {
    const made = place();
    expect(await startChild("crash", made.file).ended).toBe("SIGKILL");
    return made;
  };

  test("the ledger opens with all that was durable", async () => {
    const { file, directory } = await crashed();
    expect(namesIn(directory)).toContain("journal.sqlite-wal");
    expect(seqs(await collect((await opened(file)).read()))).toEqual([1, 2]);
  });

  test("a missing -shm is made anew", async () => {
    const { file } = await crashed();
    rmSync(`${file}-shm`);
    expect(seqs(await (await opened(file)).append([draft(BONK, 3)]))).toEqual([3]);
  });

  test("without its -wal the ledger opens as it was at the last checkpoint", async () => {
    const { file } = await crashed();
    rmSync(`${file}-wal`);
    expect(await collect((await opened(file)).read())).toEqual([]);
  });

  test("a -wal whose ledger is missing is kept, not taken for an empty ledger", async () => {
    const { file, directory } = await crashed();
    rmSync(file);
    const before = bytesIn(directory);
    const error = await journalErrorOf(openSqliteJournal(file));
    expect(error).toMatchObject({ reason: "corrupt", message: expect.stringContaining(`${file}-wal`) });
    expect(bytesIn(directory)).toEqual(before);
  });
});

describe("a refused append", () => {
  test("a disk that stops taking data rejects the group whole, and the journal promises nothing more", async () => {
    const { file } = place();
    await written(file);
    const child = startChild("fill", file, { fileSizeMaxKiB: 256 });
    const lines = await Array.fromAsync(child.lines);
    expect(await child.ended).toBe(0);
    const durable = lines.slice(0, -2).map(Number);
    expect(lines.slice(-2)).toEqual([
      expect.stringMatching(/^io .*appending/),
      expect.stringMatching(/^io .*takes nothing more/),
    ]);
    const records = await collect((await opened(file)).read());
    expect(durable.length).toBeGreaterThan(0);
    expect([durable.at(-1), (durable.at(-1) ?? 0) + 10]).toContain(records.at(-1)?.seq);
    expect(seqs(records)).toEqual(records.map((_, index) => index + 1));
  });

  test("a writer that finds records it did not write stops, so that a removed lock cannot fork the ledger", async () => {
    const { file, directory } = place();
    const first = await opened(file);
    await first.append([draft(BONK, 1)]);
    rmSync(join(directory, "lock.sqlite"));
    await (await opened(file)).append([draft(SEI, 2)]);
    const error = await journalErrorOf(first.append([draft(BONK, 3)]));
    expect(error).toMatchObject({
      reason: "locked",
      message: expect.stringContaining("something else wrote here"),
    });
    expect((await journalErrorOf(first.append([draft(BONK, 3)]))).reason).toBe("locked");
    expect(seqs(await first.latest())).toEqual([1, 2]);
  });
});

describe("a record that was damaged", () => {
  test.each([
    ["event", "'{\"type\":'", "broken JSON"],
    ["snapshot", "'nonsense'", "broken JSON"],
    ["path", "'{}'", "JSON of another shape"],
    ["commands", "'[1]'", "JSON of another shape"],
    ["symbol", "'not a symbol'", "not what a journal holds"],
  ])(
    "in its %s (%s) is refused by its seq, and the ones before it are read",
    async (column, value, found) => {
      const { file } = place();
      const journal = await openSqliteJournal(file);
      await journal.append([draft(BONK, 1), draft(SEI, 2), draft(symbolOf("PEPE-USD"), 3)]);
      await journal.close();
      edit(file, `UPDATE records SET ${column} = ${value} WHERE seq = 2`);
      const again = await opened(file);
      expect(seqs(await collect(again.read({ limit: 1 })))).toEqual([1]);
      for (const reading of [collect(again.read()), again.latest()]) {
        const error = await journalErrorOf(reading);
        expect(error.reason).toBe("corrupt");
        expect(error.message).toContain(`${file}: record seq 2: ${column}`);
        expect(error.message).toContain(found);
      }
    },
  );
});

describe("a directory that cannot be used", () => {
  test("under a file is refused as io, with its path", async () => {
    const { directory } = place();
    writeFileSync(join(directory, "file"), "");
    const error = await journalErrorOf(openSqliteJournal(join(directory, "file", "journal.sqlite")));
    expect(error).toMatchObject({ reason: "io", message: expect.stringContaining(join(directory, "file")) });
  });

  test("a directory in the place of the file is refused as io", async () => {
    const { directory } = place();
    expect((await journalErrorOf(openSqliteJournal(directory))).reason).toBe("io");
  });

  test("without the right to write is refused as io, and left as it was", async () => {
    const { directory } = place();
    const locked = join(directory, "locked");
    mkdirSync(locked);
    chmodSync(directory, 0o755);
    chmodSync(locked, 0o555);
    const error = await asOrdinaryUser(() =>
      journalErrorOf(openSqliteJournal(join(locked, "journal.sqlite"))),
    );
    expect(error).toMatchObject({ reason: "io", message: expect.stringContaining(locked) });
    expect(namesIn(locked)).toEqual([]);
  });

  test("a ledger file without the right to write is refused as io", async () => {
    const { directory, file } = place();
    await written(file);
    chmodSync(directory, 0o777);
    chmodSync(file, 0o444);
    rmSync(join(directory, "lock.sqlite"));
    const error = await asOrdinaryUser(() => journalErrorOf(openSqliteJournal(file)));
    expect(error).toMatchObject({ reason: "io", message: expect.stringContaining(file) });
  });
});

/** Root may write anywhere, so a test that runs as root steps down for the while. */
async function asOrdinaryUser<T>(run: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0 || process.seteuid === undefined) return run();
  process.seteuid(65_534);
  try {
    return await run();
  } finally {
    process.seteuid(0);
  }
}

test("many drafts of one group cost one commit: they are all there", async () => {
  const { file } = place();
  const journal = await opened(file);
  await journal.append(drafts(BONK, 1, 5_000));
  expect(await collect(journal.read({ symbol: BONK }))).toHaveLength(5_000);
});
