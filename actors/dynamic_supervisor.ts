// OTP's simple_one_for_one: any number of children of one kind, coming and going. See docs/supervision.md.
import * as Result from "effect/Result";
import {
  type Child,
  type ChildSpec,
  type ChildTraits,
  completeSpec,
  type Link,
  traitsProblem,
} from "./child_spec.ts";
import type { Slot } from "./child_slot.ts";
import { type Steps, together } from "./steps.ts";
import {
  type AdmitError,
  type Answer,
  flagsProblem,
  type StartError,
  SupervisorCore,
  type SupervisorFlags,
  type World,
} from "./supervisor_core.ts";
import { invalidSpec } from "./supervisor_errors.ts";
import {
  asChild,
  type Boot,
  type RootOptions,
  startRoot,
  type SupervisorTraits,
} from "./supervisor_start.ts";

export interface DynamicSupervisorSpec<C extends Child, A> extends SupervisorFlags {
  /** What all children have in common. `args` are those of `startChild`, and the same again at each restart. */
  readonly child: ChildTraits & { readonly start: (link: Link, args: A) => C | Promise<C> };
}

/** Starts a dynamic supervisor at the root of a tree, without children. */
export function startDynamicSupervisor<C extends Child, A>(
  spec: DynamicSupervisorSpec<C, A>,
  world: World,
  options: RootOptions = {},
): Promise<Result.Result<DynamicSupervisor<C, A>, StartError>> {
  return startRoot(DynamicSupervisor.booting(spec, world), options);
}

/** A dynamic supervisor as a child of another supervisor; its id is its name. */
export function dynamicSupervisorChild<C extends Child, A>(
  spec: DynamicSupervisorSpec<C, A>,
  world: World,
  traits: SupervisorTraits = {},
): ChildSpec<DynamicSupervisor<C, A>> {
  return asChild(spec.name, traits, DynamicSupervisor.booting(spec, world));
}

/** A child that has ended for good is forgotten, whatever its restart type: only what runs, or is about to, is known. */
export class DynamicSupervisor<C extends Child, A> extends SupervisorCore<C> {
  readonly #template: DynamicSupervisorSpec<C, A>["child"];

  private constructor(spec: DynamicSupervisorSpec<C, A>, world: World, link: Link | null) {
    super(spec, world, link);
    this.#template = spec.child;
  }

  static booting<C extends Child, A>(
    spec: DynamicSupervisorSpec<C, A>,
    world: World,
  ): Boot<DynamicSupervisor<C, A>> {
    return (link, signal, done) => {
      const flags = flagsProblem(spec);
      const traits = traitsProblem(spec.child, spec.auto_shutdown ?? "never");
      const problem = flags ?? (traits === null ? null : invalidSpec(spec.name, "", traits));
      if (problem !== null) {
        done(Result.fail(problem));
        return;
      }
      const supervisor = new DynamicSupervisor<C, A>(spec, world, link);
      supervisor.boot([], signal, (outcome) => done(Result.map(outcome, () => supervisor)));
    };
  }

  /** Starts a child. Finding, adding and removing one costs the same whatever their number. */
  startChild(id: string, args: A): Answer<C, AdmitError> {
    const { start } = this.#template;
    return this.ask(() =>
      this.admit(completeSpec({ ...this.#template, id, start: (link) => start(link, args) })),
    );
  }

  protected override affectedBy(slot: Slot<C>): readonly Slot<C>[] {
    return [slot];
  }

  protected override keeps(): boolean {
    return false;
  }

  /** All side by side: with thousands of children, one deadline after the other would take for ever. */
  protected override *haltAll(): Steps<void> {
    yield together([...this.slots.values()].map((slot) => this.halt(slot)));
  }
}
