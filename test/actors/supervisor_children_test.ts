// Children that come and go while the supervisor runs: startChild, terminateChild, deleteChild, restartChild.
import * as Result from "effect/Result";
import { expect, test } from "vitest";
import { alive, endOf, failure, never, Stage } from "./supervisor_kit.ts";

test("startChild adds a child after the others and answers with it, as what it is", async () => {
  const stage = new Stage();
  const supervisor = await stage.supervise({ children: [stage.child("a")] });
  const started = await supervisor.startChild({ id: "b", start: () => ({ stop: () => {}, port: 4222 }) });
  expect(Result.getOrThrow(started).port).toBe(4222);
  expect(alive(supervisor)).toEqual(["a", "b"]);
});

test("what needs no waiting is done before startChild returns", async () => {
  const stage = new Stage();
  const supervisor = await stage.supervise({ children: [] });
  const started = supervisor.startChild(stage.child("a"));
  expect(alive(supervisor)).toEqual(["a"]);
  await started;
});

test("a child that runs already is a typed error, and so is one that is known and does not run", async () => {
  const stage = new Stage();
  const supervisor = await stage.supervise({ children: [stage.child("a", { restart: "transient" })] });
  expect(failure(await supervisor.startChild(stage.child("a")))._tag).toBe("ChildAlreadyStarted");
  stage.exit("a", "normal");
  const error = failure(await supervisor.startChild(stage.child("a")));
  expect(error._tag).toBe("ChildAlreadyPresent");
  expect(error.message).toBe('supervisor "root": child "a" exists and is not running; restart or delete it');
  expect(stage.trace()).toEqual(["start a"]);
});

test("a child that does not start is not kept, and spends no restart", async () => {
  const stage = new Stage();
  const supervisor = await stage.supervise({ max_restarts: 0, children: [] });
  const starting = (): Promise<never> => Promise.reject(new Error("no port"));
  const error = failure(await supervisor.startChild(stage.child("a", {}, { starting })));
  expect(error).toMatchObject({ _tag: "ChildStartFailed", id: "a", cause: new Error("no port") });
  expect(supervisor.whichChildren()).toEqual([]);
  expect(await endOf(supervisor)).toBeNull();
});

test("a spec that breaks a rule is refused", async () => {
  const stage = new Stage();
  const supervisor = await stage.supervise({ children: [] });
  const error = failure(await supervisor.startChild(stage.child("a", { shutdown: -1 })));
  expect(error._tag).toBe("InvalidSpec");
  expect(stage.trace()).toEqual([]);
});

test("terminateChild stops a child, keeps its spec and does not restart it", async () => {
  const stage = new Stage();
  const supervisor = await stage.supervise({ children: [stage.child("a"), stage.child("b")] });
  expect(Result.isSuccess(await supervisor.terminateChild("a"))).toBe(true);
  expect(stage.trace()).toEqual(["start a", "start b", "stop a"]);
  expect(alive(supervisor)).toEqual(["b"]);
  expect(supervisor.countChildren().specs).toBe(2);
  expect(Result.isSuccess(await supervisor.terminateChild("a"))).toBe(true);
  expect(stage.trace()).toEqual([]);
});

test("terminateChild drops the spec of a temporary child", async () => {
  const stage = new Stage();
  const supervisor = await stage.supervise({ children: [stage.child("a", { restart: "temporary" })] });
  await supervisor.terminateChild("a");
  expect(supervisor.whichChildren()).toEqual([]);
});

test("a child that had crashed when it was to be terminated stays down", async () => {
  const stage = new Stage();
  const gate = Promise.withResolvers<void>();
  const children = [stage.child("a"), stage.child("b", {}, { stopping: () => gate.promise })];
  const supervisor = await stage.supervise({ children });
  void supervisor.terminateChild("b");
  const terminated = supervisor.terminateChild("a");
  stage.crash("a");
  gate.resolve();
  await terminated;
  expect(alive(supervisor)).toEqual([]);
  expect(stage.trace()).toEqual(["start a", "start b", "stop b"]);
});

test("restartChild starts a child that does not run, and spends no restart", async () => {
  const stage = new Stage();
  const supervisor = await stage.supervise({ max_restarts: 0, children: [stage.child("a")] });
  expect(failure(await supervisor.restartChild("a"))._tag).toBe("ChildRunning");
  await supervisor.terminateChild("a");
  expect(Result.getOrThrow(await supervisor.restartChild("a"))).toBe(supervisor.child("a"));
  expect(alive(supervisor)).toEqual(["a"]);
  expect(supervisor.whichChildren()[0]?.restarts).toBe(0);
});

