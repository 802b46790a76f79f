// `npm run chaos`: the long run of chaos, and its numbers. Counts come from the environment, so that a smaller one can be had.
import { printed, verdictOf } from "./chaos_report.ts";
import { runChaos } from "./chaos_run.ts";

function fromEnv(name: string, otherwise: number): number {
  const text = process.env[`PURGATORY_${name}`];
  if (text === undefined || text === "") return otherwise;
  if (/^\d+$/.test(text)) return Number(text);
  throw new Error(`PURGATORY_${name} is ${JSON.stringify(text)}; expected a whole number`);
}

const processKills = fromEnv("PROCESS_KILLS", 100);
const seed = fromEnv("SEED", Date.now() % 1_000_000);
process.stdout.write(`chaos with PURGATORY_SEED=${seed}\n`);
const report = await runChaos({
  seed,
  story: {
    symbols: fromEnv("SYMBOLS", 50),
    rounds: fromEnv("ROUNDS", 6),
    slices: fromEnv("SLICES", 150),
    replaceSeconds: fromEnv("REPLACE_SECONDS", 6),
  },
  kills: {
    nats: fromEnv("NATS_KILLS", 50),
    supervisor: Math.floor(processKills / 2),
    gateway: Math.ceil(processKills / 2),
  },
  paceMs: fromEnv("PACE_MS", 3_000),
  restMs: fromEnv("REST_MS", 600_000),
  say: (line) => process.stdout.write(`${line}\n`),
});
process.stdout.write(printed(report));
const wrong = verdictOf(report);
for (const line of wrong) process.stderr.write(`${line}\n`);
process.exitCode = wrong.length === 0 ? 0 : 1;
