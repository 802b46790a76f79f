// Walks a file's schema: which sections it has, what is known of the key at a path, every key it accepts.
import * as SchemaAST from "effect/SchemaAST";
import { type KeySpec, specOf } from "./keys.ts";

/** One key that a file accepts. `path` writes `<name>` for a name of the user's choice and `[]` for each list item. */
export interface Key {
  readonly path: string;
  readonly ast: SchemaAST.AST;
  /** Undefined for a list. */
  readonly spec: KeySpec | undefined;
}

export type Section = SchemaAST.Objects;

/** A section with fixed keys; a secret's `{env: …}` is a value, not a section. */
export function isSection(ast: SchemaAST.AST): ast is Section {
  return SchemaAST.isObjects(ast) && ast.indexSignatures.length === 0 && specOf(ast) === undefined;
}

/** A section whose keys are names that the user chooses. */
export function isNamed(ast: SchemaAST.AST): ast is Section {
  return SchemaAST.isObjects(ast) && ast.indexSignatures.length > 0;
}

/** Fixed keys of a section, with what stands under each. */
export function keysIn(ast: Section): ReadonlyMap<string, SchemaAST.AST> {
  return new Map(ast.propertySignatures.map(({ name, type }) => [String(name), type]));
}

export function sectionNames(ast: SchemaAST.AST): ReadonlySet<string> {
  return new Set(isSection(ast) ? keysIn(ast).keys() : []);
}

/** The default written in the schema; undefined where there is none. */
export function defaultOf(ast: SchemaAST.AST): unknown {
  return SchemaAST.resolveAt<unknown>("default")(ast);
}

/** What stands one step further down; undefined when nothing can. */
export function inside(ast: SchemaAST.AST, step: PropertyKey): SchemaAST.AST | undefined {
  if (SchemaAST.isArrays(ast)) return ast.rest[0];
  if (isNamed(ast)) return ast.indexSignatures[0]?.type;
  return isSection(ast) ? keysIn(ast).get(String(step)) : undefined;
}

/** Every key under `ast`, in the order of the schema. */
export function keysOf(ast: SchemaAST.AST, path = ""): readonly Key[] {
  const under = (name: string) => (path === "" ? name : `${path}.${name}`);
  const named = isNamed(ast) ? ast.indexSignatures[0] : undefined;
  if (isSection(ast)) return [...keysIn(ast)].flatMap(([name, type]) => keysOf(type, under(name)));
  if (named !== undefined) return keysOf(named.type, under("<name>"));
  const item = SchemaAST.isArrays(ast) ? ast.rest[0] : undefined;
  const list: Key = { path, ast, spec: specOf(ast) };
  return item !== undefined && isSection(item) ? [list, ...keysOf(item, `${path}[]`)] : [list];
}
