// Whatever stands in the files, loading answers: a sound configuration, or problems that can be printed.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  configFileNames,
  configTexts,
  formatCheck,
  parseConfig,
  shippedConfigDir,
} from "../../config/mod.ts";

const shipped = configFileNames.map((name) => readFileSync(join(shippedConfigDir, name), "utf8"));

function answers(texts: readonly string[]): void {
  const files = Object.fromEntries(configFileNames.map((name, i) => [name, texts[i] ?? ""]));
  const result = parseConfig(configTexts(files), {});
  const printed = formatCheck(result);
  expect(printed).not.toMatch(/undefined|\[object|NaN/);
  expect(printed.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  if (!result.ok) expect(result.problems.length).toBeGreaterThan(0);
}

const scrap = fc.oneof(
  fc.string({ maxLength: 12, unit: "binary" }),
  fc.constantFrom(
    ":",
    "- ",
    "\n",
    "  ",
    "\t",
    "&a ",
    "*a",
    "!x ",
    "{",
    "}",
    "[",
    "]",
    "'",
    '"',
    "---\n",
    "|\n",
    "#",
  ),
  fc.constantFrom(".nan", "-1", "1e999", "null", "~", "true", "<<: ", "__proto__: ", "constructor: ", "? "),
);

const edit = fc.record({
  file: fc.nat(2),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.nat(20),
  scrap,
});

test("after any edits to the shipped files", () => {
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      const texts = [...shipped];
      for (const { file, at, cut, scrap: text } of edits) {
        const before = texts[file] ?? "";
        const start = Math.floor(at * before.length);
        texts[file] = before.slice(0, start) + text + before.slice(start + cut);
      }
      answers(texts);
    }),
    { numRuns: 300 },
  );
});

test("for any values under known sections", () => {
  const value = fc.json({ maxDepth: 3 });
  fc.assert(
    fc.property(value, value, value, value, (a, b, c, d) => {
      const policy = `portfolio_management: ${a}\nbackoff: ${b}\n`;
      answers([policy, `tiers: ${c}\nbans: ${d}\nprotected: ${b}\n`, `nats: ${a}\nhttp: ${c}\n`]);
    }),
    { numRuns: 300 },
  );
});
