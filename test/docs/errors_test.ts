// docs/errors.md lists every error that the program can answer with, and each of its reasons.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { filesOf, root, textFiles } from "../tidy/repository.ts";
import {
  child,
  nameOf,
  type Placed,
  parseSource,
  type Source,
  stringOf,
  type SyntaxNode,
} from "../tidy/source.ts";

interface ErrorClass {
  readonly name: string;
  readonly reasons: readonly string[];
}

/** Exported classes that are errors: Effect's tagged ones, and those that extend `Error`. */
function errorsIn(source: Source): readonly ErrorClass[] {
  return source.nodes
    .filter(({ node, parent }) => parent?.node.type === "ExportNamedDeclaration" && isErrorClass(node))
    .map(({ node }) => ({ name: nameOf(child(node, "id")) ?? "", reasons: reasonsOf(source, node) }));
}

function isErrorClass(node: SyntaxNode): boolean {
  return node.type === "ClassDeclaration" && /^(Tagged)?Error$/.test(called(child(node, "superClass")));
}

/** `TaggedError` for `Schema.TaggedError<A>()("A", …)` and `TaggedError("A")`. */
function called(node: SyntaxNode | null): string {
  if (node?.type === "CallExpression") return called(child(node, "callee"));
  if (node?.type === "MemberExpression") return called(child(node, "property"));
  return nameOf(node) ?? "";
}

/** The strings that the field `reason` of an error may be. */
function reasonsOf({ nodes }: Source, error: SyntaxNode): readonly string[] {
  const isReason = ({ node, parent }: Placed): boolean =>
    node !== error && parent !== null && (nameOf(child(node, "key")) === "reason" || isReason(parent));
  return nodes
    .filter((placed) => isWithin(placed, error) && isReason(placed))
    .flatMap(({ node }) => stringOf(node) ?? []);
}

function isWithin({ node, parent }: Placed, outer: SyntaxNode): boolean {
  return node === outer || (parent !== null && isWithin(parent, outer));
}

/** The text under each heading of the page. */
function sectionsOf(page: string): ReadonlyMap<string, string> {
  const parts = page.split(/^#{2,3} /m).slice(1);
  return new Map(parts.map((part) => [part.split("\n", 1).join(), part]));
}

const sources = textFiles(
  root,
  filesOf(root, { untracked: true }).filter((path) => path.endsWith(".ts") && !path.startsWith("test/")),
).map(({ path, text }) => parseSource(path, text));
const errors = sources.flatMap(errorsIn);
const sections = sectionsOf(readFileSync(join(root, "docs/errors.md"), "utf8"));

test("errors are found in all the forms that they have", () => {
  const text = [
    'export class A extends Schema.TaggedError<A>()("A", { reason: Schema.Literals(["x", "y"]), z: "no" }) {}',
    'export class B extends TaggedError("B")<{ readonly id: string }> {}',
    "export class C extends Error {}",
    "class Inner extends Error {}",
    "export class Other extends Child {}",
  ];
  expect(errorsIn(parseSource("actors/a.ts", text.join("\n")))).toEqual([
    { name: "A", reasons: ["x", "y"] },
    { name: "B", reasons: [] },
    { name: "C", reasons: [] },
  ]);
});

test("every error has its place on the page", () => {
  expect(errors.length).toBeGreaterThan(10);
  expect(errors.map(({ name }) => name).filter((name) => !sections.has(name))).toEqual([]);
});

test("every reason is explained under its error", () => {
  const missing = errors.flatMap(({ name, reasons }) =>
    reasons
      .filter((reason) => !sections.get(name)?.includes(`| \`${reason}\` |`))
      .map((reason) => `${name}: ${reason}`),
  );
  expect(missing).toEqual([]);
});

test("the page lists no error that is gone", () => {
  const names = new Set(errors.map(({ name }) => name));
  expect([...sections.keys()].filter((name) => name !== "Supervisors" && !names.has(name))).toEqual([]);
});
