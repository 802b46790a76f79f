// The supervisor's contract, clause by clause: starting, restart types, strategies, intensity, automatic shutdown.
import * as Result from "effect/Result";
import { describe, expect, test, vi } from "vitest";
import type { ExitReason } from "../../actors/child_spec.ts";
import { describeEnd, describeReason } from "../../actors/child_spec.ts";
import { startSupervisor } from "../../actors/supervisor.ts";
import { alive, endOf, failure, Stage } from "./supervisor_kit.ts";

describe("starting", () => {
  test("children start from left to right, each when the one before it has started", async () => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    const starting = stage.supervise({
      children: [stage.child("a", {}, { starting: () => gate.promise }), stage.child("b")],
    });
    await stage.clock.settle();
    expect(stage.trace()).toEqual(["start a"]);
    gate.resolve();
    const supervisor = await starting;
    expect(stage.trace()).toEqual(["start b"]);
    expect(alive(supervisor)).toEqual(["a", "b"]);
    expect(stage.observed()).toEqual(["started a", "started b"]);
  });

  test("a supervisor without children runs", async () => {
    const supervisor = await new Stage().supervise({ children: [] });
    expect(supervisor.countChildren()).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 });
    expect(await endOf(supervisor)).toBeNull();
  });

  test("an observer is optional", async () => {
    const stage = new Stage();
    const world = { clock: stage.clock };
    const supervisor = await startSupervisor({ name: "root", children: [stage.child("a")] }, world);
    expect(Result.isSuccess(supervisor)).toBe(true);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("no port");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no port"))],
  ])("when a start %s, those that run are stopped in reverse and starting fails", async (_, starting) => {
    const stage = new Stage();
    const children = [
      stage.child("a"),
      stage.child("b"),
      stage.child("c", {}, { starting }),
      stage.child("d"),
    ];
    const outcome = await startSupervisor({ name: "root", children }, stage.world);
    const error = failure(outcome);
    expect(error).toMatchObject({ _tag: "ChildStartFailed", supervisor: "root", id: "c" });
    expect(error.message).toBe('supervisor "root": child "c" did not start: no port');
    expect(error.cause).toEqual(new Error("no port"));
    expect(stage.trace()).toEqual(["start a", "start b", "start c", "stop b", "stop a"]);
    expect(stage.observed().at(2)).toBe("start_failed c");
  });

  test("what is thrown and is no Error is wrapped in one", async () => {
    const stage = new Stage();
    const starting = (): never => {
      throw "no port";
    };
    const outcome = await startSupervisor(
      { name: "root", children: [stage.child("a", {}, { starting })] },
      stage.world,
    );
    expect(failure(outcome)).toMatchObject({ cause: new Error("no port") });
  });

  test("a child may end before its start has returned it: it has started, and then ended", async () => {
    const stage = new Stage();
    let lives = 0;
    const starting = (link: { exit(reason: ExitReason): void }): void => {
      lives += 1;
      if (lives === 1) link.exit({ crash: new Error("at once") });
    };
    const supervisor = await stage.supervise({ children: [stage.child("a", {}, { starting })] });
    expect(stage.observed()).toEqual(["started a", "exited a (at once)", "restarted a"]);
    expect(alive(supervisor)).toEqual(["a"]);
  });

  test("an end reported by a child whose start then fails says nothing more", async () => {
    const stage = new Stage();
    const starting = (link: { exit(reason: ExitReason): void }): void => {
      link.exit({ crash: new Error("first") });
      throw new Error("second");
    };
    const outcome = await startSupervisor(
      { name: "root", children: [stage.child("a", {}, { starting })] },
      stage.world,
    );
    expect(failure(outcome)).toMatchObject({ cause: new Error("second") });
    expect(stage.observed()).toEqual(["start_failed a"]);
  });

  test("crashes during the start of later children wait until all have started", async () => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    const starting = stage.supervise({
      children: [stage.child("a"), stage.child("b", {}, { starting: () => gate.promise })],
    });
    stage.crash("a");
    await stage.clock.settle();
    expect(stage.trace()).toEqual(["start a", "start b"]);
    gate.resolve();
    await starting;
    expect(stage.trace()).toEqual(["start a"]);
  });
});

