// Erlang/OTP's supervisor: an ordered list of children, a strategy, and a bound on restarts. See docs/supervision.md.
import * as Result from "effect/Result";
import { type Child, type ChildSpec, completeSpec, type Link, traitsProblem } from "./child_spec.ts";
import { newSlot, type Slot } from "./child_slot.ts";
import {
  type AdmitError,
  type Answer,
  flagsProblem,
  type StartError,
  SupervisorCore,
  type SupervisorFlags,
  type World,
} from "./supervisor_core.ts";
import {
  type ChildNotFound,
  type ChildRestarting,
  type ChildRunning,
  type ChildStartFailed,
  childNotFound,
  childRestarting,
  childRunning,
  type InvalidSpec,
  invalidSpec,
  type SupervisorStopped,
} from "./supervisor_errors.ts";
import type { Steps } from "./steps.ts";
import {
  asChild,
  type Boot,
  type RootOptions,
  startRoot,
  type SupervisorTraits,
} from "./supervisor_start.ts";

/** Whom a restart takes along: nobody, those started after the child, or everybody. */
export type Strategy = "one_for_one" | "rest_for_one" | "one_for_all";

export interface SupervisorSpec extends SupervisorFlags {
  /** Default `one_for_one`. */
  readonly strategy?: Strategy;
  /** In start order. */
  readonly children: readonly ChildSpec[];
}

type IdleError = ChildNotFound | ChildRunning | ChildRestarting;

/** Starts the root of a tree: its children left to right, each when the one before it has started.
 *
 * Answers with `InvalidSpec` before anything is started, with `ChildStartFailed` after those that ran already were
 * stopped in reverse, with `SupervisorStopped` when `options.signal` was aborted meanwhile.
 *
 * ```ts
 * const root = await startSupervisor({ name: "bot", strategy: "rest_for_one", children: [journal, gateway] }, { clock });
 * if (Result.isFailure(root)) throw root.failure;
 * const end = await root.success.exited;
 * process.exitCode = end.kind === "stopped" ? 0 : 1;
 * ```
 */
export function startSupervisor(
  spec: SupervisorSpec,
  world: World,
  options: RootOptions = {},
): Promise<Result.Result<Supervisor, StartError>> {
  return startRoot(Supervisor.booting(spec, world), options);
}

/** A supervisor as a child of another one; its id is its name. */
export function supervisorChild(
  spec: SupervisorSpec,
  world: World,
  traits: SupervisorTraits = {},
): ChildSpec<Supervisor> {
  return asChild(spec.name, traits, Supervisor.booting(spec, world));
}

export class Supervisor extends SupervisorCore<Child> {
  readonly #strategy: Strategy;

  private constructor(spec: SupervisorSpec, world: World, link: Link | null) {
    super(spec, world, link);
    this.#strategy = spec.strategy ?? "one_for_one";
  }

  static booting(spec: SupervisorSpec, world: World): Boot<Supervisor> {
    return (link, signal, done) => {
      const problem = specProblem(spec);
      if (problem !== null) {
        done(Result.fail(problem));
        return;
      }
      const supervisor = new Supervisor(spec, world, link);
      const slots = spec.children.map((child) => newSlot(completeSpec(child)));
      supervisor.boot(slots, signal, (outcome) => done(Result.map(outcome, () => supervisor)));
    };
  }

  /** Adds a child after the others and starts it. A child that does not start is not kept. */
  startChild<D extends Child>(spec: ChildSpec<D>): Answer<D, InvalidSpec | AdmitError> {
    const problem = traitsProblem(spec, this.autoShutdown);
    if (problem === null) return this.ask(() => this.admit(completeSpec(spec)));
    return Promise.resolve(Result.fail(invalidSpec(this.name, spec.id, problem)));
  }

  /** Forgets a child that does not run. */
  deleteChild(id: string): Answer<void, IdleError> {
    return this.askNow(() => Result.map(this.#idle(id), () => void this.slots.delete(id)));
  }

  /** Starts a child that does not run. One that does not start stays known. Spends no restart. */
  restartChild(id: string): Answer<Child, IdleError | ChildStartFailed> {
    return this.ask(() => this.#restartChild(id));
  }

  *#restartChild(id: string): Steps<Result.Result<Child, IdleError | ChildStartFailed | SupervisorStopped>> {
    const slot = this.#idle(id);
    return Result.isFailure(slot) ? Result.fail(slot.failure) : yield* this.launch(slot.success);
  }

  #idle(id: string): Result.Result<Slot<Child>, IdleError> {
    const slot = this.slots.get(id);
    if (slot === undefined) return Result.fail(childNotFound(this.name, id));
    if (slot.life !== null) return Result.fail(childRunning(this.name, id));
    return slot.restarting ? Result.fail(childRestarting(this.name, id)) : Result.succeed(slot);
  }

  protected override affectedBy(slot: Slot<Child>): readonly Slot<Child>[] {
    const all = [...this.slots.values()];
    switch (this.#strategy) {
      case "one_for_one":
        return [slot];
      case "rest_for_one":
        return all.slice(all.indexOf(slot));
      case "one_for_all":
        return all;
    }
  }

  protected override keeps(slot: Slot<Child>): boolean {
    return slot.spec.restart !== "temporary";
  }

  /** In reverse, each within its own deadline, one after the other. */
  protected override *haltAll(): Steps<void> {
    for (const slot of [...this.slots.values()].toReversed()) yield* this.halt(slot);
  }
}

function specProblem(spec: SupervisorSpec): InvalidSpec | null {
  const flags = flagsProblem(spec);
  if (flags !== null) return flags;
  const seen = new Set<string>();
  for (const child of spec.children) {
    const problem = traitsProblem(child, spec.auto_shutdown ?? "never");
    if (problem !== null) return invalidSpec(spec.name, child.id, problem);
    if (seen.has(child.id)) {
      return invalidSpec(spec.name, child.id, "two children have this id; give each its own");
    }
    seen.add(child.id);
  }
  return null;
}
