// Who may import whom. Type imports count as much as any other: they tie rooms together just the same.
import { posix } from "node:path";
import { child, nameOf, type Problem, problemAt, type Source, stringOf, type SyntaxNode } from "./source.ts";

/** One import, re-export or import type of a source file. */
export interface Import {
  readonly specifier: string;
  /** Null where everything is taken, as by `import * as` or `export *`. */
  readonly names: readonly string[] | null;
  readonly node: SyntaxNode;
}

/** Every import of `source`: static, dynamic, by type and by re-export. */
export function importsOf(source: Source): readonly Import[] {
  return source.nodes.flatMap(({ node }) => {
    const specifier = stringOf(child(node, "source"));
    return specifier === null ? [] : [{ specifier, names: namesIn(node), node }];
  });
}

/** The file that a relative import names, from the top of the repository; null for a package. */
export function targetOf(path: string, specifier: string): string | null {
  if (!specifier.startsWith(".")) return null;
  return posix.normalize(posix.join(posix.dirname(path), specifier));
}

/** Imports point one way: what each room may lean on, and through which door. */
export function importDirection(source: Source): readonly Problem[] {
  return importsOf(source).flatMap(({ specifier, node }) => {
    const target = targetOf(source.path, specifier);
    const wrong = target === null ? null : forbidden(source.path, target);
    return wrong === null ? [] : [problemAt(source, node, `imports ${target}: ${wrong}`)];
  });
}

/** Packages that `machines` leans on: data and arithmetic, no runtime. A list of names allows no other. */
const MACHINE_PACKAGES: ReadonlyMap<string, readonly string[] | null> = new Map([
  ["effect", ["BigDecimal", "Schema"]],
  ["effect/BigDecimal", null],
  ["effect/Schema", null],
  ["uuid", ["v5"]],
  ["xstate", null],
]);

/** `machines` imports no package that could bring in I/O, time or chance. */
export function purePackages(source: Source): readonly Problem[] {
  if (roomOf(source.path) !== "machines") return [];
  return importsOf(source).flatMap(({ specifier, names, node }) => {
    if (specifier.startsWith(".")) return [];
    const allowed = MACHINE_PACKAGES.get(specifier);
    if (allowed === null) return [];
    if (allowed !== undefined && names?.every((name) => allowed.includes(name))) return [];
    const some = allowed === undefined ? "" : `; from ${specifier} it may take ${allowed.join(", ")}`;
    return [problemAt(source, node, `imports ${specifier}: machines/ performs nothing${some}`)];
  });
}

/** Why `path` may not import `target`; null when it may. */
function forbidden(path: string, target: string): string | null {
  const [from, to] = [roomOf(path), roomOf(target)];
  if (to === ".." || target.includes("node_modules/")) return "leads out of the project";
  if (from === "test") return null;
  if (to === "test") return "only tests import tests";
  if (from === to && from !== "adapters") return null;
  if (from === "adapters" && folderOf(path) === folderOf(target)) return null;
  if (to === "main.ts") return "nobody imports main.ts";
  if (to === "testing") return "testing is for the tests of others";
  const rule = RULES[from];
  return rule === undefined ? `${from} is no room that the rules know` : rule(to, target);
}

type Rule = (to: string, target: string) => string | null;

const isDoor = (target: string): boolean => target.endsWith("/mod.ts");
const isAdapterDoor = (target: string): boolean => /^adapters\/[^/]+\/mod\.ts$/.test(target);

const throughDoor: Rule = (to, target) =>
  isDoor(target) ? null : `${to} is entered through ${to}/mod.ts alone`;
const nothing: Rule = () => "this room imports no other";

const adapterDoor: Rule = (_to, target) =>
  isAdapterDoor(target) ? null : "an adapter is entered through the mod.ts of its folder alone";

/** `main.ts` wires everything together; `mod.ts` shows it to other programs. Both may name the actors they mean. */
const outermost: Rule = (to, target) => {
  if (to === "actors" || target === "package.json") return null;
  return to === "adapters" ? adapterDoor(to, target) : throughDoor(to, target);
};

const RULES: Readonly<Record<string, Rule>> = {
  machines: nothing,
  config: nothing,
  actors: (to, target) =>
    to === "adapters" ? "actors reach the world through actors/ports.ts" : throughDoor(to, target),
  adapters: (to, target) => {
    if (target === "actors/ports.ts") return null;
    if (to === "actors") return "an adapter may import actors/ports.ts and nothing else of actors";
    return to === "adapters" ? adapterDoor(to, target) : throughDoor(to, target);
  },
  // Packs what is there, and needs none of it for that.
  packaging: nothing,
  // The second public door: what it runs is the real thing, wired as main.ts does it.
  testing: outermost,
  // The same real thing, on ground that gives way.
  simulation: outermost,
  "main.ts": outermost,
  "mod.ts": outermost,
};

/** The first part of a path: a room, or a file at the top. */
export function roomOf(path: string): string {
  return path.split("/", 1).join();
}

/** `adapters/bus` for everything in it. */
function folderOf(path: string): string {
  return path.split("/").slice(0, 2).join("/");
}

function namesIn(node: SyntaxNode): readonly string[] | null {
  const specifiers = node["specifiers"];
  if (node.type === "TSImportType" || !Array.isArray(specifiers)) return null;
  const names = specifiers.map((one: SyntaxNode) => nameOf(child(one, "imported") ?? child(one, "local")));
  const isWhole = specifiers.some(({ type }: SyntaxNode) => type === "ImportNamespaceSpecifier");
  return isWhole ? null : names.flatMap((name) => name ?? []);
}
