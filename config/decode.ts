// Takes one parsed file through its schema: fills in defaults, collects every fault, and keeps what is sound.
import * as Exit from "effect/Exit";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import * as SchemaAST from "effect/SchemaAST";
import * as SchemaIssue from "effect/SchemaIssue";
import { ignoredIn, plainDecimal, specOf } from "./keys.ts";
import type { Note, Problem } from "./problem.ts";
import { defaultOf, inside, isNamed, isSection, keysIn, keysOf, sectionNames } from "./shape.ts";
import { keyName, meant, notFitting, notShaped, type Verdict } from "./words.ts";
import { join, type SourceNode, type YamlSource } from "./yaml_source.ts";

/** A key's effective value: as written, or the default. Amounts are decimal strings. */
export interface Effective {
  readonly value: unknown;
  readonly node: SourceNode | undefined;
}

export interface Decoded<T> {
  readonly file: string;
  /** Null when anything is wrong with the file. */
  readonly value: T | null;
  /** Looks up one key; undefined when it, or something around it, is at fault. */
  readonly effective: (path: string) => Effective | undefined;
  readonly problems: readonly Problem[];
  readonly notes: readonly Note[];
}

/** Decodes `source` as `schema`. All faults are reported, none hides another. */
export function decodeSource<T>(schema: Schema.Codec<T, unknown>, source: YamlSource): Decoded<T> {
  const { file, nodes } = source;
  const filler = new Filler(file, nodes, schema.ast);
  const filled = source.root === undefined ? undefined : filler.fill(schema.ast, source.root, "");
  const result = decodeAll(schema, filled);
  const wrong =
    Result.isSuccess(result) || filled === undefined ? [] : faults(schema.ast, result.failure, source);
  const problems = [...source.problems, ...wrong];
  return {
    file,
    value: Result.isSuccess(result) && problems.length === 0 ? result.success : null,
    effective: (path) => (filled === undefined ? undefined : effective(filled, path, nodes, problems)),
    problems,
    notes: filler.notes,
  };
}

/** What the file means when it is absent: every default. */
export function decodeDefaults<T>(schema: Schema.Codec<T, unknown>, file: string): Decoded<T> {
  return decodeSource(schema, { file, root: {}, nodes: new Map(), problems: [] });
}

type Fault = { readonly tag: string; readonly path: readonly PropertyKey[] };

const formatFaults = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => issue._tag,
  checkHook: () => "Filter",
});

function decodeAll<T>(schema: Schema.Codec<T, unknown>, input: unknown): Result.Result<T, readonly Fault[]> {
  const exit = Schema.decodeUnknownExit(schema)(input, { errors: "all", onExcessProperty: "error" });
  if (Exit.isSuccess(exit)) return Result.succeed(exit.value);
  const error = exit.cause.reasons.map((reason) => ("error" in reason ? reason.error : undefined))[0];
  if (!Schema.isSchemaError(error))
    throw new Error("a configuration schema died instead of failing", { cause: exit });
  const { issues } = formatFaults(error.issue);
  return Result.fail(
    issues.map(({ message, path = [] }) => ({
      tag: message,
      path: path.map((step) => (typeof step === "object" ? step.key : step)),
    })),
  );
}

/** Prepares input for decoding: defaults in, ignored keys out, amounts as the text in the file. */
class Filler {
  readonly notes: Note[] = [];
  readonly #file: string;
  readonly #nodes: ReadonlyMap<string, SourceNode>;
  readonly #top: SchemaAST.AST;

  constructor(file: string, nodes: ReadonlyMap<string, SourceNode>, top: SchemaAST.AST) {
    this.#file = file;
    this.#nodes = nodes;
    this.#top = top;
  }

  fill(ast: SchemaAST.AST, value: unknown, path: string): unknown {
    if (isSection(ast)) return this.#section(ast, value ?? {}, path);
    if (specOf(ast)?.kind === "usd") return this.#amount(value, path);
    if (SchemaAST.isArrays(ast) && Array.isArray(value)) {
      return value.map((item, i) => this.#inner(ast, item, i, path));
    }
    if (!isNamed(ast) || !isRecord(value)) return value;
    const entries = Object.entries(value).map(([name, inner]) => [name, this.#inner(ast, inner, name, path)]);
    return Object.fromEntries(entries);
  }

  #inner(ast: SchemaAST.AST, value: unknown, step: string | number, path: string): unknown {
    const type = inside(ast, step);
    return type === undefined ? value : this.fill(type, value, join(path, step));
  }

  #section(ast: SchemaAST.Objects, value: unknown, path: string): unknown {
    if (!isRecord(value)) return value;
    const keys = keysIn(ast);
    const ignored = ignoredIn(ast);
    const strangers = Object.keys(value).filter((name) => !keys.has(name));
    const dropped = strangers.filter((name) => ignored === "any" || ignored.includes(name));
    this.#noteIgnored(path, dropped);
    const entries: [string, unknown][] = strangers
      .filter((name) => !dropped.includes(name))
      .map((name) => [name, value[name]]);
    for (const [name, type] of keys) {
      const written = Object.hasOwn(value, name);
      const inner = written
        ? this.fill(type, value[name], join(path, name))
        : this.#absent(type, join(path, name));
      if (inner !== undefined) entries.push([name, inner]);
    }
    return Object.fromEntries(entries);
  }

  #absent(type: SchemaAST.AST, path: string): unknown {
    return isSection(type) ? this.fill(type, {}, path) : defaultOf(type);
  }

