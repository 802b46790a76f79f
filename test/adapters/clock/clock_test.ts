// What every clock promises, and what the fast ones add.
import { afterEach, describe, expect, test } from "vitest";
import { pacedClock, systemClock, virtualClock } from "../../../adapters/clock/mod.ts";
import { TimerQueue } from "../../../adapters/clock/timer_queue.ts";

const open: { close(): void }[] = [];
const opened = <T extends { close(): void }>(clock: T): T => {
  open.push(clock);
  return clock;
};
afterEach(() => {
  for (const clock of open.splice(0)) clock.close();
});

test("timers fire in order of time, and of arrival at the same time", () => {
  const queue = new TimerQueue();
  const fired: string[] = [];
  for (const [at, name] of [
    [30, "c"],
    [10, "a"],
    [20, "b1"],
    [20, "b2"],
    [5, "first"],
  ] as const) {
    queue.add(at, () => fired.push(name));
  }
  for (let fire = queue.takeDue(25); fire !== null; fire = queue.takeDue(25)) fire();
  expect(fired).toEqual(["first", "a", "b1", "b2"]);
  expect(queue.nextAt()).toBe(30);
});

test("ten thousand timers, a third of them cancelled, come out sorted", () => {
  const queue = new TimerQueue();
  const out: number[] = [];
  for (let n = 0; n < 10_000; n += 1) {
    const at = (n * 7919) % 10_007;
    const cancel = queue.add(at, () => out.push(at));
    if (n % 3 === 0) cancel();
  }
  for (let fire = queue.takeDue(1e9); fire !== null; fire = queue.takeDue(1e9)) fire();
  expect(out).toHaveLength(6666);
  expect(out).toEqual([...out].sort((a, b) => a - b));
});

test("a clock that goes from timer to timer tells whole milliseconds, whatever it was asked for", async () => {
  const clock = virtualClock(0);
  const seen: number[] = [];
  clock.schedule(62_400.25, () => seen.push(clock.now()));
  await clock.advance(100_000);
  expect(seen).toEqual([62_401]);
});

test("a timer at no finite time is refused", () => {
  expect(() => virtualClock().schedule(Number.NaN, () => {})).toThrow(/finite time/);
});

describe("virtual clock", () => {
  test("stops at each deadline on the way, so that a timer set by a timer fires in its turn", async () => {
    const clock = virtualClock(0);
    const seen: number[] = [];
    const again = (): void => {
      seen.push(clock.now());
      if (seen.length < 3) clock.schedule(clock.now() + 1_000, again);
    };
    clock.schedule(1_000, again);
    await clock.advance(10_000);
    expect(seen).toEqual([1_000, 2_000, 3_000]);
    expect(clock.now()).toBe(10_000);
  });

  test("waits for work that is held before it moves on", async () => {
    const clock = virtualClock(0);
    const seen: string[] = [];
    clock.schedule(10, () => {
      const release = clock.hold();
      setImmediate(() =>
        setImmediate(() =>
          setImmediate(() =>
            setImmediate(() =>
              setImmediate(() => {
                seen.push(`work at ${clock.now()}`);
                release();
                release();
              }),
            ),
          ),
        ),
      );
    });
    clock.schedule(20, () => seen.push(`timer at ${clock.now()}`));
    await clock.advance(20);
    expect(seen).toEqual(["work at 10", "timer at 20"]);
    expect(clock.holds).toBe(0);
  });
});

describe("paced clock", () => {
  test("at full speed four hours pass in no time, deadline by deadline", async () => {
    const clock = opened(pacedClock(0, "max"));
    const seen: number[] = [];
    await new Promise<void>((resolve) => {
      clock.schedule(3_600_000, () => {
        seen.push(clock.now());
        clock.schedule(clock.now() + 3 * 3_600_000, () => {
          seen.push(clock.now());
          resolve();
        });
      });
    });
    expect(seen).toEqual([3_600_000, 4 * 3_600_000]);
  });

  test("never fires early, and an earlier timer cuts a wait short", async () => {
    const clock = opened(pacedClock(0, 100_000));
    const seen: [string, number][] = [];
    await new Promise<void>((resolve) => {
      clock.schedule(50_000_000, () => {
        seen.push(["late", clock.now()]);
        resolve();
      });
      setImmediate(() => clock.schedule(clock.now() + 1_000, () => seen.push(["early", clock.now()])));
    });
    expect(seen.map(([name]) => name)).toEqual(["early", "late"]);
    expect(seen[1]?.[1]).toBeGreaterThanOrEqual(50_000_000);
  });

  test("stands still while work is held, however long that takes", async () => {
    const clock = opened(pacedClock(0, 1_000_000));
    const release = clock.hold();
    const before = clock.now();
    let fired = false;
    clock.schedule(1, () => {
      fired = true;
    });
    for (let turn = 0; turn < 200; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(fired).toBe(false);
    expect(clock.now()).toBe(before);
    release();
    await expect.poll(() => fired).toBe(true);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("a speed of %s is refused", (speed) => {
    expect(() => pacedClock(0, speed)).toThrow(/speed is/);
  });
});

describe("system clock", () => {
  test("has a steady one beside it, which goes on where somebody sets it", () => {
    let [now, steady] = [5_000_000, 20.5];
    const clock = opened(systemClock({ now: () => now, steady: () => steady, after: () => () => {} }));
    now -= 900_000;
    steady += 1_000;
    expect([clock.now(), clock.steady()]).toEqual([4_100_000, 1_020.5]);
  });

  test("fires a due timer, and not a cancelled one", async () => {
    const clock = opened(systemClock());
    const seen: string[] = [];
    await new Promise<void>((resolve) => {
      clock.schedule(clock.now() + 1, () => seen.push("cancelled"))();
      clock.schedule(clock.now() + 2_000_000_000_000, () => seen.push("in sixty years"));
      clock.schedule(clock.now() - 5, () => {
        seen.push("due");
        resolve();
      });
    });
    expect(seen).toEqual(["due"]);
  });

  test("a timer that throws does not silence the ones behind it", async () => {
    const clock = opened(systemClock());
    const crash = new Promise<unknown>((resolve) => {
      const listeners = process.listeners("uncaughtException");
      process.removeAllListeners("uncaughtException");
      process.once("uncaughtException", (error) => {
        for (const listener of listeners) process.on("uncaughtException", listener);
        resolve(error);
      });
    });
    const fired = new Promise<void>((resolve) => {
      clock.schedule(clock.now(), () => {
        throw new Error("boom");
      });
      clock.schedule(clock.now(), resolve);
    });
    expect(await crash).toMatchObject({ message: "boom" });
    await fired;
  });
});
