// docs/telemetry.md against the code that it describes.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { createTelemetry, METRICS, withTables } from "../../../adapters/telemetry/mod.ts";
import { Story, transition } from "./story.ts";

const page = readFileSync(new URL("../../../docs/telemetry.md", import.meta.url), "utf8");
const NOW = Date.parse("2025-11-11T22:00:00.000Z");

/** The text of the first fenced block of a language. */
function block(language: string): string {
  return new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? "";
}

test("the tables are those that the code makes; if not, run test/adapters/telemetry/write_docs.ts", () => {
  expect(withTables(page)).toBe(page);
});

test("a page without a place for a table is refused", () => {
  expect(() => withTables("# Nothing here\n")).toThrow(/no place for lines/);
});

test("the example lines are what is written", () => {
  const written = (pretty: boolean): string[] => {
    const lines: string[] = [];
    const { observe } = createTelemetry({
      stream: { write: (text: string) => lines.push(text) },
      level: "info",
      pretty,
      detailedErrors: true,
      version: "0.1.0",
      mode: "paper",
      clock: { now: () => NOW },
    });
    observe(transition(new Story().fail()));
    return lines;
  };
  expect(written(false)[0]).toBe(block("json"));
  expect(written(true).join("")).toBe(block("text"));
});

test("the alert rules are YAML, and speak of metrics and labels that exist", () => {
  const { groups } = parse(block("yaml"));
  const rules: { alert: string; expr: string; annotations: { summary: string } }[] = groups[0].rules;
  expect(rules.length).toBeGreaterThan(10);
  const known = new Map<string, readonly string[]>(
    Object.values(METRICS).flatMap(({ name, labels, type }) =>
      (type === "histogram" ? ["_bucket", "_sum", "_count"] : [""]).map(
        (end) => [name + end, labels] as const,
      ),
    ),
  );
  for (const { alert, expr, annotations } of rules) {
    const named = expr.match(/\b(?:trader|purgatory)_\w+/g) ?? [];
    expect(named, alert).not.toEqual([]);
    for (const name of named) expect([...known.keys()], alert).toContain(name);
    const labels = named.flatMap((name) => known.get(name) ?? []);
    const used = [...expr.matchAll(/[{,](\w+)=/g), ...annotations.summary.matchAll(/\$labels\.(\w+)/g)];
    for (const [, label] of used) expect(labels, alert).toContain(label);
  }
});
