// A supervisor in TypeScript sells an account through a gateway in Python, while Python watches and gives orders.
import { Schema } from "effect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JournalRecord } from "../../actors/ports.ts";
import type { PythonEnded } from "./python_program.ts";
import { type PythonStory, seenBy, startPythonStory } from "./python_story.ts";

const Status = Schema.fromJsonString(
  Schema.Struct({
    symbols: Schema.Array(
      Schema.Struct({
        symbol: Schema.String,
        state: Schema.String,
        failures: Schema.Number,
        attempts: Schema.Number,
        sold_size: Schema.String,
      }),
    ),
  }),
);
const decodeStatus = Schema.decodeUnknownSync(Status);
const answerIn = ({ lines }: PythonEnded): unknown => JSON.parse(lines.join("\n"));

const records: JournalRecord[] = [];
let story: PythonStory;
let status: PythonEnded;
let gateway: PythonEnded;
let exitCode: number | null;
/** What control.py was answered, by what it asked. */
const told = new Map<string, PythonEnded>();

async function tell(name: string, ...args: readonly string[]): Promise<void> {
  told.set(name, await story.control(...args));
}

/** Waits until WLFI has come to `state` after the last `event`. */
const wlfi = (event: string, state: string) =>
  story.watch.until((lines) => {
    const steps = seenBy({ lines }).filter(({ symbol }) => symbol === "WLFI-USD");
    const from = steps.findLastIndex((step) => step.event === event);
    return from >= 0 && steps.slice(from).some((step) => step.state === state);
  });

beforeAll(async () => {
  story = await startPythonStory();
  const asAna = ["WLFI-USD", "--by", "ana"] as const;
  const packed = ["--format", "msgpack"] as const;
  await wlfi("purge.requested", "purging.resting");
  await tell("pause", "pause", ...asAna, "--reason", "listing under review");
  await wlfi("operator.pause", "suspended");
  await tell("pause again", "pause", ...asAna, "--reason", "listing under review", ...packed);
  await tell("resume", "resume", ...asAna, ...packed);
  await wlfi("operator.resume", "purging.resting");
  await tell("ban", "ban", ...asAna, "--reason", "delisted soon", ...packed);
  await tell("resume a ban", "resume", ...asAna, ...packed);
  await tell("no reason", "pause", ...asAna);
  await tell("not held", "purge", "NOPE-USD", "--by", "ana", "--reason", "a slip", ...packed);
  await story.until(({ symbol, state }) => symbol === "SEI-USD" && state === "cleared");
  await story.until(({ symbol, state }) => symbol === "BONK-USD" && state === "cleared");
  await wlfi("operator.ban", "suspended");
  status = await story.control("status", ...packed);
  ({ code: exitCode, gateway } = await story.finish());
  const journal = await story.journal();
  for await (const record of journal.read()) records.push(record);
  await journal.close();
  const last = records.at(-1)?.seq ?? 0;
  for (const each of [story.watch, story.watchBySequence]) {
    await each.until((lines) => seenBy({ lines }).some(({ seq }) => seq === last));
  }
}, 120_000);
afterAll(() => story.close());

const pathsOf = (symbol: string) =>
  records.filter((each) => each.symbol === symbol).flatMap(({ path }) => path);

describe("a gateway in Python", () => {
  test("sells SEI at once, and BONK after a refusal, in a part, a fill during the cancellation, and two whole slices", () => {
    const { symbols } = decodeStatus(status.lines.join("\n"));
    expect(symbols).toEqual([
      { symbol: "BONK-USD", state: "cleared", failures: 0, attempts: 2, sold_size: "889587" },
      { symbol: "SEI-USD", state: "cleared", failures: 0, attempts: 1, sold_size: "36.4" },
      { symbol: "WLFI-USD", state: "suspended", failures: 0, attempts: 2, sold_size: "0" },
    ]);
  });

  test("leaves at its exchange exactly what the supervisor takes to be left, to the last digit", () => {
    expect([gateway.code, gateway.errors]).toEqual([0, ""]);
    // 36.4 at 0.1564 and 889587 at 0.00001067, less 0.6 %.
    expect(JSON.parse(gateway.lines.at(-1) ?? "")).toEqual({
      balances: {
        USD: "1255.64374417026",
        SEI: expect.stringMatching(/^0(\.0+)?$/),
        BONK: expect.stringMatching(/^0(\.0+)?$/),
        WLFI: "57.5",
        SOL: "0.25",
      },
    });
  });

  test("has its refusal counted once, and forgotten when the position is sold", () => {
    expect(pathsOf("BONK-USD").filter((state) => state === "failed")).toHaveLength(1);
    expect(pathsOf("BONK-USD").at(-1)).toBe("cleared");
    const refusal = records.find(({ event }) => event.type === "order.rejected")?.event;
    expect(refusal).toMatchObject({
      symbol: "BONK-USD",
      rejection: {
        class: "symbol",
        code: "INVALID_ORDER_CONFIGURATION",
        preview_failure: "PREVIEW_INVALID_ORDER_CONFIG",
        raw_response: expect.stringContaining("error_response"),
      },
    });
  });

  test("has part of an order filled while it is being cancelled, and tells it with the end of the order", () => {
    const updates = records
      .map(({ event }) => event)
      .filter((event) => event.type === "order.update" && event.symbol === "BONK-USD")
      .map((event) => (event.type === "order.update" ? [event.status, event.filled_size] : []));
    expect(updates.slice(0, 2)).toEqual([
      ["open", "187441"],
      ["cancelled", "271789"],
    ]);
  });
});

describe("watch.py", () => {
  test("has shown every record of the journal, once and in order, whichever way it reads", () => {
    const written = records.map(({ seq, at, symbol, event, path, state }) => {
      return { seq, at, symbol, event: event.type, path, state };
    });
    expect(written.length).toBeGreaterThan(30);
    for (const each of [story.watch, story.watchBySequence]) {
      const shown = seenBy(each).map(({ ledger_id: _, sequence: __, ...seen }) => seen);
      expect(shown).toEqual(written);
    }
  });
});

describe("control.py", () => {
  test("pauses, resumes and bans, in JSON and in MessagePack, and the journal has it", () => {
    expect(answerIn(told.get("pause") ?? gateway)).toMatchObject({ action: "pause", changed: true });
    expect(answerIn(told.get("pause again") ?? gateway)).toMatchObject({ changed: false, seq: null });
    expect(answerIn(told.get("resume") ?? gateway)).toMatchObject({ changed: true, state: "idle" });
    expect(answerIn(told.get("ban") ?? gateway)).toMatchObject({ action: "ban", changed: true });
    const operators = records.filter(({ event }) => event.type.startsWith("operator."));
    expect(operators.map(({ event }) => event.type)).toEqual([
      "operator.pause",
      "operator.resume",
      "operator.ban",
    ]);
  });

  test.each([
    ["resume a ban", "409: WLFI-USD stays suspended (ban by ana: delisted soon)", "suspended"],
    ["no reason", "400: purge.v1.control.pause: ", "invalid"],
    ["not held", "404: NOPE-USD is not held", "not_held"],
  ])(
    "asked for what cannot be (%s), shows the error of the headers and the code of the body",
    (name, sentence, code) => {
      const answer = told.get(name);
      expect(answer?.errors).toContain(sentence);
      expect(answer === undefined ? null : answerIn(answer)).toMatchObject({ code });
      expect(answer?.code).toBe(6);
    },
  );
});

test("the supervisor has stopped in good order", () => {
  expect(exitCode).toBe(0);
});
