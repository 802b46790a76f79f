// One life of one child: from its start to the end that it reports, that it is brought to, or that nobody waits for.
import * as Result from "effect/Result";
import {
  type Child,
  type ChildSpec,
  type Exit,
  type ExitReason,
  type Link,
  type SupervisorEnd,
  toError,
} from "./child_spec.ts";
import type { Cancel, Clock } from "./ports.ts";
import type { Steps } from "./steps.ts";

/** `ended` is for good, and also said of a child that was abandoned: whatever it does, it no longer counts. */
export type Phase = "starting" | "running" | "stopping" | "ended";

export interface LifeReports {
  /** A running child ended by itself. */
  exited(exit: Exit): void;
  /** It ended because it was asked to, or `abandoned`: did not, and nobody waits for it any more. */
  stopped(exit: Exit, abandoned: boolean): void;
  /** A child that no longer counts reported an end. */
  late(reason: ExitReason): void;
}

export class Life<C extends Child> {
  readonly #spec: Required<ChildSpec<C>>;
  readonly #clock: Clock;
  readonly #reports: LifeReports;
  readonly #startGivenUp = new LazyAbort();
  #phase: Phase = "starting";
  #child: C | null = null;
  #startedAt: number | null = null;
  #exit: Exit | null = null;
  #outcome: Result.Result<C, Error> = Result.fail(new Error("not started"));
  #cancelDeadline: Cancel = nothing;
  #wake: () => void = nothing;

  constructor(spec: Required<ChildSpec<C>>, clock: Clock, reports: LifeReports) {
    this.#spec = spec;
    this.#clock = clock;
    this.#reports = reports;
  }

  get phase(): Phase {
    return this.#phase;
  }
  /** Null while it does not run. */
  get running(): C | null {
    return this.#phase === "running" ? this.#child : null;
  }
  /** Epoch milliseconds; null until it has started. */
  get startedAt(): number | null {
    return this.#startedAt;
  }
  /** Null while it lives. A child may report its end before `start` has returned it: then this is set by then. */
  get exit(): Exit | null {
    return this.#exit;
  }

  *start(): Steps<Result.Result<C, Error>> {
    yield (resume) => {
      this.#wake = resume;
      settle(
        () => this.#spec.start(this.#link()),
        (outcome) => this.#onStarted(outcome),
      );
    };
    return this.#outcome;
  }

  /** The supervisor has to stop and the start is still pending: the child's deadline to stop now runs for it. */
  giveUpStart(): void {
    this.#startGivenUp.abort();
    this.#within(() => {
      this.#outcome = Result.fail(new Error("still starting at its shutdown deadline, and abandoned"));
      this.#phase = "ended";
      this.#wake();
    });
  }

  *stop(): Steps<void> {
    if (this.#phase === "ended") return;
    yield (resume) => {
      this.#wake = resume;
      this.#phase = "stopping";
      if (this.#spec.shutdown === "brutal_kill") {
        this.kill();
        return;
      }
      settle(
        () => this.#child?.stop("shutdown"),
        (outcome) => this.#onStopped(outcome),
      );
      if (this.#phase === "stopping") this.#within(() => this.#overrun());
    };
  }

  /** Ends it here and now, and waits for nothing. */
  kill(): void {
    if (this.#phase === "ended") return;
    if (this.#phase === "starting") {
      this.#phase = "ended";
      this.#cancelDeadline();
      this.#startGivenUp.abort();
      return;
    }
    this.#phase = "stopping";
    settle(() => this.#child?.stop("killed"), nothing);
    if (this.#phase === "stopping") this.#stopped("killed");
  }

  #link(): Link {
    const startGivenUp = this.#startGivenUp;
    return {
      id: this.#spec.id,
      permissions: this.#spec.permissions,
      get signal() {
        return startGivenUp.signal;
      },
      exit: (reason, because) => this.#onExit(reason, because ?? null),
    };
  }

  #onExit(reason: ExitReason, because: SupervisorEnd | null): void {
    if (this.#exit !== null || this.#phase === "ended") {
      this.#reports.late(reason);
      return;
    }
    if (this.#phase === "stopping") {
      this.#stopped(reason, because);
      return;
    }
    const exit = { reason, at: this.#clock.now(), because };
    this.#exit = exit;
    if (this.#phase === "starting") return;
    this.#phase = "ended";
    this.#reports.exited(exit);
  }

  #onStarted(outcome: Result.Result<C, Error>): void {
    if (this.#phase !== "starting") {
      // Abandoned or killed meanwhile: a child that arrives now is nobody's, and is not left running.
      if (Result.isSuccess(outcome)) settle(() => outcome.success.stop("killed"), nothing);
      return;
    }
    this.#outcome = outcome;
    if (Result.isSuccess(outcome)) {
      this.#child = outcome.success;
      this.#startedAt = this.#clock.now();
      this.#phase = this.#exit === null ? "running" : "ended";
    } else {
      this.#phase = "ended";
    }
    this.#cancelDeadline();
    this.#wake();
  }

  #onStopped(outcome: Result.Result<void, Error>): void {
    if (this.#phase !== "stopping") return;
    this.#stopped(Result.isSuccess(outcome) ? "shutdown" : { crash: outcome.failure });
  }

  /** The deadline to stop has passed. A child that can be killed says so at once; any other is abandoned. */
  #overrun(): void {
    settle(() => this.#child?.stop("killed"), nothing);
    if (this.#phase === "stopping") this.#stopped("killed", null, true);
  }

  #within(expired: () => void): void {
    const { shutdown } = this.#spec;
    if (shutdown === "brutal_kill") expired();
    else if (shutdown !== "infinity") {
      this.#cancelDeadline = this.#clock.schedule(this.#clock.now() + shutdown, expired);
    }
  }

  #stopped(reason: ExitReason, because: SupervisorEnd | null = null, abandoned = false): void {
    const exit = { reason, at: this.#clock.now(), because };
    this.#phase = "ended";
    this.#exit = exit;
    this.#cancelDeadline();
    this.#reports.stopped(exit, abandoned);
    this.#wake();
  }
}

/** Most children never look at their signal, and there may be 100,000 of them. */
class LazyAbort {
  #controller: AbortController | null = null;
  #aborted = false;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort();
    return this.#controller.signal;
  }

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort();
  }
}

/** Calls `call` and hands on what becomes of it: at once, unless it is a promise. */
function settle<T>(call: () => T | Promise<T>, done: (outcome: Result.Result<T, Error>) => void): void {
  const failed = (thrown: unknown): void => done(Result.fail(toError(thrown)));
  const called = Result.try(call);
  if (Result.isFailure(called)) failed(called.failure);
  else if (called.success instanceof Promise)
    called.success.then((value) => done(Result.succeed(value)), failed);
  else done(Result.succeed(called.success));
}

function nothing(): void {}
