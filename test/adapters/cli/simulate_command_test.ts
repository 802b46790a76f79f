// `simulate` over a room of doubles whose worlds break promises on demand: what is said, and with which exit code.
import { describe, expect, test } from "vitest";
import { parseCommandLine, type SimulateCommand } from "../../../adapters/cli/mod.ts";
import { simulateSeeds } from "../../../adapters/cli/simulate_command.ts";
import type { SeedReport, Simulated, SimulationRoom } from "../../../adapters/cli/simulate_room.ts";
import { closing, Collected } from "./collected.ts";

const BEGIN = Date.parse("2025-11-11T22:00:00.000Z");
const SECOND = 1_000;
const PROMISE = "every order is a SELL";

/** Broken where `isBroken`, by as many faults as the seed's number has to be. */
function worldOf(seed: number, isBroken: boolean): Simulated {
  const at = BEGIN + 90 * SECOND;
  return {
    seed,
    layout: seed % 2 === 0 ? "alone" : "apart",
    violation: isBroken ? { invariant: "never_a_buy", message: `seed ${seed} bought`, at } : null,
    simulatedMs: isBroken ? 90 * SECOND : 3_600 * SECOND,
    records: 10,
    lives: 2,
    struck: [
      { id: "message.late SEI-USD #1", at: BEGIN + 12 * SECOND },
      { id: "gateway.crash after a message #1", at: BEGIN + 61.5 * SECOND },
    ],
    digest: `digest of ${seed}`,
  };
}

const reportOf = ({ struck, ...simulated }: Simulated): SeedReport => ({
  ...simulated,
  faults: { "gateway.crash": 1, "message.late": struck.length - 1 },
  inStore: {},
});

interface Doubles {
  readonly broken: ReadonlySet<number>;
  /** The order in which seeds end. */
  readonly backwards?: boolean;
}

function roomOf({ broken, backwards = false }: Doubles): SimulationRoom {
  const world = (seed: number): Simulated => worldOf(seed, broken.has(seed));
  return {
    INVARIANTS: { never_a_buy: PROMISE },
    simulate: async ({ seed, calledOff, trace }) => {
      for (let line = 1; line <= 40; line += 1) {
        trace?.(
          BEGIN + line * SECOND,
          `line ${line}${calledOff === undefined ? "" : " of the short one\u001b[31m"}`,
        );
      }
      return world(seed);
    },
    simulateMany: async ({ firstSeed, seeds, signal, onSeed }) => {
      const all = Array.from({ length: seeds }, (_, index) => firstSeed + index);
      for (const seed of backwards ? all.reverse() : all) {
        if (signal.aborted) return { kind: "stopped" };
        onSeed(reportOf(world(seed)));
      }
      return { kind: "done" };
    },
    shrinkSeed: async ({ seed, maxRuns, onRun }) => {
      onRun?.(1, 7);
      const simulated = { ...world(seed), struck: world(seed).struck.slice(0, 1) };
      return {
        struck: simulated.struck,
        calledOff: new Set(["x"]),
        simulated,
        runs: maxRuns,
        isMinimal: false,
      };
    },
    reportOf,
  };
}

interface Ran {
  readonly exitCode: number;
  readonly errors: string;
  readonly output: Collected;
  readonly terminal: Collected;
}

function commandOf(line: string): SimulateCommand {
  const facts = { version: "1", shippedConfigDir: "/opt/config", cwd: "/srv/bot" };
  const parsed = parseCommandLine(`simulate ${line}`.split(" "), {}, facts);
  if (parsed.kind !== "simulate") throw new Error(JSON.stringify(parsed));
  return parsed;
}

async function run(line: string, room: SimulationRoom, signal = new AbortController().signal): Promise<Ran> {
  const command = commandOf(line);
  const [output, terminal] = [new Collected(), new Collected(() => true, true)];
  const io = { stdout: output, stderr: terminal, signal };
  const { exitCode, errors } = await simulateSeeds(command, room, { version: "0.1.0", root: "/nowhere" }, io);
  return { exitCode, errors, output, terminal };
}

const kept = roomOf({ broken: new Set() });
const five = { broken: new Set([2, 3, 5, 7, 9]) };

