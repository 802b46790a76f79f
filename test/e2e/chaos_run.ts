// A run of chaos, small or large: everything is killed at random while positions are sold, then comes to rest and is
// looked at closely.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openJournalReader } from "../../adapters/journal/mod.ts";
import { type NatsServer, startNatsServer } from "../nats_server.ts";
import { type Kills, KeptProgram, killAll, LogTally } from "./chaos_processes.ts";
import { type Proof, prove, readSurvivors } from "./chaos_proof.ts";
import { type ChaosStory, writeChaosStory } from "./chaos_story.ts";
import { type StreamName, StreamReader, STREAMS } from "./chaos_streams.ts";
import { runPurgatory } from "./killable_run.ts";
import { type Remains, readRemains, type Story } from "./paper_story.ts";
import { randomFrom } from "./seeded.ts";

export interface ChaosOptions {
  readonly seed: number;
  readonly story: ChaosStory;
  readonly kills: Kills;
  /** Between two kills, on the average. */
  readonly paceMs: number;
  /** How long everything may take to come to rest after the last kill. */
  readonly restMs: number;
  readonly say?: (line: string) => void;
}

export interface ChaosReport {
  readonly seed: number;
  readonly story: Story;
  readonly kills: Kills;
  readonly lives: { readonly supervisor: number; readonly gateway: number };
  /** Programs that ended without having been killed. */
  readonly endedByThemselves: readonly string[];
  /** Symbols that were not sold yet when the last kill was done. */
  readonly unsoldAtLastKill: number;
  readonly messages: Readonly<Record<StreamName, number>>;
  /** Not acknowledged, though everything is at rest. */
  readonly left: { readonly orders: number; readonly results: number };
  /** Orders that the gateway's consumer has acknowledged and their stream holds all the same, until they are too old: an
   * older server that was killed between the two never removes them, and never delivers them again. */
  readonly acknowledgedButKept: number;
  /** Orders that the server takes for unanswered, and neither delivers again nor has in anybody's hands. */
  readonly forgotten: number;
  readonly incidents: Readonly<Record<string, number>>;
  readonly complaints: Readonly<Record<string, number>>;
  readonly proof: Proof;
  readonly remains: Remains;
  readonly control: Remains;
  readonly seconds: { readonly killing: number; readonly resting: number };
}

/** Cycles, a second each, after which no attempt is still to be started when nothing is killed. */
const controlCycles = ({ rounds, slices }: ChaosStory): number => 60 + 30 * rounds + slices;
const LOOK_MS = 500;

/** @throws Error when it does not come to rest in time, with what is under way still */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const root = mkdtempSync(join(tmpdir(), "purgatory-chaos-"));
  const story = writeChaosStory(join(root, "config"), options.story);
  const nats = await startNatsServer();
  try {
    const control = await runUndisturbed(root, story, controlCycles(options.story));
    const report = await runDisturbed(join(root, "chaos"), story, nats, options);
    return { ...report, control };
  } finally {
    await nats.stop();
    if (process.env["PURGATORY_KEEP"] === undefined) rmSync(root, { recursive: true, force: true });
    else options.say?.(`kept: ${root}`);
  }
}

/** The same story in one process, on a clock that runs fast. */
async function runUndisturbed(root: string, story: Story, cycles: number): Promise<Remains> {
  const state = join(root, "control");
  const run = await runPurgatory([
    ...["run", "--config", story.configDir, "--script", story.script, "--state", state],
    ...["--speed", "max", "--json", "--cycles", `${cycles}`],
  ]);
  if (run.code !== 0) throw new Error(`the undisturbed run ended with ${run.code}: ${run.errors}`);
  return readRemains(join(state, "paper"), story);
}

