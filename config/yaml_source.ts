// Parses one YAML file into plain data, and remembers where each value stood and how it was written.
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from "yaml";
import type { Problem, ProblemCode } from "./problem.ts";

/** One value as written. `source` is its text, for scalars; the place is the key's where the value is empty. */
export interface SourceNode {
  readonly kind: "text" | "number" | "boolean" | "null" | "list" | "section";
  readonly source: string;
  readonly value: unknown;
  readonly line: number;
  readonly column: number;
}

export interface YamlSource {
  readonly file: string;
  /** Plain data; undefined when the file could not be understood. */
  readonly root: unknown;
  /** By path, as `exclusions.never_trade[1]`; the empty path is the file itself. */
  readonly nodes: ReadonlyMap<string, SourceNode>;
  readonly problems: readonly Problem[];
}

const maxDepth = 20;

/** `path` and one step further, the way messages write it. */
export function join(path: string, step: string | number): string {
  if (typeof step === "number") return `${path}[${step}]`;
  return path === "" ? step : `${path}.${step}`;
}

/** Parses `text`. Only sections in `known` are looked into: whatever is in the others is not ours to judge. */
export function parseYaml(file: string, text: string, known: ReadonlySet<string>): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false, // a pretty error quotes the source, which may be a secret
    stringKeys: true,
    schema: "core",
    resolveKnownTags: false,
  });
  const reader = new Reader(file, lines, known);
  const broken = reader.syntax(document, text);
  const root = broken ? undefined : reader.read(document.contents);
  return { file, root, nodes: reader.nodes, problems: reader.problems };
}

class Reader {
  readonly nodes = new Map<string, SourceNode>();
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #known: ReadonlySet<string>;

  constructor(file: string, lines: LineCounter, known: ReadonlySet<string>) {
    this.#file = file;
    this.#lines = lines;
    this.#known = known;
  }

  /** Reports what the parser found, one sentence a line of the file. True when no value can be trusted. */
  syntax(document: Document.Parsed, text: string): boolean {
    let broken = false;
    const told = new Set<number>();
    for (const { code, pos } of document.errors) {
      const { line } = this.#lines.linePos(pos[0]);
      const harmless = code === "DUPLICATE_KEY" || code === "MULTIPLE_DOCS";
      broken ||= !harmless;
      if (told.has(line)) continue;
      told.add(line);
      if (code === "DUPLICATE_KEY") this.#duplicate(pos[0], text);
      else if (code === "MULTIPLE_DOCS") this.#many(pos[0]);
      else if (told.size <= 10) this.#say("config_syntax", pos[0], null, ...(syntaxAdvice[code] ?? unclear));
    }
    return broken;
  }

