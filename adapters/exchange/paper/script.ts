// Reads a script for the paper exchange: YAML in, a checked script out, or every problem at once with its line.
import { readFileSync, statSync } from "node:fs";
import { Exit, Schema } from "effect";
import { type Document, isNode, LineCounter, parseDocument } from "yaml";
import { formatProblem, maxFileBytes, type Problem } from "../../../config/mod.ts";
import { TradingSymbol } from "../../../machines/mod.ts";
import { type ProgramNode, type Step, toProgram } from "./program.ts";
import { checkRelations } from "./script_checks.ts";
import { faultsOf, verdictOn } from "./script_faults.ts";
import { PaperScript as Decoded, type PaperProduct, type SymbolWindow } from "./script_schema.ts";

/** What a paper exchange is told: the account it opens with, its products, and how it behaves. */
export interface PaperScript extends Omit<Decoded, "products" | "behaviour"> {
  readonly products: ReadonlyMap<TradingSymbol, PaperProduct>;
  readonly behaviour: ReadonlyMap<TradingSymbol, readonly ProgramNode[]>;
}
export type { PaperProduct, Step, SymbolWindow };

export class PaperScriptError extends Schema.TaggedError<PaperScriptError>()("PaperScriptError", {
  file: Schema.String,
  /** One sentence each: what is wrong, what was expected, what to do. */
  problems: Schema.Array(Schema.String),
  message: Schema.String,
}) {}

/** Reads the script at `path`. Throws `PaperScriptError` with all that is wrong. */
export function readPaperScript(path: string): PaperScript {
  return parsePaperScript(textOf(path), path);
}

/** @param file how messages call it */
export function parsePaperScript(text: string, file = "paper.yaml"): PaperScript {
  const source = new ScriptSource(file, text);
  if (source.problems.length > 0) throw refusal(file, source.problems);
  const raw = withoutShorthands(source.root);
  const exit = Schema.decodeUnknownExit(Decoded)(raw, { errors: "all", onExcessProperty: "error" });
  const problems = [
    ...faultsOf(exit).map((fault) => source.problem(fault.path, verdictOn(fault, raw))),
    ...checkRelations(raw).map(({ path, verdict }) => source.problem(path, verdict)),
  ].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  if (Exit.isFailure(exit) || problems.length > 0) throw refusal(file, problems);
  const { products, behaviour, ...rest } = exit.value;
  return {
    ...rest,
    products: bySymbol(products, (product) => product),
    behaviour: bySymbol(behaviour, toProgram),
  };
}

/** One fault of syntax makes the parser complain of everything after it. */
const SYNTAX_PROBLEMS_MAX = 3;

/** The text of a script, and where in it each value stands. */
class ScriptSource {
  readonly problems: Problem[] = [];
  readonly root: unknown;
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed;

  constructor(file: string, text: string) {
    this.#file = file;
    // "failsafe" leaves every scalar as it is written: 889587.0 stays 889587.0, and no amount is ever a float.
    this.#document = parseDocument(text, { lineCounter: this.#lines, schema: "failsafe", stringKeys: true });
    const told = new Set<number>();
    for (const { code, message, pos } of this.#document.errors) {
      const { line } = this.#lines.linePos(pos[0]);
      if (told.has(line) || told.size === SYNTAX_PROBLEMS_MAX) continue;
      told.add(line);
      this.#syntax(code, message, pos[0]);
    }
    this.root = this.problems.length > 0 ? undefined : this.#plain();
  }

  problem(path: readonly PropertyKey[], verdict: Verdict): Problem {
    const { line, col } = this.#place(path);
    return {
      ...verdict,
      file: this.#file,
      line,
      column: col,
      path: path.length === 0 ? null : written(path),
    };
  }

