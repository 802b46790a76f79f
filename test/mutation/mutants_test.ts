// The list of mutants is of use only while it fits the code: a break that no longer applies proves nothing.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../tidy/repository.ts";
import { MUTANTS } from "./mutants.ts";
import { make } from "./workplace.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");

describe("the list of mutants", () => {
  test("breaks the program in at least forty ways, each with a name of its own", () => {
    const ids = MUTANTS.map(({ id }) => id);
    expect(ids.length).toBeGreaterThanOrEqual(40);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    expect(ids.filter((id) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id))).toEqual([]);
  });

  test("is not stale: what each replaces is there exactly once, and the rest still parses", () => {
    const stale = MUTANTS.flatMap((mutant) => {
      const made = make(mutant, read);
      return made.ok ? [] : [`${mutant.id}: ${made.why}`];
    });
    expect(stale).toEqual([]);
  });

  test("names tests that exist, at least one a mutant", () => {
    const missing = MUTANTS.flatMap(({ id, judge }) => {
      if (!("tests" in judge)) return [];
      const gone = judge.tests.filter((path) => !existsSync(join(root, path)));
      return judge.tests.length === 0 ? [`${id}: none`] : gone.map((path) => `${id}: ${path}`);
    });
    expect(missing).toEqual([]);
  });
});

test.each([
  ["an option that it does not have", "--bogus", "'--bogus'"],
  ["a word", "backoff-off-by-one", "'backoff-off-by-one'"],
  ["a mutant that is not on the list", "--only=nobody", "there is no mutant nobody"],
])(
  "the script, called with %s, says what is wrong and how to call it, and ends with 2",
  (_, argument, problem) => {
    const script = join(import.meta.dirname, "run.ts");
    const { status, stderr } = spawnSync(process.execPath, [script, argument], { encoding: "utf8" });
    expect(stderr).toContain(problem);
    expect(stderr).toContain("Usage: npm run mutants -- [options]");
    expect(status).toBe(2);
  },
);

describe("a mutant", () => {
  const source = () => "const a = 1;\nconst b = 1;\n";
  const made = (find: string, replace: string) => make({ edits: [{ file: "a.ts", find, replace }] }, source);

  test("is made by replacing its text, whatever that means in a replacement pattern", () => {
    expect(made("a = 1", "a = `$&`")).toEqual({
      ok: true,
      texts: new Map([["a.ts", "const a = `$&`;\nconst b = 1;\n"]]),
    });
  });

  test("is refused where its text is not there, or more than once", () => {
    expect(made("a = 2", "a = 3")).toMatchObject({ ok: false, why: expect.stringContaining("0 times") });
    expect(made("= 1", "= 2")).toMatchObject({ ok: false, why: expect.stringContaining("2 times") });
  });

  test("is refused where it changes nothing, or is no program any more", () => {
    expect(made("a = 1", "a = 1")).toMatchObject({
      ok: false,
      why: expect.stringContaining("nothing changes"),
    });
    expect(made("a = 1", "a = = 1")).toMatchObject({ ok: false, why: expect.stringContaining("parsed") });
  });
});
