// A copy of the repository in a temporary folder, in which mutants are made: never in the repository itself.
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filesOf } from "../tidy/repository.ts";
import { parseSource } from "../tidy/source.ts";
import type { Edit, Mutant } from "./mutant.ts";

/** What it takes to make a mutant, or why it cannot be made: it is stale, or no TypeScript. */
export type Made =
  | { readonly ok: true; readonly texts: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly why: string };

/** The files of a mutant as they would be, by path. `read` gives a file as it is; it throws where there is none. */
export function make(mutant: Pick<Mutant, "edits">, read: (path: string) => string): Made {
  const texts = new Map<string, string>();
  for (const { file, find, replace } of mutant.edits) {
    const before = texts.get(file) ?? read(file);
    const times = before.split(find).length - 1;
    if (times !== 1) return { ok: false, why: `${file}: ${times} times, expected once: ${brief(find)}` };
    const after = before.replace(find, () => replace);
    if (after === before) return { ok: false, why: `${file}: nothing changes at ${brief(find)}` };
    texts.set(file, after);
  }
  const broken = [...texts].flatMap(([path, text]) => syntaxProblem(path, text) ?? []);
  return broken.length > 0 ? { ok: false, why: broken.join("; ") } : { ok: true, texts };
}

/** A folder with what git tracks of `root`, as it is now, and the modules of `root` linked. */
export class Workplace {
  readonly folder: string;
  readonly #originals = new Map<string, string>();

  constructor(root: string) {
    this.folder = mkdtempSync(join(tmpdir(), "purgatory-mutants-"));
    for (const path of filesOf(root, { untracked: false })) cpSync(join(root, path), join(this.folder, path));
    // Not a link to a link: the program grants itself what its modules are, and looks no further.
    symlinkSync(realpathSync(join(root, "node_modules")), join(this.folder, "node_modules"));
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), "utf8");
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.folder, path), text);
  }

  change(texts: ReadonlyMap<string, string>): void {
    for (const [path, text] of texts) {
      this.#originals.set(path, this.read(path));
      this.write(path, text);
    }
  }

  restore(): void {
    for (const [path, text] of this.#originals) this.write(path, text);
    this.#originals.clear();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** One edit, for a person: where, what was there, what is there instead. */
export function describeEdit({ file, find, replace }: Edit): string {
  const lines = (text: string, sign: string) =>
    text === ""
      ? []
      : text
          .trimEnd()
          .split("\n")
          .map((line) => `    ${sign} ${line.trim()}`);
  return [`  ${file}`, ...lines(find, "-"), ...lines(replace, "+")].join("\n");
}

function brief(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

function syntaxProblem(path: string, text: string): string | null {
  try {
    parseSource(path, text);
    return null;
  } catch (error) {
    return `${path}: cannot be parsed: ${String(error).split("\n", 1)[0]}`;
  }
}
