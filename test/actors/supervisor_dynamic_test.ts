// The dynamic supervisor: any number of children of one kind, each started with arguments of its own.
import * as Result from "effect/Result";
import { expect, test } from "vitest";
import type { ChildTraits } from "../../actors/child_spec.ts";
import {
  type DynamicSupervisor,
  type DynamicSupervisorSpec,
  dynamicSupervisorChild,
  startDynamicSupervisor,
} from "../../actors/dynamic_supervisor.ts";
import type { SupervisorFlags } from "../../actors/supervisor_core.ts";
import type { Child } from "../../actors/child_spec.ts";
import { alive, type Conduct, endOf, failure, never, Stage } from "./supervisor_kit.ts";

const spec = (
  stage: Stage,
  flags: Partial<SupervisorFlags> = {},
  traits: ChildTraits = {},
): DynamicSupervisorSpec<Child, Conduct> => ({
  name: "symbols",
  ...flags,
  child: { ...traits, start: (link, conduct) => stage.start(link, conduct) },
});

async function supervise(
  stage: Stage,
  flags: Partial<SupervisorFlags> = {},
  traits: ChildTraits = {},
): Promise<DynamicSupervisor<Child, Conduct>> {
  return Result.getOrThrow(await startDynamicSupervisor(spec(stage, flags, traits), stage.world));
}

test("children share what the spec says, and get their own id and arguments", async () => {
  const stage = new Stage();
  const seen: unknown[] = [];
  const supervisor = Result.getOrThrow(
    await startDynamicSupervisor(
      {
        name: "symbols",
        child: {
          permissions: ["trade"],
          start: (link, args: { readonly balance: string }) => {
            seen.push([link.id, link.permissions, args]);
            return { stop: () => {}, balance: args.balance };
          },
        },
      },
      stage.world,
    ),
  );
  expect(supervisor.whichChildren()).toEqual([]);
  const started = await supervisor.startChild("BONK-USD", { balance: "889587" });
  expect(Result.getOrThrow(started).balance).toBe("889587");
  expect(supervisor.child("BONK-USD")?.balance).toBe("889587");
  expect(seen).toEqual([["BONK-USD", ["trade"], { balance: "889587" }]]);
});

test("a crashed child is restarted alone, with the same arguments", async () => {
  const stage = new Stage();
  const starts: string[] = [];
  const supervisor = await supervise(stage);
  await supervisor.startChild("a", { starting: () => void starts.push("a's own") });
  await supervisor.startChild("b", {});
  stage.trace();
  stage.crash("a");
  expect(stage.trace()).toEqual(["start a"]);
  expect(starts).toEqual(["a's own", "a's own"]);
  expect(supervisor.whichChildren().map(({ id, restarts }) => [id, restarts])).toEqual([
    ["a", 1],
    ["b", 0],
  ]);
});

test("a second child of the same id is a typed error", async () => {
  const stage = new Stage();
  const supervisor = await supervise(stage);
  await supervisor.startChild("a", {});
  expect(failure(await supervisor.startChild("a", {}))).toMatchObject({
    _tag: "ChildAlreadyStarted",
    id: "a",
  });
  expect(stage.trace()).toEqual(["start a"]);
});

test("the same while the first is about to be restarted", async () => {
  const stage = new Stage();
  const supervisor = await supervise(stage, { max_restarts: 9 });
  const again: ReturnType<typeof supervisor.startChild>[] = [];
  let lives = 0;
  const starting = (): void => {
    lives += 1;
    if (lives !== 2) return;
    again.push(supervisor.startChild("a", {}));
    throw new Error("not yet");
  };
  await supervisor.startChild("a", { starting });
  stage.crash("a");
  expect((await Promise.all(again)).map((outcome) => failure(outcome)._tag)).toEqual(["ChildAlreadyPresent"]);
  expect(alive(supervisor)).toEqual(["a"]);
});

test("a child that does not start is not kept", async () => {
  const stage = new Stage();
  const supervisor = await supervise(stage);
  const starting = (): never => {
    throw new Error("no record");
  };
  expect(failure(await supervisor.startChild("a", { starting }))._tag).toBe("ChildStartFailed");
  expect(supervisor.whichChildren()).toEqual([]);
  expect(Result.isSuccess(await supervisor.startChild("a", {}))).toBe(true);
});

test.each(["permanent", "transient", "temporary"] as const)(
  "a terminated %s child is forgotten",
  async (restart) => {
    const stage = new Stage();
    const supervisor = await supervise(stage, {}, { restart });
    await supervisor.startChild("a", {});
    expect(Result.isSuccess(await supervisor.terminateChild("a"))).toBe(true);
    expect(supervisor.whichChildren()).toEqual([]);
    expect(failure(await supervisor.terminateChild("a"))._tag).toBe("ChildNotFound");
  },
);

