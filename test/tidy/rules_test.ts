// The rules themselves: each finds what it is for, says where, and leaves alone what only looks like it.
import { describe, expect, test } from "vitest";
import {
  doorsOnlyReexport,
  fileLength,
  functionLength,
  MAX_FILE_LINES,
  MAX_FUNCTION_LINES,
  MAX_TEST_FILE_LINES,
  openingComment,
  purity,
  testSelection,
  typeEscapes,
} from "./code_rules.ts";
import { importDirection, importsOf, purePackages } from "./import_rules.ts";
import {
  exactVersions,
  lockForEverySystem,
  lockWithoutHosts,
  nodeThatRuns,
  readLock,
  readPackage,
  scriptsOfInstalled,
} from "./package_rules.ts";
import { formatProblem, parseSource, type Problem, type Source } from "./source.ts";
import { leftovers, snakeCase, topLevel } from "./text_rules.ts";

type Rule = (source: Source) => readonly Problem[];
const check = (rule: Rule, path: string, text: string) => rule(parseSource(path, text)).map(formatProblem);
const findings = (rule: Rule, path: string, ...lines: readonly string[]) =>
  rule(parseSource(path, lines.join("\n"))).map(({ line }) => line);

describe("imports", () => {
  test("are found in every form in which one file can lean on another", () => {
    const forms = [
      'import a from "./a.ts";',
      'import type { B } from "./b.ts";',
      'export * from "./c.ts";',
      'export { d } from "./d.ts";',
      'const e = await import("./e.ts");',
      'type F = import("./f.ts").F;',
      'import "./g.ts";',
      '// import "./no.ts";',
      'const no = `import "./no.ts"`;',
    ];
    const found = importsOf(parseSource("test/x.ts", forms.join("\n"))).map(({ specifier }) => specifier);
    expect(found.sort()).toEqual(["a", "b", "c", "d", "e", "f", "g"].map((name) => `./${name}.ts`));
  });

  test.each([
    ["machines/a.ts", "../config/mod.ts", "this room imports no other"],
    ["config/a.ts", "../machines/mod.ts", "this room imports no other"],
    ["actors/a.ts", "../machines/purge.ts", "machines is entered through machines/mod.ts alone"],
    ["actors/a.ts", "../adapters/bus/mod.ts", "actors reach the world through actors/ports.ts"],
    ["actors/a.ts", "../main.ts", "nobody imports main.ts"],
    [
      "adapters/bus/a.ts",
      "../../actors/symbol.ts",
      "an adapter may import actors/ports.ts and nothing else of actors",
    ],
    [
      "adapters/bus/a.ts",
      "../journal/layout.ts",
      "an adapter is entered through the mod.ts of its folder alone",
    ],
    [
      "adapters/bus/a.ts",
      "../exchange/paper/mod.ts",
      "an adapter is entered through the mod.ts of its folder alone",
    ],
    ["adapters/bus/a.ts", "../../config/load.ts", "config is entered through config/mod.ts alone"],
    ["main.ts", "./adapters/bus/nats.ts", "an adapter is entered through the mod.ts of its folder alone"],
    ["main.ts", "./config/load.ts", "config is entered through config/mod.ts alone"],
    ["main.ts", "./test/nats_server.ts", "only tests import tests"],
    ["mod.ts", "./main.ts", "nobody imports main.ts"],
    ["mod.ts", "./testing/mod.ts", "testing is for the tests of others"],
    ["packaging/a.ts", "../config/mod.ts", "this room imports no other"],
    ["testing/a.ts", "../machines/purge.ts", "machines is entered through machines/mod.ts alone"],
    ["actors/a.ts", "../../elsewhere/a.ts", "leads out of the project"],
  ])("%s may not import %s", (path, target, why) => {
    const [problem] = check(importDirection, path, `\nimport type { A } from "${target}";\n`);
    expect(problem).toMatch(new RegExp(`^${path}:2: imports .*: ${why.replaceAll(".", "\\.")}$`));
  });

  test.each([
    ["actors/a.ts", "./b.ts"],
    ["actors/a.ts", "../machines/mod.ts"],
    ["adapters/bus/a.ts", "../../actors/ports.ts"],
    ["adapters/exchange/paper/a.ts", "../desk.ts"],
    ["adapters/bus/a.ts", "../clock/mod.ts"],
    ["main.ts", "./actors/tree.ts"],
    ["testing/a.ts", "../actors/tree.ts"],
    ["main.ts", "./adapters/bus/mod.ts"],
    ["test/actors/a_test.ts", "../../adapters/bus/nats.ts"],
    ["adapters/bus/a.ts", "@nats-io/transport-node"],
  ])("%s may import %s", (path, target) => {
    expect(check(importDirection, path, `import { a } from "${target}";`)).toEqual([]);
  });

  test("of machines are of data and arithmetic alone", () => {
    const pure = (text: string) => check(purePackages, "machines/a.ts", text);
    expect(
      pure('import { Schema } from "effect";\nimport { v5 } from "uuid";\nimport * as x from "xstate";'),
    ).toEqual([]);
    expect(pure('import { readFileSync } from "node:fs";')).toEqual([
      "machines/a.ts:1: imports node:fs: machines/ performs nothing",
    ]);
    expect(pure('import { v4 } from "uuid";')).toEqual([
      "machines/a.ts:1: imports uuid: machines/ performs nothing; from uuid it may take v5",
    ]);
    expect(pure('import * as all from "effect";')).toHaveLength(1);
  });
});

