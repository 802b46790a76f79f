// Draws a machine: its states inside each other, its transitions with their guards, `always` and `done` edges included.
import type { AnyStateMachine, AnyStateNode } from "xstate";
import { present } from "./purge_context.ts";

/** One arrow of a drawing. */
export interface Edge {
  /** Dotted paths, such as `backoff.waiting`; the root is the empty string. */
  readonly from: string;
  readonly to: string;
  /** An event type; `always` for an eventless transition, `done` for the end of a compound state. */
  readonly event: string;
  readonly guard: string | null;
}

/** One state of a drawing. */
export interface Node {
  readonly path: string;
  readonly key: string;
  readonly type: "atomic" | "compound" | "final";
  /** Path of the child that is entered first. */
  readonly initial: string | null;
  readonly children: readonly Node[];
}

/** Every state of `machine`, nested. */
export function nodes(machine: AnyStateMachine): readonly Node[] {
  return children(machine.root);
}

/** The dotted path of every state of `machine`; those that hold others are before them. */
export function statePaths(machine: AnyStateMachine): readonly string[] {
  return nodes(machine).flatMap(pathsIn);
}

/** Every transition of `machine`, in the order in which it is tried. One without a target stays where it is. */
export function edges(machine: AnyStateMachine): readonly Edge[] {
  return edgesOf(machine.root);
}

/** As a Mermaid state diagram. */
export function toMermaid(machine: AnyStateMachine): string {
  const lines = ["stateDiagram-v2", `  [*] --> ${name(first(machine.root))}`];
  for (const node of nodes(machine)) lines.push(...mermaidNode(node, "  "));
  for (const { from, to, labels } of arrows(machine)) {
    lines.push(`  ${name(from)} --> ${name(to)} : ${labels.join(", ")}`);
  }
  return `${lines.join("\n")}\n`;
}

/** As a Graphviz digraph with a cluster for each compound state. */
export function toDot(machine: AnyStateMachine): string {
  const lines = [
    `digraph "${machine.id}" {`,
    "  compound=true; rankdir=TB; node [shape=box, style=rounded];",
  ];
  lines.push("  start [shape=point];");
  for (const node of nodes(machine)) lines.push(...dotNode(node, "  "));
  const initial = first(machine.root);
  lines.push(`  start -> ${name(leaf(machine, initial))};`);
  for (const { from, to, labels } of arrows(machine)) {
    // An arrow is cut at a cluster's border only where its other end is outside.
    const ends = [
      isCompound(machine, from) && !isWithin(to, from) ? `ltail="cluster_${name(from)}", ` : "",
      isCompound(machine, to) && !isWithin(from, to) ? `lhead="cluster_${name(to)}", ` : "",
    ].join("");
    const arrow = `${name(leaf(machine, from))} -> ${name(leaf(machine, to))}`;
    lines.push(`  ${arrow} [${ends}label="${labels.join("\\n")}"];`);
  }
  return `${lines.join("\n")}\n}\n`;
}

function pathsIn({ path, children }: Node): readonly string[] {
  return [path, ...children.flatMap(pathsIn)];
}

function children(node: AnyStateNode): Node[] {
  return Object.values(node.states).map((child) => ({
    path: pathOf(child),
    key: child.key,
    type: child.type === "final" ? "final" : child.type === "compound" ? "compound" : "atomic",
    initial: initialOf(child),
    children: children(child),
  }));
}

function edgesOf(node: AnyStateNode): Edge[] {
  const own = [...[...node.transitions.values()].flat(), ...(node.always ?? [])].flatMap((transition) => {
    const from = pathOf(node);
    const guard = typeof transition.guard === "string" ? transition.guard : null;
    const event = nameOfEvent(transition.eventType);
    const targets: readonly AnyStateNode[] = transition.target ?? [node];
    return targets.map((target) => ({ from, to: pathOf(target), event, guard }));
  });
  return [...own, ...Object.values(node.states).flatMap(edgesOf)];
}

function nameOfEvent(type: string): string {
  if (type === "") return "always";
  return type.startsWith("xstate.done.state.") ? "done" : type;
}

/** Edges as drawn: what starts at the root has no box to start from, and is said in the guide instead. Edges between the
 * same two states are one arrow with all their labels. */
function arrows(machine: AnyStateMachine) {
  const drawn = new Map<string, { readonly from: string; readonly to: string; readonly labels: string[] }>();
  for (const { from, to, ...edge } of edges(machine)) {
    if (from === "") continue;
    const key = `${from} ${to}`;
    const arrow = drawn.get(key) ?? { from, to, labels: [] };
    arrow.labels.push(label(edge));
    drawn.set(key, arrow);
  }
  return [...drawn.values()];
}

function isWithin(path: string, outer: string): boolean {
  return path === outer || path.startsWith(`${outer}.`);
}

function label({ event, guard }: Pick<Edge, "event" | "guard">): string {
  return guard === null ? event : `${event} [${guard}]`;
}

function pathOf(node: AnyStateNode): string {
  return node.path.join(".");
}

function initialOf(node: AnyStateNode): string | null {
  return node.type === "compound" ? first(node) : null;
}

function first(compound: AnyStateNode): string {
  return compound.initial.target.map(pathOf).join();
}

function name(path: string): string {
  return path.replaceAll(".", "_");
}

function find(machine: AnyStateMachine, path: string): AnyStateNode {
  const step = (node: AnyStateNode, key: string): AnyStateNode =>
    present(node.states[key], `the state ${path}`);
  return path.split(".").reduce(step, machine.root);
}

function isCompound(machine: AnyStateMachine, path: string): boolean {
  return find(machine, path).type === "compound";
}

/** Graphviz draws arrows between leaves; one that ends at a cluster goes to the leaf entered first. */
function leaf(machine: AnyStateMachine, path: string): string {
  const initial = initialOf(find(machine, path));
  return initial === null ? path : leaf(machine, initial);
}

function mermaidNode(node: Node, indent: string): string[] {
  const title = `${indent}state "${node.key}" as ${name(node.path)}`;
  if (node.type === "final") return [title, `${indent}${name(node.path)} --> [*]`];
  if (node.type === "atomic") return [title];
  const inner = node.children.flatMap((child) => mermaidNode(child, `${indent}  `));
  return [`${title} {`, `${indent}  [*] --> ${name(`${node.initial}`)}`, ...inner, `${indent}}`];
}

function dotNode(node: Node, indent: string): string[] {
  if (node.type !== "compound") {
    const shape = node.type === "final" ? ", peripheries=2" : "";
    return [`${indent}${name(node.path)} [label="${node.key}"${shape}];`];
  }
  const inner = node.children.flatMap((child) => dotNode(child, `${indent}  `));
  return [
    `${indent}subgraph "cluster_${name(node.path)}" {`,
    `${indent}  label="${node.key}";`,
    ...inner,
    `${indent}}`,
  ];
}
