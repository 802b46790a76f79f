// When restarting does not help, or is not wanted: failed restarts, intensity, automatic shutdown.
import * as Result from "effect/Result";
import { describe, expect, test } from "vitest";
import { describeEnd } from "../../actors/child_spec.ts";
import { startSupervisor } from "../../actors/supervisor.ts";
import { alive, endOf, Stage } from "./supervisor_kit.ts";

describe("a restart that fails", () => {
  const failing = (times: number) => {
    let lives = 0;
    return () => {
      lives += 1;
      if (lives > 1 && lives <= 1 + times) throw new Error(`attempt ${lives}`);
    };
  };

  test("is tried again, and each attempt is counted", async () => {
    const stage = new Stage();
    const child = stage.child("a", {}, { starting: failing(2) });
    const supervisor = await stage.supervise({ max_restarts: 3, children: [child] });
    stage.crash("a");
    expect(stage.trace()).toEqual(["start a", "start a", "start a", "start a"]);
    expect(alive(supervisor)).toEqual(["a"]);
    expect(supervisor.whichChildren()[0]?.restarts).toBe(1);
  });

  test("leaves no trace once it has worked: the child may end well and be deleted", async () => {
    const stage = new Stage();
    const child = stage.child("a", { restart: "transient" }, { starting: failing(1) });
    const supervisor = await stage.supervise({ max_restarts: 3, children: [child] });
    stage.crash("a");
    stage.exit("a", "normal");
    expect(supervisor.whichChildren()[0]?.status).toBe("stopped");
    expect(Result.isSuccess(await supervisor.deleteChild("a"))).toBe(true);
  });

  test("ends the supervisor when the attempts are used up, and names what stood in the way", async () => {
    const stage = new Stage();
    const child = stage.child("a", {}, { starting: failing(9) });
    const supervisor = await stage.supervise({ max_restarts: 2, children: [child] });
    stage.crash("a");
    expect(stage.trace()).toEqual(["start a", "start a", "start a"]);
    expect(await supervisor.exited).toMatchObject({
      kind: "escalated",
      reason: { crash: new Error("attempt 3") },
    });
  });

  test("goes on under rest_for_one from the child that would not start", async () => {
    const stage = new Stage();
    const children = [stage.child("a"), stage.child("b", {}, { starting: failing(1) }), stage.child("c")];
    const supervisor = await stage.supervise({ strategy: "rest_for_one", max_restarts: 2, children });
    stage.trace();
    stage.crash("a");
    expect(stage.trace()).toEqual(["stop c", "stop b", "start a", "start b", "start b", "start c"]);
    expect(alive(supervisor)).toEqual(["a", "b", "c"]);
  });

  test("starts all over under one_for_all", async () => {
    const stage = new Stage();
    const children = [stage.child("a"), stage.child("b", {}, { starting: failing(1) }), stage.child("c")];
    await stage.supervise({ strategy: "one_for_all", max_restarts: 2, children });
    stage.trace();
    stage.crash("c");
    expect(stage.trace()).toEqual([
      "stop b",
      "stop a",
      "start a",
      "start b",
      "stop a",
      "start a",
      "start b",
      "start c",
    ]);
  });

  test("is forgotten when a sibling's restart has brought the child back meanwhile", async () => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    let lives = 0;
    const starting = (): void | Promise<void> => {
      lives += 1;
      if (lives === 2) return gate.promise;
    };
    const children = [stage.child("a"), stage.child("b", {}, { starting })];
    const supervisor = await stage.supervise({ strategy: "one_for_all", max_restarts: 2, children });
    stage.crash("b");
    stage.crash("a");
    stage.trace();
    gate.reject(new Error("not yet"));
    await stage.clock.settle();
    expect(stage.trace()).toEqual(["start a", "start b"]);
    expect(alive(supervisor)).toEqual(["a", "b"]);
  });
});

