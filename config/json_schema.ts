// JSON Schemas for editors, made from the schemas that decode the files.
import * as Schema from "effect/Schema";
import * as SchemaAST from "effect/SchemaAST";
import { AppFile } from "./app_schema.ts";
import { ignoredIn, specOf } from "./keys.ts";
import { PolicyFile } from "./policy_schema.ts";
import { defaultOf, isNamed, isSection, keysIn } from "./shape.ts";
import { UniverseFile } from "./universe_schema.ts";

export const fileSchemas = { policy: PolicyFile, universe: UniverseFile, app: AppFile } as const;
export type SchemaName = keyof typeof fileSchemas;

type Json = { readonly [key: string]: unknown };

/** One draft 2020-12 schema a file, ready to be written to `schemas/<name>.schema.json`. */
export function jsonSchemas(): Readonly<Record<SchemaName, Json>> {
  return { policy: jsonSchema(PolicyFile), universe: jsonSchema(UniverseFile), app: jsonSchema(AppFile) };
}

function jsonSchema(schema: Schema.Constraint): Json {
  const { schema: raw } = Schema.toJsonSchemaDocument(schema, { onExcessProperty: "error" });
  return { $schema: "https://json-schema.org/draft/2020-12/schema", ...asWritten(schema.ast, raw) };
}

/** Turns what the decoder takes into what a user writes: defaults may be left out, amounts are numbers. */
function asWritten(ast: SchemaAST.AST | undefined, json: Json): Json {
  const spec = ast === undefined ? undefined : specOf(ast);
  if (ast !== undefined && spec?.kind === "usd") {
    const [minimum, maximum, fallback] = [spec.min, spec.max, defaultOf(ast)].map(Number);
    return {
      type: "number",
      minimum,
      maximum,
      description: SchemaAST.resolveDescription(ast),
      default: fallback,
    };
  }
  if (ast === undefined || !isJson(json["properties"])) return withInner(ast, json);
  const keys = isSection(ast) ? keysIn(ast) : new Map<string, SchemaAST.AST>();
  const properties = mapValues(json["properties"], (value, name) => asWritten(keys.get(name), value));
  const { required, additionalProperties, ...rest } = json;
  const needed = Array.isArray(required)
    ? required.filter((name) => !isOptional(properties[String(name)]))
    : [];
  return {
    ...rest,
    properties: { ...properties, ...ignored(ast) },
    ...(needed.length > 0 ? { required: needed } : {}),
    ...(ignoredIn(ast) === "any" ? {} : { additionalProperties }),
  };
}

/** Items of a list and sections of free names are rewritten too. */
function withInner(ast: SchemaAST.AST | undefined, json: Json): Json {
  if (ast !== undefined && isNamed(ast) && isJson(json["patternProperties"])) {
    const inner = ast.indexSignatures[0]?.type;
    return {
      ...json,
      patternProperties: mapValues(json["patternProperties"], (value) => asWritten(inner, value)),
    };
  }
  const item = ast !== undefined && SchemaAST.isArrays(ast) ? ast.rest[0] : undefined;
  return isJson(json["items"]) ? { ...json, items: asWritten(item, json["items"]) } : json;
}

function isOptional(property: unknown): boolean {
  return (
    isJson(property) &&
    ("default" in property || (property["type"] === "object" && !needsSomething(property)))
  );
}

function needsSomething(section: Json): boolean {
  return section["required"] !== undefined || section["patternProperties"] !== undefined;
}

/** Keys of the Python original: accepted, shown struck through. */
function ignored(ast: SchemaAST.AST): Json {
  const names = ignoredIn(ast);
  if (names === "any") return {};
  const note = { description: "Of the Python original; without effect here.", deprecated: true };
  return Object.fromEntries(names.map((name) => [name, note]));
}

function mapValues(json: Json, change: (value: Json, name: string) => Json): Json {
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [name, isJson(value) ? change(value, name) : value]),
  );
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