describe("specs that break a rule are refused before anything starts", () => {
  const stage = new Stage();
  const refused = async (
    flags: object,
    ...children: readonly ReturnType<Stage["child"]>[]
  ): Promise<string> => {
    const outcome = await startSupervisor({ name: "root", children, ...flags }, stage.world);
    expect(failure(outcome)._tag).toBe("InvalidSpec");
    expect(stage.trace()).toEqual([]);
    return failure(outcome).message;
  };

  test("two children with one id", async () => {
    expect(await refused({}, stage.child("a"), stage.child("a"))).toBe(
      'supervisor "root", child "a": two children have this id; give each its own',
    );
  });
  test("a significant child that nothing looks at", async () => {
    expect(await refused({}, stage.child("a", { significant: true, restart: "transient" }))).toContain(
      "auto_shutdown",
    );
  });
  test.each([{}, { restart: "permanent" } as const])("a significant permanent child", async (traits) => {
    const flags = { auto_shutdown: "any_significant" };
    expect(await refused(flags, stage.child("a", { significant: true, ...traits }))).toContain(
      "transient or temporary",
    );
  });
  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("a shutdown of %s ms", async (shutdown) => {
    expect(await refused({}, stage.child("a", { shutdown }))).toContain(`shutdown is ${shutdown}; expected`);
  });
  test.each([-1, 0.5])("max_restarts of %s", async (max_restarts) => {
    expect(await refused({ max_restarts })).toBe(
      `supervisor "root": max_restarts is ${max_restarts}; expected a whole number from 0`,
    );
  });
  test.each([0, -1, Number.POSITIVE_INFINITY])("period_ms of %s", async (period_ms) => {
    expect(await refused({ period_ms })).toContain(
      `period_ms is ${period_ms}; expected milliseconds above 0`,
    );
  });
});

describe("restart types", () => {
  const ends: readonly (readonly [string, ExitReason])[] = [
    ["normal", "normal"],
    ["shutdown", "shutdown"],
    ["{ shutdown }", { shutdown: "lease lost" }],
    ["killed", "killed"],
    ["crash", { crash: new Error("broke") }],
  ];
  const failures = ["killed", "crash"];

  test.each(ends)("a permanent child that ends with %s is restarted", async (_, reason) => {
    const stage = new Stage();
    const supervisor = await stage.supervise({ children: [stage.child("a")] });
    stage.exit("a", reason);
    expect(alive(supervisor)).toEqual(["a"]);
  });

  test.each(ends)(
    "a transient child that ends with %s is restarted if that is a failure",
    async (name, reason) => {
      const stage = new Stage();
      const supervisor = await stage.supervise({ children: [stage.child("a", { restart: "transient" })] });
      stage.exit("a", reason);
      expect(alive(supervisor)).toEqual(failures.includes(name) ? ["a"] : []);
      expect(supervisor.countChildren().specs).toBe(1);
    },
  );

  test.each(ends)("a temporary child that ends with %s is dropped", async (_, reason) => {
    const stage = new Stage();
    const supervisor = await stage.supervise({ children: [stage.child("a", { restart: "temporary" })] });
    stage.exit("a", reason);
    expect(supervisor.whichChildren()).toEqual([]);
  });

  test("a reason reads as a few words", () => {
    expect(ends.map(([, reason]) => describeReason(reason))).toEqual([
      "normal",
      "shutdown",
      "shutdown: lease lost",
      "killed",
      "crash: broke",
    ]);
  });

  test("a crash and the restart it causes happen in one step: nobody sees the child gone", async () => {
    const stage = new Stage();
    const supervisor = await stage.supervise({ children: [stage.child("a")] });
    const before = stage.links.get("a");
    stage.crash("a");
    expect(supervisor.child("a")).not.toBeNull();
    expect(stage.links.get("a")).not.toBe(before);
  });
});

