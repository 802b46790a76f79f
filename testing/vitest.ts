// The matchers, for Vitest: `import "purgatory/testing/vitest"` registers them and tells TypeScript of them.
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, Snapshots } from "vitest";
import type { Duration } from "./duration.ts";
import * as matchers from "./matchers.ts";

interface PurgatoryMatchers<R> {
  /** The states were entered in this order; others may lie between. `purging` stands for all that is in it, and counts once
   * until it is left. */
  toHaveVisited(states: readonly string[]): R;
  /** These commands were sent in this order; others may lie between. A command is named by its type, or as an object with its
   * type and fields that must be so: `{ type: "order.place", kind: "ioc" }`. */
  toHaveSent(commands: readonly matchers.SentCommand[]): R;
  /** That many different orders were placed. */
  toHavePlaced(count: number): R;
  /** That many attempts in a row have failed, at the end. */
  toHaveFailed(count: number): R;
  /** How long each stay in `state` was, to the millisecond; `backoff.waiting` if left out. A single duration: there was one. */
  toHaveWaited(durations: Duration | readonly Duration[], state?: string): R;
  /** The symbol ends in this state, or within it. */
  toBeIn(state: string): R;
  /** The symbol ends sold, its failures forgotten. */
  toBeCleared(): R;
  /** Of a run, or the path of a journal file: the machine as it is now does what was recorded. */
  toReplay(): R;
  /** The journal is the one in `file`, beside the test; named after file and test if left out. Written where there is none and
   * with `vitest -u`; in CI nothing is written. Asynchronous: write `await expect(run).toMatchJournal()`. */
  toMatchJournal(file?: string): Promise<void>;
}

declare module "vitest" {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown>
    extends PurgatoryMatchers<R>,
      // Vitest's own has `T`, and this one must name it too.
      Record<never, T> {}
}

expect.extend({
  toHaveVisited: (received, states: readonly string[]) => matchers.haveVisited(received, states),
  toHaveSent: (received, commands: readonly matchers.SentCommand[]) => matchers.haveSent(received, commands),
  toHavePlaced: (received, count: number) => matchers.havePlaced(received, count),
  toHaveFailed: (received, count: number) => matchers.haveFailed(received, count),
  toHaveWaited: (received, durations: Duration | readonly Duration[], state = "backoff.waiting") =>
    matchers.haveWaited(received, durations, state),
  toBeIn: (received, state: string) => matchers.beIn(received, state),
  toBeCleared: (received) => matchers.beIn(received, "cleared", "toBeCleared"),
  toReplay: (received) => matchers.replayAgain(received),
  async toMatchJournal(received, file?: string) {
    const run = matchers.runIn(received, "toMatchJournal");
    const { testPath = "journal", currentTestName = "test" } = this;
    const path = join(dirname(testPath), file ?? join("__journals__", ownName(testPath, currentTestName)));
    const wasThere = existsSync(path);
    const taken = await Snapshots.toMatchFileSnapshot.call(this, run.toJsonLines(), path);
    if (taken.pass) return taken;
    const absent = `${path} is not there, and nothing is written in CI; run the test elsewhere and commit what it writes`;
    return wasThere ? matchers.journalFinding(path, run) : { pass: false, message: () => absent };
  },
});

/** `purge_test_a_third_failure_rests.jsonl`, from the name of the file and of the test. */
function ownName(testPath: string, testName: string): string {
  const words = `${basename(testPath).replace(/\.[cm]?[jt]sx?$/, "")} ${testName}`;
  return `${words
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_|_$/g, "")
    .slice(0, 100)}.jsonl`;
}
