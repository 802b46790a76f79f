// A run in which much goes wrong, its journal as a file, and that file through the machine again: `purgatory` itself, at
// every step.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runPurgatory, startPurgatory } from "./killable_run.ts";
import { type Story, writeStory } from "./paper_story.ts";

const dir = mkdtempSync(join(tmpdir(), "purgatory-replay-story-"));
const state = join(dir, "state");
const recording = join(dir, "run.jsonl");
let story: Story;

beforeAll(async () => {
  story = writeStory(join(dir, "config"), 12);
  const run = ["run", "--cycles", "40", "--speed", "max", "--json", "--state", state];
  const ended = await runPurgatory([...run, "--config", story.configDir, "--script", story.script]);
  expect([ended.code, ended.errors]).toEqual([0, ""]);
  const { code, lines } = await runPurgatory(["journal", "--state", state]);
  expect(code).toBe(0);
  writeFileSync(recording, `${lines.join("\n")}\n`);
}, 120_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe("the journal of a whole run", () => {
  test("replays without a divergence, down to what the machines remember", async () => {
    const { code, lines, errors } = await runPurgatory(["replay", recording, "--quiet", "--context"]);
    const count = readFileSync(recording, "utf8").split("\n").length - 1;
    expect(count).toBeGreaterThan(200);
    expect([code, errors, lines]).toEqual([
      0,
      "",
      [`Replayed ${count} records of ${story.symbols.length} symbols without a divergence.`],
    ]);
  });

  test("went through failures and rests, and has a shortest way there", async () => {
    const { code, lines } = await runPurgatory(["replay", recording, "--shrink-to", "backoff.waiting"]);
    expect([code, lines.length]).toEqual([0, 11]);
    expect(lines[9]).toMatch(/ backoff\.waiting +order\.rejected /);
  });

  test("diverges at the record that tells another story, with exit code 1", async () => {
    const told = readFileSync(recording, "utf8").replace('"state":"backoff.waiting"', '"state":"failed"');
    const { code, errors } = await startPurgatory(["replay", "--quiet"], { input: told }).ended;
    expect([code, errors]).toEqual([
      1,
      expect.stringContaining('- state: "failed"\n+ state: "backoff.waiting"'),
    ]);
  });
});
