// docs/cli.md and docs/permissions.md against the code that they describe.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  type Command,
  EXIT,
  EXIT_MEANINGS,
  type Grants,
  grantsFor,
  parseCommandLine,
} from "../../../adapters/cli/mod.ts";
import { answer, pageUrl, withGenerated } from "./cli_page.ts";

const page = readFileSync(pageUrl, "utf8");
const permissions = readFileSync(new URL("../../../docs/permissions.md", import.meta.url), "utf8");
const operator = ["purge", "pause", "resume", "reset", "ban", "abort"];
const helped = ["run", "gateway", "status", "check", "graph", ...operator, "export", "import"].concat(
  "nats init",
  "gateway-check",
  "journal",
  "record",
  "replay",
  "simulate",
);
const granted = ["run", "gateway", "status", "check", "graph", "pause", "export", "import"].concat(
  "nats init",
  "gateway-check",
  "journal",
  "record",
  "replay",
  "simulate",
);

describe("the guide to the command line", () => {
  test("has the help texts, the status and the exit codes of the code; if not, run test/adapters/cli/write_cli_page.ts", () => {
    expect(withGenerated(page)).toBe(page);
  });

  test("has the help of every command", () => {
    for (const name of helped)
      expect(page).toContain(`\`\`\`text purgatory ${name} --help\nUsage: purgatory ${name}`);
  });

  test("shows a mistake as it is answered", () => {
    const [, line = "", said = ""] = /\$ purgatory (run --cycles x.*)\n([\s\S]*?)```/.exec(page) ?? [];
    expect(said).toBe(answer(line));
  });
});

test("every exit code has its meaning, and the help its number", () => {
  const codes = Object.values(EXIT);
  expect(EXIT_MEANINGS.map(([code]) => code)).toEqual(codes);
  expect(new Set(codes).size).toBe(codes.length);
  for (const code of codes) expect(answer("--help")).toMatch(new RegExp(`Exit codes: [\\s\\S]*\\b${code} `));
});

describe("the table of permissions", () => {
  const facts = {
    program: [],
    cwd: "/srv/bot",
    compileCache: null,
    loginFiles: ["/run/login"],
    hasServer: false,
    commitFiles: ["/opt/.git/HEAD"],
    app: { natsUrl: "nats://h:1", httpPort: null, secretFiles: ["/run/secret"] },
  };
  const lines: Readonly<Record<string, string>> = {
    run: "run --script s.yaml",
    check: "check",
    graph: "graph",
    status: "status",
    export: "export out.json",
    import: "import in.json",
    gateway: "gateway --script s.yaml",
    pause: "pause BONK-USD --reason x",
    replay: "replay in.json --what-if p.yaml",
  };
  const grantsOf = (name: string): Grants => {
    const where = { version: "0", shippedConfigDir: "/opt/config", cwd: "/srv/bot" };
    const parsed = parseCommandLine((lines[name] ?? name).split(" "), {}, where);
    if (parsed.kind === "text" || parsed.kind === "usage") throw new Error(`${name} is no command`);
    return grantsFor(parsed satisfies Command, facts);
  };
  const words: Readonly<Record<string, string>> = {
    "/opt/config": "configuration",
    "/run/secret": "secret files",
    "/run/login": "login files",
    [join("/srv/bot", ".purgatory", "nats")]: "the own server's address",
    [join("/srv/bot", ".purgatory", "paper")]: "its ledger",
    "/srv/bot/s.yaml": "`--script`",
    "/srv/bot/p.yaml": "`--what-if`",
    "/srv/bot/in.json": "the one file it is to read",
    "/srv/bot/out.json": "the one file it is to write",
  };
  const networks: Readonly<Record<string, RegExp>> = {
    run: /^only with `--nats`, `--http-port`, /,
    gateway: /^only where there is a bus$/,
    status: /^only where there is a bus$/,
    pause: /^only where there is a bus$/,
    record: /^only where there is a bus$/,
    "nats init": /^only where there is a bus$/,
    "gateway-check": /^only where there is a bus$/,
  };
  const inWords = (paths: readonly string[]): string[] => paths.map((path) => words[path] ?? path).sort();
  const named = (name: string): string =>
    name === "pause" ? "purge`, `pause`, `resume`, `reset`, `ban`, `abort" : name;
  const listed = (cell: string): string[] =>
    cell === "nothing"
      ? []
      : cell
          .split(", ")
          .map((part) => part.replace(" named in `app.yaml`", ""))
          .sort();

  test.each(granted)("tells what %s may do", (name) => {
    const row = new RegExp(`^\\| \`${named(name)}\` \\|(.*)\\|$`, "m").exec(permissions)?.[1] ?? "";
    const [read = "", write = "", network = "", sqlite = ""] = row.split("|").map((cell) => cell.trim());
    const grants = grantsOf(name);
    const readOnly = grants.read.filter((path) => name !== "export" || path !== "/srv/bot/out.json");
    expect(listed(read)).toEqual(inWords(readOnly));
    expect(listed(write)).toEqual(inWords(grants.write));
    expect(sqlite).toBe(grants.sqlite ? "yes" : "taken away");
    expect(network).toMatch(networks[name] ?? /^none$/);
    expect(grants.network).toEqual(name in networks ? ["the bus at nats://h:1"] : []);
    expect(grants.child).toEqual([]);
    expect(grants.worker).toBe(name === "simulate");
    expect(grants.optional.read.includes("/opt/.git/HEAD")).toBe(name === "simulate");
  });
});
