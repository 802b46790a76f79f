// What a mutant is: one break, made on purpose, that something must notice.

/** Text of a source file and what takes its place. */
export interface Edit {
  /** From the top of the repository. */
  readonly file: string;
  /** Occurs exactly once in the file; else the mutant is stale, and says nothing any more. */
  readonly find: string;
  readonly replace: string;
}

/** Who has to notice. `tests`: files for Vitest, from the top of the repository. `simulate`: the simulator, over so many
 * seeds, for what only the whole system shows. */
export type Judge =
  | { readonly tests: readonly string[] }
  | { readonly simulate: true; readonly seeds: number };

export interface Mutant {
  /** In kebab-case, told by `--only`. */
  readonly id: string;
  /** What a user would suffer if this were shipped. */
  readonly suffers: string;
  readonly edits: readonly Edit[];
  readonly judge: Judge;
}

export interface Break {
  readonly id: string;
  readonly suffers: string;
  readonly find: string;
  readonly replace: string;
  /** What must change with it, so that the whole still fits together. */
  readonly also?: readonly Edit[];
  /** Other tests than those of the file's other mutants. */
  readonly tests?: readonly string[];
}

/** Breaks in one file, each judged by `tests` unless it names its own. */
export function inFile(file: string, tests: readonly string[], breaks: readonly Break[]): readonly Mutant[] {
  return breaks.map(({ id, suffers, find, replace, also = [], tests: own }) => ({
    id,
    suffers,
    edits: [{ file, find, replace }, ...also],
    judge: { tests: own ?? tests },
  }));
}