async function runDisturbed(state: string, story: Story, nats: NatsServer, options: ChaosOptions) {
  const { seed, kills, paceMs, restMs, say = () => {} } = options;
  const ledgerDir = join(state, "paper");
  mkdirSync(ledgerDir, { recursive: true });
  const where = ["--config", story.configDir, "--state", state, "--nats", nats.url, "--json"];
  const tally = new LogTally();
  const supervisor = new KeptProgram(["run", "--gateway", "external", ...where], tally);
  const gateway = new KeptProgram(["gateway", "--script", story.script, ...where], tally);
  const startedAt = performance.now();
  await killAll({ nats, supervisor, gateway }, kills, { random: randomFrom(seed), paceMs });
  const killedAt = performance.now();
  const unsoldAtLastKill = (await unsold(ledgerDir, story)).length;
  say(`all killed after ${inSeconds(killedAt - startedAt)} s, ${unsoldAtLastKill} symbols are not sold yet`);
  const streams = await StreamReader.open(nats.url);
  try {
    const resting = await untilAtRest(ledgerDir, story, streams, restMs).catch((error: unknown) => error);
    const orders = await ordersLeft(streams);
    await Promise.all([supervisor.stop(), gateway.stop()]);
    if (resting !== null) throw resting;
    const restedAt = performance.now();
    return {
      ...{ seed, story, kills, unsoldAtLastKill },
      lives: { supervisor: supervisor.lives, gateway: gateway.lives },
      endedByThemselves: [
        ...supervisor.endedByItself.map((how) => `supervisor ${how}`),
        ...gateway.endedByItself.map((how) => `gateway ${how}`),
      ],
      messages: await sizes(streams),
      left: { orders: orders.unanswered, results: await resultsLeft(streams) },
      forgotten: orders.forgotten,
      acknowledgedButKept: (await streams.size("PURGE_ORDERS")).held,
      incidents: tally.incidents,
      complaints: tally.complaints,
      proof: prove(await readSurvivors(ledgerDir, story, streams, gateway.deaths)),
      remains: await readRemains(ledgerDir, story),
      seconds: { killing: inSeconds(killedAt - startedAt), resting: inSeconds(restedAt - killedAt) },
    };
  } finally {
    await streams.close();
  }
}

/** Null when everything is at rest; else what is not. */
async function untilAtRest(
  ledgerDir: string,
  story: Story,
  streams: StreamReader,
  restMs: number,
): Promise<null> {
  for (const since = performance.now(); ; await sleep(LOOK_MS)) {
    const under = await underWay(ledgerDir, story, streams).catch((error: unknown) => [String(error)]);
    if (under.length === 0) return null;
    if (performance.now() - since > restMs) throw new Error(`not at rest:\n${under.join("\n")}`);
  }
}

async function underWay(ledgerDir: string, story: Story, streams: StreamReader): Promise<readonly string[]> {
  const selling = await unsold(ledgerDir, story);
  if (selling.length > 0) return selling;
  const { unanswered: orders } = await ordersLeft(streams);
  const results = await resultsLeft(streams);
  const transitions = await streams.size("PURGE_TRANSITIONS");
  const records = await lastSeq(ledgerDir);
  return [
    ...(orders === 0 ? [] : [`${orders} orders are not answered`]),
    ...(results === 0 ? [] : [`${results} results are not acknowledged`]),
    ...(transitions.taken >= records ? [] : [`${transitions.taken} of ${records} transitions are told`]),
  ];
}

/** Results that are not acknowledged, taken or not. */
async function resultsLeft(streams: StreamReader): Promise<number> {
  const { taken } = await streams.size("PURGE_RESULTS");
  return taken - (await streams.consumer("PURGE_RESULTS", "supervisor")).ackFloor;
}

/** Orders that are not acknowledged. Those that are `forgotten` a 2.9 server takes for unanswered that was killed between
 * the acknowledgement and its note of it: nobody is given them again, and nobody has them in hand. */
async function ordersLeft(streams: StreamReader): Promise<{ unanswered: number; forgotten: number }> {
  const { unanswered, waiting } = await streams.consumer("PURGE_ORDERS", "gateway");
  const isForgotten = waiting === 0 && streams.gatewaySilentMs > FORGOTTEN_MS;
  return isForgotten
    ? { unanswered: 0, forgotten: unanswered }
    : { unanswered: unanswered + waiting, forgotten: 0 };
}

/** Longer than an unanswered message takes to come again, and a gateway with one in hand takes to say so. */
const FORGOTTEN_MS = 25_000;

async function unsold(ledgerDir: string, story: Story): Promise<readonly string[]> {
  const journal = await openJournalReader(join(ledgerDir, "journal.sqlite"));
  const states = new Map((await journal.latest()).map(({ symbol, state }) => [`${symbol}`, state]));
  await journal.close();
  return story.symbols
    .filter((symbol) => states.get(symbol) !== "cleared")
    .map((symbol) => `${symbol} is ${states.get(symbol) ?? "untouched"}`);
}

async function lastSeq(ledgerDir: string): Promise<number> {
  const journal = await openJournalReader(join(ledgerDir, "journal.sqlite"));
  const latest = await journal.latest();
  await journal.close();
  return latest.at(-1)?.seq ?? 0;
}

async function sizes(streams: StreamReader): Promise<Record<StreamName, number>> {
  const counts = { PURGE_ORDERS: 0, PURGE_RESULTS: 0, PURGE_TRANSITIONS: 0, PURGE_DEAD: 0 };
  const all: Record<StreamName, number> = { ...counts, PURGE_VENUE: 0, PURGE_ADVISORIES: 0 };
  for (const name of STREAMS) all[name] = (await streams.size(name)).taken;
  return all;
}

function inSeconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
