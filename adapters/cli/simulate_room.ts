// What `simulate` wants of the room that simulates: main.ts hands it over, since an adapter may not import it.

/** A fault that struck. */
export interface Struck {
  readonly id: string;
  /** Epoch milliseconds of the world. */
  readonly at: number;
}

export interface Simulated {
  readonly seed: number;
  readonly layout: string;
  readonly violation: { readonly invariant: string; readonly message: string; readonly at: number } | null;
  /** Milliseconds of the world, from its beginning to the violation, or to its end. */
  readonly simulatedMs: number;
  readonly records: number;
  readonly lives: number;
  readonly struck: readonly Struck[];
  readonly digest: string;
}

export interface SeedReport extends Omit<Simulated, "struck"> {
  readonly faults: Readonly<Record<string, number>>;
  readonly inStore: Readonly<Record<string, number>>;
}

export interface ShrunkSeed {
  readonly struck: readonly Struck[];
  readonly calledOff: ReadonlySet<string>;
  readonly simulated: Simulated;
  readonly runs: number;
  readonly isMinimal: boolean;
}

export type ManyEnd =
  | { readonly kind: "done" | "stopped" }
  | { readonly kind: "died"; readonly seed: number; readonly reason: string };

interface World {
  readonly seed: number;
  readonly troubleMs: number;
}

export interface SimulationRoom {
  /** By name: the promise, in a sentence. */
  readonly INVARIANTS: Readonly<Record<string, string>>;
  simulate(
    options: World & {
      readonly calledOff?: ReadonlySet<string>;
      readonly trace?: (at: number, line: string) => void;
      readonly signal?: AbortSignal;
    },
  ): Promise<Simulated>;
  simulateMany(options: {
    readonly firstSeed: number;
    readonly seeds: number;
    readonly troubleMs: number;
    readonly jobs: number;
    readonly signal: AbortSignal;
    readonly onSeed: (report: SeedReport) => void;
  }): Promise<ManyEnd>;
  shrinkSeed(
    options: World & {
      readonly maxRuns: number;
      readonly signal?: AbortSignal;
      readonly onRun?: (left: number, runs: number) => void;
    },
  ): Promise<ShrunkSeed | null>;
  reportOf(simulated: Simulated): SeedReport;
}