describe("when every promise is kept", () => {
  test("there is a summary, and exit code 0", async () => {
    const { exitCode, errors, output } = await run("--seeds 10", kept);
    expect([exitCode, errors]).toEqual([0, ""]);
    expect(output.lines).toEqual([
      "Summary",
      "  seeds     1 to 10",
      "  programs  alone 5, apart 5",
      "  time      10 h simulated, with trouble in the first 45 min of each",
      "  records   100, by 20 processes",
      "  faults    20: gateway.crash 10, message.late 10",
      "  in store  for 0 orders: nothing",
      "  broken    none",
      "  version   0.1.0",
      expect.stringMatching(/^ {2}digest {4}[0-9a-f]{64}$/),
    ]);
  });

  test("the summary as JSON is one line, in which the digest of a single seed is that of its trace", async () => {
    const { output } = await run("--seed 6 --json", kept);
    expect(output.lines.map((line) => JSON.parse(line))).toEqual([
      {
        kind: "summary",
        version: "0.1.0",
        commit: null,
        first_seed: 6,
        seeds: 1,
        minutes: 45,
        simulated_ms: 3_600_000,
        records: 10,
        processes: 2,
        layouts: { alone: 1 },
        faults: 2,
        faults_by_kind: { "gateway.crash": 1, "message.late": 1 },
        in_store: 0,
        in_store_by_kind: {},
        broken: 0,
        broken_by_invariant: {},
        end: "done",
        digest: "digest of 6",
      },
    ]);
  });

  test("a terminal shows how far it is, and nothing of that is left", async () => {
    const { terminal } = await run("--seeds 10", kept);
    expect(terminal.text).toContain("1 of 10 seeds, 1 h, 2 faults, 0 broken");
    expect(terminal.text.endsWith("\r\u001b[K")).toBe(true);
  });
});

describe("when a promise is broken", () => {
  test("it is named with seed, time, promise and what was seen, and the exit code is 1", async () => {
    const { exitCode, errors, output } = await run("--seeds 10", roomOf(five));
    expect([exitCode, errors]).toEqual([1, "5 of 10 worlds broke a promise"]);
    expect(output.lines.slice(0, 6)).toEqual([
      `Seed 2 broke a promise: never_a_buy: ${PROMISE}`,
      "  what      seed 2 bought",
      "  when      2025-11-11T22:01:30.000Z, 0:01:30.000 after the beginning",
      "  programs  alone",
      "  version   0.1.0",
      "",
    ]);
    expect(output.text).toContain("  broken    5 seeds: never_a_buy 5\n");
  });

  test("the three smallest seeds are made short, with the end of their traces and the way to see all of it", async () => {
    const { output } = await run("--seeds 10 --minutes 7", roomOf({ ...five, backwards: true }));
    const short = output.lines.filter((line) => / with \d+ fault/.test(line));
    expect(short).toEqual(
      [2, 3, 5].map((seed) => `Seed ${seed} with 1 fault, perhaps not the fewest (300 runs):`),
    );
    const from = output.lines.indexOf(short[0] ?? "");
    expect(output.lines.slice(from + 1, from + 4)).toEqual([
      "  0:00:12.000  message.late SEI-USD #1",
      "The last of what happens then:",
      "  2025-11-11T22:00:16.000Z line 16 of the short one [31m",
    ]);
    expect(output.lines[from + 28]).toBe(
      "All of what happened at first: purgatory simulate --seed 2 --minutes 7 --trace",
    );
  });

  test("JSON has a line for each, by seed, and the same bytes in whatever order the seeds ended", async () => {
    const forwards = await run("--seeds 10 --json", roomOf(five));
    const backwards = await run("--seeds 10 --json", roomOf({ ...five, backwards: true }));
    expect(backwards.output.text).toBe(forwards.output.text);
    const documents = forwards.output.lines.map((line) => JSON.parse(line));
    expect(documents.map(({ kind, seed }) => [kind, seed])).toEqual([
      ...[2, 3, 5, 7, 9].map((seed) => ["broken", seed]),
      ["summary", undefined],
    ]);
    expect(documents[0]).toMatchObject({
      invariant: "never_a_buy",
      promise: PROMISE,
      message: "seed 2 bought",
      at: "2025-11-11T22:01:30.000Z",
      after_ms: 90_000,
      digest: "digest of 2",
      shrunk: { faults: [{ fault: "message.late SEI-USD #1", after_ms: 12_000 }], is_minimal: false },
    });
    expect(documents[0].shrunk.trace).toHaveLength(25);
    expect(documents[3].shrunk).toBeNull();
    expect(forwards.exitCode).toBe(1);
  });
});

describe("a trace", () => {
  test("is everything that happens in one world, time first, then what came of it", async () => {
    const { exitCode, output } = await run("--seed 3 --trace", roomOf(five));
    expect(output.lines[0]).toBe("2025-11-11T22:00:01.000Z line 1");
    expect(output.lines[39]).toBe("2025-11-11T22:00:40.000Z line 40");
    expect(output.lines[41]).toBe(`Seed 3 broke a promise: never_a_buy: ${PROMISE}`);
    expect(output.text).toContain("  digest    digest of 3\n");
    expect(exitCode).toBe(1);
  });
});

