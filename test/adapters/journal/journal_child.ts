// Run as a process of its own by the tests: works on a journal until it is killed. Prints by `writeSync`, so that what
// the test has read was said before the kill.
import { writeSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { JournalError } from "../../../actors/ports.ts";
import { MIGRATIONS, migrate } from "../../../adapters/journal/ledger_layout.ts";
import { openSqliteJournal } from "../../../adapters/journal/mod.ts";
import { draft, symbolOf } from "./drafts.ts";

const say = (line: string): void => {
  writeSync(1, `${line}\n`);
};
const killed = (): never => {
  process.kill(process.pid, "SIGKILL");
  throw new Error("still alive");
};

const tasks: Record<string, (file: string) => Promise<void>> = {
  /** Appends groups of 1 to 64 for ever, and says the last seq of each once it is durable. */
  async append(file) {
    const journal = await openSqliteJournal(file);
    for (let group = 1; ; group += 1) {
      const size = 1 + ((group * 37) % 64);
      const written = await journal.append(
        Array.from({ length: size }, (_, index) =>
          draft(symbolOf(`S${index}-USD`), group, { snapshot: { group, size, filler: "x".repeat(500) } }),
        ),
      );
      say(String(written.at(-1)?.seq));
    }
  },
  /** Opens, appends, closes, for ever, and says the last seq each time that it is durable. */
  async reopen(file) {
    for (let cycle = 1; ; cycle += 1) {
      const journal = await openSqliteJournal(file);
      const written = await journal.append([draft(symbolOf("BONK-USD"), cycle)]);
      say(String(written.at(-1)?.seq));
      await journal.close();
    }
  },
  /** Holds the ledger until its standard input ends. */
  async hold(file) {
    try {
      const journal = await openSqliteJournal(file);
      say("open");
      for await (const _ of process.stdin);
      await journal.close();
    } catch (error) {
      say(error instanceof JournalError ? `${error.reason} ${error.message}` : String(error));
    }
  },
  /** Writes two records and dies without closing. */
  async crash(file) {
    const journal = await openSqliteJournal(file);
    await journal.append([draft(symbolOf("BONK-USD"), 1), draft(symbolOf("SEI-USD"), 2)]);
    killed();
  },
  /** Marks the ledger as a later version's, in its write-ahead log only, and dies. */
  async newer(file) {
    new DatabaseSync(file).exec("PRAGMA user_version = 99");
    killed();
  },
  /** Dies when a migration has done its work but not committed. */
  async migrate(file) {
    const db = new DatabaseSync(file);
    db.exec("PRAGMA cache_size = 1");
    migrate(db, [...MIGRATIONS, killed]);
  },
  /** Appends until the file may not grow any more (its limit is set by the shell), then says what happened. */
  async fill(file) {
    process.on("SIGXFSZ", () => {});
    const journal = await openSqliteJournal(file);
    for (;;) {
      const group = Array.from({ length: 10 }, (_, index) => draft(symbolOf("BONK-USD"), index));
      const outcome = await journal.append(group).catch((error: unknown) => error);
      if (outcome instanceof JournalError) {
        say(`${outcome.reason} ${outcome.message}`);
        const again = await journal.append([draft(symbolOf("SEI-USD"), 1)]).catch((error: unknown) => error);
        say(again instanceof JournalError ? `${again.reason} ${again.message}` : "went on");
        return;
      }
      if (Array.isArray(outcome)) say(String(outcome.at(-1)?.seq));
    }
  },
};

const [task = "", file = ""] = process.argv.slice(2);
await tasks[task]?.(file);
