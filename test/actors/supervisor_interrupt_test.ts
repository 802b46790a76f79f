// Ends that come in the middle of something: a stop while a child is starting, and a kill at any time.
import * as Result from "effect/Result";
import { describe, expect, test } from "vitest";
import { describeEnd } from "../../actors/child_spec.ts";
import { startSupervisor } from "../../actors/supervisor.ts";
import { alive, failure, never, Stage } from "./supervisor_kit.ts";

describe("a stop while something is starting", () => {
  const slowSecond = (stage: Stage, traits: object, gate: Promise<void>) => {
    const controller = new AbortController();
    const children = [stage.child("a"), stage.child("b", traits, { starting: () => gate }), stage.child("c")];
    const starting = startSupervisor({ name: "root", children }, stage.world, { signal: controller.signal });
    return { controller, starting };
  };

  test("lets the start finish within the child's deadline, starts nothing more, and stops what runs", async () => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    const { controller, starting } = slowSecond(stage, {}, gate.promise);
    controller.abort();
    expect(stage.links.get("b")?.signal.aborted).toBe(true);
    gate.resolve();
    expect(failure(await starting)._tag).toBe("SupervisorStopped");
    expect(stage.trace()).toEqual(["start a", "start b", "stop b", "stop a"]);
    expect(stage.clock.nextAt()).toBeNull();
  });

  test("abandons a start that does not finish within the deadline; what arrives later is killed", async () => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    const { controller, starting } = slowSecond(stage, { shutdown: 100 }, gate.promise);
    controller.abort();
    stage.clock.advanceSync(100);
    expect(failure(await starting)).toMatchObject({ _tag: "ChildStartFailed", id: "b" });
    expect(stage.trace()).toEqual(["start a", "start b", "stop a"]);
    gate.resolve();
    await stage.clock.settle();
    expect(stage.trace()).toEqual(["kill b"]);
  });

  test("a start that fails after it was abandoned is of no interest", async () => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    const { controller, starting } = slowSecond(stage, { shutdown: "brutal_kill" }, gate.promise);
    controller.abort();
    expect(failure(await starting).message).toContain("abandoned");
    stage.observed();
    gate.reject(new Error("never mind"));
    await stage.clock.settle();
    expect(stage.observed()).toEqual([]);
  });

  test("the link's signal tells a child to give up starting", async () => {
    const stage = new Stage();
    const seen: boolean[] = [];
    const starting = (link: { readonly signal: AbortSignal }): Promise<void> =>
      new Promise((_, reject) => {
        seen.push(link.signal.aborted);
        link.signal.addEventListener("abort", () => reject(new Error("given up")));
      });
    const controller = new AbortController();
    const child = stage.child("a", { shutdown: "infinity" }, { starting });
    const spec = { name: "root", children: [child] };
    const outcome = startSupervisor(spec, stage.world, { signal: controller.signal });
    controller.abort();
    expect(failure(await outcome)).toMatchObject({ cause: new Error("given up") });
    expect(seen).toEqual([false]);
  });

  test("during a restart: the restart is given up, also for siblings that were still to start", async () => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    let lives = 0;
    const starting = (): Promise<void> | undefined => {
      lives += 1;
      return lives === 2 ? gate.promise : undefined;
    };
    const children = [
      stage.child("a", {}, { starting: () => starting() ?? Promise.resolve() }),
      stage.child("b"),
    ];
    const supervisor = await stage.supervise({ strategy: "one_for_all", children });
    stage.crash("a");
    stage.trace();
    const stopped = supervisor.stop();
    gate.resolve();
    await stopped;
    expect(stage.trace()).toEqual(["stop a"]);
    expect(await supervisor.exited).toEqual({ kind: "stopped" });
  });

  test("a failed restart is not tried again", async () => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    let lives = 0;
    const starting = (): Promise<void> => {
      lives += 1;
      return lives === 2 ? gate.promise : Promise.resolve();
    };
    const supervisor = await stage.supervise({ children: [stage.child("a", {}, { starting })] });
    stage.crash("a");
    const stopped = supervisor.stop();
    gate.reject(new Error("no port"));
    await stopped;
    expect(stage.trace()).toEqual(["start a", "start a"]);
    expect(await supervisor.exited).toEqual({ kind: "stopped" });
  });

  test("a supervisor whose signal was aborted before it began starts nothing", async () => {
    const stage = new Stage();
    const spec = { name: "root", children: [stage.child("a")] };
    const outcome = await startSupervisor(spec, stage.world, { signal: AbortSignal.abort() });
    expect(failure(outcome)._tag).toBe("SupervisorStopped");
    expect(stage.trace()).toEqual([]);
  });

  test("the signal goes on to stop a supervisor that runs", async () => {
    const stage = new Stage();
    const controller = new AbortController();
    const spec = { name: "root", children: [stage.child("a")] };
    const supervisor = Result.getOrThrow(
      await startSupervisor(spec, stage.world, { signal: controller.signal }),
    );
    controller.abort();
    expect(await supervisor.exited).toEqual({ kind: "stopped" });
    expect(stage.trace()).toEqual(["start a", "stop a"]);
  });
});

