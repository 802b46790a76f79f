// The tables of docs/configuration.md and the JSON Schemas, written from the schemas that decode the files.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import * as SchemaAST from "effect/SchemaAST";
import { fileSchemas, jsonSchemas, type SchemaName } from "./json_schema.ts";
import { problemCodes } from "./problem.ts";
import { relations } from "./relations.ts";
import { defaultOf, isSection, type Key, keysOf } from "./shape.ts";
import { wanted } from "./words.ts";

/** Generated parts of docs/configuration.md, by the name between their markers. */
export function referenceTables(): Readonly<Record<SchemaName | "relations" | "problems", string>> {
  return {
    policy: keyTable("policy"),
    universe: keyTable("universe"),
    app: keyTable("app"),
    relations: table(
      ["key", "must", "key"],
      relations.map(({ path, must, other, when }) => [code(path), must, `${code(other)}${whenOn(when)}`]),
    ),
    problems: table(
      ["code", "meaning"],
      Object.entries(problemCodes).map(([name, meaning]) => [code(name), meaning]),
    ),
  };
}

/** The page with its generated parts renewed; each stands between `<!-- generated: name -->` and `<!-- end -->`. */
export function renewReference(page: string): string {
  return Object.entries(referenceTables()).reduce((text, [name, part]) => {
    const block = new RegExp(`(<!-- generated: ${name} -->\n)[^]*?(<!-- end -->)`);
    if (!block.test(text))
      throw new Error(`docs/configuration.md has no place for the generated part "${name}"`);
    return text.replace(block, (_all, open: string, close: string) => `${open}\n${part}\n\n${close}`);
  }, page);
}

/** Every generated file with its text, by path from the top of the repository. */
export function generatedFiles(root: string): ReadonlyMap<string, string> {
  const schemas = Object.entries(jsonSchemas()).map(
    ([name, schema]) =>
      [`config/schemas/${name}.schema.json`, `${JSON.stringify(schema, null, 2)}\n`] as const,
  );
  const page = "docs/configuration.md";
  return new Map([...schemas, [page, renewReference(readFileSync(resolve(root, page), "utf8"))]]);
}

/** Writes them; `node config/generate.ts` does it from the command line. */
export function writeGenerated(root: string = resolve(import.meta.dirname, "..")): readonly string[] {
  const files = generatedFiles(root);
  for (const [path, text] of files) writeFileSync(resolve(root, path), text);
  return [...files.keys()];
}

function keyTable(name: SchemaName): string {
  const rows = keysOf(fileSchemas[name].ast).map((key) => [
    code(key.path),
    takes(key),
    fallback(key),
    meaning(key),
  ]);
  return table(["key", "takes", "default", "meaning"], rows);
}

function takes({ ast, spec }: Key): string {
  if (spec !== undefined) return wanted(spec);
  const item = SchemaAST.isArrays(ast) ? ast.rest[0] : undefined;
  return item === undefined || isSection(item)
    ? "a list"
    : `a list, each ${SchemaAST.resolveDescription(item)}`;
}

function fallback({ ast }: Key): string {
  const value = defaultOf(ast);
  if (value === undefined) return "must be given";
  if (value === null) return "none";
  if (Array.isArray(value)) return value.length === 0 ? "empty" : value.join(", ");
  return String(value);
}

function meaning({ ast }: Key): string {
  return SchemaAST.resolveDescription(ast) ?? "";
}

function code(text: string): string {
  return `\`${text}\``;
}

function whenOn(path: string | undefined): string {
  return path === undefined ? "" : ` (while ${code(path.split(".").at(-1) ?? path)})`;
}

/** Aligned as the formatter would: a generated page must pass the format check as it is. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, i) => Math.max(3, cell.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