describe("strategies", () => {
  const three = (stage: Stage) => [
    stage.child("a"),
    stage.child("b", { restart: "temporary" }),
    stage.child("c"),
  ];

  test("one_for_one, the default, restarts the child and nobody else", async () => {
    const stage = new Stage();
    const supervisor = await stage.supervise({ children: three(stage) });
    stage.trace();
    stage.crash("a");
    expect(stage.trace()).toEqual(["start a"]);
    expect(alive(supervisor)).toEqual(["a", "b", "c"]);
  });

  test("rest_for_one takes along those started after it, in reverse; temporary ones are dropped", async () => {
    const stage = new Stage();
    const supervisor = await stage.supervise({ strategy: "rest_for_one", children: three(stage) });
    stage.trace();
    stage.crash("c");
    expect(stage.trace()).toEqual(["start c"]);
    stage.clock.advanceSync(60_000);
    stage.crash("a");
    expect(stage.trace()).toEqual(["stop c", "stop b", "start a", "start c"]);
    expect(alive(supervisor)).toEqual(["a", "c"]);
  });

  test("one_for_all takes all along, and brings back a transient sibling that had ended well", async () => {
    const stage = new Stage();
    const children = [stage.child("a", { restart: "transient" }), ...three(stage).slice(1)];
    const supervisor = await stage.supervise({ strategy: "one_for_all", children });
    stage.exit("a", "normal");
    stage.trace();
    stage.crash("c");
    expect(stage.trace()).toEqual(["stop b", "start a", "start c"]);
    expect(alive(supervisor)).toEqual(["a", "c"]);
  });

  test("a sibling that crashed while its siblings were restarted is dealt with once", async () => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    const children = [
      stage.child("a"),
      stage.child("b"),
      stage.child("c", {}, { stopping: () => gate.promise }),
    ];
    const supervisor = await stage.supervise({ strategy: "one_for_all", max_restarts: 1, children });
    stage.trace();
    stage.crash("b", "a");
    gate.resolve();
    await stage.clock.settle();
    expect(stage.trace()).toEqual(["stop c", "start a", "start b", "start c"]);
    expect(alive(supervisor)).toEqual(["a", "b", "c"]);
  });
});

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
      'supervisor "root" gave up: child "b" ended (crash: b broke) after 2 restarts within 1000 ms',
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
    const spec = { name: "root", max_restarts: 1, period_ms: 1_000, children: [stage.child("a")] };
    const supervisor = Result.getOrThrow(await startSupervisor(spec, { clock }));
    stage.crash("a");
    offset = -3_600_000;
    stage.clock.advanceSync(2_000);
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

describe("exit reports", () => {
  test("only the first counts; later ones are ignored, counted and observed", async () => {
    const stage = new Stage();
    const supervisor = await stage.supervise({ children: [stage.child("a")] });
    const first = stage.links.get("a");
    stage.crash("a");
    stage.observed();
    stage.trace();
    first?.exit("normal");
    first?.exit({ shutdown: "again" });
    expect(stage.trace()).toEqual([]);
    expect(stage.observed()).toEqual(["late_exit a (normal)", "late_exit a (shutdown again)"]);
    expect(supervisor.lateExits).toBe(2);
  });

  test("a second report before the start has returned is late too", async () => {
    const stage = new Stage();
    const starting = (link: { exit(reason: ExitReason): void }): void => {
      link.exit("normal");
      link.exit("shutdown");
    };
    const child = stage.child("a", { restart: "temporary" }, { starting });
    const supervisor = await stage.supervise({ children: [child] });
    expect(stage.observed()).toEqual(["late_exit a (shutdown)", "started a", "exited a (normal)"]);
    expect(supervisor.lateExits).toBe(1);
  });
});

