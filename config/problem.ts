// What is wrong with a configuration, as data and as the sentences that `purgatory check` prints.

/** Every way in which a configuration can be refused. The codes are stable; the sentences are not. */
export const problemCodes = {
  config_alias: "an alias or a tag stands where a plain value must be",
  config_choice: "a word that is not among those allowed",
  config_conflict: "two values that contradict each other",
  config_duplicate_key: "a key is written twice in one section",
  config_duplicate_symbol: "a symbol or currency is listed twice",
  config_empty: "a file with nothing in it",
  config_many_documents: "more than one YAML document in a file",
  config_missing: "a file or key that has no default is missing",
  config_not_utf8: "a file is not UTF-8 text",
  config_range: "a number outside its range",
  config_secret_inline: "a secret stands in the file itself",
  config_secret_malformed: "what was found for a key, a certificate or credentials is none",
  config_secret_missing: "the variable or file that a secret is taken from gives nothing",
  config_syntax: "the file is not YAML",
  config_too_large: "a file over the size limit",
  config_type: "a value of the wrong type or shape",
  config_unknown_key: "a key that nothing reads",
  config_unreadable: "a file that cannot be read",
} as const;
export type ProblemCode = keyof typeof problemCodes;

/** One thing to put right. `line` and `column` count from 1; null where the fault has no place in a file. */
export interface Problem {
  readonly code: ProblemCode;
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
  /** Such as `exclusions.never_trade[1]`; null when the whole file is meant. */
  readonly path: string | null;
  /** As written in the file; null where there is none or it must not be shown. */
  readonly value: string | null;
  readonly expected: string;
  readonly advice: string;
}

/** Something accepted that an operator should know of. */
export interface Note {
  readonly file: string;
  readonly line: number | null;
  readonly text: string;
}

/** The last line of a good check, as operators of the Python original know it. */
export const allValid = "✅ All configuration files are valid!";

/** `policy.yaml:12: loop.interval_seconds is 0, under the minimum 1; raise it`. */
export function formatProblem(problem: Problem): string {
  const { line, path, value, expected, advice } = problem;
  const what = path ?? (line === null ? "the file" : "this line");
  const said = value === null ? expected : `is ${value}, ${expected}`;
  return `${place(problem)}: ${what} ${said}; ${advice}`;
}

/** All problems, a line each, and a last line that counts them. */
export function formatProblems(problems: readonly Problem[]): string {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return [...problems.map(formatProblem), `❌ ${count} in the configuration`].join("\n");
}

export function formatNotes(notes: readonly Note[]): string {
  return notes.map((note) => `note: ${place(note)}: ${note.text}`).join("\n");
}

/** What `purgatory check` prints: notes, then the problems or the line that all is well. */
export function formatCheck(result: {
  readonly problems?: readonly Problem[];
  readonly notes: readonly Note[];
}): string {
  const { problems = [], notes } = result;
  const verdict = problems.length === 0 ? allValid : formatProblems(problems);
  return notes.length === 0 ? verdict : `${formatNotes(notes)}\n${verdict}`;
}

function place({ file, line }: { readonly file: string; readonly line: number | null }): string {
  return line === null ? file : `${file}:${line}`;
}
