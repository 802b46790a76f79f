// How a supervisor ends: in reverse order, each child within its deadline, and without those that will not stop.
import type * as Result from "effect/Result";
import { describe, expect, test } from "vitest";
import { describeEnd } from "../../actors/child_spec.ts";
import { alive, endOf, failure, never, Stage } from "./supervisor_kit.ts";

describe("an orderly stop", () => {
  test("children stop in reverse, each when the one after it has stopped", async () => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    const children = [
      stage.child("a"),
      stage.child("b", {}, { stopping: () => gate.promise }),
      stage.child("c"),
    ];
    const supervisor = await stage.supervise({ children });
    stage.trace();
    const stopped = supervisor.stop();
    await stage.clock.settle();
    expect(stage.trace()).toEqual(["stop c", "stop b"]);
    gate.resolve();
    await stopped;
    expect(stage.trace()).toEqual(["stop a"]);
    const end = await supervisor.exited;
    expect(end).toEqual({ kind: "stopped" });
    expect(describeEnd(end)).toBe("stopped in good order");
    expect(stage.clock.nextAt()).toBeNull();
  });

  test("is over when stop returns, if all children stop at once; and may be asked for again", async () => {
    const stage = new Stage();
    const supervisor = await stage.supervise({ children: [stage.child("a")] });
    expect(supervisor.stop()).toBeUndefined();
    expect(supervisor.stop()).toBeUndefined();
    expect(stage.trace()).toEqual(["start a", "stop a"]);
  });

  test("asked for twice while it lasts, is done once", async () => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    const supervisor = await stage.supervise({
      children: [stage.child("a", {}, { stopping: () => gate.promise })],
    });
    const both = [supervisor.stop(), supervisor.stop()];
    gate.resolve();
    await Promise.all(both);
    expect(stage.trace()).toEqual(["start a", "stop a"]);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("no flush");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no flush"))],
  ])("goes on when a stop %s, and that is observed", async (_, stopping) => {
    const stage = new Stage();
    const supervisor = await stage.supervise({
      children: [stage.child("a"), stage.child("b", {}, { stopping })],
    });
    stage.observed();
    await supervisor.stop();
    expect(stage.observed()).toEqual(["stopped b (no flush)", "stopped a (shutdown)"]);
  });

  test("a child that reports its end while it stops has stopped, with that reason", async () => {
    const stage = new Stage();
    const child = stage.child(
      "a",
      {},
      {
        stopping: (_reason, link) => {
          link.exit({ shutdown: "flushed" });
          return never();
        },
      },
    );
    const supervisor = await stage.supervise({ children: [child] });
    expect(supervisor.stop()).toBeUndefined();
    expect(stage.observed()).toEqual(["started a", "stopped a (shutdown flushed)"]);
    expect(supervisor.lateExits).toBe(0);
  });

  test("children that crash while others stop are not stopped again, nor restarted", async () => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    const children = [stage.child("a"), stage.child("b", {}, { stopping: () => gate.promise })];
    const supervisor = await stage.supervise({ children });
    const stopped = supervisor.stop();
    stage.crash("a");
    gate.resolve();
    await stopped;
    expect(stage.trace()).toEqual(["start a", "start b", "stop b"]);
  });

  test("a crash that was waiting for its turn when the stop came spends no restart", async () => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    const children = [stage.child("a"), stage.child("b", {}, { stopping: () => gate.promise })];
    const supervisor = await stage.supervise({ max_restarts: 0, children });
    void supervisor.terminateChild("b");
    stage.crash("a");
    const stopped = supervisor.stop();
    gate.resolve();
    await stopped;
    expect(await supervisor.exited).toEqual({ kind: "stopped" });
  });

  test("nothing is started afterwards, and every request says so", async () => {
    const stage = new Stage();
    const supervisor = await stage.supervise({ children: [stage.child("a")] });
    supervisor.stop();
    const outcomes: readonly Result.Result<unknown, { readonly _tag: string }>[] = [
      await supervisor.startChild(stage.child("b")),
      await supervisor.restartChild("a"),
      await supervisor.deleteChild("a"),
      await supervisor.terminateChild("a"),
    ];
    for (const outcome of outcomes) {
      expect(failure(outcome)).toMatchObject({ _tag: "SupervisorStopped", supervisor: "root" });
    }
    expect(stage.trace()).toEqual(["start a", "stop a"]);
  });

  test("requests that wait when the stop comes are refused", async () => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    const supervisor = await stage.supervise({
      children: [stage.child("a", {}, { stopping: () => gate.promise })],
    });
    const stopped = supervisor.stop();
    const starting = supervisor.startChild(stage.child("b"));
    const deleting = supervisor.deleteChild("a");
    gate.resolve();
    await stopped;
    expect(failure(await starting)._tag).toBe("SupervisorStopped");
    expect(failure(await deleting)._tag).toBe("SupervisorStopped");
  });
});

