// What every supervisor does, whatever its children: launch, halt, restart, count, escalate, one thing at a time.
import * as Result from "effect/Result";
import { Life } from "./child_life.ts";
import {
  type AutoShutdown,
  type Child,
  type ChildSpec,
  type Exit,
  isFailure,
  type Link,
  type StopReason,
  type SupervisorEnd,
} from "./child_spec.ts";
import { type ChildCounts, type ChildInfo, describeSlot, newSlot, type Slot } from "./child_slot.ts";
import type { Clock } from "./ports.ts";
import { RestartIntensity } from "./restart_intensity.ts";
import { type Steps, Turns } from "./steps.ts";
import type { Happening, SupervisorEvent } from "./supervisor_events.ts";
import {
  type ChildAlreadyPresent,
  type ChildAlreadyStarted,
  type ChildNotFound,
  type ChildStartFailed,
  childAlreadyPresent,
  childAlreadyStarted,
  childNotFound,
  childStartFailed,
  type InvalidSpec,
  invalidSpec,
  type SupervisorStopped,
  supervisorStopped,
} from "./supervisor_errors.ts";

/** Where a supervisor lives. A supervisor that is a child has the same one as its parent. */
export interface World {
  readonly clock: Clock;
  /** Told of everything that happens, when it happens. */
  readonly observe?: (event: SupervisorEvent) => void;
}

/** Flags that all supervisors have, with OTP's defaults. */
export interface SupervisorFlags {
  readonly name: string;
  /** More restarts than this within `period_ms` end the supervisor. Default 1. */
  readonly max_restarts?: number;
  /** Default 5000. */
  readonly period_ms?: number;
  /** Whether the supervisor ends when significant children have ended by themselves. Default `never`. */
  readonly auto_shutdown?: AutoShutdown;
}

export type StartError = InvalidSpec | ChildStartFailed | SupervisorStopped;
export type AdmitError = ChildAlreadyStarted | ChildAlreadyPresent | ChildStartFailed | SupervisorStopped;
export type Answer<T, E> = Promise<Result.Result<T, E | SupervisorStopped>>;

export abstract class SupervisorCore<C extends Child> implements Child {
  readonly name: string;
  /** How it ended. Resolves once, never rejects. */
  readonly exited: Promise<SupervisorEnd>;
  /** In start order, which is also the order of a Map. */
  protected readonly slots = new Map<string, Slot<C>>();
  protected readonly autoShutdown: AutoShutdown;
  readonly #flags: Required<SupervisorFlags>;
  readonly #world: World;
  readonly #link: Link | null;
  readonly #intensity: RestartIntensity;
  readonly #turns = new Turns();
  readonly #resolveExited: (end: SupervisorEnd) => void;
  #starting: Life<C> | null = null;
  #stopAsked = false;
  #ended = false;
  #lateExits = 0;

  constructor(flags: SupervisorFlags, world: World, link: Link | null) {
    this.#flags = { max_restarts: 1, period_ms: 5_000, auto_shutdown: "never", ...flags };
    this.name = flags.name;
    this.autoShutdown = this.#flags.auto_shutdown;
    this.#world = world;
    this.#link = link;
    this.#intensity = new RestartIntensity(this.#flags.max_restarts, this.#flags.period_ms);
    const { promise, resolve } = Promise.withResolvers<SupervisorEnd>();
    this.exited = promise;
    this.#resolveExited = resolve;
  }

  /** Which children a restart of this one takes with it, itself included, in start order. */
  protected abstract affectedBy(slot: Slot<C>): readonly Slot<C>[];
  /** Whether the spec of a child that has ended stays known. */
  protected abstract keeps(slot: Slot<C>): boolean;
  protected abstract haltAll(): Steps<void>;

