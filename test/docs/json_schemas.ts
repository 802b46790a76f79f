// JSON Schemas of the protocol, made from the schemas that decode it: what has a name becomes a component.
import { Schema, SchemaAST } from "effect";

export type Json = { readonly [key: string]: unknown };

/** A schema that other schemas refer to by name, and what JSON Schema itself cannot say of it. */
export interface Named {
  readonly schema: Schema.Constraint;
  readonly description?: string;
  /** Further keywords, such as `format` and `examples`. */
  readonly keywords?: Json;
}

/** Where `#/components/schemas/…` begins. */
const COMPONENTS = "#/components/schemas/";

/** One JSON Schema for each of `named`. Wherever one is part of another, it stands there as a `$ref`. */
export function jsonSchemas(named: Readonly<Record<string, Named>>): Readonly<Record<string, Json>> {
  const names = new Map(Object.entries(named).map(([name, { schema }]) => [schema.ast, name]));
  return Object.fromEntries(
    Object.entries(named).map(([name, { schema, description, keywords }]) => {
      const json = withRefs(schema.ast, exported(schema), names);
      const text = description ?? json["description"];
      return [name, { ...(text === undefined ? {} : { description: text }), ...json, ...keywords }];
    }),
  );
}

/** A reference to a component. */
export function reference(name: string): Json {
  return { $ref: `${COMPONENTS}${name}` };
}

export function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Excess properties are allowed: the decoder ignores them. */
function exported(schema: Schema.Constraint): Json {
  return Schema.toJsonSchemaDocument(schema, { onExcessProperty: "ignore" }).schema;
}

type Names = ReadonlyMap<SchemaAST.AST, string>;

function inner(ast: SchemaAST.AST | undefined, json: unknown, names: Names): unknown {
  if (ast === undefined || !isJson(json)) return json;
  const name = names.get(ast);
  return name === undefined ? withRefs(ast, json, names) : reference(name);
}

/** `json` with its inner parts replaced, and with the patterns that the export leaves out for their missing `u`. */
function withRefs(ast: SchemaAST.AST, json: Json, names: Names): Json {
  if (SchemaAST.isObjects(ast) && isJson(json["properties"])) {
    const types = new Map(ast.propertySignatures.map(({ name, type }) => [String(name), type]));
    const properties = Object.entries(json["properties"]).map(([key, value]) => {
      return [key, inner(types.get(key), value, names)];
    });
    const { additionalProperties: _open, ...rest } = json;
    return { ...rest, properties: Object.fromEntries(properties) };
  }
  if (SchemaAST.isUnion(ast) && Array.isArray(json["anyOf"])) {
    return { ...json, anyOf: json["anyOf"].map((one, index) => inner(ast.types[index], one, names)) };
  }
  if (SchemaAST.isArrays(ast) && isJson(json["items"])) {
    return { ...json, items: inner(ast.rest[0], json["items"], names) };
  }
  if (SchemaAST.isLiteral(ast) && Array.isArray(json["enum"]) && json["enum"].length === 1) {
    return { const: json["enum"][0] };
  }
  return SchemaAST.isString(ast) ? { ...json, ...patternOf(ast) } : json;
}

const PatternCheck = Schema.Struct({
  id: Schema.Literal("effect/schema/isPattern"),
  payload: Schema.Struct({ source: Schema.String, flags: Schema.Literal("") }),
});
const isPatternCheck = Schema.is(PatternCheck);

function patternOf({ checks }: SchemaAST.AST): Json {
  const found = (checks ?? [])
    .map(({ annotations }) => annotations?.["representation"])
    .filter(isPatternCheck);
  const [first, ...more] = found.map(({ payload }) => payload.source);
  if (more.length > 0) throw new Error(`more than one pattern for one text: ${first}, ${more.join(", ")}`);
  return first === undefined ? {} : { pattern: first };
}
