// Failure records as the Python original writes them: what is taken over, what is refused, and what goes back out.
import * as BigDecimal from "effect/BigDecimal";
import { Schema } from "effect";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FailureSource, ImportedFailure } from "../../../adapters/cli/mod.ts";
import { exportFailures, parseFailures } from "../../../adapters/cli/purge_failures.ts";
import { FailureImported, PurgeContext, TradingSymbol } from "../../../machines/mod.ts";
import { POLICY, Story } from "../telemetry/story.ts";

const symbolOf = Schema.decodeUnknownSync(TradingSymbol);

const NOW = Date.parse("2025-11-16T13:00:00.000Z");
const FIELDS = {
  failure_count: "3",
  last_failed_at_iso: '"2025-11-16T12:34:56.789012+00:00"',
  last_error: '"Purge failed after 1 other liquidations"',
  balance: "889587.0",
  value_usd: "9.48",
};
const BONK: ImportedFailure = {
  symbol: symbolOf("BONK-USD"),
  failure_count: 3,
  last_failed_at: "2025-11-16T12:34:56.789Z",
  last_error: "Purge failed after 1 other liquidations",
  balance: "889587",
  value_usd: "9.48",
};

/** One entry as JSON text; a field given as null is left out. */
function entry(fields: { readonly [Name in keyof typeof FIELDS]?: string | null } = {}): string {
  const members = Object.entries({ ...FIELDS, ...fields }).filter(([, value]) => value !== null);
  return `{${members.map(([name, value]) => `"${name}": ${value}`).join(", ")}}`;
}
const file = (...entries: readonly (readonly [symbol: string, entry: string])[]): string =>
  `{"purge_failures": {${entries.map(([symbol, text]) => `"${symbol}": ${text}`).join(", ")}}}`;
const bonk = (fields: Parameters<typeof entry>[0]): string => file(["BONK-USD", entry(fields)]);

function entriesOf(text: string): readonly ImportedFailure[] {
  const parsed = parseFailures(text, NOW);
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  return parsed.entries;
}
function problemsOf(text: string): readonly string[] {
  const parsed = parseFailures(text, NOW);
  return parsed.ok ? [] : parsed.problems;
}

describe("an import", () => {
  test("takes over an entry of the original", () => {
    expect(parseFailures(bonk({}), NOW)).toEqual({ ok: true, entries: [BONK], notes: [] });
  });

  test("makes of it what a symbol's machine can be told", () => {
    const event = { type: "failure.imported", at: "2025-11-16T13:00:00.000Z", policy: POLICY, ...BONK };
    expect(Schema.is(FailureImported)(event)).toBe(true);
  });

  test("reads the whole state file and leaves alone what is not its business, even what is no number", () => {
    const text = `{"cash": NaN, "cash": 1, "positions": {"BONK-USD": {"failure_count": -1}},
      "purge_failures": {"BONK-USD": ${entry()}}, "cooldowns": [[], {}, null, "x"]}`;
    expect(entriesOf(text)).toEqual([BONK]);
  });

  test("reads just what stands under purge_failures", () => {
    expect(entriesOf(`{"BONK-USD": ${entry()}}`)).toEqual([BONK]);
  });

  test("reads a bare currency as sold for dollars", () => {
    expect(entriesOf(file(["BONK", entry()], ["SEI-EUR", entry()])).map(({ symbol }) => symbol)).toEqual([
      "BONK-USD",
      "SEI-EUR",
    ]);
  });

  test("ignores fields that it does not know", () => {
    expect(entriesOf(file(["BONK-USD", entry().replace("{", '{"note": [1], "note": 2, ')]))).toEqual([BONK]);
  });

  test.each(['{"purge_failures": {}}', "{}"])("of %s is one of nothing", (text) => {
    expect(entriesOf(text)).toEqual([]);
  });

  test("does not let __proto__ or constructor through as a symbol, nor lend their fields", () => {
    expect(problemsOf(file(["__proto__", entry()], ["constructor", entry()]))).toEqual([
      "purge_failures.__proto__ is no symbol; expected such as BONK-USD, or BONK for BONK-USD",
      "purge_failures.constructor is no symbol; expected such as BONK-USD, or BONK for BONK-USD",
    ]);
    expect(problemsOf(`{"BONK-USD": {"__proto__": ${entry()}}}`)).toHaveLength(5);
  });
});