  /** Stops all children and ends. Returns when that is done, at once if all of them stop at once. */
  stop(reason: StopReason = "shutdown"): void | Promise<void> {
    if (this.#ended) return;
    if (reason === "killed") {
      this.#kill();
      return;
    }
    if (!this.#stopAsked) {
      this.#stopAsked = true;
      this.#turns.take(() => this.#end({ kind: "stopped" }));
      this.#starting?.giveUpStart();
    }
    return this.#ended ? undefined : this.exited.then(() => {});
  }

  /** Stops one child. It stays known and is not restarted, unless it is temporary: then its spec is dropped. */
  terminateChild(id: string): Answer<void, ChildNotFound> {
    return this.ask(() => this.#terminateChild(id));
  }

  *#terminateChild(id: string): Steps<Result.Result<void, ChildNotFound>> {
    const slot = this.slots.get(id);
    if (slot === undefined) return Result.fail(childNotFound(this.name, id));
    yield* this.halt(slot);
    return Result.void;
  }

  /** The child of this id, if it runs. */
  child(id: string): C | null {
    return this.slots.get(id)?.life?.running ?? null;
  }

  /** All children in start order, as they are at this moment. */
  whichChildren(): readonly ChildInfo[] {
    const now = this.#world.clock.now();
    return [...this.slots.values()].map((slot) => describeSlot(slot, now));
  }

  countChildren(): ChildCounts {
    let active = 0;
    let supervisors = 0;
    for (const { spec, life } of this.slots.values()) {
      if (life !== null && life.phase !== "ended") active += 1;
      if (spec.type === "supervisor") supervisors += 1;
    }
    return { specs: this.slots.size, active, supervisors, workers: this.slots.size - supervisors };
  }

  /** Ends reported more than once, or by children that no longer counted. */
  get lateExits(): number {
    return this.#lateExits;
  }

  /** Starts the first children. On failure those that run already are stopped in reverse, and the supervisor ends. */
  protected boot(
    slots: readonly Slot<C>[],
    signal: AbortSignal | null,
    done: (outcome: Result.Result<void, StartError>) => void,
  ): void {
    if (signal?.aborted) {
      done(Result.fail(supervisorStopped(this.name)));
      this.#finish({ kind: "stopped" });
      return;
    }
    signal?.addEventListener("abort", () => this.stop(), { once: true });
    this.#turns.take(
      () => this.#boot(slots, done),
      () => done(Result.fail(supervisorStopped(this.name))),
    );
  }

