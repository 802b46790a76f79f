// Programs that are killed at random and started again at once, as an init system would, and what their logs add up to.
import { setTimeout as sleep } from "node:timers/promises";
import type { NatsServer } from "../nats_server.ts";
import { type Ended, type Running, startPurgatory } from "./killable_run.ts";

export type Victim = "nats" | "supervisor" | "gateway";
export const VICTIMS: readonly Victim[] = ["nats", "supervisor", "gateway"];

/** A program that is started again whenever it has ended, until it is stopped. */
export class KeptProgram {
  readonly #args: readonly string[];
  readonly #tally: LogTally;
  #running: Running;
  #isKilled = false;
  #isStopping = false;
  #reborn = (): void => {};
  #loop: Promise<void>;
  /** How it ended when nobody had killed it, each time. Nothing is expected here. */
  readonly endedByItself: string[] = [];
  /** When it was killed, each time, in ms since the epoch. */
  readonly deaths: number[] = [];
  lives = 1;

  constructor(args: readonly string[], tally: LogTally) {
    this.#args = args;
    this.#tally = tally;
    this.#running = startPurgatory(args);
    this.#loop = this.#keep();
  }

  /** Resolves when it has been started again: a program that is dead already is not killed a second time. */
  async kill(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#reborn = resolve;
    this.#isKilled = true;
    this.deaths.push(Date.now());
    this.#running.signal("SIGKILL");
    await promise;
  }

  /** Ends it in good order. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#running.signal("SIGTERM");
    await this.#loop;
  }

  async #keep(): Promise<void> {
    for (;;) {
      const ended = await this.#running.ended;
      this.#tally.add(ended.lines);
      const isExpected = this.#isKilled || (this.#isStopping && ended.code === 0);
      if (!isExpected || ended.errors !== "") this.endedByItself.push(inWords(ended));
      if (this.#isStopping) return;
      if (!isExpected) await sleep(RESTART_MS);
      this.#isKilled = false;
      this.lives += 1;
      this.#running = startPurgatory(this.#args);
      this.#reborn();
    }
  }
}

const RESTART_MS = 500;

function inWords({ code, signal, errors, lines }: Ended): string {
  const last = lines.at(-1) ?? "";
  return `ended with ${signal ?? code}: ${errors.trim() || last.slice(0, 500)}`;
}

/** What happened between programs, counted from their logs. */
export class LogTally {
  /** Of each kind of incident. */
  readonly incidents: Record<string, number> = {};
  /** Warnings and errors, without the numbers and names in them. */
  readonly complaints: Record<string, number> = {};
  lines = 0;

  add(lines: readonly string[]): void {
    for (const line of lines) {
      this.lines += 1;
      const { line: id, what, level, msg } = read(line);
      if (id === "bus_incident") count(this.incidents, what);
      if (level === "error" || level === "fatal" || level === "warn") count(this.complaints, plain(msg));
    }
  }
}

/** The last line of a life that was killed may be cut off anywhere. */
function read(line: string): { line: string; what: string; level: string; msg: string } {
  const empty = { line: "", what: "", level: "", msg: "" };
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" ? { ...empty, ...parsed } : empty;
  } catch {
    return empty;
  }
}

export function count(into: Record<string, number>, key: string): void {
  into[key] = (into[key] ?? 0) + 1;
}

/** A text with its numbers and names taken out, so that equal ones are counted together. */
export function plain(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "<id>")
    .replace(/\bC\d\d-USD\b/g, "<symbol>")
    .replace(/\d+/g, "<n>")
    .slice(0, 160);
}

export interface Kills {
  readonly nats: number;
  readonly supervisor: number;
  readonly gateway: number;
}

/** Kills everything that is to be killed, in an order and at times drawn from `random`; `paceMs` lie between two on the
 * average. Resolves when the last one has been killed and the server is there again. */
export async function killAll(
  programs: { readonly nats: NatsServer } & Readonly<Record<"supervisor" | "gateway", KeptProgram>>,
  kills: Kills,
  { random, paceMs }: { readonly random: () => number; readonly paceMs: number },
): Promise<void> {
  let restarting: Promise<void> = Promise.resolve();
  for (const victim of drawnOrder(kills, random)) {
    await sleep(2 * paceMs * random());
    if (victim !== "nats") {
      await programs[victim].kill();
      continue;
    }
    await restarting;
    await programs.nats.kill("SIGKILL");
    restarting = sleep(AWAY_MS_MAX * random()).then(() => programs.nats.restart());
  }
  await restarting;
}

/** The server stays away for up to so long. */
const AWAY_MS_MAX = 1_500;

function drawnOrder(kills: Kills, random: () => number): readonly Victim[] {
  const all = VICTIMS.flatMap((victim) => Array.from({ length: kills[victim] }, () => victim));
  return all
    .map((victim) => ({ victim, rank: random() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ victim }) => victim);
}
