// A recorded journal, played once more: the same journal comes of it, wherever it begins.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  crash,
  operator,
  play,
  playJournal,
  rejected,
  type Run,
  timedOut,
  unfilled,
  until,
  venueDown,
  wait,
  writeJournal,
} from "../../testing/mod.ts";
import "../../testing/vitest.ts";

const directory = mkdtempSync(join(tmpdir(), "journals-"));
afterAll(() => rmSync(directory, { recursive: true }));
const file = (name: string): string => join(directory, name);

let eventful: Run;
beforeAll(async () => {
  eventful = await play([
    ...[rejected("INVALID_SIZE_PRECISION", { times: 2 }), unfilled(), crash(), rejected()],
    ...[
      until("backoff.waiting"),
      operator("pause"),
      wait("10 min"),
      operator("resume"),
      timedOut(),
      wait("3 h"),
    ],
  ]);
});

describe("a fixture", () => {
  test("that was written is played from its file, and the same journal comes of it", async () => {
    expect(new Set(eventful.visited)).toContain("suspended");
    writeJournal(file("eventful.jsonl"), eventful);
    const again = await playJournal(file("eventful.jsonl"));
    expect(again.toJsonLines()).toBe(eventful.toJsonLines());
    expect(again.trouble).toEqual([]);
  });

  test("may be packed", async () => {
    writeFileSync(file("eventful.jsonl.gz"), gzipSync(eventful.toJsonLines()));
    const again = await playJournal(file("eventful.jsonl.gz"));
    expect(again.records).toHaveLength(eventful.records.length);
  });

  test("may begin in the middle: its first record is taken as it is", async () => {
    const lines = eventful.toJsonLines().split("\n");
    writeFileSync(file("later.jsonl"), lines.slice(5).join("\n"));
    const again = await playJournal(file("later.jsonl"));
    expect(again.records.map(({ state }) => state)).toEqual(
      eventful.records.slice(5).map(({ state }) => state),
    );
    expect(again.context).toEqual(eventful.context);
  });
});

test("a journal that an editor elsewhere has saved is read like the one that was written", async () => {
  const text = `\uFEFF${eventful.toJsonLines().replaceAll("\n", "\r\n")}\r\n`;
  writeFileSync(file("windows.jsonl"), text);
  const again = await playJournal(file("windows.jsonl"));
  expect(again.toJsonLines()).toBe(eventful.toJsonLines());
});

describe("a journal of several symbols", () => {
  beforeAll(async () => {
    const other = await play([rejected()], { symbol: "SEI-USD", price: "0.1563", balance: "60" });
    writeFileSync(file("two.jsonl"), eventful.toJsonLines() + other.toJsonLines());
  });

  test("is played for one of them", async () => {
    const run = await playJournal(file("two.jsonl"), { symbol: "SEI-USD" });
    expect(run.symbol).toBe("SEI-USD");
    expect(run.state).toBe("failed");
  });

  test("is refused where nobody says for which", async () => {
    await expect(playJournal(file("two.jsonl"))).rejects.toThrow(
      /two\.jsonl is of several symbols; say which with \{ symbol \}: BONK-USD, SEI-USD$/,
    );
    await expect(playJournal(file("two.jsonl"), { symbol: "WLFI-USD" })).rejects.toThrow(
      /there is nothing of WLFI-USD; found: BONK-USD, SEI-USD$/,
    );
  });
});

describe("a file that is no journal is refused", () => {
  test("with the line that is none", async () => {
    writeFileSync(file("broken.jsonl"), `${eventful.toJsonLines().split("\n")[0]}\n{"format":1}\n`);
    await expect(playJournal(file("broken.jsonl"))).rejects.toThrow(
      /broken\.jsonl, line 2: is not a record: /,
    );
  });

  test("where a record comes twice", async () => {
    writeFileSync(file("twice.jsonl"), eventful.toJsonLines().repeat(2));
    await expect(playJournal(file("twice.jsonl"))).rejects.toThrow(
      new RegExp(`twice\\.jsonl: seq 1 comes after seq ${eventful.records.length}; `),
    );
  });

  test("where it is empty, or not there", async () => {
    writeFileSync(file("empty.jsonl"), "");
    await expect(playJournal(file("empty.jsonl"))).rejects.toThrow(
      /there is nothing of any symbol; found: none/,
    );
    await expect(playJournal(file("nowhere.jsonl"))).rejects.toThrow(/ENOENT/);
  });
});

/** None of these sells anything, so that every order listed comes about. */
const anyStep = fc.oneof(
  fc
    .constantFrom("INVALID_SIZE_PRECISION", "INSUFFICIENT_FUND", "UNKNOWN_TO_EVERYBODY")
    .map((code) => rejected(code)),
  fc.constant(unfilled()),
  fc.constant(crash()),
  fc.integer({ min: 0, max: 5_000 }).map((seconds) => wait(`${seconds} s`)),
  fc.constantFrom("down", "maintenance", "rate_limited" as const).map((how) => venueDown("3 min", { how })),
);

test("whatever is played replays, and gives the same journal when that is played", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 6 }), async (steps) => {
      const run = await play([...steps, wait("1 h")]);
      expect(run.trouble).toEqual([]);
      expect(run).toReplay();
      if (run.records.length === 0) return;
      const again = await playJournal(run);
      expect(again.toJsonLines()).toBe(run.toJsonLines());
    }),
    { numRuns: 12, seed: 7 },
  );
});
