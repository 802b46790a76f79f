// What a supervisor lets others see: its children, their ends, and what it does about them.
import * as Result from "effect/Result";
import { describe, expect, test, vi } from "vitest";
import type { ExitReason } from "../../actors/child_spec.ts";
import { startSupervisor } from "../../actors/supervisor.ts";
import { alive, Stage } from "./supervisor_kit.ts";

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
