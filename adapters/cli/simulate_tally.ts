// What many simulated seeds came to, whatever the order in which they ended.
import { createHash } from "node:crypto";
import type { SeedReport } from "./simulate_room.ts";

/** Sums over seeds. */
export interface Sums {
  readonly seeds: number;
  readonly simulatedMs: number;
  readonly records: number;
  readonly processes: number;
  readonly layouts: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  /** What the exchange had in store for orders. */
  readonly inStore: Readonly<Record<string, number>>;
  /** Broken seeds, by invariant. */
  readonly broken: Readonly<Record<string, number>>;
  /** Of one seed: of its trace. Of more: SHA-256 over `seed digest` of each, a line each, by seed. */
  readonly digest: string;
}

export class Tally {
  readonly #layouts = new Map<string, number>();
  readonly #faults = new Map<string, number>();
  readonly #inStore = new Map<string, number>();
  readonly #invariants = new Map<string, number>();
  readonly #broken: SeedReport[] = [];
  readonly #hash = createHash("sha256");
  /** Those that ended before one with a smaller seed did. */
  readonly #early = new Map<number, string>();
  #nextSeed: number;
  #only = "";
  #seeds = 0;
  #simulatedMs = 0;
  #records = 0;
  #processes = 0;

  constructor(firstSeed: number) {
    this.#nextSeed = firstSeed;
  }

  get seeds(): number {
    return this.#seeds;
  }

  get simulatedMs(): number {
    return this.#simulatedMs;
  }

  get faultCount(): number {
    return sum(this.#faults.values());
  }

  get brokenCount(): number {
    return this.#broken.length;
  }

  /** Those that broke a promise, by seed. */
  get broken(): readonly SeedReport[] {
    return this.#broken.toSorted((one, other) => one.seed - other.seed);
  }

  add(report: SeedReport): void {
    const { seed, layout, violation, simulatedMs, records, lives, faults, inStore, digest } = report;
    this.#seeds += 1;
    this.#simulatedMs += simulatedMs;
    this.#records += records;
    this.#processes += lives;
    addTo(this.#layouts, { [layout]: 1 });
    addTo(this.#faults, faults);
    addTo(this.#inStore, inStore);
    if (violation !== null) {
      addTo(this.#invariants, { [violation.invariant]: 1 });
      this.#broken.push(report);
    }
    this.#only = digest;
    this.#early.set(seed, digest);
    this.#digestInOrder();
  }

  /** To be called once, at the end. */
  sums(): Sums {
    // Where it was stopped, some in between are missing.
    for (const seed of [...this.#early.keys()].sort((one, other) => one - other)) this.#take(seed);
    return {
      seeds: this.#seeds,
      simulatedMs: this.#simulatedMs,
      records: this.#records,
      processes: this.#processes,
      layouts: sorted(this.#layouts),
      faults: sorted(this.#faults),
      inStore: sorted(this.#inStore),
      broken: sorted(this.#invariants),
      digest: this.#seeds === 1 ? this.#only : this.#hash.digest("hex"),
    };
  }

  #digestInOrder(): void {
    while (this.#early.has(this.#nextSeed)) this.#take(this.#nextSeed);
  }

  #take(seed: number): void {
    this.#hash.update(`${seed} ${this.#early.get(seed) ?? ""}\n`);
    this.#early.delete(seed);
    this.#nextSeed = seed + 1;
  }
}

export function sum(counts: Iterable<number>): number {
  let all = 0;
  for (const count of counts) all += count;
  return all;
}

function addTo(counts: Map<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) counts.set(name, (counts.get(name) ?? 0) + count);
}

function sorted(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].sort(([one], [other]) => (one < other ? -1 : 1)));
}
