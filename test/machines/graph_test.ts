// The drawings show what the machine does: nested states, guards, and the edges that XState's own graph leaves out.
import { describe, expect, test } from "vitest";
import { edges, nodes, purgeMachine, toDot, toMermaid } from "../../machines/mod.ts";

describe("the purge machine as a graph", () => {
  const all = edges(purgeMachine);

  test("nests the attempt in purging and in retrying", () => {
    expect(nodes(purgeMachine).map(({ key, children }) => [key, children.map((child) => child.key)])).toEqual(
      [
        ["idle", []],
        ["purging", ["quoting", "placing", "resting", "cancelling", "querying", "deciding", "done"]],
        ["failed", []],
        ["backoff", ["waiting", "due"]],
        ["retrying", ["quoting", "placing", "resting", "cancelling", "querying", "deciding", "done"]],
        ["cleared", []],
        ["suspended", []],
      ],
    );
  });

  test("has the eventless edges and the ends of attempts, with their guards", () => {
    expect(all).toContainEqual({ from: "failed", to: "backoff", event: "always", guard: "mustRest" });
    expect(all).toContainEqual({ from: "purging", to: "cleared", event: "done", guard: "isSold" });
    expect(all).toContainEqual({
      from: "backoff.due",
      to: "retrying",
      event: "purge.requested",
      guard: null,
    });
    expect(all).toContainEqual({
      from: "purging",
      to: "purging.cancelling",
      event: "operator.abort",
      guard: "hasOrder",
    });
  });

  test("reaches every state", () => {
    const targets = new Set(all.map(({ to }) => to));
    const entered = nodes(purgeMachine).filter(({ path }) => path !== "idle" && !targets.has(path));
    expect(entered.map(({ path }) => path)).toEqual([]);
  });
});

test("Mermaid draws states inside each other and marks the ends", () => {
  const text = toMermaid(purgeMachine);
  expect(text.split("\n").slice(0, 3)).toEqual([
    "stateDiagram-v2",
    "  [*] --> idle",
    '  state "idle" as idle',
  ]);
  expect(text).toContain('  state "backoff" as backoff {\n    [*] --> backoff_waiting\n');
  expect(text).toContain("    purging_done --> [*]\n");
  expect(text).toContain("  failed --> backoff : always [mustRest]\n");
});

test("DOT draws clusters, and arrows that end at their borders", () => {
  const text = toDot(purgeMachine);
  expect(text).toContain('digraph "purge" {');
  expect(text).toContain('subgraph "cluster_backoff" {');
  expect(text).toContain("  start -> idle;");
  expect(text).toContain('  failed -> backoff_waiting [lhead="cluster_backoff", label="always [mustRest]"];');
  expect(text).toContain('[label="done", peripheries=2];');
  // From a state to its own inside there is no border to cut the arrow at.
  expect(text).toContain(
    '  purging_quoting -> purging_cancelling [label="operator.abort [hasOrder]\\noperator.pause',
  );
});

test("edges between the same two states are one arrow with all their labels", () => {
  const lines = toMermaid(purgeMachine).split("\n");
  expect(lines).toContain("  idle --> suspended : operator.pause, operator.ban, symbol.poisoned");
  const ends = lines.flatMap((line) => /^ +(\w+ --> \w+) :/.exec(line)?.[1] ?? []);
  expect(new Set(ends).size).toBe(ends.length);
});
