// The supervisor's contract, clause by clause: who is started, who is restarted, and who goes down with whom.
import * as Result from "effect/Result";
import { describe, expect, test } from "vitest";
import { describeReason, type ExitReason } from "../../actors/child_spec.ts";
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

  test("a child that ended so early is not stopped when a later one fails to start", async () => {
    const stage = new Stage();
    const early = stage.child("a", {}, { starting: (link) => link.exit("normal") });
    const broken = stage.child("b", {}, { starting: () => Promise.reject(new Error("no port")) });
    await startSupervisor({ name: "root", children: [early, broken] }, stage.world);
    expect(stage.trace()).toEqual(["start a", "start b"]);
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
