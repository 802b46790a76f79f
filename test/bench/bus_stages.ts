// What one result costs in each of the supervisor's stages, each alone on its own: what bounds the whole.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { JournalDraft } from "../../actors/ports.ts";
import { decode, type TransportMessage } from "../../adapters/bus/mod.ts";
import { openSqliteJournal } from "../../adapters/journal/mod.ts";
import { type OrderRequest, type OrderResult, type PurgeRun, startPurge } from "../../machines/mod.ts";
import {
  accepted,
  expected,
  marketSnapshot,
  partFilled,
  purgeRequested,
  resultMessage,
  symbolsNamed,
} from "./bus_messages.ts";
import { hasMemory, ledgerDir, type Place } from "./bus_places.ts";
import { median } from "./measure.ts";

/** Microseconds for one result. */
export interface Stages {
  readonly decode: number;
  readonly machine: number;
  readonly journal: number;
  /** Null where there is no file system in memory. */
  readonly journalInMemory: number | null;
  /** Bytes of one record's columns. */
  readonly recordBytes: number;
}

const SYMBOLS = 250;
const RESULTS = 5_000;
/** Of `limits` in the shipped configuration. */
const GROUP_RECORDS = 256;
/** The first is for getting warm. */
const ROUNDS = 4;

export async function measureStages(): Promise<Stages> {
  const resting = symbolsNamed("T", SYMBOLS).map((symbol) => rest(startPurge({ ledgerId: "bench", symbol })));
  const rounds: Omit<Stages, "recordBytes">[] = [];
  let recordBytes = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const messages: TransportMessage[] = [];
    for (let index = 0; index < RESULTS; index += 1) {
      const one = resting[index % SYMBOLS];
      const revision = 1 + Math.floor((round * RESULTS + index) / SYMBOLS);
      if (one !== undefined) messages.push(resultMessage(partFilled(one.order, revision)));
    }
    const results: OrderResult[] = [];
    const decoding = microseconds(() => {
      for (const message of messages) results.push(decoded(message));
    });
    const drafts: JournalDraft[] = [];
    const machine = microseconds(() => {
      results.forEach((event, index) => {
        const { symbol, at } = event;
        const { path, state, commands, snapshot } = stepped(resting[index % SYMBOLS]?.run, event);
        drafts.push({ symbol, at, event, path, state, commands, snapshot });
      });
    });
    recordBytes = JSON.stringify(drafts).length / drafts.length;
    const journal = await appending("disk", drafts);
    const journalInMemory = hasMemory() ? await appending("memory", drafts) : null;
    if (round > 0) rounds.push({ decode: decoding, machine, journal, journalInMemory });
  }
  return {
    decode: median(rounds.map((round) => round.decode)),
    machine: median(rounds.map((round) => round.machine)),
    journal: median(rounds.map((round) => round.journal)),
    journalInMemory: hasMemory() ? median(rounds.map((round) => round.journalInMemory ?? Number.NaN)) : null,
    recordBytes,
  };
}

interface Resting {
  readonly run: PurgeRun;
  readonly order: OrderRequest;
}

function rest(run: PurgeRun): Resting {
  const [asked] = run.step(purgeRequested(run.context.symbol)).commands;
  const [placed] = run.step(marketSnapshot(expected(asked, "market.refresh"))).commands;
  const { order } = expected(placed, "order.place");
  run.step(accepted(order));
  return { run, order };
}

function decoded(message: TransportMessage): OrderResult {
  const decoding = decode("results", message);
  if (!decoding.ok) throw new Error(decoding.reason);
  return decoding.body;
}

function stepped(run: PurgeRun | undefined, event: OrderResult) {
  const step = run?.step(event);
  if (step?.changed !== true) throw new Error("the machine was to move");
  return step;
}

async function appending(place: Place, drafts: readonly JournalDraft[]): Promise<number> {
  const dir = await ledgerDir(place);
  const journal = await openSqliteJournal(join(dir, "journal.sqlite"));
  const since = performance.now();
  for (let from = 0; from < drafts.length; from += GROUP_RECORDS) {
    await journal.append(drafts.slice(from, from + GROUP_RECORDS));
  }
  const elapsed = performance.now() - since;
  await journal.close();
  await rm(dir, { recursive: true, force: true });
  return (elapsed * 1_000) / drafts.length;
}

function microseconds(work: () => void): number {
  const since = performance.now();
  work();
  return ((performance.now() - since) * 1_000) / RESULTS;
}
