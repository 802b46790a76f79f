// Generated files are those that the schemas give now, and they agree with the decoder.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as Schema from "effect/Schema";
import * as SchemaRepresentation from "effect/SchemaRepresentation";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { fileSchemas, type SchemaName } from "../../config/json_schema.ts";
import { jsonSchemas, shippedConfigDir, writeGenerated } from "../../config/mod.ts";
import { generatedFiles, renewReference } from "../../config/reference.ts";
import { keysOf } from "../../config/shape.ts";

const root = resolve(import.meta.dirname, "../..");

test.each([...generatedFiles(root)])("%s is current (if not: node config/generate.ts)", (path, text) => {
  expect(readFileSync(join(root, path), "utf8")).toBe(text);
});

const shipped = (name: SchemaName) => readFileSync(join(shippedConfigDir, `${name}.yaml`), "utf8");

test.each(Object.keys(fileSchemas))("the shipped %s.yaml names its schema for editors", (name) => {
  const text = readFileSync(join(shippedConfigDir, `${name}.yaml`), "utf8");
  expect(text.split("\n")[0]).toBe(`# yaml-language-server: $schema=./schemas/${name}.schema.json`);
});

test.each(["policy", "app"] as const)("the shipped %s.yaml shows every key", (name) => {
  const shown: unknown = parse(shipped(name));
  const missing = keysOf(fileSchemas[name].ast).filter(({ path }) => valueAt(shown, path) === undefined);
  expect(missing.map(({ path }) => path)).toEqual([]);
});

function valueAt(data: unknown, path: string): unknown {
  return path.split(".").reduce((at: unknown, step) => Reflect.get(Object(at), step), data);
}

const schemas = Object.entries(fileSchemas);

test.each(schemas)("every key of %s.yaml is described in docs/configuration.md", (_name, schema) => {
  const page = readFileSync(join(root, "docs/configuration.md"), "utf8");
  for (const { path } of keysOf(schema.ast)) {
    const row = page.split("\n").find((line) => line.startsWith(`| \`${path}\` `));
    expect(row, path).toMatch(/\| [^|]*\w{2}[^|]* \|$/);
  }
});

describe("an editor with the JSON Schema sees what the check sees", () => {
  const editor = (name: SchemaName) => {
    const { $schema: _dialect, ...schema } = jsonSchemas()[name];
    const document = { dialect: "draft-2020-12", schema, definitions: {} } as const;
    const back = SchemaRepresentation.fromJsonSchemaDocument(document, { patterns: "apply" });
    return Schema.is(back);
  };

  test.each(["policy", "universe", "app"] as const)("the shipped %s.yaml is good", (name) => {
    expect(editor(name)(parse(shipped(name)))).toBe(true);
  });
  // Excess keys are closed off in the document, but this way back from JSON Schema does not look at that.
  test.each(["portfolio_management", "backoff"])("%s takes no unknown key", (section) => {
    expect(jsonSchemas().policy).toHaveProperty(["properties", section, "additionalProperties"], false);
  });

  const bad = readdirSync(join(import.meta.dirname, "bad")).filter((name) => !name.includes("unknown_key"));
  const seen = bad.filter((name) =>
    /_(under|over|near|far|is_(text|list|boolean|quoted|section|yes))\.yaml$/.test(name),
  );
  test.each(seen)("%s", (file) => {
    const name =
      (["policy", "universe", "app"] as const).find((each) => file.startsWith(`${each}_`)) ?? "app";
    const data: unknown = parse(readFileSync(join(import.meta.dirname, "bad", file), "utf8"));
    expect(editor(name)(data)).toBe(false);
  });
});

test("writing the generated files renews a page that has gone stale, and only between its markers", () => {
  const copy = mkdtempSync(join(tmpdir(), "purgatory-generated-"));
  mkdirSync(join(copy, "docs"));
  mkdirSync(join(copy, "config/schemas"), { recursive: true });
  const page = readFileSync(join(root, "docs/configuration.md"), "utf8");
  writeFileSync(join(copy, "docs/configuration.md"), page.replaceAll("slice_usd", "old_name"));
  const written = writeGenerated(copy);
  expect(written).toEqual([...generatedFiles(root).keys()]);
  expect(readFileSync(join(copy, "docs/configuration.md"), "utf8")).toBe(
    page
      .replace("purge_execution.slice_usd is 0.5", "purge_execution.old_name is 0.5")
      .replace("policy.slice_usd, result", "policy.old_name, result"),
  );
  rmSync(copy, { recursive: true });
});

test("a page without a place for a table is refused", () => {
  expect(() => renewReference("# Configuration")).toThrow("no place for the generated part");
});
