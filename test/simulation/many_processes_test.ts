// The real command in a real process, under its own permissions: a thousand worlds of ten minutes of trouble, some 500 hours
// with some 40,000 faults besides what the exchange has in store, in which no promise is broken.
import { expect, test } from "vitest";
import { startPurgatory } from "../e2e/killable_run.ts";

/** On two cores to itself it takes a quarter of this; here it shares them with the rest of the suite. */
const PATIENCE_MS = 600_000;

test("a thousand seeds break no promise", { timeout: PATIENCE_MS }, async ({ signal }) => {
  const running = startPurgatory(["simulate", "--seeds", "1000", "--minutes", "10", "--json"]);
  signal.addEventListener("abort", () => running.signal("SIGKILL"));
  const { code, lines, errors } = await running.ended;
  const documents = lines.map((line) => JSON.parse(line));
  expect([errors, documents.filter(({ kind }) => kind === "broken")]).toEqual(["", []]);
  expect(documents.at(-1)).toMatchObject({ kind: "summary", seeds: 1_000, broken: 0, end: "done" });
  expect(code).toBe(0);
  const { simulated_ms, faults } = documents.at(-1);
  expect(simulated_ms).toBeGreaterThan(1_000 * 15 * 60_000);
  expect(faults).toBeGreaterThan(30_000);
});

test("one thread and two write the same bytes, and so does the next run", async () => {
  const flags = ["simulate", "--seed", "300", "--seeds", "6", "--minutes", "5", "--json"];
  const [one, two, again] = await Promise.all(
    ["1", "2", "2"].map((jobs) => startPurgatory([...flags, "--jobs", jobs]).ended),
  );
  expect(one?.lines).toHaveLength(1);
  expect(two).toEqual(one);
  expect(again).toEqual(one);
});

test("one seed gives the digest of its trace, wherever it runs", async () => {
  const of = (...more: readonly string[]) =>
    startPurgatory(["simulate", "--seed", "300", "--minutes", "5", ...more]).ended;
  const [json, trace] = await Promise.all([of("--json"), of("--trace")]);
  const { digest } = JSON.parse(json.lines[0] ?? "");
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(trace.lines.at(-1)).toBe(`  digest    ${digest}`);
  expect(trace.lines.slice(0, 10).filter((line) => !/^2025-11-11T22:00:\S+Z ./.test(line))).toEqual([]);
});