describe("intensity", () => {
  test("one restart more than max_restarts within period_ms stops all in reverse and ends the supervisor", async () => {
    const stage = new Stage();
    const children = [stage.child("a"), stage.child("b"), stage.child("c")];
    const supervisor = await stage.supervise({ max_restarts: 2, period_ms: 1_000, children });
    stage.crash("a", "b");
    stage.trace();
    stage.observed();
    stage.crash("b");
    expect(stage.trace()).toEqual(["stop c", "stop a"]);
    expect(stage.observed()).toEqual([
      "exited b (b broke)",
      "escalated b",
      "stopped c (shutdown)",
      "stopped a (shutdown)",
    ]);
    const end = await supervisor.exited;
    expect(end).toEqual({
      kind: "escalated",
      supervisor: "root",
      child: "b",
      reason: { crash: new Error("b broke") },
      max_restarts: 2,
      period_ms: 1_000,
      because: null,
    });
    expect(describeEnd(end)).toBe(
      'supervisor "root" gave up: child "b" ended (crash: b broke) once more than max_restarts 2 within 1000 ms allows',
    );
  });

  test("by default one restart in five seconds is allowed, as in OTP", async () => {
    const stage = new Stage();
    const supervisor = await stage.supervise({ children: [stage.child("a")] });
    stage.crash("a");
    stage.clock.advanceSync(5_001);
    stage.crash("a");
    expect(await endOf(supervisor)).toBeNull();
    stage.crash("a");
    expect(await endOf(supervisor)).toMatchObject({ kind: "escalated" });
  });

  test.each([
    [1_000, "escalated"],
    [1_001, null],
  ])("a restart %s ms ago, with a period of 1000 ms: %s", async (ago, kind) => {
    const stage = new Stage();
    const supervisor = await stage.supervise({
      max_restarts: 1,
      period_ms: 1_000,
      children: [stage.child("a")],
    });
    stage.crash("a");
    stage.clock.advanceSync(ago);
    stage.crash("a");
    expect((await endOf(supervisor))?.kind ?? null).toBe(kind);
  });

  test("max_restarts 0 forgives nothing", async () => {
    const stage = new Stage();
    const supervisor = await stage.supervise({ max_restarts: 0, children: [stage.child("a")] });
    stage.crash("a");
    expect(await endOf(supervisor)).toMatchObject({ kind: "escalated", child: "a" });
    expect(stage.trace()).toEqual(["start a"]);
  });

  test("a clock that is set back an hour does not keep old restarts alive for an hour", async () => {
    const stage = new Stage();
    let offset = 0;
    const clock = { ...stage.clock, now: () => stage.clock.now() + offset };
    const spec = { name: "root", max_restarts: 2, period_ms: 1_000, children: [stage.child("a")] };
    const supervisor = Result.getOrThrow(await startSupervisor(spec, { clock }));
    stage.crash("a");
    offset = -3_600_000;
    stage.crash("a");
    stage.clock.advanceSync(2_000);
    for (const _ of [1, 2]) stage.crash("a");
    expect(alive(supervisor)).toEqual(["a"]);
    stage.crash("a");
    expect(await endOf(supervisor)).toMatchObject({ kind: "escalated" });
  });

  test("a transient child that ends well spends no restart", async () => {
    const stage = new Stage();
    const children = [stage.child("a", { restart: "transient" }), stage.child("b")];
    const supervisor = await stage.supervise({ max_restarts: 1, children });
    stage.exit("a", "normal");
    stage.crash("b");
    expect(await endOf(supervisor)).toBeNull();
  });
});

describe("auto_shutdown", () => {
  const significant = { restart: "transient", significant: true } as const;

  test("any_significant: the first significant child that ends well takes the supervisor with it", async () => {
    const stage = new Stage();
    const children = [stage.child("a", significant), stage.child("b", significant), stage.child("c")];
    const supervisor = await stage.supervise({ auto_shutdown: "any_significant", children });
    stage.trace();
    stage.observed();
    stage.exit("a", "normal");
    expect(stage.trace()).toEqual(["stop c", "stop b"]);
    expect(stage.observed().slice(0, 2)).toEqual(["exited a (normal)", "auto_shutdown a"]);
    const end = await supervisor.exited;
    expect(end).toEqual({ kind: "auto_shutdown", supervisor: "root", child: "a" });
    expect(describeEnd(end)).toBe('supervisor "root" shut down: significant child "a" ended');
  });

  test("all_significant: the last one does", async () => {
    const stage = new Stage();
    const children = [stage.child("a", significant), stage.child("b", significant), stage.child("c")];
    const supervisor = await stage.supervise({ auto_shutdown: "all_significant", children });
    stage.exit("a", "normal");
    expect(await endOf(supervisor)).toBeNull();
    stage.exit("b", "shutdown");
    expect(await endOf(supervisor)).toMatchObject({ kind: "auto_shutdown", child: "b" });
  });

  test("a significant child that is about to be restarted counts as alive", async () => {
    const stage = new Stage();
    let lives = 0;
    const starting = (): void => {
      lives += 1;
      if (lives !== 2) return;
      stage.exit("b", "normal");
      throw new Error("not yet");
    };
    const children = [stage.child("a", significant, { starting }), stage.child("b", significant)];
    const supervisor = await stage.supervise({ auto_shutdown: "all_significant", max_restarts: 5, children });
    stage.crash("a");
    expect(await endOf(supervisor)).toBeNull();
    expect(alive(supervisor)).toEqual(["a"]);
  });

  test("a temporary significant child counts however it ends", async () => {
    const stage = new Stage();
    const child = stage.child("a", { restart: "temporary", significant: true });
    const supervisor = await stage.supervise({ auto_shutdown: "any_significant", children: [child] });
    stage.crash("a");
    expect(await endOf(supervisor)).toMatchObject({ kind: "auto_shutdown" });
  });

  test("a crash that is made good, an insignificant end and terminateChild do not count", async () => {
    const stage = new Stage();
    const children = [stage.child("a", significant), stage.child("b", { restart: "transient" })];
    const supervisor = await stage.supervise({ auto_shutdown: "any_significant", children });
    stage.crash("a");
    stage.exit("b", "normal");
    await supervisor.terminateChild("a");
    expect(await endOf(supervisor)).toBeNull();
  });
});