test("restartChild of a child that does not start leaves it known", async () => {
  const stage = new Stage();
  let lives = 0;
  const starting = (): void => {
    lives += 1;
    if (lives === 2) throw new Error("no port");
  };
  const supervisor = await stage.supervise({ children: [stage.child("a", {}, { starting })] });
  await supervisor.terminateChild("a");
  expect(failure(await supervisor.restartChild("a"))._tag).toBe("ChildStartFailed");
  expect(supervisor.whichChildren()[0]).toMatchObject({
    status: "stopped",
    lastExit: { reason: { crash: new Error("no port") } },
  });
  expect(Result.isSuccess(await supervisor.restartChild("a"))).toBe(true);
});

test("deleteChild forgets a child that does not run", async () => {
  const stage = new Stage();
  const supervisor = await stage.supervise({ children: [stage.child("a"), stage.child("b")] });
  expect(failure(await supervisor.deleteChild("a"))._tag).toBe("ChildRunning");
  await supervisor.terminateChild("a");
  expect(Result.isSuccess(await supervisor.deleteChild("a"))).toBe(true);
  expect(supervisor.whichChildren().map((child) => child.id)).toEqual(["b"]);
});

test("all of them say so when there is no such child", async () => {
  const supervisor = await new Stage().supervise({ children: [] });
  for (const outcome of [
    await supervisor.terminateChild("z"),
    await supervisor.deleteChild("z"),
    await supervisor.restartChild("z"),
  ]) {
    expect(failure(outcome)).toMatchObject({ _tag: "ChildNotFound", id: "z" });
  }
});

/** A child whose restart fails; `during` runs in the middle of that restart, so that what it asks comes next in turn. */
async function failingRestart(during: (supervisor: Awaited<ReturnType<Stage["supervise"]>>) => void) {
  const stage = new Stage();
  const gate = Promise.withResolvers<void>();
  let lives = 0;
  const starting = (): Promise<void> => {
    lives += 1;
    return lives === 2 ? gate.promise : Promise.resolve();
  };
  const supervisor = await stage.supervise({
    max_restarts: 9,
    children: [stage.child("a", {}, { starting })],
  });
  stage.crash("a");
  during(supervisor);
  gate.reject(new Error("not yet"));
  await stage.clock.settle();
  return { stage, supervisor };
}

test("a child that is about to be restarted can be neither restarted, deleted nor started anew", async () => {
  const outcomes: Promise<Result.Result<unknown, { readonly _tag: string }>>[] = [];
  const { supervisor } = await failingRestart((supervisor) => {
    outcomes.push(supervisor.restartChild("a"), supervisor.deleteChild("a"));
    outcomes.push(supervisor.startChild({ id: "a", start: () => ({ stop: never }) }));
  });
  expect((await Promise.all(outcomes)).map((outcome) => failure(outcome)._tag)).toEqual([
    "ChildRestarting",
    "ChildRestarting",
    "ChildAlreadyPresent",
  ]);
  expect(alive(supervisor)).toEqual(["a"]);
});

test("terminateChild calls off a restart that would be tried again", async () => {
  const { stage, supervisor } = await failingRestart((supervisor) => void supervisor.terminateChild("a"));
  expect(stage.trace()).toEqual(["start a", "start a"]);
  expect(supervisor.whichChildren()[0]?.status).toBe("stopped");
});

test("a child shows as restarting between two attempts", async () => {
  const stage = new Stage();
  const seen: unknown[] = [];
  let lives = 0;
  const children = [
    stage.child(
      "a",
      {},
      {
        starting: () => {
          lives += 1;
          if (lives !== 2) return;
          void supervisor.startChild(
            stage.child("b", {}, { starting: () => void seen.push(supervisor.whichChildren()[0]?.status) }),
          );
          throw new Error("not yet");
        },
      },
    ),
  ];
  const supervisor = await stage.supervise({ max_restarts: 9, children });
  stage.crash("a");
  expect(seen).toEqual(["restarting"]);
  expect(alive(supervisor)).toEqual(["a", "b"]);
});

test("requests are served one at a time, in order of arrival", async () => {
  const stage = new Stage();
  const supervisor = await stage.supervise({ children: [stage.child("a")] });
  stage.trace();
  const slow = { starting: () => Promise.resolve(), stopping: () => Promise.resolve() };
  await Promise.all([
    supervisor.startChild(stage.child("b", {}, slow)),
    supervisor.terminateChild("b"),
    supervisor.restartChild("b"),
    supervisor.terminateChild("a"),
    supervisor.deleteChild("a"),
  ]);
  expect(stage.trace()).toEqual(["start b", "stop b", "start b", "stop a"]);
  expect(alive(supervisor)).toEqual(["b"]);
});

test("ten thousand requests queued behind a slow one do not exhaust the stack", async () => {
  const stage = new Stage();
  const gate = Promise.withResolvers<void>();
  const supervisor = await stage.supervise({ children: [] });
  const slow = supervisor.startChild(stage.child("slow", {}, { starting: () => gate.promise }));
  const queued = Array.from({ length: 10_000 }, (_, n) => supervisor.startChild(stage.child(`c${n}`)));
  gate.resolve();
  await slow;
  await Promise.all(queued);
  expect(supervisor.countChildren().active).toBe(10_001);
});
