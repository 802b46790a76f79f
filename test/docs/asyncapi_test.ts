// docs/asyncapi.yaml: up to date, valid AsyncAPI, and saying of every message what the code does.
import { readFileSync } from "node:fs";
import specs from "@asyncapi/specs";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import { Result, Schema } from "effect";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { CONTROL_SCHEMAS, OPERATIONS } from "../../adapters/control/mod.ts";
import { VECTORS } from "../adapters/bus/vectors.ts";
import { ASYNCAPI_FILE, asyncapi, asyncapiYaml } from "./asyncapi.ts";
import { REQUESTS } from "./asyncapi_control.ts";
import { bodySchemas, isMessageName, MESSAGE_NAMES, schemaNameOf } from "./asyncapi_schemas.ts";
import { isJson } from "./json_schemas.ts";
import { checksOf } from "./schema_checks.ts";

const written = readFileSync(ASYNCAPI_FILE, "utf8");
const document: unknown = parse(written);

test("the file is what the code makes; renew it with: node test/docs/write_asyncapi.ts", () => {
  expect(written).toBe(asyncapiYaml());
  expect(document).toEqual(asyncapi());
});

test("it is valid under the official schema of AsyncAPI 3", () => {
  // It brings the meta-schema of JSON Schema along.
  const ajv = new Ajv({ strict: false, meta: false, validateSchema: false, logger: false });
  formats.default(ajv);
  const official: unknown = JSON.parse(JSON.stringify(specs.schemas["3.0.0"]));
  if (!isJson(official)) throw new Error("there is no official schema");
  const validate = ajv.compile(official);
  validate(document);
  expect(validate.errors ?? []).toEqual([]);
  expect(validate({ ...asyncapi(), channels: { orders: { addres: "x" } } })).toBe(false);
});

test("every reference in it leads somewhere", () => {
  const references = referencesIn(document);
  expect(references.length).toBeGreaterThan(100);
  expect(references.filter((reference) => resolve(reference) === undefined)).toEqual([]);
});

test("every kind of message is in it, and is sent by someone and received by someone", () => {
  const { operations } = asyncapi();
  const actions = new Map<string, Set<unknown>>(MESSAGE_NAMES.map((name) => [name, new Set()]));
  for (const operation of Object.values(isJson(operations) ? operations : {})) {
    if (!isJson(operation)) continue;
    for (const reference of referencesIn(operation["messages"])) {
      actions.get(reference.split("/").at(-1) ?? "")?.add(operation["action"]);
    }
  }
  for (const [name, ways] of actions) expect([...ways].sort(), name).toEqual(["receive", "send"]);
});

describe("an independent validator", () => {
  const check = checksOf(schemasIn(document));

  test("knows the same schemas as the code", () => {
    expect(schemasIn(document)).toMatchObject(bodySchemas());
  });

  test.each(VECTORS)("takes the test vector $name", ({ name, body }) => {
    if (!isMessageName(name)) throw new Error(name);
    const validate = check(schemaNameOf(name));
    expect(validate(body), JSON.stringify(validate.errors)).toBe(true);
  });

  test.each(OPERATIONS)("takes the example of a request for %s, as the control service does", (operation) => {
    const request: Schema.Codec<unknown, unknown> = CONTROL_SCHEMAS[operation].request;
    const { example } = REQUESTS[operation];
    const payload = at(document, [
      "components",
      "messages",
      `control.${operation}.request`,
      "payload",
      "$ref",
    ]);
    const validate = check(String(payload).split("/").at(-1) ?? "");
    const decode = Schema.decodeUnknownResult(request);
    expect(Result.getOrThrow(decode(example))).toEqual(example);
    expect(validate(example), JSON.stringify(validate.errors)).toBe(true);
    for (const wrong of [
      { symbol: "bonk", after: "bonk" },
      { by: " ", limit: 0 },
      { reason: "a\nb", after: 1, symbol: 1 },
    ]) {
      const changed = { ...example, ...wrong };
      expect(validate(changed), JSON.stringify(changed)).toBe(Result.isSuccess(decode(changed)));
    }
  });

  test("takes the headers of every example, and refuses those without a version", () => {
    const validate = check("Headers");
    const examples = headersIn(document);
    expect(examples.length).toBe(VECTORS.length);
    for (const headers of examples) {
      expect(validate(headers), JSON.stringify(validate.errors)).toBe(true);
      expect(validate({ ...headers, "Schema-Version": "2" })).toBe(false);
      expect(validate({ ...headers, "Purge-Mode": "Live" })).toBe(false);
    }
  });
});

function schemasIn(value: unknown): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  const schemas = at(value, ["components", "schemas"]);
  if (!isJson(schemas)) throw new Error("there are no schemas");
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, isJson(schema) ? schema : {}]),
  );
}

function headersIn(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  const messages = at(value, ["components", "messages"]);
  return Object.values(isJson(messages) ? messages : {}).flatMap((message) => {
    const examples = at(message, ["examples"]);
    return Array.isArray(examples)
      ? examples.flatMap((one) => (isJson(one) && isJson(one["headers"]) ? [one["headers"]] : []))
      : [];
  });
}

function referencesIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (!isJson(value)) return [];
  const own = typeof value["$ref"] === "string" ? [value["$ref"]] : [];
  return [...own, ...Object.values(value).flatMap(referencesIn)];
}

function resolve(reference: string): unknown {
  return reference.startsWith("#/") ? at(document, reference.slice(2).split("/")) : undefined;
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => (isJson(inner) ? inner[key] : undefined), value);
}