describe("the time of a failure", () => {
  test.each([
    ["2025-11-16T12:34:56", "2025-11-16T12:34:56.000Z"],
    ["2025-11-16T12:34:56Z", "2025-11-16T12:34:56.000Z"],
    ["2025-11-16 12:34:56.7", "2025-11-16T12:34:56.700Z"],
    ["2025-11-16T12:34:56.999999", "2025-11-16T12:34:56.999Z"],
    ["2025-11-16T12:34:56.000001+00:00", "2025-11-16T12:34:56.000Z"],
    ["2025-11-16T14:34:56+02:00", "2025-11-16T12:34:56.000Z"],
    ["2025-11-16T18:04:56+0530", "2025-11-16T12:34:56.000Z"],
    ["2025-11-15T22:34:56-03:30", "2025-11-16T02:04:56.000Z"],
    ["2024-02-29T00:00:00", "2024-02-29T00:00:00.000Z"],
    ["0099-01-01T00:00:00", "0099-01-01T00:00:00.000Z"],
    ["2025-11-16T13:00:00.000999", "2025-11-16T13:00:00.000Z"],
  ])("%s is %s", (text, at) => {
    expect(entriesOf(bonk({ last_failed_at_iso: JSON.stringify(text) }))[0]?.last_failed_at).toBe(at);
  });

  test.each([
    "2025-02-30T12:00:00",
    "2025-02-29T12:00:00",
    "2025-13-01T12:00:00",
    "2025-11-16T24:00:00",
    "2025-11-16T12:60:00",
    "2025-11-16T12:00:60",
    "2025-11-16T12:00:00+24:00",
    "0000-01-01T00:00:00+01:00",
    "2025-11-16T12:00",
    "2025-11-16",
    "16.11.2025 12:00:00",
    "1763296496",
    "yesterday",
    "",
  ])("%j is none", (text) => {
    expect(problemsOf(bonk({ last_failed_at_iso: JSON.stringify(text) }))).toEqual([
      `purge_failures.BONK-USD.last_failed_at_iso is the text ${JSON.stringify(text)}; expected a time such as 2025-11-16T12:34:56.789012+00:00; without a zone it is read as UTC`,
    ]);
  });

  test("cannot lie in the future", () => {
    expect(problemsOf(bonk({ last_failed_at_iso: '"2025-11-16T13:00:00.001"' }))).toEqual([
      'purge_failures.BONK-USD.last_failed_at_iso is the text "2025-11-16T13:00:00.001"; expected a time that has passed: it is 2025-11-16T13:00:00.000Z now, and a time without a zone is read as UTC',
    ]);
    expect(problemsOf(bonk({ last_failed_at_iso: '"2025-11-16T13:30:00+01:00"' }))).toEqual([]);
  });
});

