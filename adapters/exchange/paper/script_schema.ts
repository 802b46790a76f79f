// The shape of a paper exchange's script. Every scalar arrives as the text that the file says, so an amount is never a float.
import { Effect, Schema, SchemaTransformation } from "effect";
import { DecimalString } from "../../../machines/mod.ts";

/** What a message says of a value that does not fit. */
export interface Wanted {
  readonly expected: string;
  readonly example?: string;
  readonly choices?: readonly string[];
}

/** Annotation that carries a `Wanted`. */
export const wantedKey = "purgatory/wanted";

/** Sizes and prices have at most this many decimals, so that a fee (size · price · bps) fits a `DecimalString`. */
const MAX_DECIMALS = 12;
const TEN_YEARS_S = 315_360_000;
const MAX_MS = 86_400_000;

const isDecimal = Schema.is(DecimalString);

function text(wanted: Wanted, fits: (text: string) => boolean) {
  return Schema.String.check(Schema.makeFilter(fits)).annotate({ [wantedKey]: wanted });
}

function decimals(value: string): number {
  return value.split(".")[1]?.length ?? 0;
}

const isZero = (value: string): boolean => /^[0.]+$/.test(value);

/** An amount of money or of a currency; kept as text. */
function amount(example: string, maxDecimals = MAX_DECIMALS) {
  const expected = `a plain decimal with at most ${maxDecimals} decimals`;
  return text({ expected, example }, (value) => isDecimal(value) && decimals(value) <= maxDecimals);
}

/** More than a tenth of the value is no fee. */
const feeBps = text(
  { expected: "a plain decimal from 0 to 1000 with at most 2 decimals", example: "60" },
  (value) => isDecimal(value) && decimals(value) <= 2 && Number(value) <= 1_000,
);

function positive(example: string) {
  const expected = `a plain decimal above 0 with at most ${MAX_DECIMALS} decimals`;
  const fits = (value: string) => isDecimal(value) && !isZero(value) && decimals(value) <= MAX_DECIMALS;
  return text({ expected, example }, fits);
}

/** A share of an order, above 0 and up to 1. */
const fraction = text({ expected: "a fraction above 0 and at most 1", example: "0.5" }, (value) => {
  return /^(0(\.\d{1,9})?|1(\.0{1,9})?)$/.test(value) && !isZero(value);
});
const partOfOrder = text({ expected: "a fraction above 0 and below 1", example: "0.4" }, (value) => {
  return /^0\.\d{1,9}$/.test(value) && !isZero(value);
});

function integer(min: number, max: number) {
  const wanted = {
    expected: `a whole number from ${min} to ${max}`,
    example: String(Math.min(max, min + 1)),
  };
  const fits = (value: string) => /^\d{1,15}$/.test(value) && Number(value) >= min && Number(value) <= max;
  return text(wanted, fits).pipe(Schema.decodeTo(Schema.Finite, SchemaTransformation.numberFromString));
}

/** A time in seconds, to the millisecond. */
function seconds(min: number) {
  const wanted = { expected: `a number of seconds from ${min} to ${TEN_YEARS_S}`, example: "90" };
  const fits = (value: string) =>
    /^\d{1,9}(\.\d{1,3})?$/.test(value) && Number(value) >= min && Number(value) <= TEN_YEARS_S;
  return text(wanted, fits).pipe(Schema.decodeTo(Schema.Finite, SchemaTransformation.numberFromString));
}

function choice<const C extends readonly [string, ...string[]]>(choices: C) {
  return Schema.Literals(choices).annotate({
    [wantedKey]: { expected: choices.length === 1 ? choices[0] : `one of ${choices.join(", ")}`, choices },
  });
}

function words(expected: string, example: string, pattern: RegExp) {
  return text({ expected, example }, (value) => pattern.test(value));
}

const sentence = words("text of 1 to 500 characters", "Invalid order size", /^.{1,500}$/s);
const code = words("a code in capitals", "INVALID_ORDER_CONFIGURATION", /^[A-Z][A-Z0-9_]{1,79}$/);
const symbol = words("a product", "BONK-USD", /^[A-Z0-9]{1,20}-[A-Z0-9]{2,10}$/);
const currency = words("a currency", "USDC", /^[A-Z0-9]{1,20}$/);
const milliseconds = integer(0, MAX_MS);

/** The default is written as it would be in the file. */
function byDefault<S extends Schema.Constraint>(schema: S, value: S["Encoded"]) {
  return Schema.withDecodingDefaultKey<S>(Effect.succeed(value))(schema);
}

