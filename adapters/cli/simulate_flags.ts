// The command `simulate`: its flags as help shows them, and what they ask for.
import type { SimulateCommand } from "./command.ts";
import type { Described } from "./described.ts";
import { type FlagProblems, wholeNumber } from "./flag_values.ts";
import type { Given } from "./program_help.ts";

/** How long things go wrong in a world, when nobody says otherwise. */
const MINUTES = 45;
const MINUTES_MAX = 7 * 24 * 60;
const SEEDS = 100;
const SEEDS_MAX = 1_000_000_000;
/** A seed is part of a ledger's id, where it has twelve digits. */
const SEED_MAX = 999_999_999_999 - SEEDS_MAX;
/** Threads beyond this wait for memory, not for cores. */
export const JOBS_MAX = 16;

export const SIMULATE: Described = {
  name: "simulate",
  group: "Try:",
  text: "whole worlds from seeds, where everything goes wrong; fails where a promise is broken",
  flags: [
    ["--seeds <N>", `how many worlds (default: ${SEEDS}; 1 where --seed is given)`],
    ["--seed <S>", "the first of them, or the one (default: 1)"],
    ["--minutes <M>", `how long things go wrong in each, on its own clock (default: ${MINUTES})`],
    [
      "--jobs <J>",
      `worlds at once, up to ${JOBS_MAX}; 1 takes no thread (default: as many as there are cores)`,
    ],
    ["--json", "each broken seed as a line of JSON, and a summary as the last; the same bytes every time"],
    ["--trace", "with --seed: everything that happens in that world, time first"],
  ],
  examples: [
    "purgatory simulate --seeds 1000               a thousand worlds",
    "purgatory simulate --seed 4711                one of them again",
    "purgatory simulate --seed 4711 --trace        and all that happens in it",
    "purgatory simulate --seed 1001 --seeds 500    those after the first thousand",
  ],
};

export function simulateCommand(options: Given["options"], problems: FlagProblems): SimulateCommand {
  const number = (name: string, min: number, max: number): number | null => {
    const value = options[name];
    return typeof value === "string" ? wholeNumber(`--${name}`, value, { min, max }, problems) : null;
  };
  const firstSeed = number("seed", 0, SEED_MAX);
  const seeds = number("seeds", 1, SEEDS_MAX) ?? (firstSeed === null ? SEEDS : 1);
  const [json, trace] = [options["json"] === true, options["trace"] === true];
  if (trace && seeds !== 1)
    problems.conflict(
      "--trace",
      firstSeed === null ? "no --seed" : "--seeds",
      "a trace is of one seed",
      "name it with --seed",
    );
  if (trace && json) problems.conflict("--trace", "--json", "are two ways to show it", "keep one of them");
  return {
    kind: "simulate",
    firstSeed: firstSeed ?? 1,
    seeds,
    minutes: number("minutes", 1, MINUTES_MAX) ?? MINUTES,
    jobs: number("jobs", 1, JOBS_MAX),
    json,
    trace,
  };
}