describe("lengths", () => {
  const lines = (count: number) => "\n".repeat(count);

  test("a file may fill its budget, and no more", () => {
    expect(check(fileLength, "actors/a.ts", lines(MAX_FILE_LINES))).toEqual([]);
    expect(check(fileLength, "actors/a.ts", lines(MAX_FILE_LINES + 1))).toEqual([
      `actors/a.ts: is ${MAX_FILE_LINES + 1} lines long, over ${MAX_FILE_LINES}`,
    ]);
    expect(check(fileLength, "test/a_test.ts", lines(MAX_TEST_FILE_LINES))).toEqual([]);
  });

  const long = (head: string, tail = "}") => `${head}${lines(MAX_FUNCTION_LINES)}${tail}`;

  test.each([
    ["a function", "work", long("function work() {")],
    ["an arrow", "work", long("const work = () => {")],
    ["a method", "work", `class A { ${long("work() {")} }`],
    ["a private method", "#work", `class A { ${long("#work() {")} }`],
    ["an accessor", "work", `class A { ${long("get work() {")} }`],
    ["a callback", "a function", long("run(() => {", "});")],
  ])("%s that does not fit a screen is named", (_kind, name, text) => {
    expect(check(functionLength, "actors/a.ts", text)).toEqual([
      `actors/a.ts:1: ${name} is ${MAX_FUNCTION_LINES + 1} lines long, over ${MAX_FUNCTION_LINES}`,
    ]);
  });

  test("braces in strings, templates, comments and patterns end no function", () => {
    const body = 'const a = "{"; const b = `}{`; const c = /[{}]/; // {\n';
    expect(check(functionLength, "actors/a.ts", `function a() { ${body} }\n${lines(90)}`)).toEqual([]);
  });

  test("a suite may be long, the tests in it may not", () => {
    const suite = `describe("a", () => {${lines(80)}  test("b", () => { expect(1).toBe(1); });\n});`;
    expect(check(functionLength, "test/a_test.ts", suite)).toEqual([]);
    const test = `describe("a", () => {\n  test("b", () => {${lines(80)}  });\n});`;
    expect(findings(functionLength, "test/a_test.ts", test)).toEqual([2]);
  });
});