const refusal = {
  code,
  message: byDefault(sentence, "Order refused"),
  details: Schema.optionalKey(sentence),
  preview_failure: Schema.optionalKey(code),
};

/** A number may stand for `{fraction}` alone; see `shorthand` in `script.ts`. */
const Part = Schema.Struct({ fraction, after_ms: Schema.optionalKey(milliseconds) });

const stepKinds = {
  no_fill: Schema.optionalKey(choice(["true"])),
  reject: Schema.optionalKey(Schema.Struct(refusal)),
  fill: Schema.optionalKey(
    Schema.Struct({
      after_ms: Schema.optionalKey(milliseconds),
      parts: Schema.optionalKey(Schema.Array(Part)),
    }),
  ),
  partial: Schema.optionalKey(
    Schema.Struct({
      fraction: partOfOrder,
      remainder: byDefault(choice(["rest", "cancel"]), "rest"),
      after_ms: Schema.optionalKey(milliseconds),
    }).pipe(Schema.encodeKeys({ remainder: "then" })),
  ),
  fill_during_cancel: Schema.optionalKey(fraction),
  cancel_refused: Schema.optionalKey(integer(1, 1_000)),
  fail: Schema.optionalKey(Schema.Struct({ ...refusal, after_ms: Schema.optionalKey(milliseconds) })),
  expire: Schema.optionalKey(Schema.Struct({ after_ms: Schema.optionalKey(milliseconds) })),
  unknown: Schema.optionalKey(Schema.Struct({ happened: choice(["true", "false"]) })),
  rate_limited: Schema.optionalKey(integer(1, 1_000)),
  server_error: Schema.optionalKey(integer(1, 1_000)),
};
/** The keys of which a step has exactly one; an item of a list may have `steps` instead. */
export const stepKindNames: readonly string[] = Object.keys(stepKinds);
const repeat = byDefault(integer(1, 1_000_000), "1");

const ScriptStep = Schema.Struct({ repeat, ...stepKinds });
export type ScriptStep = typeof ScriptStep.Type;

const ScriptItem = Schema.Struct({
  repeat,
  ...stepKinds,
  steps: Schema.optionalKey(Schema.Array(ScriptStep)),
});
export type ScriptItem = typeof ScriptItem.Type;

const Holding = Schema.Struct({
  balance: amount("889587.0", 18),
  hold: byDefault(amount("0.2", 18), "0"),
});

const PaperProduct = Schema.Struct({
  price: positive("0.1563"),
  spread_bps: byDefault(integer(0, 5_000), "10"),
  volatility_bps: byDefault(integer(0, 5_000), "0"),
  base_increment: positive("0.1"),
  price_increment: positive("0.0001"),
  base_min_size: positive("0.1"),
  quote_min_size: amount("1"),
  status: byDefault(
    choice(["online", "limit_only", "post_only", "cancel_only", "halted", "delisted"]),
    "online",
  ),
});
export type PaperProduct = typeof PaperProduct.Type;

const window = { from_s: seconds(0), for_s: seconds(0.001) };
const SymbolWindow = Schema.Struct({ symbol, ...window });
export type SymbolWindow = typeof SymbolWindow.Type;

const Latency = Schema.Struct({ min: byDefault(milliseconds, "0"), max: milliseconds });

/** A script as decoded. `behaviour` is by symbol. */
export const PaperScript = Schema.Struct({
  seed: byDefault(integer(0, 2 ** 32 - 1), "1"),
  fee_bps: byDefault(feeBps, "0"),
  latency_ms: byDefault(Latency, { max: "0" }),
  fill_after_ms: byDefault(milliseconds, "1000"),
  refusals: byDefault(choice(["remembered", "forgotten"]), "remembered"),
  account: Schema.Record(currency, Holding),
  products: Schema.Record(symbol, PaperProduct),
  behaviour: byDefault(Schema.Record(symbol, Schema.Array(ScriptItem)), {}),
  outages: byDefault(
    Schema.Array(Schema.Struct({ ...window, kind: choice(["down", "maintenance", "rate_limited"]) })),
    [],
  ),
  halts: byDefault(Schema.Array(SymbolWindow), []),
  stale_quotes: byDefault(Schema.Array(SymbolWindow), []),
  crossed: byDefault(Schema.Array(SymbolWindow), []),
});
export type PaperScript = typeof PaperScript.Type;
