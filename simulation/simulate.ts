// One seed, from its beginning to its end: what happened, what was broken, and a digest that is the same wherever it runs.
import { createHash } from "node:crypto";
import type { Struck } from "./faults.ts";
import { type Layout, planOf } from "./plan.ts";
import type { Violation } from "./invariants.ts";
import { World } from "./world.ts";

export interface SimulateOptions {
  readonly seed: number;
  /** How long things go wrong, milliseconds of the world; afterwards everything has to heal. */
  readonly troubleMs: number;
  /** Faults that are to be left out, by name. */
  readonly calledOff?: ReadonlySet<string>;
  /** Told of everything that happens, as it happens. `at` in epoch milliseconds of the world. */
  readonly trace?: (at: number, line: string) => void;
  /** Aborted, the world ends where it is: what comes of it then is of no seed. */
  readonly signal?: AbortSignal | undefined;
}

/** How one seed went. */
export interface Simulated {
  readonly seed: number;
  readonly layout: Layout;
  /** Null when every promise was kept. */
  readonly violation: (Violation & { readonly at: number }) | null;
  /** Milliseconds of the world. */
  readonly simulatedMs: number;
  readonly records: number;
  /** Starts of processes, the first ones too. */
  readonly lives: number;
  /** What went wrong, in order. */
  readonly struck: readonly Struck[];
  /** Of everything that was told to `trace`, SHA-256 in hex: the same seed gives the same on every machine. */
  readonly digest: string;
}

export async function simulate(options: SimulateOptions): Promise<Simulated> {
  const { seed, troubleMs, calledOff = new Set(), trace = () => {}, signal } = options;
  const hash = createHash("sha256");
  const world = new World(planOf(seed, troubleMs), calledOff, (at, line) => {
    hash.update(`${at} ${line}\n`);
    trace(at, line);
  });
  try {
    await world.run(signal);
    const { whistle } = world.referee;
    const now = world.clock.now();
    return {
      seed,
      layout: world.plan.layout,
      violation: whistle.first === null ? null : { ...whistle.first, at: now },
      simulatedMs: now - world.plan.startsAt,
      records: world.ledger.rows.length,
      lives: world.lives,
      struck: world.faults.struck,
      digest: hash.digest("hex"),
    };
  } finally {
    await world.close();
  }
}
