// Checks values by the JSON Schemas of docs/asyncapi.yaml, as a program in any other language would.
import { Ajv, type ValidateFunction } from "ajv";
import formats from "ajv-formats";
import type { Json } from "./json_schemas.ts";

/** A check for each of `components.schemas`, by name.
 *
 * @throws Error when there is no such schema, or one of them is not valid JSON Schema
 */
export function checksOf(schemas: Readonly<Record<string, Json>>): (name: string) => ValidateFunction {
  const ajv = new Ajv({ allErrors: false, strict: true, strictRequired: false, allowUnionTypes: true });
  formats.default(ajv);
  ajv.addSchema({ $id: "asyncapi", components: { schemas } });
  ajv.addKeyword({ keyword: "components" });
  return (name) => {
    const check = ajv.getSchema(`asyncapi#/components/schemas/${name}`);
    if (check === undefined) throw new Error(`there is no schema ${name}`);
    return check;
  };
}