describe("types", () => {
  const any = ["a", "ny"].join("");

  test.each([
    ["a parameter", `function a(b: ${any}) {}`],
    ["an argument of a type", `const a: Array<${any}> = [];`],
    ["a cast", `const a = b as ${any};`],
    ["a cast by way of unknown", `const a = b as ${"unknown"} as string;`],
    ["a cast in angle brackets", "const a = <string>b;"],
    ["an assertion that something is there", "const a = b!.c;"],
    ["a field that is set later", "class A { b!: string }"],
    ["a variable that is set later", "let a!: string;"],
  ])("%s does not escape the checker", (_what, text) => {
    expect(findings(typeEscapes, "actors/a.ts", "", text)).toEqual([2]);
  });

  test("what only looks like an escape is let be", () => {
    const text = [
      `const a = "x as ${any}";`,
      `// ${any}`,
      "if (!a) b();",
      "const c = [1] as const;",
      "x !== y;",
    ];
    expect(findings(typeEscapes, "actors/a.ts", ...text)).toEqual([]);
  });
});

describe("tests", () => {
  test.each([
    `it.${"only"}("a", () => {});`,
    `describe.${"skip"}("a", () => {});`,
    `test.${"todo"}("a");`,
    `test.each([1]).${"only"}("a", () => {});`,
    `test.concurrent.${"skip"}("a", () => {});`,
    'test("a", { skip: true }, () => {});',
    'it.each([1])("a", { only: true }, () => {});',
  ])("%s is found", (text) => {
    expect(findings(testSelection, "test/a_test.ts", "", text)).toEqual([2]);
  });

  test("a field of that name is nobody's business", () => {
    expect(
      findings(testSelection, "test/a_test.ts", 'cycle.skip("BONK-USD");', "const { skip } = report;"),
    ).toEqual([]);
    expect(findings(testSelection, "test/a_test.ts", 'test("a", { timeout: 9 }, () => {});')).toEqual([]);
  });
});

describe("machines", () => {
  test.each([
    "const a = Date.now();",
    "const a = new Date();",
    "const a = Date();",
    "const a = Math.random();",
    "const a = process.env;",
    "setTimeout(a, 1);",
    "const a: Promise<void> = b;",
    "async function a() {}",
    "const a = globalThis;",
    "console.log(1);",
  ])("%s is impure", (text) => {
    const found = findings(purity, "machines/a.ts", "", text);
    expect(new Set(found)).toEqual(new Set([2]));
    expect(findings(purity, "actors/a.ts", "", text)).toEqual([]);
  });

  test("times and names that come in on events are not", () => {
    const text = [
      "new Date(Date.parse(at) + ms);",
      "a.process;",
      "const b = { fetch: 1 };",
      '"Math.random()";',
    ];
    expect(findings(purity, "machines/a.ts", ...text)).toEqual([]);
  });
});

describe("files", () => {
  test("open with what they are for; a program may have its first line before that", () => {
    expect(check(openingComment, "actors/a.ts", "// What it is for.\nexport {};\n")).toEqual([]);
    expect(check(openingComment, "main.ts", "#!/usr/bin/env node\n// What it is for.\n")).toEqual([]);
    expect(check(openingComment, "actors/a.ts", "export {};\n// What it is for.\n")).toHaveLength(1);
  });

  test("called mod.ts hold nothing of their own", () => {
    expect(check(doorsOnlyReexport, "actors/mod.ts", '// Door.\nexport * from "./a.ts";\n')).toEqual([]);
    expect(
      findings(doorsOnlyReexport, "mod.ts", 'export { a } from "./a.ts";', "export const b = 1;"),
    ).toEqual([2]);
  });

  test.each([
    "actors/symbolView.ts",
    "actors/symbol-view.ts",
    "test/Actors/a.ts",
    "docs/Guide.md",
    "docs/0001-a.md",
  ])("%s is not in snake_case", (path) => {
    expect(snakeCase(path)).toHaveLength(1);
  });

  test.each([
    "actors/a_b.ts",
    "config/schemas/app.schema.json",
    "docs/decisions/0001-why-so.md",
    ".ci/run",
    "LICENSE",
  ])("%s is well named", (path) => {
    expect(snakeCase(path)).toEqual([]);
  });

  test("at the top are few", () => {
    expect(topLevel(["main.ts", "actors/a.ts", ".ci/run"])).toEqual([]);
    expect(topLevel(["notes.txt", "src/a.ts", "src/b.ts"]).map(({ path }) => path)).toEqual([
      "notes.txt",
      "src",
    ]);
  });
});

