// The matchers as Vitest has them: what they let pass, what they refuse, and in which words.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { play, rejected, type Run, unfilled, until, wait, writeJournal } from "../../testing/mod.ts";
import "../../testing/vitest.ts";

let failed: Run;
let cleared: Run;
beforeAll(async () => {
  failed = await play([rejected("INVALID_SIZE_PRECISION", { times: 3 }), wait("30 min")]);
  cleared = await play([unfilled(), until("cleared")]);
});

/** What is said where an expectation does not hold: the message, and the two sides of the difference. */
function refusal(expectation: () => void) {
  try {
    expectation();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { actual, expected } = { actual: undefined, expected: undefined, ...error };
    return { message: error.message, actual, expected };
  }
  throw new Error("it held");
}

describe("toHaveVisited", () => {
  test("wants the states in their order, and lets others lie between", () => {
    expect(failed).toHaveVisited([
      "purging",
      "failed",
      "retrying",
      "failed",
      "retrying",
      "failed",
      "backoff.waiting",
    ]);
    expect(cleared).toHaveVisited(["purging.resting", "purging.cancelling", "purging.resting", "cleared"]);
    expect(failed).not.toHaveVisited(["failed", "purging"]);
    expect(failed).not.toHaveVisited(["cleared"]);
  });

  test("counts a state once until it is left", () => {
    expect(cleared).not.toHaveVisited(["purging", "purging"]);
    expect(failed).not.toHaveVisited(["failed", "failed", "failed", "failed"]);
  });

  test("shows what was visited, in no more detail than was asked for", () => {
    const { message, actual, expected } = refusal(() =>
      expect(failed).toHaveVisited(["purging", "failed", "cleared"]),
    );
    expect(message).toBe(
      "BONK-USD did not visit purging, failed, cleared in this order (others may lie between)",
    );
    expect(expected).toEqual(["purging", "failed", "cleared"]);
    expect(actual).toEqual(["purging", "failed", "retrying", "failed", "retrying", "failed", "backoff"]);
  });

  test("shows nothing more of a state when a part of it was asked for", async () => {
    const rested = await play([rejected("A_CODE", { times: 3 }), wait("1 h"), until("cleared")]);
    const { actual } = refusal(() =>
      expect(rested).toHaveVisited(["failed", "backoff.waiting", "suspended"]),
    );
    expect(actual).toEqual([
      ...["purging", "failed", "retrying", "failed", "retrying", "failed", "backoff.waiting"],
      ...["retrying", "cleared"],
    ]);
  });
});

describe("toHaveSent", () => {
  test("wants the commands in their order, by type or by what is in them", () => {
    expect(cleared).toHaveSent(["market.refresh", "order.place", "order.cancel", "order.place"]);
    expect(cleared).toHaveSent([{ type: "order.place", kind: "post_only", symbol: "BONK-USD" }]);
    expect(cleared).not.toHaveSent([{ type: "order.place", kind: "market" }]);
    expect(failed).not.toHaveSent(["order.cancel"]);
  });

  test("says which one is missing, after which", () => {
    const { message, actual } = refusal(() => expect(failed).toHaveSent(["order.place", "order.cancel"]));
    expect(message).toBe("BONK-USD did not send order.cancel after order.place (others may lie between)");
    expect(actual).toEqual([1, 2, 3].flatMap(() => ["market.refresh", "order.place"]));
  });
});

describe("numbers", () => {
  test("toHavePlaced counts orders, toHaveFailed failures in a row", () => {
    expect(failed).toHavePlaced(3);
    expect(failed).toHaveFailed(3);
    expect(cleared).toHaveFailed(0);
    expect(cleared).not.toHavePlaced(0);
  });

  test("are told with what they were counted from", () => {
    expect(refusal(() => expect(failed).toHaveFailed(2)).message).toBe(
      "BONK-USD: 3 failures in a row, expected 2\n  BONK-USD ends in backoff.waiting",
    );
    expect(refusal(() => expect(failed).toHavePlaced(1)).message).toMatch(
      /^BONK-USD: 3 orders placed, expected 1\n {2}order\.place \d+ at 0\.0000\d+ post_only\n/,
    );
  });
});

