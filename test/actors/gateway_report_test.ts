// Numbers, times and texts from outside, made fit for the protocol or refused.
import fc from "fast-check";
import { Schema } from "effect";
import { expect, test } from "vitest";
import { plainDecimal, shortText, toTimestamp } from "../../actors/gateway_report.ts";
import { compare, DecimalString, ShortText, Timestamp } from "../../machines/mod.ts";

test.each([
  ["0", "0"],
  ["1.50", "1.50"],
  ["+1.5", "1.5"],
  ["007.10", "7.10"],
  [".5", "0.5"],
  ["5.", "5"],
  ["-0.00", "0.00"],
  ["1E-8", "0.00000001"],
  ["1.066e-5", "0.00001066"],
  ["12.5e1", "125"],
  ["1.25e+1", "12.5"],
  ["2e3", "2000"],
  ["0e99", "0"],
  [" 3 ", "3"],
  [`0.${"1".repeat(30)}${"0".repeat(9)}`, `0.${"1".repeat(30)}`],
])("%s is %s", (text, plain) => {
  expect(plainDecimal(text)).toBe(plain);
});

test.each([
  "",
  "-1",
  "-1e-9",
  "NaN",
  "Infinity",
  "1,000",
  "0x10",
  "1e",
  "e5",
  ".",
  "1 2",
  "1e999",
  `0.${"1".repeat(31)}`,
])("%j is no amount", (text) => {
  expect(plainDecimal(text)).toBeNull();
});

test("any number that JavaScript writes is either plain and equal, or refused", () => {
  const amounts = fc.double({ min: 0, max: 1e25, noNaN: true });
  fc.assert(
    fc.property(amounts, (amount) => {
      const plain = plainDecimal(String(amount));
      if (plain === null) expect(amount).toBeLessThan(1e-10);
      else expect(Number(plain)).toBe(amount);
    }),
  );
});

test("whatever is accepted passes the schema", () => {
  const isDecimal = Schema.is(DecimalString);
  fc.assert(
    fc.property(fc.stringMatching(/^[+-]?[0-9]{0,40}\.?[0-9]{0,40}([eE][+-]?[0-9]{1,3})?$/), (text) => {
      const plain = plainDecimal(text);
      if (plain !== null) expect(isDecimal(plain)).toBe(true);
    }),
  );
});

test("a decimal that is plain already stays as it is", () => {
  const decimals = fc.stringMatching(/^(0|[1-9][0-9]{0,29})(\.[0-9]{1,30})?$/);
  fc.assert(
    fc.property(decimals, (text) => {
      expect(plainDecimal(text)).toBe(text);
      expect(compare(plainDecimal(text) ?? "", text)).toBe(0);
    }),
  );
});

test.each([
  ["2025-11-11T03:04:05.678Z", "2025-11-11T03:04:05.678Z"],
  ["2025-11-11T03:04:05Z", "2025-11-11T03:04:05.000Z"],
  ["2025-11-11T03:04:05.678901234Z", "2025-11-11T03:04:05.678Z"],
  ["2025-11-11T03:04:05+02:00", "2025-11-11T01:04:05.000Z"],
])("the time %s is %s", (text, timestamp) => {
  expect(toTimestamp(text)).toBe(timestamp);
  expect(Schema.is(Timestamp)(timestamp)).toBe(true);
});

test.each([
  "",
  "yesterday",
  "2025-11-11",
  "2025-11-11T03:04:05",
  "2025-13-01T00:00:00Z",
  "1762830245",
  "Tue Nov 11 2025",
])("%j is no time", (text) => {
  expect(toTimestamp(text)).toBeNull();
});

test("a text is cut to the protocol's limit, says so, and never ends in half a character", () => {
  expect(shortText("short")).toBe("short");
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3 }), (offset) => {
      const cut = shortText("x".repeat(offset) + "🪦".repeat(400));
      expect(Schema.is(ShortText)(cut)).toBe(true);
      expect(cut).toMatch(/… \(cut, \d+ characters\)$/);
      expect(cut.isWellFormed()).toBe(true);
    }),
  );
});
