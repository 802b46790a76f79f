// 150 random scripts that were run against the supervisor of Erlang/OTP 25: the same scripts must leave the same traces.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { AutoShutdown, ExitReason, Restart } from "../../actors/child_spec.ts";
import type { Strategy } from "../../actors/supervisor.ts";
import { alive, type Conduct, endOf, Stage } from "./supervisor_kit.ts";

type Trace = readonly (readonly ["start" | "stop", string])[];

interface Script {
  readonly n: number;
  readonly strategy: Strategy;
  readonly max_restarts: number;
  readonly auto_shutdown: AutoShutdown;
  readonly children: readonly {
    readonly id: string;
    readonly restart: Restart;
    readonly significant: boolean;
  }[];
  readonly start: Trace;
  readonly steps: readonly {
    readonly crash: string;
    readonly reason: "crash" | "normal" | "shutdown";
    readonly events: Trace;
    readonly alive: readonly string[];
    readonly sup: "alive" | "dead";
  }[];
  readonly stop: Trace;
}

const scripts: readonly Script[] = readFileSync(new URL("otp_traces.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line));

const lines = (trace: Trace): readonly string[] => trace.map(([what, id]) => `${what} ${id}`);

async function replay(
  script: Script,
  conduct: Conduct,
  settle: (stage: Stage) => Promise<void>,
): Promise<void> {
  const stage = new Stage();
  const { strategy, max_restarts, auto_shutdown } = script;
  const children = script.children.map(({ id, ...traits }) => stage.child(id, traits, conduct));
  const supervisor = await stage.supervise({ strategy, max_restarts, auto_shutdown, children });
  expect(stage.trace()).toEqual(lines(script.start));
  for (const { crash, reason, events, alive: survivors, sup } of script.steps) {
    const why: ExitReason = reason === "crash" ? { crash: new Error("as the script says") } : reason;
    stage.exit(crash, why);
    await settle(stage);
    expect(stage.trace()).toEqual(lines(events));
    expect(alive(supervisor)).toEqual(survivors);
    expect((await endOf(supervisor)) === null ? "alive" : "dead").toBe(sup);
  }
  await supervisor.stop();
  expect(stage.trace()).toEqual(lines(script.stop));
}

test("there are 150 scripts", () => {
  expect(scripts).toHaveLength(150);
});

test.each(scripts)("OTP's script $n: $strategy, auto_shutdown $auto_shutdown", async (script) => {
  await replay(script, {}, async () => {});
});

test.each(scripts)("OTP's script $n with children that take their time", async (script) => {
  const slow = { starting: () => Promise.resolve(), stopping: () => Promise.resolve() };
  await replay(script, slow, (stage) => stage.clock.settle());
});
