// The bytes that the codec writes and reads, against an implementation of MessagePack that shares nothing with it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode, encode } from "../../../adapters/bus/mod.ts";
import { msgpackProblem } from "../../../adapters/bus/msgpack_check.ts";
import { bodyOf } from "./arbitraries.ts";
import { packBySpec, unpackBySpec } from "./msgpack_spec.ts";
import { CHANNELS, MSGPACK, VECTORS } from "./vectors.ts";

test("it reads what the specification shows", () => {
  expect(unpackBySpec(Buffer.from("82a7636f6d70616374c3a6736368656d6100", "hex"))).toEqual({
    compact: true,
    schema: 0,
  });
  const cases: [string, unknown][] = [
    ["7f", 127],
    ["e0", -32],
    ["cd0100", 256],
    ["d1ff00", -256],
    ["cf001fffffffffffff", 2 ** 53 - 1],
    ["cb3ff8000000000000", 1.5],
    ["ca3fc00000", 1.5],
    ["d903e282ac", "€"],
    ["dc0002c0c2", [null, false]],
    ["de0001a161dd00000000", { a: [] }],
  ];
  for (const [hex, value] of cases) expect(unpackBySpec(Buffer.from(hex, "hex")), hex).toEqual(value);
});

test.each(VECTORS)("the bytes of the test vector $name say what its JSON says", ({ body, msgpack_hex }) => {
  expect(unpackBySpec(Buffer.from(msgpack_hex, "hex"))).toEqual(body);
});

describe("whatever a message says", () => {
  for (const channel of CHANNELS) {
    test(`${channel}: both read it alike, and the codec reads what the other wrote`, () => {
      fc.assert(
        fc.property(bodyOf(channel), (body) => {
          const { subject, bytes } = encode(channel, body);
          expect(unpackBySpec(bytes)).toEqual(body);
          const foreign = { subject, bytes: packBySpec(body), headers: MSGPACK };
          expect(decode(channel, foreign)).toMatchObject({ ok: true, body });
        }),
        { numRuns: 100 },
      );
    });
  }
});

test("of bytes changed at random, the check lets through just what the specification allows, but for keys named __proto__", () => {
  const edit = fc.record({ at: fc.nat(), cut: fc.nat(3), put: fc.uint8Array({ maxLength: 3 }) });
  const seen = { allowed: 0, refused: 0 };
  fc.assert(
    fc.property(fc.constantFrom(...VECTORS), fc.array(edit, { maxLength: 3 }), ({ msgpack_hex }, edits) => {
      const bytes = edits.reduce(
        (before, { at, cut, put }) => {
          const start = at % (before.length + 1);
          return Buffer.concat([before.subarray(0, start), put, before.subarray(start + cut)]);
        },
        Buffer.from(msgpack_hex, "hex"),
      );
      const problem = msgpackProblem(bytes, 1_000);
      if (problem?.includes("__proto__") === true) return;
      expect(problem === null, `${bytes.toString("hex")}: ${problem}`).toBe(isAllowed(bytes));
      seen[problem === null ? "allowed" : "refused"] += 1;
    }),
    { numRuns: 10_000 },
  );
  expect(Math.min(seen.allowed, seen.refused)).toBeGreaterThan(1_000);
});

function isAllowed(bytes: Uint8Array): boolean {
  try {
    unpackBySpec(bytes);
    return true;
  } catch {
    return false;
  }
}