  /** NaN for what is no plain decimal: it fails to decode, and the message is made from the source. */
  #amount(value: unknown, path: string): unknown {
    const source = this.#nodes.get(path)?.source ?? "";
    return typeof value === "number" && plainDecimal.test(source) ? source : Number.NaN;
  }

  /** An ignored key may also be a slip of the pen, or one of ours in the wrong place: it would go unnoticed. */
  #noteIgnored(path: string, names: readonly string[]): void {
    if (names.length === 0) return;
    const what = path === "" ? "not a section of Purgatory's" : "without effect here";
    const where = path === "" ? "" : `${keyName(path)}: `;
    this.#note(path, names[0] ?? "", `${where}${names.map(keyName).join(", ")}: ${what}, ignored`);
    const sections = [...sectionNames(this.#top)];
    const keys = path === "" ? [] : keysOf(this.#top).map((key) => key.path);
    for (const name of names) {
      const guess = path === "" ? meant(name, sections) : keys.find((key) => key.endsWith(`.${name}`));
      if (guess === undefined) continue;
      this.#note(path, name, `${keyName(join(path, name))} is ignored; did you mean ${guess}?`);
    }
  }

  #note(path: string, name: string, text: string): void {
    this.notes.push({ file: this.#file, line: this.#nodes.get(join(path, name))?.line ?? null, text });
  }
}

function faults(top: SchemaAST.AST, found: readonly Fault[], source: YamlSource): readonly Problem[] {
  const told = new Set(source.problems.map((problem) => problem.path));
  const problems: Problem[] = [];
  for (const { tag, path } of found) {
    const at = locate(top, path);
    if (told.has(at.path)) continue;
    told.add(at.path);
    const verdict = tag === "UnexpectedKey" && !at.isValue ? strange(top, at) : judge(tag, at, source.nodes);
    const node = source.nodes.get(at.path) ?? source.nodes.get(at.parent);
    const [line, column] = [node?.line ?? null, node?.column ?? null];
    const shown = tag === "UnexpectedKey" ? keyPath(at) : at.path;
    problems.push({ ...verdict, file: source.file, line, column, path: shown === "" ? null : shown });
  }
  return problems;
}

interface Location {
  readonly path: string;
  readonly parent: string;
  readonly name: string;
  /** What the schema has at `path`; undefined for an unknown key. */
  readonly ast: SchemaAST.AST | undefined;
  readonly parentAst: SchemaAST.AST;
  /** True when `path` is a key with a spec; faults within its value count as its own. */
  readonly isValue: boolean;
}

function locate(top: SchemaAST.AST, steps: readonly PropertyKey[]): Location {
  let at: Location = { path: "", parent: "", name: "", ast: top, parentAst: top, isValue: false };
  for (const step of steps) {
    if (at.ast === undefined || at.isValue) return at;
    const ast = inside(at.ast, step);
    const path = join(at.path, typeof step === "number" ? step : String(step));
    const isValue = ast !== undefined && specOf(ast) !== undefined;
    at = { path, parent: at.path, name: String(step), ast, parentAst: at.ast, isValue };
  }
  return at;
}

function keyPath({ parent, name }: Location): string {
  return join(parent, keyName(name));
}

function strange(top: SchemaAST.AST, { parentAst, name }: Location): Verdict {
  if (isNamed(parentAst)) {
    const advice = "begin with a letter; then letters, digits, - and _, at most 64";
    return { code: "config_type", value: null, expected: "is not a usable name", advice };
  }
  const siblings = isSection(parentAst) ? [...keysIn(parentAst).keys()] : [];
  const elsewhere = keysOf(top).find((key) => key.path.endsWith(`.${name}`))?.path;
  const near = meant(name, siblings);
  const guess = near ?? elsewhere;
  const advice =
    guess === undefined ? `delete it; the keys here are ${siblings.join(", ")}` : `did you mean ${guess}?`;
  return { code: "config_unknown_key", value: null, expected: "is not a known key", advice };
}

function judge(tag: string, at: Location, nodes: ReadonlyMap<string, SourceNode>): Verdict {
  const node = nodes.get(at.path);
  if (tag === "MissingKey" || node === undefined || at.ast === undefined) {
    const none =
      at.ast !== undefined && SchemaAST.isArrays(at.ast) ? `, as ${at.name}: [] if there are none` : "";
    return { code: "config_missing", value: null, expected: "is missing", advice: `write it${none}` };
  }
  const spec = specOf(at.ast);
  if (spec !== undefined) return notFitting(spec, node, defaultOf(at.ast));
  return notShaped(node, SchemaAST.isArrays(at.ast) ? "list" : "section");
}

function effective(
  filled: unknown,
  path: string,
  nodes: ReadonlyMap<string, SourceNode>,
  problems: readonly Problem[],
): Effective | undefined {
  const isAtFault = problems.some(
    (problem) => problem.path !== null && (path === problem.path || path.startsWith(`${problem.path}.`)),
  );
  if (isAtFault) return undefined;
  const value = path.split(".").reduce((at: unknown, name) => (isRecord(at) ? at[name] : undefined), filled);
  return value === undefined ? undefined : { value, node: nodes.get(path) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