describe("an amount", () => {
  const balanceOf = (source: string): string | undefined => entriesOf(bonk({ balance: source }))[0]?.balance;

  test.each([
    ["889587.0", "889587"],
    ["0", "0"],
    ["-0.0", "0"],
    ["0e99999999999999999999", "0"],
    ["1e-05", "0.00001"],
    ["1.5E+16", "15000000000000000"],
    ["0.1000000000000000055511151231257827", "0.100000000000000005551115123125"],
    ["12300e-2", "123"],
    ["123456789012345678901234567890.5", "123456789012345678901234567890.5"],
  ])("of %s is read as %s", (source, amount) => {
    expect(balanceOf(source)).toBe(amount);
  });

  test("is read digit by digit, as no float could hold it", () => {
    const digits = fc.stringMatching(/^[0-9]{1,25}$/);
    const exponent = fc.integer({ min: -40, max: 8 });
    fc.assert(
      fc.property(digits, digits, exponent, (whole, places, power) => {
        const source = `${BigInt(whole)}.${places}e${power}`;
        const read = BigDecimal.fromStringUnsafe(balanceOf(source) ?? "");
        const exact = BigDecimal.fromStringUnsafe(source);
        expect(BigDecimal.equals(read, BigDecimal.scale(exact, Math.min(exact.scale, 30)))).toBe(true);
      }),
    );
  });

  test("as fine as can be written down is not cut", () => {
    const finest = "0.000000000000000000000000000001";
    expect(parseFailures(bonk({ balance: finest, value_usd: "1e-30" }), NOW)).toMatchObject({
      entries: [{ balance: finest, value_usd: finest }],
      notes: [],
    });
  });

  test("too fine to be written down is cut, and the import says so", () => {
    const parsed = parseFailures(bonk({ balance: "1.25e-30", value_usd: "1e-99999999999" }), NOW);
    expect(parsed).toMatchObject({
      entries: [{ balance: "0.000000000000000000000000000001", value_usd: "0" }],
      notes: [
        "purge_failures.BONK-USD.balance is 1.25e-30; digits past the thirtieth decimal place were dropped",
        "purge_failures.BONK-USD.value_usd is 1e-99999999999; digits past the thirtieth decimal place were dropped",
      ],
    });
  });

  test.each([
    ["NaN", "NaN; expected a number that can be counted with"],
    ["-Infinity", "-Infinity; expected a number that can be counted with"],
    ["-0.01", "-0.01; expected a number from 0 on"],
    ["1e30", "1e30; expected at most 30 digits before the decimal point"],
    ["1e400", "1e400; expected at most 30 digits before the decimal point"],
    ["1e99999999999999999999", "1e99999999999999999999; expected at most 30 digits before the decimal point"],
    ['"9.48"', 'the text "9.48"; expected a number from 0 on, such as 889587.0'],
    ["null", "null; expected a number from 0 on, such as 889587.0"],
    ["true", "true; expected a number from 0 on, such as 889587.0"],
    ["[1]", "a list; expected a number from 0 on, such as 889587.0"],
    ["{}", "an object; expected a number from 0 on, such as 889587.0"],
  ])("of %s is refused", (source, message) => {
    expect(problemsOf(bonk({ value_usd: source }))).toEqual([
      `purge_failures.BONK-USD.value_usd is ${message}`,
    ]);
  });
});

describe("a count of failures", () => {
  test.each([
    ["1", 1],
    ["3.0", 3],
    ["2e1", 20],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ])("of %s is %i", (source, count) => {
    expect(entriesOf(bonk({ failure_count: source }))[0]?.failure_count).toBe(count);
  });

  test.each(["0", "-1", "1.5", "9007199254740992", "1e30", "NaN", "Infinity", '"3"', "null", "true"])(
    "of %s is refused",
    (source) => {
      const [problem, ...others] = problemsOf(bonk({ failure_count: source }));
      expect(problem).toMatch(
        /^purge_failures\.BONK-USD\.failure_count is .+; expected a whole number from 1 on$/,
      );
      expect(others).toEqual([]);
    },
  );
});

describe("an error text", () => {
  const errorOf = (text: string): string | undefined =>
    entriesOf(bonk({ last_error: JSON.stringify(text) }))[0]?.last_error;

  test("is taken over as it is, line breaks and all", () => {
    expect(errorOf('⚠️ "no"\n\u0000')).toBe('⚠️ "no"\n\u0000');
  });

  test("with half a character in it is made whole, since nothing else could be written down", () => {
    expect(errorOf("a\ud83d")).toBe("a\ufffd");
  });

  test("longer than a journal record takes is cut, and the import says so", () => {
    const parsed = parseFailures(bonk({ last_error: JSON.stringify(`${"x".repeat(3_998)}😀y`) }), NOW);
    expect(parsed).toMatchObject({
      entries: [{ last_error: `${"x".repeat(3_998)}…` }],
      notes: ["purge_failures.BONK-USD.last_error is 4001 characters long; cut to 4000"],
    });
    expect(errorOf("x".repeat(4_000))).toBe("x".repeat(4_000));
  });

  test("that is none is refused", () => {
    expect(problemsOf(bonk({ last_error: "null" }))).toEqual([
      "purge_failures.BONK-USD.last_error is null; expected a text",
    ]);
  });
});

