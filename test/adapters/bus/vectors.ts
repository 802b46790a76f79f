// The test vectors: one message of every kind, as JSON and as MessagePack. Other languages can use the same file.
import { readFileSync } from "node:fs";
import { Schema } from "effect";
import type { Channel } from "../../../actors/ports.ts";
import type { Headers } from "../../../adapters/bus/mod.ts";

export const CHANNELS = [
  "orders",
  "results",
  "transitions",
  "account",
  "holdings",
  "venue",
  "dead",
] as const satisfies readonly Channel[];

const Vector = Schema.Struct({
  name: Schema.String,
  channel: Schema.Literals(CHANNELS),
  subject: Schema.String,
  message_id: Schema.NullOr(Schema.String),
  body: Schema.JsonObject,
  msgpack_hex: Schema.String,
});
export type Vector = typeof Vector.Type;

const file = new URL("fixtures/vectors.json", import.meta.url);
export const VECTORS: readonly Vector[] = Schema.decodeUnknownSync(Schema.Array(Vector))(
  JSON.parse(readFileSync(file, "utf8")),
);

/** @throws Error when there is no such vector */
export function vector(name: string): Vector {
  const found = VECTORS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no test vector ${name}`);
  return found;
}

export const MSGPACK: Headers = { "Content-Type": "application/msgpack", "Schema-Version": "1" };
export const JSON_TEXT: Headers = { "Content-Type": "application/json", "Schema-Version": "1" };
