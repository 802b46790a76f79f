// The kinds of keys a configuration file may hold. Each is an Effect Schema that carries its own description,
// default and range, so that decoding, messages, JSON Schema and the reference table cannot disagree.
import * as BigDecimal from "effect/BigDecimal";
import * as Schema from "effect/Schema";
import * as SchemaAST from "effect/SchemaAST";

/** What a message or a table needs to know of a key beyond its type. */
export type KeySpec = { readonly nullable?: boolean } & (
  | { readonly kind: "usd"; readonly min: string; readonly max: string }
  | { readonly kind: "integer" | "number"; readonly min: number; readonly max: number }
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  | {
      readonly kind:
        | "boolean"
        | "symbol"
        | "currency"
        | "time"
        | "host"
        | "url"
        | "secret"
        | "user"
        | "inbox"
        | "reason"
        | "bot";
    }
);

const specKey = "purgatory/key";
const ignoredKey = "purgatory/ignored";

/** The spec of a key; undefined for sections and lists. */
export function specOf(ast: SchemaAST.AST): KeySpec | undefined {
  return SchemaAST.resolveAt<KeySpec>(specKey)(ast);
}

/** Keys of a section that are accepted and have no effect; `any` where that is so for every unknown one. */
export function ignoredIn(ast: SchemaAST.AST): readonly string[] | "any" {
  return SchemaAST.resolveAt<readonly string[] | "any">(ignoredKey)(ast) ?? [];
}

/** Annotation for a section some of whose keys are ignored with a note. */
export const ignoring = (keys: readonly string[] | "any") => ({ [ignoredKey]: keys });

const withSpec = (description: string, spec: KeySpec) => ({ description, [specKey]: spec });

/** Plain notation only: `1e3`, `0x10` and `05` are numbers to YAML but not amounts to a person. */
export const plainDecimal = /^(0|[1-9][0-9]{0,29})(\.[0-9]{1,30})?$/u;

type Text<D> = { readonly default: D };

/** An amount in USD, kept as the decimal string that the file says; never a float. */
export function usd(options: Text<string> & { min: string; max: string }, description: string) {
  const { min, max } = options;
  const range = { minimum: BigDecimal.fromStringUnsafe(min), maximum: BigDecimal.fromStringUnsafe(max) };
  const inRange = (text: string) =>
    plainDecimal.test(text) && BigDecimal.between(BigDecimal.fromStringUnsafe(text), range);
  return Schema.String.check(Schema.makeFilter(inRange)).annotate({
    ...withSpec(description, { kind: "usd", min, max }),
    default: options.default,
  });
}

type NumberRange = Text<number> & { min: number; max: number };

export function integer({ min, max, default: fallback }: NumberRange, description: string) {
  const checks = Schema.isBetween({ minimum: min, maximum: max });
  return Schema.Int.check(checks).annotate({
    ...withSpec(description, { kind: "integer", min, max }),
    default: fallback,
  });
}

/** A finite number that is not money: a duration, a share, a percentage. */
export function number({ min, max, default: fallback }: NumberRange, description: string) {
  const checks = Schema.isBetween({ minimum: min, maximum: max });
  return Schema.Finite.check(checks).annotate({
    ...withSpec(description, { kind: "number", min, max }),
    default: fallback,
  });
}

/** A number that may be left out or null, which then means that the matter does not arise. */
export function optionalNumber(range: { min: number; max: number }, description: string) {
  const checks = Schema.isBetween({ minimum: range.min, maximum: range.max });
  return Schema.NullOr(Schema.Finite.check(checks)).annotate({
    ...withSpec(description, { kind: "number", ...range, nullable: true }),
    default: null,
  });
}

export function optionalInteger(range: { min: number; max: number }, description: string) {
  const checks = Schema.isBetween({ minimum: range.min, maximum: range.max });
  return Schema.NullOr(Schema.Int.check(checks)).annotate({
    ...withSpec(description, { kind: "integer", ...range, nullable: true }),
    default: null,
  });
}

export function boolean(fallback: boolean, description: string) {
  return Schema.Boolean.annotate({ ...withSpec(description, { kind: "boolean" }), default: fallback });
}

export function choice<const C extends readonly [string, ...string[]]>(
  choices: C,
  fallback: C[number],
  description: string,
) {
  return Schema.Literals(choices).annotate({
    ...withSpec(description, { kind: "choice", choices }),
    default: fallback,
  });
}

