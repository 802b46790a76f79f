// Every break that the suite has to notice. `run.ts` makes them, one at a time, in a copy of the repository.
import { ACTOR_MUTANTS } from "./actor_mutants.ts";
import { MACHINE_MUTANTS } from "./machine_mutants.ts";
import { MONEY_MUTANTS } from "./money_mutants.ts";
import type { Mutant } from "./mutant.ts";

export const MUTANTS: readonly Mutant[] = [...MONEY_MUTANTS, ...MACHINE_MUTANTS, ...ACTOR_MUTANTS];