describe("what can be read from outside", () => {
  test("whichChildren: traits, status, restarts, uptime and the last exit", async () => {
    const stage = new Stage();
    const permissions = ["net", "trade:BONK-USD"];
    const children = [
      stage.child("a", { permissions }),
      stage.child("b", { restart: "transient", type: "supervisor" }),
    ];
    const supervisor = await stage.supervise({ children });
    const began = stage.clock.now();
    stage.clock.advanceSync(100);
    stage.crash("a");
    stage.exit("b", "normal");
    stage.clock.advanceSync(20);
    const worker = { type: "worker", restart: "permanent", significant: false } as const;
    expect(supervisor.whichChildren()).toEqual([
      {
        ...worker,
        id: "a",
        permissions,
        status: "running",
        restarts: 1,
        startedAt: began + 100,
        uptimeMs: 20,
        lastExit: { reason: { crash: new Error("a broke") }, at: began + 100, because: null },
      },
      {
        ...worker,
        id: "b",
        type: "supervisor",
        restart: "transient",
        permissions: [],
        status: "stopped",
        restarts: 0,
        startedAt: null,
        uptimeMs: null,
        lastExit: { reason: "normal", at: began + 100, because: null },
      },
    ]);
    expect(supervisor.countChildren()).toEqual({ specs: 2, active: 1, supervisors: 1, workers: 1 });
    expect(stage.links.get("a")).toMatchObject({ id: "a", permissions });
  });

  test("status follows a child through a slow restart and a slow stop", async () => {
    const stage = new Stage();
    const starts = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const stops = Promise.withResolvers<void>();
    let lives = 0;
    const starting = (): Promise<void> | undefined => starts[lives++]?.promise;
    const child = stage.child(
      "a",
      {},
      { starting: () => starting() ?? Promise.resolve(), stopping: () => stops.promise },
    );
    const booting = stage.supervise({ children: [child] });
    starts[0]?.resolve();
    const supervisor = await booting;
    const status = () => supervisor.whichChildren()[0]?.status;
    expect(status()).toBe("running");
    stage.crash("a");
    expect(status()).toBe("starting");
    expect(supervisor.whichChildren()[0]?.startedAt).toBeNull();
    expect(supervisor.child("a")).toBeNull();
    starts[1]?.resolve();
    await stage.clock.settle();
    expect(status()).toBe("running");
    const stopped = supervisor.stop();
    expect(status()).toBe("stopping");
    expect(supervisor.countChildren().active).toBe(1);
    stops.resolve();
    await stopped;
    expect(status()).toBe("stopped");
    expect(supervisor.countChildren().active).toBe(0);
  });

  test("a child that has crashed while the supervisor is busy is not running", async () => {
    const stage = new Stage();
    const gate = Promise.withResolvers<void>();
    const children = [stage.child("a"), stage.child("b", {}, { stopping: () => gate.promise })];
    const supervisor = await stage.supervise({ children });
    const terminated = supervisor.terminateChild("b");
    stage.crash("a");
    expect(alive(supervisor)).toEqual([]);
    expect(supervisor.countChildren().active).toBe(1);
    gate.resolve();
    await terminated;
    expect(alive(supervisor)).toEqual(["a"]);
  });

  test("child answers with the running child, or null", async () => {
    const stage = new Stage();
    const supervisor = await stage.supervise({ children: [stage.child("a", { restart: "transient" })] });
    expect(supervisor.child("a")?.stop).toBeTypeOf("function");
    stage.exit("a", "normal");
    expect(supervisor.child("a")).toBeNull();
    expect(supervisor.child("z")).toBeNull();
  });

  test("an observer that throws is loud, and leaves the tree whole", async () => {
    const stage = new Stage();
    const loud = vi.spyOn(globalThis, "queueMicrotask").mockImplementation(() => {});
    const broken = new Error("observer broke");
    const observe = (): never => {
      throw broken;
    };
    const spec = { name: "root", children: [stage.child("a"), stage.child("b")] };
    const supervisor = Result.getOrThrow(await startSupervisor(spec, { clock: stage.clock, observe }));
    stage.crash("a");
    const rethrown = loud.mock.calls.map(([callback]) => callback);
    loud.mockRestore();
    expect(alive(supervisor)).toEqual(["a", "b"]);
    expect(rethrown).toHaveLength(4);
    for (const callback of rethrown) expect(callback).toThrow(broken);
  });
});