describe("a kill", () => {
  test("ends all children at once, in reverse, and waits for none", async () => {
    const stage = new Stage();
    const children = [stage.child("a", {}, { stopping: never }), stage.child("b", { restart: "transient" })];
    const supervisor = await stage.supervise({ children: [...children, stage.child("c")] });
    stage.exit("b", "normal");
    expect(supervisor.stop("killed")).toBeUndefined();
    expect(stage.trace().slice(3)).toEqual(["kill c", "kill a"]);
    const end = await supervisor.exited;
    expect(describeEnd(end)).toBe("killed");
    expect(alive(supervisor)).toEqual([]);
  });

  test("in the middle of a restart calls it off where it stands; what arrives later is killed", async () => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    let lives = 0;
    const starting = (): Promise<void> => {
      lives += 1;
      return lives === 2 ? gate.promise : Promise.resolve();
    };
    const children = [stage.child("a", {}, { starting }), stage.child("b")];
    const supervisor = await stage.supervise({ strategy: "one_for_all", children });
    stage.crash("a");
    const asked = supervisor.startChild(stage.child("c"));
    stage.trace();
    supervisor.stop("killed");
    expect(stage.links.get("a")?.signal.aborted).toBe(true);
    expect(failure(await asked)._tag).toBe("SupervisorStopped");
    gate.resolve();
    await stage.clock.settle();
    expect(stage.trace()).toEqual(["kill a"]);
  });

  test("in the middle of a stop ends the wait", async () => {
    const stage = new Stage();
    const children = [stage.child("a"), stage.child("b", { shutdown: "infinity" }, { stopping: never })];
    const supervisor = await stage.supervise({ children });
    const stopped = supervisor.stop();
    supervisor.stop("killed");
    await stopped;
    expect(stage.trace().slice(2)).toEqual(["stop b", "kill b", "kill a"]);
    expect(await supervisor.exited).toEqual({ kind: "killed" });
  });

  test("in the middle of a terminateChild refuses the answer", async () => {
    const stage = new Stage();
    const child = stage.child("a", { shutdown: 10 }, { stopping: never });
    const supervisor = await stage.supervise({ children: [child] });
    const terminated = supervisor.terminateChild("a");
    supervisor.stop("killed");
    expect(failure(await terminated)._tag).toBe("SupervisorStopped");
    expect(stage.clock.nextAt()).toBeNull();
  });

  test("from within a start, kills the child that this start returns", async () => {
    const stage = new Stage();
    const supervisor = await stage.supervise({ children: [] });
    const starting = (): void => void supervisor.stop("killed");
    expect(failure(await supervisor.startChild(stage.child("a", {}, { starting })))._tag).toBe(
      "SupervisorStopped",
    );
    expect(stage.trace()).toEqual(["start a", "kill a"]);
  });

  test("passes over a child that has crashed and waits to be dealt with", async () => {
    const stage = new Stage();
    const children = [stage.child("a"), stage.child("b", {}, { stopping: never })];
    const supervisor = await stage.supervise({ children });
    void supervisor.terminateChild("b");
    stage.crash("a");
    supervisor.stop("killed");
    expect(stage.trace().slice(2)).toEqual(["stop b", "kill b"]);
    expect(alive(supervisor)).toEqual([]);
  });

  test("a child that reports its end as it is killed has ended for that reason, once", async () => {
    const stage = new Stage();
    const stopping = (_reason: unknown, link: { exit(reason: "normal"): void }): void => link.exit("normal");
    const supervisor = await stage.supervise({ children: [stage.child("a", {}, { stopping })] });
    supervisor.stop("killed");
    expect(stage.observed()).toEqual(["started a", "stopped a (normal)"]);
    expect(supervisor.lateExits).toBe(0);
  });

  test("while a start is being given up leaves no timer behind", async () => {
    const stage = new Stage();
    const supervisor = await stage.supervise({ children: [] });
    const asked = supervisor.startChild(stage.child("a", {}, { starting: never }));
    void supervisor.stop();
    expect(stage.clock.nextAt()).toBe(stage.clock.now() + 5_000);
    supervisor.stop("killed");
    expect(failure(await asked)._tag).toBe("SupervisorStopped");
    expect(stage.clock.nextAt()).toBeNull();
  });
});
