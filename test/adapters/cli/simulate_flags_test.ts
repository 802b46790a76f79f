// The command line of `simulate`.
import { describe, expect, test } from "vitest";
import { grantsFor, parseCommandLine, toNodeFlags } from "../../../adapters/cli/mod.ts";

const parse = (line: string) =>
  parseCommandLine(line.split(" "), {}, { version: "1", shippedConfigDir: "/opt/config", cwd: "/srv/bot" });
const refusal = (line: string): string => {
  const parsed = parse(line);
  return parsed.kind === "usage" ? parsed.message : parsed.kind;
};
const flagsFor = (line: string): readonly string[] => {
  const parsed = parse(line);
  if (parsed.kind === "text" || parsed.kind === "usage") throw new Error(`${line} is no command`);
  const app = { natsUrl: null, httpPort: null, secretFiles: [] };
  const facts = { program: ["/opt/main.ts"], cwd: "/srv/bot", compileCache: null, loginFiles: [] };
  return toNodeFlags(grantsFor(parsed, { ...facts, hasServer: false, commitFiles: ["/opt/.git/HEAD"], app }));
};

test("simulate alone is a hundred worlds with 45 minutes of trouble, on all cores", () => {
  expect(parse("simulate")).toEqual({
    kind: "simulate",
    firstSeed: 1,
    seeds: 100,
    minutes: 45,
    jobs: null,
    json: false,
    trace: false,
  });
});

test("a seed alone is that world again; with a count it is the first of so many", () => {
  expect(parse("simulate --seed 4711")).toMatchObject({ firstSeed: 4711, seeds: 1 });
  expect(parse("simulate --seed 4711 --seeds 20")).toMatchObject({ firstSeed: 4711, seeds: 20 });
  expect(parse("simulate --seed 0 --minutes 5 --jobs 2 --json")).toMatchObject({
    firstSeed: 0,
    minutes: 5,
    jobs: 2,
    json: true,
  });
});

describe("a mistake is named", () => {
  test.each([
    ["simulate --seeds 0", "--seeds 0: expected a whole number from 1 to 1000000000"],
    ["simulate --seed -1", "--seed -1: expected a whole number from 0 to 998999999999"],
    ["simulate --seed 1.5", "--seed 1.5: expected a whole number"],
    ["simulate --minutes 10081", "--minutes 10081: expected a whole number from 1 to 10080"],
    ["simulate --jobs 17", "--jobs 17: expected a whole number from 1 to 16"],
    ["simulate --trace", "--trace and no --seed: a trace is of one seed; name it with --seed"],
    ["simulate --seed 3 --seeds 2 --trace", "--trace and --seeds: a trace is of one seed"],
    ["simulate --seed 3 --trace --json", "--trace and --json: are two ways to show it"],
  ])("%s", (line, said) => {
    expect(refusal(line)).toContain(said);
  });
});

describe("threads are granted", () => {
  test("to many seeds at once, which may write nothing and reach nobody", () => {
    const flags = flagsFor("simulate");
    expect(flags).toContain("--allow-worker");
    expect(flags).toContain("--disable-warning=SecurityWarning");
    expect(flags.filter((flag) => /write|net|child/.test(flag))).toEqual([]);
  });

  test.each(["simulate --seed 3", "simulate --jobs 1", "simulate --seed 3 --trace"])(
    "but not where one is enough: %s",
    (line) => expect(flagsFor(line)).not.toContain("--allow-worker"),
  );
});
