// Supervisors under supervisors: starting, stopping and giving up travel along the tree.
import { readFileSync } from "node:fs";
import * as Result from "effect/Result";
import { expect, test } from "vitest";
import { describeEnd, describeReason } from "../../actors/child_spec.ts";
import {
  type Supervisor,
  type SupervisorSpec,
  startSupervisor,
  supervisorChild,
} from "../../actors/supervisor.ts";
import { alive, endOf, failure, never, Stage } from "./supervisor_kit.ts";

/** root: journal, then the bus (a supervisor of two: connection and consumer). */
function tree(
  stage: Stage,
  bus: Partial<SupervisorSpec> = {},
  root: Partial<SupervisorSpec> = {},
): Promise<Supervisor> {
  const below = [stage.child("connection"), stage.child("consumer")];
  const spec = { name: "bus", strategy: "rest_for_one", children: below, ...bus } as const;
  return stage.supervise({
    strategy: "rest_for_one",
    ...root,
    children: [stage.child("journal"), supervisorChild(spec, stage.world)],
  });
}

test("a tree starts depth first from the left and stops in exactly the reverse order", async () => {
  const stage = new Stage();
  const root = await tree(stage);
  expect(stage.trace()).toEqual(["start journal", "start connection", "start consumer"]);
  expect(root.countChildren()).toEqual({ specs: 2, active: 2, supervisors: 1, workers: 1 });
  expect(root.stop()).toBeUndefined();
  expect(stage.trace()).toEqual(["stop consumer", "stop connection", "stop journal"]);
});

test("a crash stays in its own branch while the intensity there lasts", async () => {
  const stage = new Stage();
  const root = await tree(stage);
  stage.trace();
  stage.crash("connection");
  expect(stage.trace()).toEqual(["stop consumer", "start connection", "start consumer"]);
  expect(root.whichChildren().map((child) => child.restarts)).toEqual([0, 0]);
});

test("a supervisor that gives up exits with shutdown, and its parent restarts it with all its children", async () => {
  const stage = new Stage();
  const root = await tree(stage, { max_restarts: 0 });
  stage.trace();
  stage.observed();
  stage.crash("connection");
  expect(stage.trace()).toEqual(["stop consumer", "start connection", "start consumer"]);
  expect(stage.observed()).toEqual([
    "exited connection (connection broke)",
    "escalated connection",
    "stopped consumer (shutdown)",
    "exited bus (shutdown)",
    "started connection",
    "started consumer",
    "restarted bus",
  ]);
  expect(root.whichChildren()[1]).toMatchObject({ restarts: 1, lastExit: { reason: "shutdown" } });
});

test("a transient supervisor that gives up is not restarted, because shutdown is no failure", async () => {
  const stage = new Stage();
  const below = { name: "bus", max_restarts: 0, children: [stage.child("connection")] };
  const root = await stage.supervise({
    children: [supervisorChild(below, stage.world, { restart: "transient" })],
  });
  stage.crash("connection");
  expect(alive(root)).toEqual([]);
});

test("at the root the last line names the first cause, however deep", async () => {
  const stage = new Stage();
  const root = await tree(stage, { max_restarts: 0 }, { name: "root", max_restarts: 0, period_ms: 60_000 });
  stage.trace();
  stage.crash("consumer");
  expect(stage.trace()).toEqual(["stop connection", "stop journal"]);
  expect(describeEnd(await root.exited)).toBe(
    'supervisor "root" gave up: child "bus" ended (shutdown) once more than max_restarts 0 within 60000 ms allows; ' +
      'because supervisor "bus" gave up: child "consumer" ended (crash: consumer broke) once more than max_restarts 0 within 5000 ms allows',
  );
});

test("a child of a child that does not start fails the start of the whole tree", async () => {
  const stage = new Stage();
  const starting = (): never => {
    throw new Error("no route");
  };
  const below = {
    name: "bus",
    children: [stage.child("connection"), stage.child("consumer", {}, { starting })],
  };
  const children = [stage.child("journal"), supervisorChild(below, stage.world)];
  const outcome = await startSupervisor({ name: "root", children }, stage.world);
  expect(failure(outcome).message).toBe(
    'supervisor "root": child "bus" did not start: supervisor "bus": child "consumer" did not start: no route',
  );
  expect(stage.trace()).toEqual([
    "start journal",
    "start connection",
    "start consumer",
    "stop connection",
    "stop journal",
  ]);
});

test("the same when it fails later", async () => {
  const stage = new Stage();
  const starting = (): Promise<never> => Promise.reject(new Error("no route"));
  const below = { name: "bus", children: [stage.child("connection", {}, { starting })] };
  const outcome = await startSupervisor(
    { name: "root", children: [supervisorChild(below, stage.world)] },
    stage.world,
  );
  expect(failure(outcome)).toMatchObject({
    _tag: "ChildStartFailed",
    id: "bus",
    cause: { _tag: "ChildStartFailed", id: "connection" },
  });
});

test("an invalid spec below is found before its children start", async () => {
  const stage = new Stage();
  const below = { name: "bus", max_restarts: -1, children: [stage.child("connection")] };
  const outcome = await startSupervisor(
    { name: "root", children: [supervisorChild(below, stage.world)] },
    stage.world,
  );
  expect(failure(outcome).cause).toMatchObject({ _tag: "InvalidSpec", supervisor: "bus" });
  expect(stage.trace()).toEqual([]);
});

