// What the reader of foreign JSON keeps that JSON.parse would lose, and that it agrees with it on all else.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type JsonValue, readJson } from "../../../adapters/cli/json_reader.ts";

function readValue(text: string): JsonValue {
  const reading = readJson(text);
  if (!reading.ok) throw new Error(reading.message);
  return reading.value;
}
const messageOf = (text: string): string | null => {
  const reading = readJson(text);
  return reading.ok ? null : reading.message;
};

/** The value that JSON.parse would have made. */
function toPlain(value: JsonValue): unknown {
  switch (value.kind) {
    case "object":
      // As JSON.parse does: the last of equal keys counts, and `__proto__` is an own key.
      return Object.fromEntries(value.members.map((member) => [member.key, toPlain(member.value)]));
    case "list":
      return value.items.map(toPlain);
    case "text":
      return value.text;
    case "number":
      return Number(value.source);
    case "word":
      return value.word === "null" ? null : value.word === "true";
  }
}

describe("reading JSON", () => {
  test("finds the value that JSON.parse finds, however it is laid out", () => {
    const layout = fc.constantFrom("", " ", "\t", "\r\n", 2);
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6, stringUnit: "binary" }), layout, (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        // Read by JSON.parse again: it writes −0 as 0.
        expect(toPlain(readValue(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  test("refuses what JSON.parse refuses, and nothing else", () => {
    const damage = fc.record({ at: fc.nat(), cut: fc.nat(3), put: fc.string({ maxLength: 3 }) });
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), damage, (value, { at, cut, put }) => {
        const whole = JSON.stringify(value);
        const start = at % (whole.length + 1);
        const text = whole.slice(0, start) + put + whole.slice(start + cut);
        fc.pre(!text.includes("NaN"));
        expect(readJson(text).ok).toBe(isJson(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test("keeps a number as it was written", () => {
    const text =
      "[889587.0, 1e-05, 0.1000000000000000055511151231257827, -0, 123456789012345678901234567890]";
    const sources = text.slice(1, -1).split(", ");
    expect(readValue(text)).toEqual({
      kind: "list",
      items: sources.map((source) => ({ kind: "number", source })),
    });
  });

  test.each(["NaN", "Infinity", "-Infinity"])("takes Python's %s for a number", (source) => {
    expect(readValue(source)).toEqual({ kind: "number", source });
  });

  test("shows every one of equal keys, in order", () => {
    const members = [1, 2].map((n) => ({ key: "a", value: { kind: "number", source: String(n) } }));
    expect(readValue('{"a": 1, "\\u0061": 2}')).toEqual({ kind: "object", members });
  });

  test("takes __proto__ for a key like any other", () => {
    const value = { kind: "object", members: [] };
    expect(readValue('{"__proto__": {}}')).toEqual({
      kind: "object",
      members: [{ key: "__proto__", value }],
    });
  });

  test("skips a byte order mark", () => {
    expect(readValue("\ufefftrue")).toEqual({ kind: "word", word: "true" });
  });
});

describe("a text that is no JSON", () => {
  test.each([
    ["", "line 1, column 1, where the text ends: expected a value"],
    ['{"a": 1', 'line 1, column 8, where the text ends: expected "," or "}"'],
    ['{\n  "a": 1,\n}', "line 3, column 1: expected a key in double quotes"],
    ['{"a" 1}', 'line 1, column 6: expected ":" after the key'],
    ["[1\n2]", 'line 2, column 1: expected "," or "]"'],
    ["{'a': 1}", "line 1, column 2: expected a key in double quotes"],
    ['["a', "line 1, column 2: a text without its closing quote"],
    ['["a\\"]', "line 1, column 2: a text without its closing quote"],
    ['"a\nb"', "line 1, column 1: a text with a line break or an escape that JSON does not have"],
    ['"\\x41"', "line 1, column 1: a text with a line break or an escape that JSON does not have"],
    ["[012]", "line 1, column 2: expected a value"],
    ["[nan]", "line 1, column 2: expected a value"],
    ["[+1]", "line 1, column 2: expected a value"],
    ["1 2", "line 1, column 3: expected the end of the text"],
  ])("%j is answered with where it goes wrong", (text, message) => {
    expect(messageOf(text)).toBe(message);
  });

  test("is one that nests without end, and costs no stack", () => {
    expect(messageOf("[".repeat(100_000))).toBe("line 1, column 502: nested more than 500 levels deep");
    expect(messageOf('{"a":'.repeat(100_000))).toMatch(/nested more than 500 levels deep$/);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
