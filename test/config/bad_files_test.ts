// One bad file a rule: each opens with the very lines that `purgatory check` must print of it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fileSchemas } from "../../config/json_schema.ts";
import {
  configFileNames,
  configTexts,
  formatProblem,
  type Problem,
  parseConfig,
  problemCodes,
  relations,
} from "../../config/mod.ts";
import { keysOf } from "../../config/shape.ts";

const dir = join(import.meta.dirname, "bad");
const names = readdirSync(dir).filter((name) => name.endsWith(".yaml"));
const env = {
  NATS_TOKEN_EMPTY: "",
  NATS_PASSWORD: "pw",
  NATS_TOKEN: "tok",
  NO_SEED: "SUMMER",
  CERTIFICATE: "-----BEGIN CERTIFICATE-----\n",
  SEALED_KEY: "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
};

function problemsOf(name: string): readonly Problem[] {
  const file = configFileNames.find((each) => name.startsWith(each.replace(".yaml", "_")));
  if (file === undefined) throw new Error(`${name} must begin with the name of the file that it stands for`);
  const text = readFileSync(join(dir, name), "utf8");
  const universe = { "universe.yaml": "tiers: {core: {symbols: [SOL-USD]}}" };
  const result = parseConfig(configTexts({ ...universe, [file]: text }), env);
  return result.ok ? [] : result.problems;
}

function expected(name: string): readonly string[] {
  const lines = readFileSync(join(dir, name), "utf8").split("\n");
  return lines.filter((line) => line.startsWith("# expect: ")).map((line) => line.slice("# expect: ".length));
}

describe("a bad file is reported with place, value, expectation and advice", () => {
  test.each(names)("%s", (name) => {
    expect(expected(name)).not.toEqual([]);
    expect(problemsOf(name).map(formatProblem)).toEqual(expected(name));
  });
});

const all = names.flatMap(problemsOf);

describe("every rule has its bad file", () => {
  const ranged = Object.values(fileSchemas)
    .flatMap((schema) => keysOf(schema.ast))
    .filter(({ spec }) => spec !== undefined && "min" in spec)
    .map(({ path }) => path);

  test.each(ranged)("%s is refused under its minimum and over its maximum", (path) => {
    const said = all.filter((problem) => problem.path === path).map(({ expected: words }) => words);
    expect(said).toContainEqual(expect.stringMatching(/^under the minimum/));
    expect(said).toContainEqual(expect.stringMatching(/^over the maximum/));
  });

  test.each(relations)("$path must $must $other", ({ path, other }) => {
    const found = all.filter((problem) => problem.code === "config_conflict" && problem.path === path);
    expect(found.some((problem) => problem.expected.includes(` ${other} `))).toBe(true);
  });

  // These three are about bytes and files, not about what a file says: see files_test.ts.
  const ofFiles = ["config_not_utf8", "config_too_large", "config_unreadable"];
  test.each(Object.keys(problemCodes).filter((code) => !ofFiles.includes(code)))("%s", (code) => {
    expect(all.map((problem) => problem.code)).toContain(code);
  });
});

test("no message carries what a terminal would act on", () => {
  expect(all.map(formatProblem).filter((text) => /\p{Cc}|\p{Cf}/u.test(text))).toEqual([]);
});