test("children that start slowly make the tree start slowly, in the same order", async () => {
  const stage = new Stage();
  const slow = { starting: () => Promise.resolve() };
  const below = [stage.child("connection", {}, slow), stage.child("consumer", {}, slow)];
  const root = await tree(stage, { children: below });
  expect(stage.trace()).toEqual(["start journal", "start connection", "start consumer"]);
  expect(alive(root)).toEqual(["journal", "bus"]);
});

test("a stop reaches a child that is still starting two levels down", async () => {
  const stage = new Stage();
  const controller = new AbortController();
  const below = { name: "bus", children: [stage.child("connection", { shutdown: 50 }, { starting: never })] };
  const children = [stage.child("journal"), supervisorChild(below, stage.world)];
  const outcome = startSupervisor({ name: "root", children }, stage.world, { signal: controller.signal });
  controller.abort();
  await stage.clock.advance(50);
  expect(failure(await outcome)).toMatchObject({ _tag: "ChildStartFailed", id: "bus" });
  expect(stage.trace()).toEqual(["start journal", "start connection", "stop journal"]);
});

test("a supervisor with a deadline that overruns it kills its own children, and is not abandoned itself", async () => {
  const stage = new Stage();
  const below = {
    name: "bus",
    children: [stage.child("connection", { shutdown: "infinity" }, { stopping: never })],
  };
  const root = await stage.supervise({ children: [supervisorChild(below, stage.world, { shutdown: 100 })] });
  const stopped = root.stop();
  await stage.clock.advance(100);
  await stopped;
  expect(stage.trace()).toEqual(["start connection", "stop connection", "kill connection"]);
  expect(stage.observed().slice(2)).toEqual(["stopped connection (killed)", "stopped bus (killed)"]);
});

test("a supervisor that somebody else stops is restarted by its parent, as any permanent child", async () => {
  const stage = new Stage();
  const root = await tree(stage);
  const bus = root.child("bus");
  bus?.stop("shutdown");
  expect(alive(root)).toEqual(["journal", "bus"]);
  expect(root.child("bus")).not.toBe(bus);
});

test("a significant supervisor that shuts itself down can shut its parent down", async () => {
  const stage = new Stage();
  const below = {
    name: "run",
    auto_shutdown: "any_significant",
    children: [stage.child("cycles", { restart: "transient", significant: true }), stage.child("table")],
  } as const;
  const traits = { restart: "transient", significant: true } as const;
  const root = await stage.supervise({
    auto_shutdown: "any_significant",
    children: [stage.child("journal"), supervisorChild(below, stage.world, traits)],
  });
  stage.trace();
  stage.exit("cycles", "normal");
  expect(stage.trace()).toEqual(["stop table", "stop journal"]);
  expect(await root.exited).toEqual({ kind: "auto_shutdown", supervisor: "root", child: "run" });
});

test("a supervisor of each child bounds a crash loop to that child", async () => {
  const stage = new Stage();
  const one = (symbol: string) =>
    supervisorChild(
      { name: symbol, max_restarts: 2, children: [stage.child(`${symbol} actor`)] },
      stage.world,
      { restart: "temporary" },
    );
  const root = await stage.supervise({ max_restarts: 0, children: [one("BONK-USD"), one("SEI-USD")] });
  for (let crash = 1; crash <= 3; crash += 1) stage.crash("BONK-USD actor");
  expect(alive(root)).toEqual(["SEI-USD"]);
  expect(await endOf(root)).toBeNull();
});

test("a tree can be read level by level", async () => {
  const stage = new Stage();
  const spec = { name: "bus", children: [stage.child("connection", { permissions: ["net"] })] };
  const started = await startSupervisor({ name: "root", children: [] }, stage.world);
  const root = Result.getOrThrow(started);
  const bus = Result.getOrThrow(
    await root.startChild(supervisorChild(spec, stage.world, { permissions: ["net"] })),
  );
  expect(bus.whichChildren().map(({ id, permissions }) => ({ id, permissions }))).toEqual([
    { id: "connection", permissions: ["net"] },
  ]);
  expect(root.whichChildren()[0]).toMatchObject({ id: "bus", type: "supervisor", permissions: ["net"] });
});

test("the tree of docs/supervision.md does what that page prints", async () => {
  const page = readFileSync(new URL("../../docs/supervision.md", import.meta.url), "utf8");
  const [printed, lastLine] = [...page.matchAll(/```text\n(.*?)```/gs)].map((block) => block[1]);
  const stage = new Stage();
  const below = [stage.child("connection", { permissions: ["net"] }), stage.child("consumer")];
  const bus = { name: "bus", strategy: "rest_for_one", max_restarts: 1, children: below } as const;
  const children = [stage.child("journal"), supervisorChild(bus, stage.world)];
  const bot = await stage.supervise({ name: "bot", strategy: "one_for_all", max_restarts: 0, children });
  const lines: string[] = [];
  const note = (): void => {
    for (const event of stage.events.splice(0)) {
      const reason = "reason" in event ? ` (${describeReason(event.reason)})` : "";
      lines.push(`${event.supervisor}: ${event.kind} ${event.child}${reason}`);
    }
  };
  note();
  for (const _ of ["first", "second"]) {
    lines.push("# connection crashes");
    stage.exit("connection", { crash: new Error("connection reset") });
    note();
  }
  expect(`${lines.join("\n")}\n`).toBe(printed);
  expect(describeEnd(await bot.exited)).toBe(lastLine?.trim().replaceAll("\n", " "));
});
