// A source file as the tidy rules see it: its text, and its syntax tree laid out flat.
import { parseAst } from "vitest/node";

/** A node of the tree. What it holds depends on its `type`, as ESTree and its TypeScript extension say. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** A node in its place. */
export interface Placed {
  readonly node: SyntaxNode;
  readonly parent: Placed | null;
}

export interface Source {
  /** From the top of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
  /** Every node, outermost first. */
  readonly nodes: readonly Placed[];
}

/** Something that breaks a rule. `line` is null where the whole file does. */
export interface Problem {
  readonly path: string;
  readonly line: number | null;
  readonly message: string;
}

export function parseSource(path: string, text: string): Source {
  const nodes: Placed[] = [];
  const visit = (value: unknown, parent: Placed | null): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item, parent);
      return;
    }
    if (!isNode(value)) return;
    const placed = { node: value, parent };
    nodes.push(placed);
    for (const [field, inner] of Object.entries(value)) {
      if (field !== "parent") visit(inner, placed);
    }
  };
  visit(parseAst(text, { lang: "ts" }, path), null);
  return { path, text, nodes };
}

/** From 1. */
export function lineAt(source: Source, offset: number): number {
  return source.text.slice(0, offset).split("\n").length;
}

/** Lines of text; the line feed at the end begins no line of its own. */
export function countLines(text: string): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

export function problemAt(source: Source, { start }: SyntaxNode, message: string): Problem {
  return { path: source.path, line: lineAt(source, start), message };
}

/** `machines/purge.ts:12: what is wrong`, as editors and terminals link it. */
export function formatProblem({ path, line, message }: Problem): string {
  return line === null ? `${path}: ${message}` : `${path}:${line}: ${message}`;
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** The child of `node` in `field`; null when there is none. */
export function child(node: SyntaxNode, field: string): SyntaxNode | null {
  const value = node[field];
  return isNode(value) ? value : null;
}

/** The name of an identifier; null for anything else. */
export function nameOf(node: SyntaxNode | null): string | null {
  return node?.type === "Identifier" && typeof node["name"] === "string" ? node["name"] : null;
}

/** The text of a string literal; null for anything else. */
export function stringOf(node: SyntaxNode | null): string | null {
  return node?.type === "Literal" && typeof node["value"] === "string" ? node["value"] : null;
}