  read(contents: Node | null): unknown {
    if (contents === null || (isScalar(contents) && contents.value === null)) {
      this.#say("config_empty", null, null, "is empty", "write its sections, or take the shipped file");
      return undefined;
    }
    if (isMap(contents)) return this.#value(contents, "", 0, 0);
    const what = isSeq(contents) ? "a list" : "a single value";
    this.#say(
      "config_type",
      null,
      null,
      `is ${what}, not sections`,
      "begin with a section such as the shipped file has",
    );
    return undefined;
  }

  #value(node: unknown, path: string, keyOffset: number, depth: number): unknown {
    const offset = isNode(node) ? (node.range?.[0] ?? keyOffset) : keyOffset;
    if (depth > maxDepth) {
      this.#say("config_syntax", offset, path, `is nested over ${maxDepth} deep`, "write it flatter");
      return undefined;
    }
    if (isAlias(node)) {
      this.#say("config_alias", offset, path, "is an alias (*name)", "write the value itself");
      return undefined;
    }
    if (isNode(node) && node.tag !== undefined && !coreTag.test(node.tag)) {
      this.#say("config_alias", offset, path, "carries a tag (!name)", "write the value without it");
      return undefined;
    }
    if (isMap(node)) return this.#section(node.items, path, keyOffset, depth);
    if (isSeq(node)) {
      this.#keep(path, keyOffset, "list", "", undefined);
      return node.items.map((item, i) => this.#value(item, join(path, i), offset, depth + 1));
    }
    const scalar = isScalar(node) ? node : { value: null, source: "" };
    const value = scalar.value ?? null;
    const kind = scalarKind(value);
    this.#keep(path, value === null ? keyOffset : offset, kind, scalar.source ?? String(value), value);
    return value;
  }

  #section(pairs: readonly Pair[], path: string, offset: number, depth: number): unknown {
    this.#keep(path, offset, "section", "", undefined);
    const entries: [string, unknown][] = [];
    for (const { key, value } of pairs) {
      const name = isScalar(key) ? String(key.value) : String(key);
      const at = isNode(key) ? (key.range?.[0] ?? offset) : offset;
      const inner = join(path, name);
      if (depth === 0 && !this.#known.has(name)) this.#keep(inner, at, "section", "", undefined);
      entries.push([
        name,
        depth === 0 && !this.#known.has(name) ? null : this.#value(value, inner, at, depth + 1),
      ]);
    }
    return Object.fromEntries(entries);
  }

  #keep(path: string, offset: number, kind: SourceNode["kind"], source: string, value: unknown): void {
    const { line, col } = this.#lines.linePos(offset);
    this.nodes.set(path, { kind, source, value, line: Math.max(line, 1), column: col });
  }

  #duplicate(offset: number, text: string): void {
    const name = /^["']?([\w.-]{1,60})/.exec(text.slice(offset, offset + 80))?.[1] ?? "a key";
    const expected = `writes ${name} a second time in its section`;
    this.#say("config_duplicate_key", offset, null, expected, "delete one of them");
  }

  #many(offset: number): void {
    const expected = "begins a second document";
    this.#say("config_many_documents", offset, null, expected, "keep one document a file");
  }

  #say(
    code: ProblemCode,
    offset: number | null,
    path: string | null,
    expected: string,
    advice: string,
  ): void {
    const at = offset === null ? null : this.#lines.linePos(offset);
    const [line, column] = at === null ? [null, null] : [Math.max(at.line, 1), at.col];
    this.problems.push({ code, file: this.#file, line, column, path, value: null, expected, advice });
  }
}

const coreTag = /^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq)$/;

function isNode(node: unknown): node is Node {
  return isMap(node) || isSeq(node) || isScalar(node) || isAlias(node);
}

function scalarKind(value: unknown): SourceNode["kind"] {
  if (value === null) return "null";
  if (typeof value === "number") return "number";
  return typeof value === "boolean" ? "boolean" : "text";
}

const unclear = ["is not YAML here", "compare this line with the shipped file"] as const;

/** Our own words for each complaint of the parser: its messages can quote the file. */
const syntaxAdvice: Readonly<Record<string, readonly [string, string]>> = {
  BAD_ALIAS: ["has an alias without a name", "put the text after * in quotes, or write the value itself"],
  BAD_DQ_ESCAPE: [
    "has an escape in double quotes that YAML does not know",
    "use single quotes, or double the backslash",
  ],
  BAD_INDENT: [
    "is indented in a way that YAML does not take, or a bracket is not closed",
    "align the keys of a section",
  ],
  BAD_SCALAR_START: ["begins a value with a reserved character (@ or `)", "put the value in quotes"],
  BLOCK_AS_IMPLICIT_KEY: [
    "has a second colon on one line, or a value with keys under it",
    "put one key on a line",
  ],
  BLOCK_IN_FLOW: ["has an indented block within brackets", "close the brackets first"],
  MISSING_CHAR: [
    "lacks a closing quote, bracket, colon or comma",
    "close it; the fault may be some lines above",
  ],
  MULTILINE_IMPLICIT_KEY: ["has a key over several lines", "put each key and its colon on one line"],
  NON_STRING_KEY: ["has a key that is a list or a section", "write the key as text"],
  RESOURCE_EXHAUSTION: ["is nested too deeply to be read", "write it flatter"],
  TAB_AS_INDENT: ["is indented with a tab", "indent with spaces"],
  UNEXPECTED_TOKEN: [
    "has something after the end of a value",
    "put the value in quotes, or begin a new line",
  ],
};
