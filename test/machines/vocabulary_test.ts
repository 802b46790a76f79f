// What is let in at the edge, and what is not.
import { Schema } from "effect";
import { describe, expect, test } from "vitest";
import { DecimalString, dotted, Timestamp, TradingSymbol } from "../../machines/mod.ts";

const accepts = (schema: Schema.Codec<string, string>, value: unknown) => Schema.is(schema)(value);

describe("a symbol", () => {
  test.each(["BONK-USD", "1INCH-USDC", "A-EU"])("%s is one", (text) => {
    expect(Schema.is(TradingSymbol)(text)).toBe(true);
  });
  test.each([
    "bonk-usd",
    "BONKUSD",
    "BONK-USD.>",
    "BONK-USD\r\n",
    "*",
    "",
    "BONK-U",
    "ABCDEFGHIJKLMNOPQRSTU-USD",
  ])("%j is none, and so never a subject", (text) => {
    expect(Schema.is(TradingSymbol)(text)).toBe(false);
  });
});

describe("a decimal", () => {
  test.each(["0", "889587.0", "0.00001066", "12345678901234567890.5"])("%s is one", (text) => {
    expect(accepts(DecimalString, text)).toBe(true);
  });
  test.each(["-1", "1e5", "01", ".5", "5.", "", "NaN", "Infinity", "1,5", "+1", " 1", 1])(
    "%j is none",
    (text) => {
      expect(accepts(DecimalString, text)).toBe(false);
    },
  );
});

describe("a timestamp", () => {
  test("is RFC 3339 in UTC with milliseconds", () => {
    expect(accepts(Timestamp, "2025-11-11T03:04:05.678Z")).toBe(true);
  });
  test.each([
    "2025-11-11T03:04:05Z",
    "2025-11-11T03:04:05.678+01:00",
    "2025-13-11T03:04:05.678Z",
    "2025-02-30T00:00:00.000Z",
    "2025-02-28T24:00:00.000Z",
    "now",
  ])("%s is none", (text) => {
    expect(accepts(Timestamp, text)).toBe(false);
  });
});

test("a state's value is written with dots", () => {
  expect(dotted("idle")).toBe("idle");
  expect(dotted({ backoff: "waiting" })).toBe("backoff.waiting");
  expect(dotted({ backoff: undefined })).toBe("backoff");
  expect(dotted({ a: "b", c: "d" })).toBe("a.b+c.d");
});
