// Killed at two hundred random moments, with and without NATS: nothing is lost, nothing is sold twice.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compare, subtract } from "../../machines/mod.ts";
import { type NatsServer, startNatsServer } from "../nats_server.ts";
import { runPurgatory } from "./killable_run.ts";
import { type Remains, readRemains, type Story, writeStory } from "./paper_story.ts";

const KILLS = Number(process.env["PURGATORY_KILLS"] ?? 200);
const SEED = Number(process.env["PURGATORY_SEED"] ?? Date.now() % 1_000_000);
const SYMBOLS = 24;
/** Cycles in which the story ends, however it was disturbed before. */
const CYCLES = 90;
const MINUTES = 60_000;

const root = mkdtempSync(join(tmpdir(), "purgatory-crash-"));
const story: Story = writeStory(join(root, "config"), SYMBOLS);
let control: Remains;
let controlLines = 0;
let nats: NatsServer;

beforeAll(async () => {
  nats = await startNatsServer();
  const calm = await runPurgatory(args("control", CYCLES));
  expect([calm.code, calm.errors]).toEqual([0, ""]);
  controlLines = calm.lines.length;
  control = await readRemains(join(root, "control", "paper"), story);
}, 5 * MINUTES);

afterAll(async () => {
  await nats.stop();
  rmSync(root, { recursive: true, force: true });
});

function args(state: string, cycles: number, url?: string): string[] {
  const files = ["--config", story.configDir, "--script", story.script, "--state", join(root, state)];
  const bus = url === undefined ? [] : ["--nats", url];
  return ["run", ...files, "--speed", "max", "--json", "--cycles", String(cycles), ...bus];
}

/** The same numbers for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test("undisturbed, every symbol is cleared and only dust is left", () => {
  for (const symbol of story.symbols) {
    expect([symbol, control.states[symbol]]).toEqual([symbol, "cleared"]);
    expect(compare(control.left[symbol] ?? "", "6.5")).toBe(-1);
  }
  expect(
    Object.values(control.outcomes)
      .flat()
      .filter((outcome) => outcome.startsWith("stuck")).length,
  ).toBeGreaterThan(20);
});

describe.each([["in process"], ["over NATS"]])("killed again and again, %s", (bus) => {
  const state = bus.replaceAll(" ", "-");

  test(`${KILLS} times (seed ${SEED})`, { timeout: 40 * MINUTES }, async () => {
    const random = randomFrom(SEED + bus.length);
    const url = bus === "over NATS" ? nats.url : undefined;
    const linesPerLife = Math.max(1, (1.6 * controlLines) / KILLS);
    for (let kill = 0; kill < KILLS; kill += 1) {
      const life = await runPurgatory(args(state, 100_000, url), {
        afterLines: Math.floor(random() * linesPerLife),
        ms: random() * 15,
      });
      expect([life.signal, life.errors]).toEqual(["SIGKILL", ""]);
    }
    const last = await runPurgatory(args(state, CYCLES, url));
    expect([last.code, last.errors]).toEqual([0, ""]);
    const remains = await readRemains(join(root, state, "paper"), story);
    expect(remains.reusedIds).toEqual([]);
    expect(remains.sold).toEqual(remains.filled);
    for (const symbol of story.symbols) {
      const left = subtract(remains.initial[symbol] ?? "", remains.filled[symbol] ?? "");
      expect([symbol, compare(remains.left[symbol] ?? "", left)]).toEqual([symbol, 0]);
    }
    expect(remains.states).toEqual(control.states);
    expect(remains.outcomes).toEqual(control.outcomes);
    expect(remains.sold).toEqual(control.sold);
  });
});