describe("toHaveWaited", () => {
  test("wants every stay, to the millisecond", async () => {
    expect(failed).toHaveWaited("30 min");
    expect(failed).toHaveWaited(1_800_000);
    const twice = await play([rejected("A_CODE", { times: 4 }), wait("2 h")]);
    expect(twice).toHaveWaited(["1 h", "2 h"]);
    expect(cleared).toHaveWaited([]);
    expect(cleared).not.toHaveWaited("45 s", "purging.resting");
  });

  test("says how long it was", () => {
    expect(refusal(() => expect(failed).toHaveWaited("1 h")).message).toBe(
      "BONK-USD was in backoff.waiting for 30 min, and is still there; expected 1 h",
    );
    expect(refusal(() => expect(cleared).toHaveWaited("1 h")).message).toBe(
      "BONK-USD was in backoff.waiting never; expected 1 h",
    );
  });
});

describe("the end", () => {
  test("toBeIn and toBeCleared look at the last state", () => {
    expect(failed).toBeIn("backoff.waiting");
    expect(failed).toBeIn("backoff");
    expect(cleared).toBeCleared();
    expect(failed).not.toBeCleared();
  });

  test("is told with the last failure", () => {
    expect(refusal(() => expect(failed).toBeCleared()).message).toMatch(
      /^BONK-USD ends in backoff\.waiting; expected cleared; its last failure: .*error=INVALID_SIZE_PRECISION/,
    );
  });
});

describe("toReplay", () => {
  const directory = mkdtempSync(join(tmpdir(), "replays-"));
  afterAll(() => rmSync(directory, { recursive: true }));

  test("holds for a run, and for the file of one", () => {
    expect(failed).toReplay();
    writeJournal(join(directory, "failed.jsonl"), failed);
    expect(join(directory, "failed.jsonl")).toReplay();
  });

  test("names the step in which the machine goes another way", () => {
    const path = join(directory, "changed.jsonl");
    writeFileSync(path, failed.toJsonLines().replace('"state":"backoff.waiting"', '"state":"failed"'));
    const { message } = refusal(() => expect(path).toReplay());
    expect(message).toContain("BONK-USD goes another way at seq 9");
    expect(message).toContain('- state: "failed"\n+ state: "backoff.waiting"');
  });
});

describe("what could not fail is refused", () => {
  test.each([
    ["toHaveVisited", () => expect(failed).not.toHaveVisited(["purging", "clared"])],
    ["toHaveWaited", () => expect(failed).not.toHaveWaited("1 h", "clared")],
    ["toBeIn", () => expect(failed).not.toBeIn("clared")],
    ["sentIn", () => failed.sentIn("clared")],
    ["staysIn", () => failed.staysIn("clared")],
    ["until", () => until("clared")],
  ])("a state that the machine does not have, in %s", (where, slip) => {
    expect(refusal(slip).message).toBe(
      `${where}: the machine has no state "clared"; did you mean "cleared"?`,
    );
  });

  test("with all that there are, where none is near", () => {
    expect(() => until("somewhere")).toThrow(
      /no state "somewhere"; expected one of idle, purging, purging\.quoting, .*, suspended$/,
    );
  });

  test("an empty list", () => {
    expect(refusal(() => expect(failed).toHaveSent([])).message).toBe(
      "toHaveSent was given an empty list; name a command, or use expect(run.sent)",
    );
    expect(refusal(() => expect(failed).toHaveVisited([])).message).toBe(
      "toHaveVisited was given an empty list; name a state, or use expect(run.visited)",
    );
  });
});

test("what is no run is told by its kind, and a forgotten await by name", () => {
  expect(refusal(() => expect(play([])).toBeCleared()).message).toBe(
    "toBeCleared expects what play or playJournal resolves to, and was given a promise: write await before play",
  );
  expect(refusal(() => expect(3).toHavePlaced(3)).message).toMatch(
    /^toHavePlaced expects .* was given number$/,
  );
});
