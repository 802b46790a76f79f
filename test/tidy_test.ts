// The rules of the house, held against every file of the repository. Each finding names its file and line.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { brokenLinks, unlisted } from "./docs/links.ts";
import {
  doorsOnlyReexport,
  fileLength,
  functionLength,
  openingComment,
  purity,
  testSelection,
  typeEscapes,
} from "./tidy/code_rules.ts";
import { importDirection, purePackages } from "./tidy/import_rules.ts";
import {
  exactVersions,
  lockForEverySystem,
  lockWithoutHosts,
  nodeThatRuns,
  readLock,
  readPackage,
  scriptsOfInstalled,
} from "./tidy/package_rules.ts";
import { filesOf, markdownOf, root, textFiles } from "./tidy/repository.ts";
import { formatProblem, parseSource, type Problem, type Source } from "./tidy/source.ts";
import { leftovers, snakeCase, topLevel } from "./tidy/text_rules.ts";

const paths = filesOf(root, { untracked: true });
const texts = textFiles(root, paths);
const sources = texts
  .filter(({ path }) => path.endsWith(".ts"))
  .map(({ path, text }) => parseSource(path, text));

const found = (problems: readonly Problem[]): readonly string[] => problems.map(formatProblem);
const inSources = (rule: (source: Source) => readonly Problem[]) => found(sources.flatMap(rule));

describe("the code", () => {
  test("is looked at: every room has sources", () => {
    const rooms = new Set(sources.map(({ path }) => path.split("/", 1).join()));
    expect([...rooms].sort()).toEqual([
      "actors",
      "adapters",
      "config",
      "machines",
      "main.ts",
      "mod.ts",
      "packaging",
      "simulation",
      "test",
      "testing",
    ]);
  });

  test("imports point one way, and a room is entered through its door", () => {
    expect(inSources(importDirection)).toEqual([]);
  });

  test("a mod.ts re-exports and does nothing else", () => {
    expect(inSources(doorsOnlyReexport)).toEqual([]);
  });

  test("machines/ has no clock, chance, environment, I/O, promises or timers, and no package that brings them", () => {
    expect(inSources(purity)).toEqual([]);
    expect(inSources(purePackages)).toEqual([]);
  });

  test("no file is longer than its budget", () => {
    expect(inSources(fileLength)).toEqual([]);
  });

  test("no function is longer than a screen", () => {
    expect(inSources(functionLength)).toEqual([]);
  });

  test("no type switches the checker off", () => {
    expect(inSources(typeEscapes)).toEqual([]);
  });

  test("every file opens with what it is for", () => {
    expect(inSources(openingComment)).toEqual([]);
  });

  test("no test is left out, and none runs alone", () => {
    expect(inSources(testSelection)).toEqual([]);
  });
});

describe("the repository", () => {
  test("has nothing at its top but rooms and what tools look for there", () => {
    expect(found(topLevel(filesOf(root, { untracked: false })))).toEqual([]);
  });

  test("names its files in snake_case", () => {
    expect(found(paths.flatMap(snakeCase))).toEqual([]);
  });

  test("holds no leftovers of work", () => {
    expect(found(texts.flatMap(leftovers))).toEqual([]);
  });

  test("links lead somewhere, and the index of the guides lists them all", () => {
    const pages = markdownOf(paths);
    expect(found([...brokenLinks(root, pages), ...unlisted(root, pages)])).toEqual([]);
  });
});

describe("an installation", () => {
  const read = (path: string): string => readFileSync(join(root, path), "utf8");
  const packageFile = readPackage(read("package.json"));
  const lock = readLock(read("package-lock.json"));

  test("is the same next year: every dependency is pinned to one version", () => {
    expect(found(exactVersions(packageFile))).toEqual([]);
  });

  test("runs the install scripts that were looked at, and of no other version", () => {
    expect(found(scriptsOfInstalled(packageFile, lock))).toEqual([]);
  });

  test("works on every system, not only on the one that the lockfile was made on", () => {
    expect(found(lockForEverySystem(lock))).toEqual([]);
  });

  test("comes from wherever the reader's npm gets its packages", () => {
    expect(found(lockWithoutHosts(lock))).toEqual([]);
    expect(read(".npmrc").split("\n")).toEqual(
      expect.arrayContaining(["save-exact=true", "omit-lockfile-registry-resolved=true"]),
    );
  });

  test("runs on the Node that package.json names, which no lockfile can pin", () => {
    expect(found(nodeThatRuns(packageFile, process.version))).toEqual([]);
  });
});
