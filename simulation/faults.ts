// What may go wrong in a simulated world, and when it does. Each fault has a name by which it can be called off.
import type { Chance } from "./chance.ts";

/** Faults that strike, or not, whenever there is an opportunity; and per how many opportunities they do at the most. */
export const FAULTS = {
  /** A message takes its time, and is overtaken. */
  "message.late": 0.3,
  /** The answer to a message is lost: it is delivered again. */
  "answer.lost": 0.2,
  /** A message between two who are not heard by the server: gone. */
  "message.lost": 0.1,
  /** The server has a message, and its word on that is lost. */
  "publish.unsure": 0.1,
  /** The server never gets it. */
  "publish.failed": 0.1,
  "bus.outage": 0.05,
  /** The server dies and forgets what it delivered. */
  "bus.forgetful": 0.02,
  "journal.stall": 0.05,
  /** A write fails and nothing is on disk. */
  "journal.failed": 0.01,
  /** A write is on disk, and is said to have failed. */
  "journal.unsure": 0.01,
  /** A request to the exchange, or its answer, takes its time. */
  "request.late": 0.3,
  /** A request never arrives, and nobody says so. */
  "request.lost": 0.15,
  /** The exchange did what it was asked, and its answer is lost. */
  "reply.lost": 0.15,
  "exchange.storm": 0.02,
  "supervisor.crash": 0.03,
  "gateway.crash": 0.05,
  /** Stopped in good order, as for a new version. */
  "supervisor.stop": 0.005,
  "gateway.stop": 0.005,
  "clock.forward": 0.01,
  "clock.back": 0.01,
  operator: 0.1,
  /** Somebody buys more of what is being sold. */
  deposit: 0.3,
  "message.poison": 0.05,
  /** A change of an order that the exchange tells unasked. */
  "push.lost": 0.5,
  "push.late": 0.5,
  "push.twice": 0.5,
} as const;
export type FaultKind = keyof typeof FAULTS;

/** Something that went wrong. */
export interface Struck {
  readonly id: string;
  /** Epoch milliseconds of the world. */
  readonly at: number;
}

export interface FaultOptions {
  readonly chance: Chance;
  readonly now: () => number;
  /** Names of faults that do not happen although they would. */
  readonly calledOff: ReadonlySet<string>;
}

/** In one of three worlds a kind never strikes, so that the others are seen without it. */
const ABSENT = 0.33;

export class Faults {
  /** In order. */
  readonly struck: Struck[] = [];
  readonly #options: FaultOptions;
  readonly #rates: ReadonlyMap<string, number>;
  readonly #counts = new Map<string, number>();
  #isOver = false;

  constructor(options: FaultOptions) {
    this.#options = options;
    this.#rates = drawRates(options.chance);
  }

  /** Whether this one goes wrong. `place` says where, such as a symbol: each place has its own luck. */
  strikes(kind: FaultKind, place: string): boolean {
    const { chance, calledOff, now } = this.#options;
    const rate = this.#rates.get(kind) ?? 0;
    if (this.#isOver || rate === 0) return false;
    const name = `${kind} ${place}`;
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    if (!chance.happens(name, rate)) return false;
    const id = `${name} #${count}`;
    if (calledOff.has(id)) return false;
    this.struck.push({ id, at: now() });
    return true;
  }

  /** A fault that is planned, and not drawn on the way. */
  planned(id: string, at: number): boolean {
    if (this.#options.calledOff.has(id)) return false;
    this.struck.push({ id, at });
    return true;
  }

  /** From now on nothing goes wrong. */
  end(): void {
    this.#isOver = true;
  }
}

/** Spread over one and a half orders of magnitude below the most. */
function drawRates(chance: Chance): ReadonlyMap<string, number> {
  const rates = new Map<string, number>();
  for (const [kind, most] of Object.entries(FAULTS)) {
    const isAbsent = chance.happens(`rate ${kind}`, ABSENT);
    rates.set(kind, isAbsent ? 0 : most * 10 ** (-1.5 * chance.draw(`rate ${kind}`)));
  }
  return rates;
}
