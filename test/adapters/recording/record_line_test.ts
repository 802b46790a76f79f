// One step as one line, there and back; and lines that are none.
import { describe, expect, test } from "vitest";
import { problemIn, readRecordLine, recordLine } from "../../../adapters/recording/mod.ts";
import { createReplay } from "../../../machines/mod.ts";
import { lines, refusedWith, transitions } from "./recording_kit.ts";

const [first = ""] = lines;
const withPart = (part: object, line = first): string => JSON.stringify({ ...JSON.parse(line), ...part });
function problem(line: string): string {
  const read = readRecordLine(line);
  return read.ok ? "none" : read.problem;
}

describe("a line", () => {
  test("is the transition, with the version of the line and of the machine", () => {
    const [transition] = transitions;
    expect(JSON.parse(first)).toEqual({ format: 1, machine: 1, ...JSON.parse(JSON.stringify(transition)) });
    expect(first.startsWith('{"format":1,"machine":1,"ledger_id":')).toBe(true);
    expect(first).not.toContain("\n");
  });

  test("names the machine that took the step, and not the one that writes", () => {
    const [transition] = transitions;
    if (transition === undefined) throw new Error("no transitions");
    expect(recordLine({ ...transition, snapshot: { version: 7 } })).toContain('"machine":7,');
    expect(recordLine({ ...transition, snapshot: null })).toContain('"machine":1,');
  });

  test("is read back as it was", () => {
    for (const [index, line] of lines.entries()) {
      const read = readRecordLine(line);
      expect(read).toMatchObject({ ok: true });
      if (!read.ok) continue;
      const { machine, ledger_id, seq, at, symbol, event, path, state, commands, snapshot } = read.record;
      expect({ ledger_id, seq, at, symbol, event, path, state, commands, snapshot }).toEqual(
        transitions[index],
      );
      expect(machine).toBe(1);
      expect(problemIn(line)).toBeNull();
    }
  });

  test("is read whatever the order of its keys, and with keys that are not known", () => {
    const { snapshot, ...rest } = JSON.parse(first);
    for (const line of [JSON.stringify({ snapshot, ...rest }), withPart({ more: 1 }), ` ${first} `]) {
      const read = readRecordLine(line);
      expect(read.ok && read.record.snapshot).toEqual(snapshot);
    }
  });

  test("is not cut at a snapshot within something else", () => {
    const line = withPart({
      event: { ...JSON.parse(first).event, note: 'x,"snapshot":{', inner: { a: 1, snapshot: 2 } },
    });
    const read = readRecordLine(line);
    expect(read.ok && read.record.snapshot).toEqual(JSON.parse(first).snapshot);
    expect(read.ok && read.record.state).toBe("purging.quoting");
  });

  test("replays", () => {
    const replay = createReplay({ compareContext: true });
    for (const line of lines) {
      const read = readRecordLine(line);
      expect(read.ok && replay.take(read.record).kind).toBe("same");
    }
  });
});

describe("what is no record is told apart", () => {
  test.each([
    [
      "",
      /^is not JSON \(Unexpected end of JSON input\); expected one record a line, as purgatory journal writes them$/,
    ],
    ["{", /^is not JSON/],
    [first.slice(0, 300), /^is not JSON/],
    [first.slice(0, -1), /^is not JSON/],
    [`${first}${first}`, /^is not JSON/],
    [`${first.slice(0, -2)}${first}`, /^is not JSON/],
    // Cut off by the version before an update, gone on with by the one after.
    [`${first.slice(0, -2)}${withPart({ machine: 0 })}`, /^is not JSON/],
    ["[]", /^is not a record: Expected object/],
    ["null", /^is not a record/],
    ['"text"', /^is not a record/],
    ["{}", /^is not a record: Missing key.*format/],
    [withPart({ snapshot: undefined }), /^is not a record: Missing key.*snapshot/],
    [withPart({ seq: 0.5 }), /^is not a record: .*seq/],
    [withPart({ symbol: "bonk" }), /^is not a record: .*symbol/],
    [withPart({ symbol: "SEI-USD" }), /of another symbol/],
    [withPart({ event: { type: "order.eaten" } }), /^is not a record: .*event/],
    [withPart({ path: "idle" }), /^is not a record: .*path/],
    [withPart({ commands: {} }), /^is not a record: .*commands/],
    [withPart({ machine: "1" }), /^is not a record: .*machine/],
    [withPart({ format: "1" }), /^is not a record: .*format/],
  ])("%#: %.40s", (line, said) => {
    expect(problem(line)).toMatch(said);
    expect(problem(line)).not.toContain("\n");
  });

  test("by its format and its machine, which concern a whole file", () => {
    expect(readRecordLine(withPart({ format: 2 }))).toEqual({
      ok: false,
      problem: "is of format 2; expected 1; read it with the purgatory that wrote it, or a later one",
      isForeign: true,
    });
    expect(readRecordLine(withPart({ machine: 2 }))).toMatchObject({
      ok: false,
      problem: expect.stringMatching(
        /^was recorded by version 2 of the machine; this is version 1; replay it with/,
      ),
      isForeign: true,
    });
  });

  test("in full where only a second look finds it", () => {
    const line = withPart({ event: { ...JSON.parse(first).event, balance: "lots" } });
    expect(readRecordLine(line).ok).toBe(true);
    expect(problemIn(line)).toMatch(/^is not a record: .*balance/);
  });
});

describe("what is passed around", () => {
  const ID = "8bfc20d7-f7c6-4422-bf07-8243ca4169fe";
  test.each([
    ["an account's id", `{"account_id":"${ID}","error":"X"}`],
    ["an account's id of another name", `{"error":{"retail_portfolio_id" : "${ID}"}}`],
    ["a user's number", '{"userId":8243416911,"error":"X"}'],
    ["an id in words", `no funds in account_id=${ID}`],
    ["an id within JSON within JSON", JSON.stringify({ body: JSON.stringify({ account_uuid: ID }) })],
    ["an id in a body that was cut off", `{"portfolio_uuid":"${ID}","err`],
    ["a key", '{"api_key":"8243416911","error":"X"}'],
    ["a token", "Authorization: Bearer 8243416911abcdef"],
    ["a key in PEM", "-----BEGIN EC PRIVATE KEY-----\n8243416911\n-----END EC PRIVATE KEY-----"],
  ])("has no %s", (_, raw) => {
    const line = refusedWith(raw);
    expect(line).not.toMatch(/8bfc20d7|8243/);
    expect(line).toContain("[redacted]");
    expect(problemIn(line)).toBeNull();
  });

  test("keeps the ids of orders, and what an exchange says besides", () => {
    const raw = JSON.stringify({ order_id: ID, client_order_id: "c-1", account_id: null, error: "INVALID" });
    const line = refusedWith(raw);
    expect(line).toContain(JSON.stringify(raw));
    expect(line).not.toContain("[redacted]");
  });
});