  #syntax(code: string, message: string, offset: number): void {
    const { line, col } = this.#lines.linePos(offset);
    const said = message.split("\n")[0]?.replace(/ at line \d+, column \d+:?$/, "") ?? message;
    const [expected, advice] =
      code === "MULTIPLE_DOCS"
        ? ["has a second document after ---", "keep one document a file"]
        : [`is not YAML (${said})`, "compare this line with the shipped script"];
    const place = { file: this.#file, line, column: col, path: null, value: null } as const;
    this.problems.push({ ...place, code: "config_syntax", expected, advice });
  }

  #plain(): unknown {
    try {
      const root: unknown = this.#document.toJS({ maxAliasCount: 1_000 });
      if (typeof root === "object" && root !== null && !Array.isArray(root)) return root;
    } catch {
      this.#whole("has aliases that expand too far", "write the values themselves");
      return undefined;
    }
    this.#whole("is not a script", "begin with sections such as account and products");
    return undefined;
  }

  #whole(expected: string, advice: string): void {
    const place = { file: this.#file, line: null, column: null, path: null, value: null } as const;
    this.problems.push({ ...place, code: "config_type", expected, advice });
  }

  /** The place of what stands at `path`, or of what it should stand in. */
  #place(path: readonly PropertyKey[]): { line: number; col: number } {
    for (let length = path.length; length > 0; length -= 1) {
      const node = this.#document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return this.#lines.linePos(node.range[0]);
    }
    return { line: 1, col: 1 };
  }
}

type Verdict = Pick<Problem, "code" | "value" | "expected" | "advice">;

/** `USD: 1500` stands for `USD: {balance: 1500}`, and `parts: [0.5, 0.5]` for a list of `{fraction: 0.5}`. */
function withoutShorthands(root: unknown): unknown {
  if (!isRecord(root)) return root;
  const { account, behaviour } = root;
  return {
    ...root,
    ...(isRecord(account) ? { account: mapValues(account, (held) => boxed(held, "balance")) } : {}),
    ...(isRecord(behaviour) ? { behaviour: mapValues(behaviour, (items) => mapList(items, longItem)) } : {}),
  };
}

function longItem(item: unknown): unknown {
  if (!isRecord(item)) return item;
  const { fill, steps } = item;
  const long = isRecord(fill) && Array.isArray(fill["parts"]);
  return {
    ...item,
    ...(long ? { fill: { ...fill, parts: mapList(fill["parts"], (part) => boxed(part, "fraction")) } } : {}),
    ...(Array.isArray(steps) ? { steps: mapList(steps, longItem) } : {}),
  };
}

function boxed(value: unknown, name: string): unknown {
  return typeof value === "string" ? { [name]: value } : value;
}

function mapList(value: unknown, change: (item: unknown) => unknown): unknown {
  return Array.isArray(value) ? value.map(change) : value;
}

function mapValues(value: Readonly<Record<string, unknown>>, change: (inner: unknown) => unknown): unknown {
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, change(inner)]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function bySymbol<A, B>(
  section: Readonly<Record<string, A>>,
  change: (value: A) => B,
): ReadonlyMap<TradingSymbol, B> {
  const entries = Object.entries(section);
  return new Map(entries.map(([symbol, value]) => [TradingSymbol.make(symbol), change(value)]));
}

/** `behaviour.BONK-USD[0].reject.code`. */
function written(path: readonly PropertyKey[]): string {
  return path
    .map((step, i) =>
      /^\d+$/.test(String(step)) ? `[${String(step)}]` : `${i === 0 ? "" : "."}${String(step)}`,
    )
    .join("");
}

function textOf(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > maxFileBytes) throw new Error(`is ${size} bytes, over the limit of ${maxFileBytes}`);
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const expected = `cannot be read (${why})`;
    const advice = "name a readable UTF-8 file";
    const place = { file: path, line: null, column: null, path: null, value: null } as const;
    throw refusal(path, [{ ...place, code: "config_unreadable", expected, advice }]);
  }
}

function refusal(file: string, problems: readonly Problem[]): PaperScriptError {
  const sentences = problems.map(formatProblem);
  return new PaperScriptError({ file, problems: sentences, message: sentences.join("\n") });
}