test("a transient child that ends well is forgotten too", async () => {
  const stage = new Stage();
  const supervisor = await supervise(stage, {}, { restart: "transient" });
  await supervisor.startChild("a", {});
  stage.exit("a", "normal");
  expect(supervisor.countChildren()).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 });
});

test("intensity is counted over all children", async () => {
  const stage = new Stage();
  const supervisor = await supervise(stage, { max_restarts: 1 });
  for (const id of ["a", "b", "c"]) await supervisor.startChild(id, {});
  stage.crash("a", "b");
  expect(await endOf(supervisor)).toMatchObject({ kind: "escalated", supervisor: "symbols", child: "b" });
  expect(stage.trace().slice(4).toSorted()).toEqual(["stop a", "stop c"]);
});

test("all_significant: the last child to end takes the supervisor with it", async () => {
  const stage = new Stage();
  const traits = { restart: "temporary", significant: true } as const;
  const supervisor = await supervise(stage, { auto_shutdown: "all_significant" }, traits);
  for (const id of ["a", "b"]) await supervisor.startChild(id, {});
  stage.crash("a");
  expect(await endOf(supervisor)).toBeNull();
  stage.exit("b", "normal");
  expect(await endOf(supervisor)).toMatchObject({ kind: "auto_shutdown", child: "b" });
});

test("all children stop side by side: together they take as long as the slowest", async () => {
  const stage = new Stage();
  const supervisor = await supervise(stage, {}, { shutdown: 1_000 });
  const gate = Promise.withResolvers<void>();
  await supervisor.startChild("prompt", {});
  await supervisor.startChild("slow", { stopping: () => gate.promise });
  await supervisor.startChild("stuck", { stopping: never });
  await supervisor.startChild("stuck too", { stopping: never });
  stage.trace();
  const stopped = supervisor.stop();
  expect(stage.trace()).toEqual(["stop prompt", "stop slow", "stop stuck", "stop stuck too"]);
  gate.resolve();
  await stage.clock.advance(1_000);
  await stopped;
  expect(stage.trace()).toEqual(["kill stuck", "kill stuck too"]);
  expect(stage.observed().filter((line) => line.startsWith("abandoned"))).toHaveLength(2);
});

test("a kill in the middle of that ends the wait, and each child is told once", async () => {
  const stage = new Stage();
  const supervisor = await supervise(stage, {}, { shutdown: "infinity" });
  for (const id of ["a", "b"]) await supervisor.startChild(id, { stopping: never });
  const stopped = supervisor.stop();
  stage.trace();
  stage.observed();
  supervisor.stop("killed");
  await stopped;
  expect(stage.trace()).toEqual(["kill b", "kill a"]);
  expect(stage.observed()).toEqual(["stopped b (killed)", "stopped a (killed)"]);
  expect(await supervisor.exited).toEqual({ kind: "killed" });
});

test("as a child of another supervisor it comes back empty", async () => {
  const stage = new Stage();
  const below = dynamicSupervisorChild(spec(stage, { max_restarts: 0 }), stage.world);
  const root = await stage.supervise({ children: [below, stage.child("cycle")] });
  const nested = Result.getOrThrow(
    await root.startChild(
      dynamicSupervisorChild({ ...spec(stage), name: "more" }, stage.world, { restart: "temporary" }),
    ),
  );
  await nested.startChild("a", {});
  stage.trace();
  nested.stop();
  expect(stage.trace()).toEqual(["stop a"]);
  expect(alive(root)).toEqual(["symbols", "cycle"]);
});

test.each([
  [{ max_restarts: -1 }, {}, "max_restarts"],
  [{}, { significant: true, restart: "transient" }, "auto_shutdown"],
] as const)("a spec that breaks a rule is refused: %j %j", async (flags, traits, word) => {
  const stage = new Stage();
  const outcome = await startDynamicSupervisor(spec(stage, flags, traits), stage.world);
  expect(failure(outcome)._tag).toBe("InvalidSpec");
  expect(failure(outcome).message).toContain(word);
});

test("10,000 children start, crash, are restarted and stop", async () => {
  const stage = new Stage();
  const supervisor = await supervise(stage, { max_restarts: 10_000 });
  const ids = Array.from({ length: 10_000 }, (_, n) => `S${n}-USD`);
  await Promise.all(ids.map((id) => supervisor.startChild(id, { stopping: () => Promise.resolve() })));
  expect(supervisor.countChildren().active).toBe(10_000);
  stage.crash(...ids.slice(0, 100));
  expect(supervisor.whichChildren().filter((child) => child.restarts === 1)).toHaveLength(100);
  await Promise.all(ids.slice(5_000).map((id) => supervisor.terminateChild(id)));
  expect(supervisor.countChildren().specs).toBe(5_000);
  await supervisor.stop();
  expect(supervisor.countChildren()).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 });
  expect(stage.clock.nextAt()).toBeNull();
});
