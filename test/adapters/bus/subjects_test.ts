// Which subject a message goes under, and that no text from outside ever becomes one.
import { Schema } from "effect";
import { describe, expect, test } from "vitest";
import { addressOf, patternOf, subjectOf } from "../../../adapters/bus/mod.ts";
import { matches } from "../../../adapters/bus/subjects.ts";
import { TradingSymbol } from "../../../machines/mod.ts";
import { CHANNELS } from "./vectors.ts";

const BONK = Schema.decodeUnknownSync(TradingSymbol)("BONK-USD");

test("each channel has its own subjects, and they read back", () => {
  const withSymbol = ["orders", "results", "transitions", "dead"] as const;
  expect(withSymbol.map((channel) => subjectOf({ channel, symbol: BONK }))).toEqual([
    "purge.v1.orders.BONK-USD",
    "purge.v1.results.BONK-USD",
    "purge.v1.transitions.BONK-USD",
    "purge.v1.dead.BONK-USD",
  ]);
  const without = ["account", "holdings", "venue", "dead"] as const;
  expect(without.map((channel) => subjectOf({ channel, symbol: null }))).toEqual([
    "purge.v1.account",
    "purge.v1.holdings",
    "purge.v1.venue",
    "purge.v1.dead._",
  ]);
  for (const channel of withSymbol) {
    expect(addressOf(subjectOf({ channel, symbol: BONK }))).toEqual({ channel, symbol: BONK });
  }
  for (const channel of without) {
    expect(addressOf(subjectOf({ channel, symbol: null }))).toEqual({ channel, symbol: null });
  }
});

test.each([
  "",
  "*",
  ">",
  "_",
  "BONK-USD.x",
  "BONK-USD\r\nPUB evil 0",
  "bonk-usd",
  "BONK-USD ",
  "BONK-USD\n",
  "BONKUSD",
  `${"A".repeat(21)}-USD`,
])("%j is no symbol and never becomes part of a subject", (text) => {
  const channel = "orders";
  const unchecked = { channel, symbol: BONK } as const;
  const address = Object.assign({ ...unchecked }, { symbol: text });
  expect(() => subjectOf(address)).toThrow(RangeError);
  expect(addressOf(`purge.v1.orders.${text}`)).toBeNull();
});

test.each([
  "",
  "purge.v1",
  "purge.v1.",
  "purge.v2.orders.BONK-USD",
  "purge.v1.orders",
  "purge.v1.venue.BONK-USD",
  "purge.v1.results._",
  "purge.v1.constructor",
  "purge.v1.__proto__.BONK-USD",
  "purge.v1.orders.BONK-USD.",
])("%j is no subject of this protocol", (subject) => {
  expect(addressOf(subject)).toBeNull();
});

test("a channel with one subject for all symbols refuses a symbol, and the others a missing one", () => {
  expect(() => subjectOf({ channel: "venue", symbol: BONK })).toThrow(/one subject/);
  expect(() => subjectOf({ channel: "orders", symbol: null })).toThrow(/ends in a symbol/);
});

describe("patterns", () => {
  test("a channel's pattern matches its own subjects and those of no other channel", () => {
    for (const channel of CHANNELS) {
      const own = ["account", "holdings", "venue"].includes(channel) ? null : BONK;
      const matching = CHANNELS.filter((other) =>
        matches(patternOf(other), subjectOf({ channel, symbol: own })),
      );
      expect(matching).toEqual([channel]);
    }
  });

  test.each([
    ["a.*", "a.b", true],
    ["a.*", "a", false],
    ["a.*", "a.b.c", false],
    ["a.>", "a.b.c", true],
    ["a.>", "a", false],
    ["*.b", "a.b", true],
    ["a.b", "a.c", false],
  ])("%s and %s: %s", (pattern, subject, expected) => {
    expect(matches(pattern, subject)).toBe(expected);
  });
});