/** The same pattern and brand as the machines' `TradingSymbol`; a test holds them together. */
export const symbol = Schema.String.check(Schema.isPattern(/^[A-Z0-9]{1,20}-[A-Z0-9]{2,10}$/u))
  .annotate(withSpec("a product, such as BONK-USD", { kind: "symbol" }))
  .pipe(Schema.brand("TradingSymbol"));
export type ListedSymbol = typeof symbol.Type;

export const currency = Schema.String.check(Schema.isPattern(/^[A-Z0-9]{1,20}$/u)).annotate(
  withSpec("a currency, such as USDC", { kind: "currency" }),
);

const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/u;

/** The time in UTC with milliseconds; null for what is no time, lacks a zone, or names a day that does not exist. */
export function utcTime(text: string): string | null {
  if (!instant.test(text) || Number.isNaN(Date.parse(text))) return null;
  const day = text.slice(0, 10);
  // Date.parse takes 30 February for 2 March.
  if (!new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)) return null;
  return new Date(text).toISOString();
}

export function optionalTime(description: string) {
  const exists = Schema.makeFilter((text: string) => utcTime(text) !== null);
  const time = Schema.String.check(Schema.isPattern(instant), exists);
  return Schema.NullOr(time).annotate({
    ...withSpec(description, { kind: "time", nullable: true }),
    default: null,
  });
}

export function optionalReason(description: string) {
  return Schema.NullOr(Schema.String.check(Schema.isMaxLength(500))).annotate({
    ...withSpec(description, { kind: "reason", nullable: true }),
    default: null,
  });
}

/** The name that another program gives itself on the bus; the same pattern as the machines' `HoldingsPublished`. */
export function optionalBot(description: string) {
  return Schema.NullOr(Schema.String.check(Schema.isPattern(/^[A-Za-z0-9][\w.-]{0,63}$/u))).annotate({
    ...withSpec(description, { kind: "bot", nullable: true }),
    default: null,
  });
}

export function host(fallback: string, description: string) {
  const pattern = /^(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)$/u;
  return Schema.String.check(Schema.isPattern(pattern)).annotate({
    ...withSpec(description, { kind: "host" }),
    default: fallback,
  });
}

/** No user or password in it: an address is printed, a secret is not. */
export function optionalNatsUrl(description: string) {
  const pattern = /^(nats|tls|wss?):\/\/[A-Za-z0-9.:[\]-]+(\/[^@\s]*)?$/u;
  return Schema.NullOr(Schema.String.check(Schema.isPattern(pattern))).annotate({
    ...withSpec(description, { kind: "url", nullable: true }),
    default: null,
  });
}

const reference = Schema.Struct({
  env: Schema.optionalKey(
    Schema.String.check(Schema.isPattern(/^[A-Za-z_][A-Za-z0-9_]*$/u)).annotate({
      description: "name of an environment variable",
    }),
  ),
  file: Schema.optionalKey(
    Schema.String.check(Schema.isPattern(/^[^\0]{1,4096}$/u)).annotate({
      description: "path of a file that holds the secret and nothing else; relative to this directory",
    }),
  ),
}).check(Schema.isBetweenProperties(1, 1));
export type Reference = typeof reference.Type;
export const isReference = Schema.is(reference);

/** A secret: never in the file itself, only the name of a variable or the path of a file that holds it. */
export function optionalSecret(description: string) {
  return Schema.NullOr(reference).annotate({
    ...withSpec(description, { kind: "secret", nullable: true }),
    default: null,
  });
}

/** Words of letters, digits, `_` and `-` with dots between: a subject without wildcards. */
export const plainSubject = /^(?=.{1,200}$)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/u;

export function optionalInboxPrefix(description: string) {
  return Schema.NullOr(Schema.String.check(Schema.isPattern(plainSubject))).annotate({
    ...withSpec(description, { kind: "inbox", nullable: true }),
    default: null,
  });
}

/** A name that may stand in the file, or be referred to like a secret. */
export function optionalUser(description: string) {
  const text = Schema.String.check(Schema.isPattern(/^[^\s\p{C}]{1,200}$/u));
  return Schema.NullOr(Schema.Union([text, reference])).annotate({
    ...withSpec(description, { kind: "user", nullable: true }),
    default: null,
  });
}
