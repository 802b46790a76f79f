// Kills a paper run at random moments, restarts it each time, and compares what remains with an undisturbed run.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compare, subtract } from "../../machines/mod.ts";
import { runPurgatory } from "./killable_run.ts";
import { type Remains, readRemains, type Story, writeStory } from "./paper_story.ts";
import { randomFrom } from "./seeded.ts";

const KILLS = Number(process.env["PURGATORY_KILLS"] ?? 200);
const SEED = Number(process.env["PURGATORY_SEED"] ?? Date.now() % 1_000_000);
const SYMBOLS = 24;
/** Cycles in which the story ends, however it was disturbed before. */
const CYCLES = 90;
const MINUTES = 60_000;
/** How much of its story each life tells, on the average of all lives: the story is to last until the last kill. */
const LIFE_SHARE = 1.6;
/** The kill comes up to so long after the line that it waits for: between a commit and what follows from it. */
const MAX_DELAY_MS = 15;

/** Defines the tests of one bus.
 *
 * @param startBus gives the URL of the bus, null for the one in process, and what stops it
 */
export function crashSuite(
  name: string,
  startBus: () => Promise<{ readonly url: string | null; stop(): Promise<void> }>,
): void {
  const root = mkdtempSync(join(tmpdir(), "purgatory-crash-"));
  const story: Story = writeStory(join(root, "config"), SYMBOLS);
  let bus: Awaited<ReturnType<typeof startBus>>;
  let control: Remains;
  let controlLines = 0;

  const args = (state: string, cycles: number): string[] => {
    const files = ["--config", story.configDir, "--script", story.script, "--state", join(root, state)];
    const wire = bus.url === null ? [] : ["--nats", bus.url];
    return ["run", ...files, "--speed", "max", "--json", "--cycles", String(cycles), ...wire];
  };

  beforeAll(async () => {
    bus = await startBus();
    const calm = await runPurgatory(args("control", CYCLES));
    expect([calm.code, calm.errors]).toEqual([0, ""]);
    controlLines = calm.lines.length;
    control = await readRemains(join(root, "control", "paper"), story);
  }, 5 * MINUTES);

  afterAll(async () => {
    await bus.stop();
    rmSync(root, { recursive: true, force: true });
  });

  test(`undisturbed, ${name}, every symbol is cleared, and its fills are what its machine says`, () => {
    for (const symbol of story.symbols) expect([symbol, control.states[symbol]]).toEqual([symbol, "cleared"]);
    expect(control.sold).toEqual(control.filled);
    const outcomes = Object.values(control.outcomes).flat();
    expect(outcomes.filter((outcome) => outcome.startsWith("stuck")).length).toBeGreaterThan(20);
  });

  const title = `killed ${KILLS} times, ${name}, nothing is lost or doubled (seed ${SEED})`;
  test(title, { timeout: 40 * MINUTES }, async () => {
    const random = randomFrom(SEED);
    const linesPerLife = Math.max(1, (LIFE_SHARE * controlLines) / KILLS);
    for (let kill = 0; kill < KILLS; kill += 1) {
      const afterLines = Math.floor(random() * linesPerLife);
      const life = await runPurgatory(args("killed", 100_000), { afterLines, ms: random() * MAX_DELAY_MS });
      expect([life.signal, life.errors]).toEqual(["SIGKILL", ""]);
    }
    const last = await runPurgatory(args("killed", CYCLES));
    expect([last.code, last.errors]).toEqual([0, ""]);
    const remains = await readRemains(join(root, "killed", "paper"), story);
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
}
