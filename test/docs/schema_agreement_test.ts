// The JSON Schemas of docs/asyncapi.yaml against the decoder: whatever a body is, both say the same of it.
import { Result, Schema } from "effect";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Channel } from "../../actors/ports.ts";
import { CHANNEL_SCHEMAS } from "../../adapters/bus/mod.ts";
import { bodyOf } from "../adapters/bus/arbitraries.ts";
import { CHANNELS, VECTORS, vector } from "../adapters/bus/vectors.ts";
import { bodySchemas, isMessageName, schemaNameOf } from "./asyncapi_schemas.ts";
import { isJson } from "./json_schemas.ts";
import { checksOf } from "./schema_checks.ts";

const check = checksOf(bodySchemas());
const NAMES = new Map(
  CHANNELS.map((channel) => [
    channel,
    VECTORS.filter((one) => one.channel === channel && isMessageName(one.name)).map(({ name }) => name),
  ]),
);

/** Whether a body is one of the channel's messages, by the published schemas alone. */
function isPublished(channel: Channel, body: unknown): boolean {
  return (NAMES.get(channel) ?? []).filter(isMessageName).some((name) => check(schemaNameOf(name))(body));
}

/** Why the decoder refuses a body; null when it takes it. */
function refusal(channel: Channel, body: unknown): string | null {
  const schema: Schema.Codec<unknown, unknown> = CHANNEL_SCHEMAS[channel];
  const result = Schema.decodeUnknownResult(schema)(body);
  return Result.isSuccess(result) ? null : result.failure.message;
}

/** Rules about two fields together, which the page says in words. */
const IN_WORDS = /order\.symbol is not the command's symbol|an event or a command in it is of another symbol/;

function expectAgreement(channel: Channel, body: unknown): void {
  const reason = refusal(channel, body);
  const isTaken = reason === null || IN_WORDS.test(reason);
  expect(isPublished(channel, body), `${JSON.stringify(body)}: ${reason ?? "is taken"}`).toBe(isTaken);
}

/** Values that are close to right, and values that are far from it. */
const ODD_VALUES: readonly unknown[] = [
  ...[null, true, false, 0, 1, -1, 0.5, 1e-7, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 63, -(2 ** 53), 1e300],
  ...["", " ", "0", "-0", "00", "01", ".5", "1.", "1e3", "+1", "1,5", "NaN", "Infinity", "0x1", "１"],
  ...["BONK-USD", "bonk-usd", "BONK", "BONK-USD\n", "BONK-USD.x", "A*-USD", `${"A".repeat(21)}-USD`],
  ...["2025-11-11T03:04:05.678Z", "2025-11-11T03:04:05.678+00:00", "2025-11-11T03:04:05Z"],
  ...["2025-02-30T00:00:00.000Z", "2025-02-28T24:00:00.000Z"],
  ...["2025-13-01T00:00:00.000Z", "2025-11-11T25:00:00.000Z", "2025-11-11T23:59:60.000Z", "1762830245678"],
  ...["x".repeat(500), "x".repeat(501), "x".repeat(16_384), "x".repeat(16_385), `${"9".repeat(30)}.1`],
  ...["9".repeat(31), `0.${"1".repeat(31)}`, "order.teleport", "OPEN", "YQ==", "a b", "\u0000", "é"],
  ...[[], [[]], [null], {}, { type: "order.update" }, { a: 1 }, ["BONK-USD"], Array(101).fill("x")],
];

const keys = (value: object): readonly string[] => Object.keys(value);

/** `body` with one thing in it changed: `at` chooses which, `how` chooses to what; beyond the last value it is gone. */
function mutated(body: unknown, at: readonly number[], how: number): unknown {
  const [first = 0, ...rest] = at;
  if (typeof body !== "object" || body === null || keys(body).length === 0 || at.length === 0) {
    return ODD_VALUES[how % (ODD_VALUES.length + 1)] ?? null;
  }
  const key = keys(body)[first % keys(body).length] ?? "";
  const entries: [string, unknown][] = Object.entries(body);
  if (rest.length === 0 && how % (ODD_VALUES.length + 1) === ODD_VALUES.length) {
    const left = entries.filter(([name]) => name !== key);
    return Array.isArray(body) ? left.map(([, value]) => value) : Object.fromEntries(left);
  }
  const changed = entries.map(([name, value]): [string, unknown] => [
    name,
    name === key ? mutated(value, rest, how) : value,
  ]);
  return Array.isArray(body) ? changed.map(([, value]) => value) : Object.fromEntries(changed);
}

describe("a schema takes what the decoder takes, and nothing else", () => {
  for (const channel of CHANNELS) {
    test(`${channel}: bodies that are right`, () => {
      fc.assert(
        fc.property(bodyOf(channel), (body) => {
          expect(isPublished(channel, JSON.parse(JSON.stringify(body)))).toBe(true);
        }),
        { numRuns: 100 },
      );
    });
  }

  test.each(VECTORS)("$name with any one value changed, taken away or exchanged", ({ channel, body }) => {
    let refused = 0;
    for (const path of pathsIn(body)) {
      for (let how = 0; how <= ODD_VALUES.length; how += 1) {
        const changed = mutated(body, path, how);
        expectAgreement(channel, changed);
        if (refusal(channel, changed) !== null) refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(ODD_VALUES.length);
  });

  test("bodies with up to three changes", () => {
    const change = fc.tuple(fc.array(fc.nat(30), { minLength: 1, maxLength: 4 }), fc.nat(1_000));
    fc.assert(
      fc.property(
        fc.constantFrom(...VECTORS),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        ({ channel, body }, changes) => {
          const start: unknown = body;
          expectAgreement(
            channel,
            changes.reduce((before, [at, how]) => mutated(before, at, how), start),
          );
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test("any JSON at all", () => {
    fc.assert(
      fc.property(fc.constantFrom(...CHANNELS), fc.jsonValue(), (channel, value) => {
        expectAgreement(channel, value);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("what the schemas leave to words", () => {
  test("two symbols in one message are the same", () => {
    const place = { ...vector("order.place").body, symbol: "SEI-USD" };
    expect([isPublished("orders", place), refusal("orders", place)]).toEqual([
      true,
      expect.stringMatching(IN_WORDS),
    ]);
    const step = { ...vector("transition").body, symbol: "SEI-USD" };
    expect([isPublished("transitions", step), refusal("transitions", step)]).toEqual([
      true,
      expect.stringMatching(IN_WORDS),
    ]);
  });

  test("a length counts UTF-16 code units, where JSON Schema counts characters", () => {
    const accepted = { ...vector("order.accepted").body, order_id: "😀".repeat(251) };
    expect(isPublished("results", accepted)).toBe(true);
    expect(refusal("results", accepted)).toMatch(/\["order_id"\]/);
    expectAgreement("results", { ...accepted, order_id: "😀".repeat(250) });
  });
});

test("fields that are not known are left to the sender, in the schemas as in the decoder", () => {
  for (const { channel, body } of VECTORS) {
    const more = { ...body, added_later: { by: ["a newer version"] } };
    expect(refusal(channel, more)).toBeNull();
    expect(isPublished(channel, more)).toBe(true);
  }
});

/** Where each value in `body` stands, by position. */
function pathsIn(body: unknown): readonly (readonly number[])[] {
  const inner: readonly unknown[] = Array.isArray(body) ? body : isJson(body) ? Object.values(body) : [];
  return inner.flatMap((value, index) => [[index], ...pathsIn(value).map((path) => [index, ...path])]);
}
