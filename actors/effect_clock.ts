// Effect's notion of time, kept by the Clock port; and the rule by which a fiber holds that clock while it works.
import { type Clock, Context, Duration, Effect } from "effect";
import type { Cancel, Clock as ClockPort } from "./ports.ts";

/** A Clock service for Effect, so that every `Effect.sleep`, `retry` and `Schedule` runs on the port's time.
 *
 * Sleeping lets go of the hold that `working` took, and waking takes it again. Two fibers of one piece of work share
 * one hold: do not race work against `Effect.timeout`, whose sleep would let time run under it. Use `within`. */
export function effectClock(clock: ClockPort): Clock.Clock {
  const nanos = (): bigint => BigInt(clock.now()) * 1_000_000n;
  const steadyNanos = (): bigint => BigInt(Math.floor(clock.steady() * 1e6));
  return {
    currentTimeMillisUnsafe: () => clock.now(),
    currentTimeMillis: Effect.sync(() => clock.now()),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: steadyNanos,
    monotonicTimeNanos: Effect.sync(steadyNanos),
    sleep: (duration) => sleep(clock, Duration.toMillis(duration)),
  };
}

/** Runs `work` while the clock is held, except while it sleeps or rests. */
export function working(clock: ClockPort): <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> {
  return (work) =>
    Effect.acquireUseRelease(
      Effect.sync(() => new Work(clock)),
      (current) => Effect.provideService(work, CurrentWork, current),
      (current) => Effect.sync(() => current.end()),
    );
}

/** Waits for something that other work, or time, brings about: the clock may run meanwhile. */
export function resting<A, E, R>(wait: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
  return Effect.acquireUseRelease(
    CurrentWork.useSync((work) => work?.rest() ?? (() => {})),
    () => wait,
    (wake) => Effect.sync(wake),
  );
}

/** Fails with `onTimeout()` when `work` has not ended after `ms`, and interrupts it.
 *
 * Unlike the sleep of `Effect.timeout`, the deadline does not let go of the hold: a clock that runs fast runs towards it
 * only while `work` itself sleeps or rests. */
export function within<E2>(clock: ClockPort, ms: number, onTimeout: () => E2) {
  return <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E | E2, R> =>
    Effect.suspend(() => {
      let release: Cancel = () => {};
      const deadline = Effect.callback<never, E2>((resume) => {
        const cancel = clock.schedule(clock.now() + ms, () => {
          release = clock.hold();
          resume(Effect.fail(onTimeout()));
        });
        return Effect.sync(cancel);
      });
      return Effect.raceFirst(work, deadline).pipe(Effect.ensuring(Effect.sync(() => release())));
    });
}

/** A clock whose timers and holds can be given back all at once, whatever still runs on it. */
export interface LeasedClock extends ClockPort {
  /** Gives back every hold and every timer, and takes no more. */
  close(): void;
}

/** Lends out `clock`, keeping account of what is taken. */
export function leaseClock(clock: ClockPort): LeasedClock {
  const taken = new Set<Cancel>();
  let isOpen = true;
  const keep = (giveBack: Cancel): Cancel => {
    const once = (): void => {
      taken.delete(once);
      giveBack();
    };
    taken.add(once);
    return once;
  };
  return {
    now: () => clock.now(),
    steady: () => clock.steady(),
    schedule(at, fire) {
      if (!isOpen) return () => {};
      const cancel = keep(
        clock.schedule(at, () => {
          cancel();
          fire();
        }),
      );
      return cancel;
    },
    hold: () => (isOpen ? keep(clock.hold()) : () => {}),
    close() {
      isOpen = false;
      for (const giveBack of [...taken]) giveBack();
    },
  };
}

/** One piece of work and its hold. It is held while nobody who takes part in it rests. */
class Work {
  readonly #clock: ClockPort;
  #rests = 0;
  #ended = false;
  #release: Cancel | null = null;

  constructor(clock: ClockPort) {
    this.#clock = clock;
    this.#settle();
  }

  /** Returns a function that ends the rest; calling it again does nothing. */
  rest(): Cancel {
    let isResting = true;
    this.#rests += 1;
    this.#settle();
    return () => {
      if (!isResting) return;
      isResting = false;
      this.#rests -= 1;
      this.#settle();
    };
  }

  end(): void {
    this.#ended = true;
    this.#settle();
  }

  #settle(): void {
    const isHeld = !this.#ended && this.#rests === 0;
    if (isHeld) this.#release ??= this.#clock.hold();
    else {
      this.#release?.();
      this.#release = null;
    }
  }
}

const CurrentWork = Context.Reference<Work | null>("purgatory/CurrentWork", { defaultValue: () => null });

function sleep(clock: ClockPort, ms: number): Effect.Effect<void> {
  if (ms <= 0) return Effect.yieldNow;
  if (!Number.isFinite(ms)) return resting(Effect.never);
  return CurrentWork.use((work) =>
    Effect.callback<void>((resume) => {
      const wake = work?.rest() ?? (() => {});
      const cancel = clock.schedule(clock.now() + Math.ceil(ms), () => {
        wake();
        resume(Effect.void);
      });
      return Effect.sync(() => {
        cancel();
        wake();
      });
    }),
  );
}