describe("deadlines", () => {
  test("a child that will not stop is killed, abandoned and reported, and the stop goes on", async () => {
    const stage = new Stage();
    const children = [stage.child("a"), stage.child("b", { shutdown: 1_000 }, { stopping: never })];
    const supervisor = await stage.supervise({ children });
    stage.trace();
    stage.observed();
    const stopped = supervisor.stop();
    stage.clock.advanceSync(999);
    expect(stage.trace()).toEqual(["stop b"]);
    stage.clock.advanceSync(1);
    expect(stage.trace()).toEqual(["kill b", "stop a"]);
    expect(stage.observed()).toEqual(["abandoned b (killed)", "stopped a (shutdown)"]);
    await stopped;
  });

  test("what an abandoned child does later is ignored, but seen", async () => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    const child = stage.child("a", { shutdown: 10 }, { stopping: () => gate.promise });
    const supervisor = await stage.supervise({ children: [child] });
    const terminated = supervisor.terminateChild("a");
    const abandoned = stage.links.get("a");
    stage.clock.advanceSync(10);
    await terminated;
    await supervisor.restartChild("a");
    stage.observed();
    gate.reject(new Error("at last"));
    abandoned?.exit({ crash: new Error("too late") });
    await stage.clock.settle();
    expect(stage.observed()).toEqual(["late_exit a (too late)"]);
    expect(alive(supervisor)).toEqual(["a"]);
  });

  test("a child that can be killed, and says so, is not abandoned", async () => {
    const stage = new Stage();
    const child = stage.child(
      "a",
      { shutdown: 10 },
      {
        stopping: (reason, link) => {
          if (reason === "killed") link.exit("killed");
          return never();
        },
      },
    );
    const supervisor = await stage.supervise({ children: [child] });
    const stopped = supervisor.stop();
    stage.clock.advanceSync(10);
    await stopped;
    expect(stage.observed()).toEqual(["started a", "stopped a (killed)"]);
  });

  test("a worker has five seconds unless its spec says otherwise; a supervisor has all the time", async () => {
    const stage = new Stage();
    const worker = stage.child("worker", {}, { stopping: never });
    const tree = stage.child("tree", { type: "supervisor" }, { stopping: never });
    const supervisor = await stage.supervise({ children: [tree, worker] });
    void supervisor.stop();
    stage.clock.advanceSync(4_999);
    expect(stage.trace().at(-1)).toBe("stop worker");
    stage.clock.advanceSync(1);
    expect(stage.trace()).toEqual(["kill worker", "stop tree"]);
    stage.clock.advanceSync(1_000_000);
    expect(stage.trace()).toEqual([]);
    expect(await endOf(supervisor)).toBeNull();
  });

  test("brutal_kill asks for an immediate end and waits for nothing", async () => {
    const stage = new Stage();
    const children = [stage.child("a"), stage.child("b", { shutdown: "brutal_kill" }, { stopping: never })];
    const supervisor = await stage.supervise({ children });
    expect(supervisor.stop()).toBeUndefined();
    expect(stage.trace()).toEqual(["start a", "start b", "kill b", "stop a"]);
    expect(stage.observed()).toContain("stopped b (killed)");
  });

  test("a restart waits for a sibling until its deadline, and goes on without it", async () => {
    const stage = new Stage();
    const children = [stage.child("a"), stage.child("b", { shutdown: 10 }, { stopping: never })];
    const supervisor = await stage.supervise({ strategy: "one_for_all", children });
    stage.trace();
    stage.crash("a");
    expect(stage.trace()).toEqual(["stop b"]);
    stage.clock.advanceSync(10);
    expect(stage.trace()).toEqual(["kill b", "start a", "start b"]);
    expect(alive(supervisor)).toEqual(["a", "b"]);
  });
});
