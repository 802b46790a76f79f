// Turns what the schema has against a script into sentences: what is wrong, what was expected, what to do.
import { Exit, Schema, SchemaAST, type SchemaIssue } from "effect";
import { closest, distance } from "fastest-levenshtein";
import type { Problem } from "../../../config/mod.ts";
import { type Wanted, wantedKey } from "./script_schema.ts";

export type Verdict = Pick<Problem, "code" | "value" | "expected" | "advice">;

/** One complaint of the schema, with the place in the decoded data. */
export interface Fault {
  readonly path: readonly PropertyKey[];
  readonly kind: "missing" | "unknown_key" | "value";
  /** What the schema has at `path`; for an unknown key, what it has around it. */
  readonly ast: SchemaAST.AST | undefined;
  readonly wanted: Wanted | undefined;
}

/** Every complaint, at most one for each place. */
export function faultsOf(exit: Exit.Exit<unknown, Schema.SchemaError>): readonly Fault[] {
  if (Exit.isSuccess(exit)) return [];
  const [error] = exit.cause.reasons.map((reason) => ("error" in reason ? reason.error : undefined));
  if (!Schema.isSchemaError(error))
    throw new Error("a script's schema died instead of failing", { cause: exit });
  const byPath = new Map<string, Fault>();
  for (const fault of walk(error.issue, [])) {
    const place = JSON.stringify(fault.path.map(String));
    if (!byPath.has(place)) byPath.set(place, fault);
  }
  return [...byPath.values()];
}

/** @param raw what was decoded */
export function verdictOn(fault: Fault, raw: unknown): Verdict {
  const { kind, wanted } = fault;
  if (kind === "missing") return verdict("config_missing", "is missing", `write it${like(wanted)}`);
  if (kind === "unknown_key") return unknownKey(fault);
  return unfit(fault, valueAt(raw, fault.path));
}

/** The candidate that was probably meant, as advice; the candidates where none is near. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const same = candidates.find((candidate) => candidate.toLowerCase() === word.toLowerCase());
  const nearest = same ?? (candidates.length === 0 ? undefined : closest(word, candidates));
  if (nearest === undefined) return "delete it";
  const isNear = same !== undefined || distance(word, nearest) <= Math.max(2, Math.floor(word.length / 3));
  if (isNear) return `did you mean ${nearest}?`;
  if (candidates.length === 1) return `write ${nearest} or delete it`;
  return candidates.length > 20 ? "correct it" : `write one of ${candidates.join(", ")}`;
}

/** A value from the file, short and harmless. */
export function shown(value: string): string {
  if (/^[\w.:-]{1,60}$/.test(value)) return value;
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}

function* walk(issue: SchemaIssue.Issue, path: readonly PropertyKey[]): Generator<Fault> {
  switch (issue._tag) {
    case "Pointer":
      return yield* walk(issue.issue, [...path, ...issue.path]);
    case "Composite":
      for (const inner of issue.issues) yield* walk(inner, path);
      return;
    case "Encoding":
      return yield* walk(issue.issue, path);
    case "Filter":
      return yield {
        path,
        kind: "value",
        ast: undefined,
        wanted: asWanted(issue.filter.annotations?.[wantedKey]),
      };
    case "MissingKey":
      return yield { path, kind: "missing", ast: undefined, wanted: undefined };
    case "UnexpectedKey":
      return yield { path, kind: "unknown_key", ast: issue.ast, wanted: undefined };
    default: {
      const ast = "ast" in issue ? issue.ast : undefined;
      yield { path, kind: "value", ast, wanted: ast && wantedOf(ast) };
    }
  }
}

function wantedOf(ast: SchemaAST.AST): Wanted | undefined {
  return asWanted(SchemaAST.resolveAt<unknown>(wantedKey)(ast));
}

function asWanted(value: unknown): Wanted | undefined {
  const isWanted = (candidate: unknown): candidate is Wanted =>
    typeof candidate === "object" && candidate !== null && "expected" in candidate;
  return isWanted(value) ? value : undefined;
}

function unknownKey({ path, ast }: Fault): Verdict {
  const name = String(path.at(-1));
  if (ast === undefined || !SchemaAST.isObjects(ast))
    return verdict("config_unknown_key", "is not a key", "delete it");
  const [named] = ast.indexSignatures;
  if (named !== undefined) {
    const wanted = wantedOf(named.parameter);
    const advice = path[0] === "account" || name.includes("-") ? didYouMean(name, [name.toUpperCase()]) : "";
    const fallback = `write a name like ${wanted?.example ?? "BONK-USD"}`;
    const isCase = name !== name.toUpperCase() && advice !== "";
    return verdict(
      "config_type",
      `is not named as ${wanted?.expected ?? "it must be"}`,
      isCase ? advice : fallback,
    );
  }
  const known = ast.propertySignatures.map((property) => String(property.name));
  const advice = didYouMean(name, known);
  const remove = advice.startsWith("write") ? "delete it, or " : "";
  return verdict("config_unknown_key", "is not a key here", `${remove}${advice}`);
}

function unfit({ ast, wanted }: Fault, value: unknown): Verdict {
  if (wanted === undefined) {
    const section = ast !== undefined && SchemaAST.isArrays(ast) ? "a list" : "a section";
    const advice =
      section === "a list" ? "write one item a line, each after a dash" : "indent its keys under it";
    return verdict("config_type", `is ${kindOf(value)}, not ${section}`, advice);
  }
  if (typeof value !== "string") {
    return verdict("config_type", `is ${kindOf(value)}, not ${wanted.expected}`, `write it${like(wanted)}`);
  }
  if (value === "") return verdict("config_type", "is empty", `write ${wanted.expected}${like(wanted)}`);
  const { choices } = wanted;
  const advice = choices === undefined ? `write it${like(wanted)}` : didYouMean(value, choices);
  const code =
    choices !== undefined ? "config_choice" : /^-?[\d.]+$/.test(value) ? "config_range" : "config_type";
  return { code, value: shown(value), expected: `not ${wanted.expected}`, advice };
}

function verdict(code: Problem["code"], expected: string, advice: string): Verdict {
  return { code, value: null, expected, advice };
}

function like(wanted: Wanted | undefined): string {
  return wanted?.example === undefined ? "" : ` like ${wanted.example}`;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "a section" : "a single value";
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, step) => {
    if (typeof at !== "object" || at === null) return undefined;
    return Object.entries(at).find(([name]) => name === String(step))?.[1];
  }, raw);
}
