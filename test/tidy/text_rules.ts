// What no file of the repository may say, whatever it is written in.
import type { Problem } from "./source.ts";

export interface TextFile {
  readonly path: string;
  readonly text: string;
}

type Word = readonly [pattern: RegExp, why: string];

/** Written so that no pattern finds itself. */
const EVERYWHERE: readonly Word[] = [
  [
    /\b(?:TO(?:DO)|FIX(?:ME)|XX(?:X))\b/,
    "leaves something for later; do it, or write down the decision not to",
  ],
  [
    /@ts-(?:ignore|expect-error|nocheck)|biome-(?:ignore)|eslint-(?:disable)/,
    "silences a check; mend what it found",
  ],
  [
    /registry[.](?:npmjs|yarnpkg)|npm(?:mirror)|(?:deb|security)[.]debian|pypi[.]org/,
    "names a registry's host; whoever installs has their own",
  ],
  [/\bissues?\s+#?\d/i, "points at an issue; say the thing itself"],
  [/\bses(?:sions?)\b/i, "speaks of how it was made; say what it is"],
];

/** Words that are left over from work, or that tie the repository to the place where it was made. */
export function leftovers({ path, text }: TextFile): readonly Problem[] {
  return text.split("\n").flatMap((line, index) =>
    EVERYWHERE.flatMap(([pattern, why]) => {
      const found = pattern.exec(line)?.[0];
      return found === undefined ? [] : [{ path, line: index + 1, message: `"${found}" ${why}` }];
    }),
  );
}

const SNAKE_CASE = /^[a-z0-9]+(?:_[a-z0-9]+)*(?:\.[a-z0-9]+)*$/;
/** Names that the outside world gives. */
const GIVEN = /^(?:README|CONTRIBUTING|CHANGELOG|LICENSE)(?:\.md)?$|^package-lock\.json$/;
const DECISION = /^docs\/decisions\/\d{4}-[a-z0-9]+(?:-[a-z0-9]+)*\.md$/;

/** Files and folders are called in snake_case; decisions are `NNNN-their-title.md`. */
export function snakeCase(path: string): readonly Problem[] {
  if (DECISION.test(path)) return [];
  const odd = path
    .split("/")
    .find((part) => !part.startsWith(".") && !GIVEN.test(part) && !SNAKE_CASE.test(part));
  return odd === undefined ? [] : [{ path, line: null, message: `"${odd}" is not in snake_case` }];
}

const ENTRIES: ReadonlySet<string> = new Set([
  ...["actors", "adapters", "config", "docs", "machines", "packaging", "simulation", "test", "testing"],
  ...["main.ts", "mod.ts", "package.json", "package-lock.json", "tsconfig.json"],
  ...["CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md"],
  ...[".biome.json", ".ci", ".editorconfig", ".gitattributes", ".gitignore", ".npmrc"],
]);

/** The top of the repository holds the rooms and what tools look for there. Nothing else. */
export function topLevel(paths: readonly string[]): readonly Problem[] {
  const entries = new Set(paths.map((path) => path.split("/", 1).join()));
  return [...entries]
    .filter((entry) => !ENTRIES.has(entry))
    .map((path) => ({
      path,
      line: null,
      message: "does not belong at the top; put it into the room that it serves",
    }));
}
