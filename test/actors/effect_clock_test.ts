// Effect on the port's time: sleeping lets time pass, working stops it.
import { Clock, Effect, Exit, Fiber } from "effect";
import { expect, test } from "vitest";
import { effectClock, leaseClock, resting, within, working } from "../../actors/effect_clock.ts";
import { pacedClock, virtualClock } from "../../adapters/clock/mod.ts";

function start(now = 0) {
  const clock = virtualClock(now);
  const fork = <A, E>(work: Effect.Effect<A, E>) =>
    Effect.runFork(working(clock)(work).pipe(Effect.provideService(Clock.Clock, effectClock(clock))));
  return { clock, fork };
}

/** Work of a kind that no clock sees: turns of the event loop. */
const turns = (count: number) =>
  Effect.promise(async () => {
    for (let turn = 0; turn < count; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
  });

test("a fiber reads the port's time", async () => {
  const { fork } = start(1_234);
  expect(await Effect.runPromise(Fiber.join(fork(Clock.currentTimeMillis)))).toBe(1_234);
  expect(await Effect.runPromise(Fiber.join(fork(Clock.currentTimeNanos)))).toBe(1_234_000_000n);
});

test("a fiber holds the clock while it works, not while it sleeps, and not when it has ended", async () => {
  const { clock, fork } = start();
  const seen: string[] = [];
  const see = (what: string) => Effect.sync(() => seen.push(`${what} ${clock.now()}: ${clock.holds}`));
  fork(
    Effect.gen(function* () {
      yield* see("begins");
      yield* Effect.sleep(1_000);
      yield* see("wakes");
      yield* turns(50);
      yield* see("has worked");
      yield* resting(turns(1).pipe(Effect.andThen(see("rests"))));
      yield* see("goes on");
    }),
  );
  expect(clock.holds).toBe(0);
  await clock.advance(999);
  expect(seen).toEqual(["begins 0: 1"]);
  await clock.advance(1);
  expect(seen.slice(1)).toEqual(["wakes 1000: 1", "has worked 1000: 1", "rests 1000: 0", "goes on 1000: 1"]);
  expect(clock.holds).toBe(0);
});

test("a deadline does not overtake real work on a clock that jumps from timer to timer", async () => {
  const clock = pacedClock(0, "max");
  const work = turns(100).pipe(
    Effect.as("done"),
    within(clock, 1, () => "too late"),
  );
  const exit = await Effect.runPromise(Effect.exit(working(clock)(work)));
  clock.close();
  expect(exit).toEqual(Exit.succeed("done"));
});

test("a deadline ends work that only sleeps, and leaves nothing behind", async () => {
  const { clock, fork } = start();
  const fiber = fork(within(clock, 500, () => "too late")(Effect.sleep("1 hour")));
  await clock.advance(500);
  expect(await Effect.runPromise(Effect.exit(Fiber.join(fiber)))).toEqual(Exit.fail("too late"));
  expect(clock.holds).toBe(0);
  expect(clock.nextAt()).toBeNull();
});

test("work in time leaves no deadline behind", async () => {
  const { clock, fork } = start();
  const fiber = fork(within(clock, 500, () => "too late")(Effect.succeed(1)));
  await clock.settle();
  expect(await Effect.runPromise(Fiber.join(fiber))).toBe(1);
  expect(clock.nextAt()).toBeNull();
});

test("an interrupted sleeper leaves neither timer nor hold", async () => {
  const { clock, fork } = start();
  const fiber = fork(Effect.sleep("1 hour"));
  await clock.settle();
  expect(clock.nextAt()).toBe(3_600_000);
  await Effect.runPromise(Fiber.interrupt(fiber));
  expect(clock.nextAt()).toBeNull();
  expect(clock.holds).toBe(0);
});

test("an endless sleep sets no timer and lets time pass", async () => {
  const { clock, fork } = start();
  const fiber = fork(Effect.sleep("Infinity"));
  await clock.advance(1_000);
  expect(clock.nextAt()).toBeNull();
  await Effect.runPromise(Fiber.interrupt(fiber));
});

test("sleeping without work that holds the clock is possible", async () => {
  const clock = virtualClock(0);
  let woke = -1;
  Effect.runFork(
    Effect.sleep(10).pipe(
      Effect.andThen(Effect.sync(() => (woke = clock.now()))),
      Effect.provideService(Clock.Clock, effectClock(clock)),
    ),
  );
  await clock.advance(10);
  expect(woke).toBe(10);
});

test("a lease gives back its holds and its timers, then takes no more, and leaves those of others alone", () => {
  const clock = virtualClock(0);
  const fired: string[] = [];
  clock.schedule(10, () => fired.push("another's"));
  const lease = leaseClock(clock);
  lease.schedule(10, () => fired.push("leased"));
  lease.schedule(5, () => fired.push("early"));
  lease.hold();
  lease.hold()();
  clock.advanceSync(5);
  expect(clock.holds).toBe(1);
  lease.close();
  lease.hold();
  expect(clock.holds).toBe(0);
  lease.schedule(10, () => fired.push("after the end"));
  clock.advanceSync(100);
  expect(fired).toEqual(["early", "another's"]);
  expect(lease.now()).toBe(105);
});
