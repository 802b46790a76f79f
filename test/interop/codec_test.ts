// The MessagePack and the envelope of the Python programs, held to the vectors that every client can be held to.
import { join } from "node:path";
import { Schema } from "effect";
import { beforeAll, describe, expect, test } from "vitest";
import { runPython } from "./python_program.ts";

const FIXTURES = join(import.meta.dirname, "../adapters/bus/fixtures");
const Report = Schema.fromJsonString(
  Schema.Struct({
    tried: Schema.Number,
    problems: Schema.Array(Schema.String),
    spoiled: Schema.Number,
    crashes: Schema.Array(Schema.String),
    taken: Schema.Array(Schema.String),
  }),
);

let report: typeof Report.Type;
beforeAll(async () => {
  const files = ["vectors.json", "refused.json"].map((name) => join(FIXTURES, name));
  const { code, lines, errors } = await runPython("check_vectors.py", files);
  expect([code, errors]).toEqual([0, ""]);
  report = Schema.decodeUnknownSync(Report)(lines.join("\n"));
});

describe("a codec of one file, written from the specification", () => {
  test("reads and writes every message of the protocol, and gives results the ids that we give them", () => {
    expect(report.problems).toEqual([]);
    expect(report.tried).toBeGreaterThan(15);
  });

  test("refuses every broken encoding, and leaves to a schema what only a schema can find", () => {
    const bySchema = [
      /an empty map/,
      /type/,
      /another channel/,
      /amount/,
      /count/,
      /integer/,
      /hour that does not exist/,
      /epoch milliseconds/,
      /missing field/,
      /too long/,
      /wildcard/,
      /key constructor/,
      /fields of every object/,
      /equal keys/,
      /^subject/,
    ];
    const odd = report.taken.filter((name) => !bySchema.some((pattern) => pattern.test(name)));
    expect(odd).toEqual([]);
    expect(report.taken.filter((name) => /^headers|NaN|__proto__|too deep|four billion/.test(name))).toEqual(
      [],
    );
  });

  test("reads or refuses messages that break off or were changed, and never falls over them", () => {
    expect(report.crashes).toEqual([]);
    expect(report.spoiled).toBeGreaterThan(3_000);
  });
});
