// What the code may not hold, however well it works.
import { roomOf } from "./import_rules.ts";
import {
  child,
  countLines,
  nameOf,
  type Placed,
  type Problem,
  problemAt,
  type Source,
  type SyntaxNode,
} from "./source.ts";

export const MAX_FILE_LINES = 400;
export const MAX_TEST_FILE_LINES = 650;
export const MAX_FUNCTION_LINES = 70;

const isTest = (source: Source): boolean => roomOf(source.path) === "test";

export function fileLength(source: Source): readonly Problem[] {
  const max = isTest(source) ? MAX_TEST_FILE_LINES : MAX_FILE_LINES;
  const lines = countLines(source.text);
  if (lines <= max) return [];
  return [{ path: source.path, line: null, message: `is ${lines} lines long, over ${max}` }];
}

/** A function fits one screen. A suite (a function with tests in it) may be longer: each of its tests is counted. */
export function functionLength(source: Source): readonly Problem[] {
  const suites = new Set(source.nodes.filter(({ node }) => isTestCall(node)).flatMap(functionsAround));
  return source.nodes.filter(isFunction).flatMap((placed) => {
    const lines = countLines(source.text.slice(placed.node.start, placed.node.end));
    if (lines <= MAX_FUNCTION_LINES || suites.has(placed)) return [];
    const message = `${functionName(placed)} is ${lines} lines long, over ${MAX_FUNCTION_LINES}`;
    return [problemAt(source, placed.node, message)];
  });
}

/** No type that switches checking off, no assertion that something is there, no cast by way of `unknown`. */
export function typeEscapes(source: Source): readonly Problem[] {
  return source.nodes.flatMap(({ node }) => {
    const what = escapeIn(node);
    return what === null ? [] : [problemAt(source, node, what)];
  });
}

function escapeIn(node: SyntaxNode): string | null {
  if (node.type === "TSAnyKeyword") return "says `any`; say what it is, or `unknown`";
  if (node.type === "TSNonNullExpression" || node["definite"] === true) {
    return "asserts with `!` that something is there; check it, or let the type say so";
  }
  if (node.type === "TSTypeAssertion") return "casts in angle brackets";
  const inner = node.type === "TSAsExpression" ? child(node, "expression") : null;
  const isDouble =
    inner?.type === "TSAsExpression" && child(inner, "typeAnnotation")?.type === "TSUnknownKeyword";
  return isDouble ? "casts by way of `unknown`; decode or narrow instead" : null;
}

const RUNNERS = new Set(["it", "test", "describe", "suite", "bench"]);
const SELECTIONS = new Set(["only", "skip", "todo", "skipIf", "runIf"]);

/** Every test runs, always. */
export function testSelection(source: Source): readonly Problem[] {
  return source.nodes.flatMap(({ node }) => {
    const word = selectionIn(node);
    return word === null
      ? []
      : [problemAt(source, node, `selects tests with ${word}; every test runs, always`)];
  });
}

function selectionIn(node: SyntaxNode): string | null {
  if (node.type === "MemberExpression") {
    const word = nameOf(child(node, "property"));
    return word !== null && SELECTIONS.has(word) && isRunner(child(node, "object")) ? word : null;
  }
  if (node.type !== "CallExpression" || !isRunner(child(node, "callee"))) return null;
  const options = argumentsOf(node).find(({ type }) => type === "ObjectExpression");
  const properties = options?.["properties"];
  const words = Array.isArray(properties)
    ? properties.map((one: SyntaxNode) => nameOf(child(one, "key")))
    : [];
  return words.find((word) => word !== null && SELECTIONS.has(word)) ?? null;
}

/** `it`, `it.each`, `describe.each(…)`: whatever a test hangs from. */
function isRunner(node: SyntaxNode | null): boolean {
  if (node === null) return false;
  if (node.type === "MemberExpression") return isRunner(child(node, "object"));
  if (node.type === "CallExpression" || node.type === "TaggedTemplateExpression") {
    return isRunner(child(node, node.type === "CallExpression" ? "callee" : "tag"));
  }
  return RUNNERS.has(nameOf(node) ?? "");
}

