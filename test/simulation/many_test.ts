// Many seeds at once: in one thread or in several, and what becomes of threads that do not live.
import { describe, expect, test } from "vitest";
import { type SeedReport, simulateMany, type SimulateManyOptions } from "../../simulation/mod.ts";

const MINUTES = 2 * 60_000;
const DYING = new URL("./dying_thread.ts", import.meta.url);

async function many(options: Pick<SimulateManyOptions, "firstSeed" | "seeds" | "jobs" | "threadFile">) {
  const reports: SeedReport[] = [];
  const onSeed = (report: SeedReport): void => void reports.push(report);
  const signal = new AbortController().signal;
  const end = await simulateMany({ ...options, troubleMs: MINUTES, signal, onSeed });
  return { end, reports: reports.sort((one, other) => one.seed - other.seed) };
}

test("every seed is reported on once, and threads change nothing", async () => {
  const alone = await many({ firstSeed: 21, seeds: 7, jobs: 1 });
  const beside = await many({ firstSeed: 21, seeds: 7, jobs: 2 });
  expect(alone.end).toEqual({ kind: "done" });
  expect(alone.reports.map(({ seed }) => seed)).toEqual([21, 22, 23, 24, 25, 26, 27]);
  expect(new Set(alone.reports.map(({ digest }) => digest)).size).toBe(7);
  expect(beside).toEqual(alone);
});

describe("a seed that comes to no end is named", () => {
  test("when its world throws", async () => {
    const { end } = await many({ firstSeed: 13, seeds: 1, jobs: 2, threadFile: DYING });
    expect(end).toEqual({ kind: "died", seed: 13, reason: "an assertion of the world" });
  });

  test("when its thread dies, whatever others do", async () => {
    const { end, reports } = await many({ firstSeed: 16, seeds: 8, jobs: 2, threadFile: DYING });
    expect(end).toEqual({ kind: "died", seed: 17, reason: "its thread ended with code 9" });
    expect(reports.map(({ seed }) => seed)).not.toContain(17);
  });

  test("when there is nothing to run", async () => {
    const threadFile = new URL("./no_such_thread.ts", import.meta.url);
    const { end } = await many({ firstSeed: 5, seeds: 1, jobs: 2, threadFile });
    expect(end).toMatchObject({ kind: "died", seed: 5, reason: expect.stringContaining("no_such_thread") });
  });
});

describe("told to stop", () => {
  test("threads are ended, though none of them would", async () => {
    const stopping = new AbortController();
    const reports: number[] = [];
    const end = await simulateMany({
      firstSeed: 18,
      seeds: 2,
      jobs: 2,
      troubleMs: MINUTES,
      signal: stopping.signal,
      threadFile: DYING,
      onSeed: ({ seed }) => {
        reports.push(seed);
        stopping.abort();
      },
    });
    expect([end, reports]).toEqual([{ kind: "stopped" }, [18]]);
  });

  test("a world in this thread is not brought to its end", async () => {
    const onSeed = (): never => {
      throw new Error("it is no seed's");
    };
    const signal = AbortSignal.timeout(1);
    const options = { firstSeed: 5, seeds: 1, jobs: 1, troubleMs: 10_000 * 60_000 };
    expect(await simulateMany({ ...options, signal, onSeed })).toEqual({ kind: "stopped" });
  });

  test("no further seed is begun in this thread", async () => {
    const stopping = new AbortController();
    const reports: number[] = [];
    const end = await simulateMany({
      firstSeed: 1,
      seeds: 50,
      jobs: 1,
      troubleMs: 60_000,
      signal: stopping.signal,
      onSeed: ({ seed }) => {
        reports.push(seed);
        if (reports.length === 2) stopping.abort();
      },
    });
    expect([end, reports]).toEqual([{ kind: "stopped" }, [1, 2]]);
  });
});
