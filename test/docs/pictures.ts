// The pictures in the guides that are drawn from the code.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AnyStateMachine } from "xstate";
import { edges, type Node, nodes, purgeMachine, toMermaid } from "../../machines/mod.ts";
import type { LinkProblem } from "./links.ts";

interface Picture {
  readonly page: string;
  readonly draw: () => string;
}

const PICTURES: readonly Picture[] = [
  { page: "README.md", draw: () => outline(purgeMachine) },
  { page: "docs/machine.md", draw: () => toMermaid(purgeMachine) },
];

const BLOCK = /<!-- machine:start -->\n[\s\S]*?<!-- machine:end -->/;

/** Pages whose picture is not, or no longer, what the code draws. */
export function stalePictures(root: string, pictures: readonly Picture[] = PICTURES): readonly LinkProblem[] {
  return pictures.flatMap(({ page, draw }) => {
    const found = BLOCK.exec(readFileSync(join(root, page), "utf8"))?.[0];
    if (found === undefined) {
      return [{ path: page, line: null, message: "has no <!-- machine:start --> … <!-- machine:end -->" }];
    }
    const message =
      "its picture of the machine is not what the code draws; renew it with: npm run docs:check -- --write";
    return found === block(draw()) ? [] : [{ path: page, line: null, message }];
  });
}

/** Draws every picture anew. */
export function writePictures(root: string, pictures: readonly Picture[] = PICTURES): void {
  for (const { page, draw } of pictures) {
    const path = join(root, page);
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace(BLOCK, () => block(draw())),
    );
  }
}

/** A machine at a glance: its outer states and the way through them. Left out is what goes on inside a state that
 * ends with `done`, and what comes from outside the way: operators, imports, poison. */
export function outline(machine: AnyStateMachine): string {
  const boxes = nodes(machine).map((node) => (endsInside(node) ? { ...node, children: [] } : node));
  const drawn = new Set(boxes.flatMap((node) => [node, ...node.children]).map(({ path }) => path));
  const arrows = new Map<string, string[]>();
  for (const { from, to, event, guard } of edges(machine)) {
    if (!drawn.has(from) || !drawn.has(to) || FROM_OUTSIDE.test(event)) continue;
    const arrow = `${id(from)} --> ${id(to)}`;
    const label = guard === null ? event : `${event} [${guard}]`;
    arrows.set(arrow, [...(arrows.get(arrow) ?? []), label]);
  }
  return [
    "stateDiagram-v2",
    `  [*] --> ${boxes[0]?.path}`,
    ...boxes.flatMap((node) => box(node, "  ")),
    ...[...arrows].map(([arrow, labels]) => `  ${arrow} : ${labels.join(", ")}`),
    "",
  ].join("\n");
}

const FROM_OUTSIDE = /^(operator|symbol|failure)\./;

function endsInside({ children }: Node): boolean {
  return children.some(({ type }) => type === "final");
}

function box({ key, path, initial, children }: Node, indent: string): string[] {
  const title = `${indent}state "${key}" as ${id(path)}`;
  if (children.length === 0) return [title];
  const inner = children.flatMap((node) => box(node, `${indent}  `));
  return [`${title} {`, `${indent}  [*] --> ${id(`${initial}`)}`, ...inner, `${indent}}`];
}

function id(path: string): string {
  return path.replaceAll(".", "_");
}

function block(picture: string): string {
  return `<!-- machine:start -->\n\`\`\`mermaid\n${picture}\`\`\`\n<!-- machine:end -->`;
}
