// The two ways in which a supervisor comes to life: at the root of a tree, and as a child of another one.
import * as Result from "effect/Result";
import type { Child, ChildSpec, ChildTraits, Link } from "./child_spec.ts";
import type { StartError } from "./supervisor_core.ts";

/** Starts a supervisor and its children, and calls `done` once that has worked or failed, at once if it can. */
export type Boot<S> = (
  link: Link | null,
  signal: AbortSignal | null,
  done: (outcome: Result.Result<S, StartError>) => void,
) => void;

export interface RootOptions {
  /** Stops the supervisor when aborted, also while it is starting. */
  readonly signal?: AbortSignal;
}

/** What a supervisor that is a child may be told. Its `shutdown` is best left at `infinity`: its own children have
 * their deadlines. */
export type SupervisorTraits = Omit<ChildTraits, "type">;

export function startRoot<S>(boot: Boot<S>, options: RootOptions): Promise<Result.Result<S, StartError>> {
  return new Promise((resolve) => boot(null, options.signal ?? null, resolve));
}

export function asChild<S extends Child>(id: string, traits: SupervisorTraits, boot: Boot<S>): ChildSpec<S> {
  return { ...traits, id, type: "supervisor", start: (link) => startUnder(link, boot) };
}

/** Synchronous where the children's starts are, so that a subtree restarts in the step in which it crashed. */
function startUnder<S extends Child>(link: Link, boot: Boot<S>): S | Promise<S> {
  const { promise, resolve } = Promise.withResolvers<Result.Result<S, StartError>>();
  const atOnce: Result.Result<S, StartError>[] = [];
  boot(link, link.signal, (outcome) => {
    atOnce.push(outcome);
    resolve(outcome);
  });
  const [outcome] = atOnce;
  return outcome === undefined ? promise.then(Result.getOrThrow) : Result.getOrThrow(outcome);
}