describe("a file that is not as it should be", () => {
  test("has all that is wrong named at once, and nothing of it is imported", () => {
    const parsed = parseFailures(
      file(
        ["BONK-USD", entry({ failure_count: "-1", balance: null })],
        ["SEI-USD", entry()],
        ["wlfi", entry()],
        ["WLFI", "3"],
      ),
      NOW,
    );
    expect(parsed).toEqual({
      ok: false,
      problems: [
        "purge_failures.BONK-USD.failure_count is -1; expected a whole number from 1 on",
        "purge_failures.BONK-USD.balance is missing; expected a number from 0 on, such as 889587.0",
        "purge_failures.wlfi is no symbol; expected such as BONK-USD, or BONK for BONK-USD",
        "purge_failures.WLFI is 3; expected an object",
      ],
    });
  });

  test("has problems named by where they stand when purge_failures is left out", () => {
    expect(problemsOf(`{"BONK-USD": ${entry({ balance: "-1" })}}`)).toEqual([
      "BONK-USD.balance is -1; expected a number from 0 on",
    ]);
  });

  test("gives one symbol twice, under one name or two", () => {
    expect(
      problemsOf(file(["BONK", entry()], ["BONK-USD", entry()], ["SEI", entry()], ["SEI", "1"])),
    ).toEqual([
      "purge_failures.BONK-USD: BONK-USD is already in the file as BONK; keep one of the two",
      "purge_failures.SEI: SEI-USD is already in the file; keep one of the two",
    ]);
  });

  test("gives one field twice, or the whole section", () => {
    expect(problemsOf(file(["BONK-USD", entry().replace("{", '{"balance": 1, ')]))).toEqual([
      "purge_failures.BONK-USD.balance is given 2 times; keep one",
    ]);
    expect(problemsOf(`{"purge_failures": {}, "purge_failures": {}}`)).toEqual([
      "purge_failures is in the file 2 times; keep one",
    ]);
  });

  test.each([
    ['{"purge_failures": []}', "purge_failures is a list; expected an object with one entry a symbol"],
    ['{"purge_failures": null}', "purge_failures is null; expected an object with one entry a symbol"],
    ["[]", "the file is a list; expected an object with purge_failures"],
    ['{"cash": 1, "positions": {}}', 'purge_failures is missing; the file has "cash", "positions"'],
    [
      '{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1}',
      'purge_failures is missing; the file has "a", "b", "c", "d", "e", and 2 more',
    ],
    [
      '{"purge_failures": {',
      "not JSON: line 1, column 21, where the text ends: expected a key in double quotes",
    ],
  ])("such as %s says what it is instead", (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  test("is known for a section when an entry is there, even under a name that is none", () => {
    expect(problemsOf(`{"bonk-usd": ${entry()}}`)).toEqual([
      "bonk-usd is no symbol; expected such as BONK-USD, or BONK for BONK-USD",
    ]);
  });

  test("cannot write to the terminal that names its faults, nor flood it", () => {
    const hostile = `\u001b[2J\u009b\u202e\u2028${"x".repeat(10_000)}`;
    const [problem = ""] = problemsOf(file([JSON.stringify(hostile).slice(1, -1), entry()]));
    expect(problem).toMatch(/^purge_failures\."\\u001b\[2J\\u009b\\u202e\\u2028x+…" is no symbol/);
    expect(problem).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
    expect(problem.length).toBeLessThan(250);
  });

  test("is refused or understood, whatever has happened to it, but never thrown over", () => {
    const whole = file(["BONK-USD", entry()], ["SEI", entry()]);
    const damage = fc.record({
      at: fc.nat(whole.length),
      cut: fc.nat(20),
      put: fc.string({ unit: "binary" }),
    });
    fc.assert(
      fc.property(damage, ({ at, cut, put }) => {
        const parsed = parseFailures(whole.slice(0, at) + put + whole.slice(at + cut), NOW);
        if (!parsed.ok) expect(parsed.problems).not.toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("an export", () => {
  const failed = (
    symbol: string,
    more: Partial<NonNullable<FailureSource["last_failure"]>> = {},
  ): FailureSource => ({
    symbol: symbolOf(symbol),
    failures: 3,
    last_failure: {
      failed_at: "2025-11-16T12:34:56.789Z",
      error: "Invalid order size",
      rejection: null,
      balance: "889587",
      value_usd: "9.48",
      ...more,
    },
  });

  test("is what the original would have written", () => {
    expect(exportFailures([failed("SEI-USD", { error: 'é "😀"\n\u007f' }), failed("BONK-USD")])).toBe(
      `{
  "purge_failures": {
    "BONK-USD": {
      "failure_count": 3,
      "last_failed_at_iso": "2025-11-16T12:34:56.789000+00:00",
      "last_error": "Invalid order size",
      "balance": 889587.0,
      "value_usd": 9.48
    },
    "SEI-USD": {
      "failure_count": 3,
      "last_failed_at_iso": "2025-11-16T12:34:56.789000+00:00",
      "last_error": "\\u00e9 \\"\\ud83d\\ude00\\"\\n\\u007f",
      "balance": 889587.0,
      "value_usd": 9.48
    }
  }
}
`,
    );
  });

  test("holds only symbols that have failed since they last sold", () => {
    const never: FailureSource = { symbol: symbolOf("SEI-USD"), failures: 0, last_failure: null };
    expect(exportFailures([never, { ...failed("BONK-USD"), failures: 0 }])).toBe(
      '{\n  "purge_failures": {}\n}\n',
    );
  });

  test("carries the exchange's words out of a symbol's own memory and back", () => {
    const story = new Story();
    story.fail();
    story.fail();
    const snapshot = Schema.Struct({ context: PurgeContext });
    const { context } = Schema.decodeUnknownSync(snapshot)(story.records.at(-1)?.snapshot);
    const entries = [
      {
        symbol: "BONK-USD",
        failure_count: 2,
        last_failed_at: context.last_failure?.failed_at,
        last_error:
          "Order placement failed: API error | error=INVALID_ORDER_CONFIGURATION | message=Invalid order size | preview_failure=PREVIEW_INVALID_BASE_SIZE",
        balance: "889587",
        value_usd: "9.48",
      },
    ];
    expect(parseFailures(exportFailures([context]), NOW)).toEqual({ ok: true, entries, notes: [] });
  });

  test("comes back as it went out, to the last digit", () => {
    const amount = fc.stringMatching(/^(0|[1-9][0-9]{0,29})(\.[0-9]{0,29}[1-9])?$/);
    const imported: fc.Arbitrary<ImportedFailure> = fc.record({
      symbol: fc.stringMatching(/^[A-Z0-9]{1,20}-[A-Z0-9]{2,10}$/).map(symbolOf),
      failure_count: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      last_failed_at: fc
        .date({ min: new Date("0001-01-01T00:00:00.000Z"), max: new Date(NOW), noInvalidDate: true })
        .map((date) => date.toISOString()),
      last_error: fc.string({ unit: "binary", maxLength: 200 }),
      balance: amount,
      value_usd: amount,
    });
    const ledger = fc.uniqueArray(imported, { selector: ({ symbol }) => symbol, maxLength: 8 });
    fc.assert(
      fc.property(ledger, (entries) => {
        const bySymbol = entries.toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1));
        const text = exportFailures(entries.map(sourceOf));
        expect(parseFailures(text, NOW)).toEqual({ ok: true, entries: bySymbol, notes: [] });
      }),
    );
  });
});

function sourceOf(entry: ImportedFailure): FailureSource {
  const { symbol, failure_count, last_failed_at, last_error, balance, value_usd } = entry;
  const last_failure = { failed_at: last_failed_at, error: last_error, rejection: null, balance, value_usd };
  return { symbol, failures: failure_count, last_failure };
}
