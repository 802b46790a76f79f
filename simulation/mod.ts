// The public face of this room.
export { FAULTS, type FaultKind, type Struck } from "./faults.ts";
export { INVARIANTS, type Invariant, type Violation } from "./invariants.ts";
export { type Layout, planOf } from "./plan.ts";
export { type Counts, kindOf, reportOf, type SeedReport } from "./report.ts";
export { type ShrinkSeedOptions, type ShrunkSeed, shrinkSeed } from "./shrink_seed.ts";
export { type SimulateOptions, type Simulated, simulate } from "./simulate.ts";
export { type ManyEnd, type SimulateManyOptions, simulateMany } from "./simulate_many.ts";