  *#boot(slots: readonly Slot<C>[], done: (outcome: Result.Result<void, StartError>) => void): Steps<void> {
    for (const slot of slots) {
      this.slots.set(slot.spec.id, slot);
      const outcome = yield* this.launch(slot);
      if (Result.isFailure(outcome)) {
        yield* this.haltAll();
        done(Result.fail(outcome.failure));
        this.#finish({ kind: "stopped" });
        return;
      }
    }
    done(Result.succeed(undefined));
  }

  /** Takes a turn and answers with its result. */
  protected ask<T, E>(work: () => Steps<Result.Result<T, E>>): Answer<T, E> {
    return new Promise((resolve) => {
      this.#turns.take(
        () => asTurn(work(), resolve),
        () => resolve(Result.fail(supervisorStopped(this.name))),
      );
    });
  }

  /** The same for what needs no waiting. */
  protected askNow<T, E>(work: () => Result.Result<T, E>): Answer<T, E> {
    return new Promise((resolve) => {
      this.#turns.take(
        () => resolve(work()),
        () => resolve(Result.fail(supervisorStopped(this.name))),
      );
    });
  }

  /** A new child: started and kept, or neither. */
  protected *admit<D extends C>(spec: Required<ChildSpec<D>>): Steps<Result.Result<D, AdmitError>> {
    const known = this.slots.get(spec.id);
    if (known !== undefined) {
      const error = known.life === null ? childAlreadyPresent : childAlreadyStarted;
      return Result.fail(error(this.name, spec.id));
    }
    const slot = newSlot(spec);
    this.slots.set(spec.id, slot);
    const outcome = yield* this.launch(slot);
    if (Result.isFailure(outcome)) this.slots.delete(spec.id);
    return outcome;
  }

  protected *launch<D extends C>(
    slot: Slot<D>,
    as: "started" | "restarted" = "started",
  ): Steps<Result.Result<D, ChildStartFailed | SupervisorStopped>> {
    if (this.#stopAsked) return Result.fail(supervisorStopped(this.name));
    const { id } = slot.spec;
    const life = new Life(slot.spec, this.#world.clock, {
      exited: (exit) => this.#onExit(slot, life, exit),
      stopped: (exit, abandoned) => {
        slot.lastExit = exit;
        this.#observe({ kind: abandoned ? "abandoned" : "stopped", child: id, reason: exit.reason });
      },
      late: (reason) => {
        this.#lateExits += 1;
        this.#observe({ kind: "late_exit", child: id, reason });
      },
    });
    slot.life = life;
    slot.restarting = false;
    this.#starting = life;
    const outcome = yield* life.start();
    this.#starting = null;
    if (Result.isFailure(outcome)) {
      slot.life = null;
      slot.lastExit = { reason: { crash: outcome.failure }, at: this.#world.clock.now(), because: null };
      this.#observe({ kind: "start_failed", child: id, error: outcome.failure });
      return Result.fail(childStartFailed(this.name, id, outcome.failure));
    }
    if (as === "restarted") slot.restarts += 1;
    this.#observe({ kind: as, child: id, restarts: slot.restarts });
    if (life.exit !== null) this.#onExit(slot, life, life.exit);
    return Result.succeed(outcome.success);
  }

  /** Stops the child if it lives, calls off a pending restart, and forgets the spec if it is not to be kept. */
  protected *halt(slot: Slot<C>): Steps<void> {
    slot.restarting = false;
    if (slot.life !== null) yield* slot.life.stop();
    slot.life = null;
    if (!this.keeps(slot)) this.slots.delete(slot.spec.id);
  }

  #onExit(slot: Slot<C>, life: Life<C>, exit: Exit): void {
    slot.lastExit = exit;
    this.#observe({ kind: "exited", child: slot.spec.id, reason: exit.reason });
    this.#turns.take(() => this.#afterExit(slot, life, exit));
  }

  *#afterExit(slot: Slot<C>, life: Life<C>, exit: Exit): Steps<void> {
    // Whoever stopped this child meanwhile found it dead and has dealt with it.
    if (slot.life !== life) return;
    const { restart } = slot.spec;
    slot.life = null;
    if (restart === "permanent" || (restart === "transient" && isFailure(exit.reason))) {
      yield* this.#restart(slot, exit);
      return;
    }
    if (!this.keeps(slot)) this.slots.delete(slot.spec.id);
    if (!slot.spec.significant) return;
    if (this.autoShutdown === "any_significant" || this.#isLastSignificant()) {
      this.#observe({ kind: "auto_shutdown", child: slot.spec.id });
      yield* this.#end({ kind: "auto_shutdown", supervisor: this.name, child: slot.spec.id });
    }
  }

  #isLastSignificant(): boolean {
    for (const { spec, life, restarting } of this.slots.values()) {
      if (spec.significant && (life !== null || restarting)) return false;
    }
    return true;
  }

  *#restart(slot: Slot<C>, { reason, because }: Omit<Exit, "at">): Steps<void> {
    if (this.#stopAsked) return;
    if (!this.#intensity.allows(this.#world.clock.now())) {
      const { name: supervisor, max_restarts, period_ms } = this.#flags;
      const child = slot.spec.id;
      const end = { kind: "escalated", supervisor, child, reason, max_restarts, period_ms, because } as const;
      this.#observe({ kind: "escalated", child, end });
      yield* this.#end(end);
      return;
    }
    const affected = this.affectedBy(slot);
    for (const each of affected.toReversed()) if (each !== slot) yield* this.halt(each);
    for (const each of affected) {
      if (!this.slots.has(each.spec.id)) continue; // temporary, and dropped when it was halted
      const outcome = yield* this.launch(each, "restarted");
      if (Result.isSuccess(outcome)) continue;
      if (outcome.failure._tag === "SupervisorStopped") return;
      // Tried again in a turn of its own, so that what arrived meanwhile, a stop above all, is heard first.
      const crash = outcome.failure.cause;
      each.restarting = true;
      this.#turns.take(() => this.#tryAgain(each, crash));
      return;
    }
  }

  *#tryAgain(slot: Slot<C>, crash: Error): Steps<void> {
    if (slot.restarting) yield* this.#restart(slot, { reason: { crash }, because: null });
  }

  *#end(end: SupervisorEnd): Steps<void> {
    yield* this.haltAll();
    this.#finish(end);
  }

  #kill(): void {
    this.#turns.close();
    for (const slot of [...this.slots.values()].toReversed()) slot.life?.kill();
    this.#finish({ kind: "killed" });
  }

  #finish(end: SupervisorEnd): void {
    this.#ended = true;
    this.#turns.close();
    this.#resolveExited(end);
    this.#link?.exit(end.kind === "killed" ? "killed" : "shutdown", end);
  }

  /** An observer that throws is a bug that must be loud, but it must not leave the tree half restarted. */
  #observe(happening: Happening): void {
    try {
      this.#world.observe?.({ supervisor: this.name, at: this.#world.clock.now(), ...happening });
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }
}

/** What is wrong with these flags; null when nothing is. */
export function flagsProblem(flags: SupervisorFlags): InvalidSpec | null {
  const { name, max_restarts = 0, period_ms = 1 } = flags;
  if (!(Number.isInteger(max_restarts) && max_restarts >= 0)) {
    return invalidSpec(name, "", `max_restarts is ${max_restarts}; expected a whole number from 0`);
  }
  if (!(Number.isFinite(period_ms) && period_ms > 0)) {
    return invalidSpec(name, "", `period_ms is ${period_ms}; expected milliseconds above 0`);
  }
  return null;
}

function* asTurn<T>(work: Steps<T>, done: (value: T) => void): Steps<void> {
  done(yield* work);
}