describe("what does not come to its end", () => {
  test("is a trace that was told to stop: what happened until then, and no digest of a seed", async () => {
    const stopping = new AbortController();
    const room: SimulationRoom = {
      ...kept,
      simulate: (options) => {
        stopping.abort();
        expect(options.signal?.aborted).toBe(true);
        return kept.simulate(options);
      },
    };
    const { exitCode, output } = await run("--seed 6 --trace", room, stopping.signal);
    expect(output.lines.slice(39, 43)).toEqual([
      "2025-11-11T22:00:40.000Z line 40",
      "",
      "Summary",
      "  seeds     0 of 6, then told to stop",
    ]);
    expect([exitCode, output.text.includes("digest of 6")]).toEqual([0, false]);
  });

  test.each(["--seed 6 --trace", "--seeds 10"])("is %s when nobody reads any more", async (line) => {
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const stopped: boolean[] = [];
    const room: SimulationRoom = {
      ...roomOf(five),
      simulate: async ({ trace, signal }) => {
        for (let count = 0; count < 3; count += 1) {
          trace?.(BEGIN, "x".repeat(70_000));
          await turn();
        }
        stopped.push(signal?.aborted === true);
        return worldOf(6, false);
      },
      simulateMany: async ({ signal, onSeed }) => {
        for (const seed of [1, 2, 3]) {
          onSeed(reportOf(worldOf(seed, true)));
          await turn();
        }
        stopped.push(signal.aborted);
        return { kind: "stopped" };
      },
    };
    const io = { stdout: closing(), stderr: new Collected(), signal: new AbortController().signal };
    await simulateSeeds(commandOf(line), room, { version: "0.1.0", root: "/nowhere" }, io);
    expect(stopped).toEqual([true]);
  });

  test("that a full disk does not take is said to be missing", async () => {
    const disk = new Collected((stream) => {
      process.nextTick(() => stream.emit("error", new Error("ENOSPC: no space left on device, write")));
      return true;
    });
    const io = { stdout: disk, stderr: new Collected(), signal: new AbortController().signal };
    const facts = { version: "0.1.0", root: "/nowhere" };
    expect(await simulateSeeds(commandOf("--seeds 2 --json"), kept, facts, io)).toMatchObject({
      exitCode: 1,
      errors: expect.stringContaining("could not be written to its end: ENOSPC"),
    });
  });

  test("is told with what is known so far when it was asked to stop", async () => {
    const stopping = new AbortController();
    const room: SimulationRoom = {
      ...kept,
      simulateMany: (options) =>
        kept.simulateMany({
          ...options,
          onSeed: (report) => {
            options.onSeed(report);
            if (report.seed === 4) stopping.abort();
          },
        }),
    };
    const { exitCode, output } = await run("--seeds 10", room, stopping.signal);
    expect(output.lines[1]).toBe("  seeds     4 of 1 to 10, then told to stop");
    expect(exitCode).toBe(0);
    const asked = AbortSignal.abort();
    const told = await run("--seeds 10 --json", kept, asked);
    expect(JSON.parse(told.output.text)).toMatchObject({ kind: "summary", seeds: 0, end: "stopped" });
  });

  test.each(["SIGINT", "SIGTERM"] as const)("is asked to stop by %s", async (name) => {
    const [stdout, stderr] = [new Collected(), new Collected()];
    const room: SimulationRoom = {
      ...kept,
      simulateMany: (options) => {
        process.emit(name, name);
        return kept.simulateMany(options);
      },
    };
    const command = commandOf("--seeds 10 --json");
    await simulateSeeds(command, room, { version: "0.1.0", root: "/nowhere" }, { stdout, stderr });
    expect(JSON.parse(stdout.text)).toMatchObject({ seeds: 0, end: "stopped" });
    expect(stderr.text).toBe("");
  });

  test("is a failure that names the seed when its world died", async () => {
    const room: SimulationRoom = {
      ...kept,
      simulateMany: async () => ({ kind: "died", seed: 17, reason: "Error: out of memory" }),
    };
    const { exitCode, errors, output } = await run("--seeds 20", room);
    expect([exitCode, errors]).toEqual([1, "seed 17 came to no end: Error: out of memory"]);
    expect(output.lines[1]).toBe("  seeds     0 of 1 to 20, then seed 17 came to no end");
  });
});