test.each([
  `// ${"TO"}DO: later`,
  `${"FIX"}ME`,
  `// ${"@"}ts-ignore`,
  `// ${"biome"}-ignore lint: because`,
  `https://registry${"."}npmjs.org/a`,
  `see issue ${"#"}12`,
  `in this ${"sess"}ion`,
])("%s is a leftover", (line) => {
  const found = leftovers({ path: "docs/a.md", text: `fine\n${line}\n` });
  expect(found.map(formatProblem)).toEqual([expect.stringMatching(/^docs\/a\.md:2: "/)]);
});

describe("an installation", () => {
  const packageFile = (fields: object) =>
    readPackage(
      JSON.stringify({
        engines: { node: ">=26" },
        scripts: {},
        allowScripts: {},
        dependencies: {},
        devDependencies: { node: "26.1.0" },
        ...fields,
      }),
    );
  const lock = (packages: object) => readLock(JSON.stringify({ packages }));

  test("takes exact versions alone", () => {
    const ranges = packageFile({ dependencies: { a: "^1.2.3", b: "1.2.3", c: "latest", d: "1.2.3-beta.1" } });
    expect(exactVersions(ranges).map(formatProblem)).toEqual([
      'package.json: a is "^1.2.3"; pin one version, such as 1.2.3',
      'package.json: c is "latest"; pin one version, such as 1.2.3',
    ]);
  });

  test("lets no other version's install script run", () => {
    const allowed = packageFile({ allowScripts: { "node@26.1.0": true, "@a/b@1.0.0": false } });
    const same = { "node_modules/node": { version: "26.1.0" }, "node_modules/@a/b": { version: "1.0.0" } };
    expect(scriptsOfInstalled(allowed, lock(same))).toEqual([]);
    const other = { ...same, "node_modules/node": { version: "26.2.0" } };
    expect(scriptsOfInstalled(allowed, lock(other)).map(formatProblem)).toEqual([
      "package.json: allowScripts names node@26.1.0, and the lockfile installs node 26.2.0",
    ]);
  });

  test("has a lockfile without hosts", () => {
    expect(lockWithoutHosts(lock({ "node_modules/a": { version: "1.0.0" } }))).toEqual([]);
    expect(
      lockWithoutHosts(lock({ "node_modules/a": { resolved: "https://example.org/a.tgz" } })),
    ).toHaveLength(1);
  });

  test("has a lockfile for every system, not only for the one that it was made on", () => {
    const own = { "node_modules/a": { optionalDependencies: { "@a/linux": "1.0.0", "@a/darwin": "1.0.0" } } };
    const partial = lock({ ...own, "node_modules/a/node_modules/@a/linux": { version: "1.0.0" } });
    expect(lockForEverySystem(partial).map(formatProblem)).toEqual([
      "package-lock.json: @a/darwin is optional, and not listed",
    ]);
    const whole = { ...own, "node_modules/@a/linux": {}, "node_modules/@a/darwin": {} };
    expect(lockForEverySystem(lock(whole))).toEqual([]);
  });

  test("runs on the Node that it names", () => {
    expect(nodeThatRuns(packageFile({}), "v26.1.0")).toEqual([]);
    expect(nodeThatRuns(packageFile({}), "v20.19.0").map(formatProblem)).toEqual([
      "package.json: node is v26.1.0, and v20.19.0 runs; remove node_modules and install again with npm ci",
    ]);
  });
});
