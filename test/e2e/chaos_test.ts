// The short run of chaos: real processes and a real nats-server, killed at random. `npm run chaos` is the long one.
import { beforeAll, expect, test } from "vitest";
import { outcomesOf, printed, verdictOf } from "./chaos_report.ts";
import { type ChaosReport, runChaos } from "./chaos_run.ts";

const SEED = Number(process.env["PURGATORY_SEED"] ?? Date.now() % 1_000_000);
const MINUTES = 60_000;

let report: ChaosReport;
beforeAll(async () => {
  report = await runChaos({
    seed: SEED,
    // A slice mostly outlasts what a kill, an outage and a restart take: an order whose refusal died with its gateway is
    // placed once more as long as its slice lasts, and is refused again. Where it does not, the proof knows.
    story: { symbols: 12, rounds: 2, slices: 20, replaceSeconds: 12 },
    kills: { nats: 8, supervisor: 8, gateway: 8 },
    paceMs: 1_300,
    restMs: 6 * MINUTES,
  });
}, 9 * MINUTES);

test("left alone, the story has refusals enough, and every symbol is sold after them", () => {
  const stuck = outcomesOf(report.control).filter((outcome) => outcome.startsWith("stuck"));
  expect(stuck.length).toBe(24);
  expect(new Set(Object.values(report.control.states))).toEqual(new Set(["cleared"]));
  expect(report.control.sold).toEqual(report.control.filled);
});

test(`with server, supervisor and gateway killed 24 times, nothing is lost or doubled (seed ${SEED})`, () => {
  expect(verdictOf(report), printed(report)).toEqual([]);
});

test("the kills came while there was work, and each dead program came back", () => {
  expect(report.unsoldAtLastKill, printed(report)).toBeGreaterThan(0);
  expect(report.lives).toEqual({ supervisor: 9, gateway: 9 });
  expect(report.proof.results.journaled).toBeGreaterThan(500);
});