/** What has no place in `machines`, with what it would bring in. */
const IMPURE: ReadonlyMap<string, string> = new Map([
  ["process", "the environment"],
  ["globalThis", "the environment"],
  ["console", "output"],
  ["fetch", "the network"],
  ["crypto", "chance"],
  ["performance", "the clock"],
  ["Promise", "promises"],
  ["setTimeout", "timers"],
  ["setInterval", "timers"],
  ["setImmediate", "timers"],
  ["queueMicrotask", "timers"],
]);

/** `machines` has no I/O, clock, chance, environment, promises or timers: replay and simulation depend on it. */
export function purity(source: Source): readonly Problem[] {
  if (roomOf(source.path) !== "machines") return [];
  return source.nodes.flatMap((placed) => {
    const what = impurity(placed);
    return what === null ? [] : [problemAt(source, placed.node, `${what}; machines/ takes it from events`)];
  });
}

function impurity({ node, parent }: Placed): string | null {
  if (node["async"] === true || node.type === "AwaitExpression") return "waits: promises";
  const callee = child(node, "callee");
  if (nameOf(callee) === "Date") {
    const isNow = node.type === "CallExpression" || argumentsOf(node).length === 0;
    return isNow ? "reads the clock" : null;
  }
  if (node.type === "MemberExpression") {
    const path = `${nameOf(child(node, "object"))}.${nameOf(child(node, "property"))}`;
    if (path === "Date.now") return "reads the clock";
    return path === "Math.random" ? "throws dice" : null;
  }
  const name = nameOf(node);
  const brings = name === null ? undefined : IMPURE.get(name);
  const isField = parent?.node["property"] === node || parent?.node["key"] === node;
  return brings === undefined || isField ? null : `uses ${name}: ${brings}`;
}

/** A file opens by saying what it is for. */
export function openingComment(source: Source): readonly Problem[] {
  const first = source.text.split("\n").find((line) => line !== "" && !line.startsWith("#!")) ?? "";
  if (isTest(source) || /^\/\/ \S/.test(first)) return [];
  return [{ path: source.path, line: 1, message: "does not open with a comment that says what it is for" }];
}

/** A `mod.ts` is a door and nothing else. */
export function doorsOnlyReexport(source: Source): readonly Problem[] {
  if (!/(^|\/)mod\.ts$/.test(source.path)) return [];
  return source.nodes.flatMap(({ node, parent }) => {
    if (parent?.node.type !== "Program") return [];
    if (node.type === "ExportAllDeclaration" || child(node, "source") !== null) return [];
    return [problemAt(source, node, "a mod.ts only re-exports")];
  });
}

function isFunction({ node }: Placed): boolean {
  return /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type);
}

function functionsAround(placed: Placed): readonly Placed[] {
  const outer = placed.parent;
  if (outer === null) return [];
  return [...(isFunction(outer) ? [outer] : []), ...functionsAround(outer)];
}

/** The name under which a function stands in its file, as far as it has one. */
function functionName({ node, parent }: Placed): string {
  const named =
    child(node, "id") ?? (parent === null ? null : (child(parent.node, "key") ?? child(parent.node, "id")));
  return nameOf(named) ?? (typeof named?.["name"] === "string" ? `#${named["name"]}` : "a function");
}

function isTestCall(node: SyntaxNode): boolean {
  if (node.type !== "CallExpression" || !isRunner(child(node, "callee"))) return false;
  return argumentsOf(node).some(({ type }) => type.endsWith("FunctionExpression"));
}

function argumentsOf(node: SyntaxNode): readonly SyntaxNode[] {
  const list = node["arguments"];
  return Array.isArray(list) ? list : [];
}
