// What a command line means, and what is said of one that means nothing.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ledgerPaths, parseCommandLine } from "../../../adapters/cli/mod.ts";

const cwd = mkdtempSync(join(tmpdir(), "purgatory-program-"));
afterAll(() => rmSync(cwd, { recursive: true }));
const shipped = "/opt/purgatory/config";

function parse(line: string, env: Record<string, string> = {}, from = cwd) {
  const argv = line.split(" ").filter((word) => word !== "");
  return parseCommandLine(argv, env, { version: "1.2.3", shippedConfigDir: shipped, cwd: from });
}
function refusal(line: string, env: Record<string, string> = {}): string {
  const parsed = parse(line, env);
  if (parsed.kind !== "usage") throw new Error(`was understood as ${parsed.kind}`);
  return parsed.message;
}
function help(line: string): string {
  const parsed = parse(line);
  if (parsed.kind !== "text") throw new Error(`was understood as ${parsed.kind}`);
  return parsed.text;
}

const noNats = {
  url: null,
  user: null,
  passwordFile: null,
  tokenFile: null,
  nkeyFile: null,
  credsFile: null,
  caFile: null,
  certFile: null,
  keyFile: null,
  inboxPrefix: null,
};

describe("run", () => {
  const plain = {
    kind: "run",
    mode: "paper",
    cycles: null,
    speed: 1,
    configDir: shipped,
    stateDir: join(cwd, ".purgatory"),
    nats: noNats,
    gateway: "own",
    json: false,
    scriptFile: null,
    httpPort: null,
  };

  test("alone is the shipped paper account, at the real pace, without end", () => {
    expect(parse("run")).toEqual(plain);
  });

  test("takes every flag, and makes paths absolute", () => {
    const line =
      "run --mode dry-run --cycles 700 --speed 3600 --config my --state /var/lib/p --nats nats://127.0.0.1:4222 --json --script s.yaml --http-port 0";
    expect(parse(line)).toEqual({
      kind: "run",
      mode: "dry-run",
      cycles: 700,
      speed: 3600,
      configDir: join(cwd, "my"),
      stateDir: "/var/lib/p",
      nats: { ...noNats, url: "nats://127.0.0.1:4222" },
      gateway: "own",
      json: true,
      scriptFile: join(cwd, "s.yaml"),
      httpPort: 0,
    });
  });

  test.each([
    ["0.5", 0.5],
    ["1000000", 1_000_000],
    ["max", "max"],
  ])("understands --speed %s", (text, speed) => {
    expect(parse(`run --speed ${text}`)).toEqual({ ...plain, speed });
  });

  test.each(["0", "-1", "1e3", "NaN", "Infinity", "fast", "1000001", "0x10", "1,5"])(
    "refuses --speed %s",
    (text) => {
      expect(refusal(`run --speed ${text}`)).toContain(
        `--speed ${text.includes(",") ? '"1,5"' : text}: expected a number above 0 and up to 1000000, or max`,
      );
    },
  );

  test.each(["0", "-3", "1.5", "many", "1e3", "1000000001", "99999999999999999999"])(
    "refuses --cycles %s",
    (text) => {
      expect(refusal(`run --cycles ${text}`)).toContain(`--cycles ${text}: expected a whole number from 1`);
    },
  );

  test.each(["65536", "-1", "http"])("refuses --http-port %s", (text) => {
    expect(refusal(`run --http-port ${text}`)).toContain("expected a whole number from 0 to 65535");
  });

  test.each(["nats://h:1", "tls://nats.example:4222", "spawn", "ws://h:8080/path", "nats://[::1]:4222"])(
    "understands --nats %s",
    (url) => {
      expect(parse(`run --nats ${url}`)).toEqual({ ...plain, nats: { ...noNats, url } });
    },
  );

  test("guesses the scheme that a NATS address lacks", () => {
    expect(refusal("run --nats localhost:4222")).toContain("did you mean nats://localhost:4222?");
    expect(refusal("run --nats http://localhost")).toContain("expected an address such as nats://");
  });

  test("never repeats a password that was put into an address", () => {
    const said = refusal("run --nats nats://me:hunter2@host:4222");
    expect(said).toContain("without user or password; give them with --nats-user");
    expect(said).not.toContain("hunter2");
  });

  test("in live mode cannot hurry the clock or take a script", () => {
    expect(parse("run --mode live --speed 1")).toMatchObject({ mode: "live", speed: 1 });
    const said = refusal("run --mode live --speed max --script s.yaml");
    expect(said).toMatch(/^--speed and --mode live: .*\n--script and --mode live: /);
  });
});

describe("the configuration directory", () => {
  const home = join(cwd, "home");
  mkdirSync(join(home, "config"), { recursive: true });
  writeFileSync(join(home, "config", "policy.yaml"), "");
  const bare = join(cwd, "bare");
  mkdirSync(join(bare, "config"), { recursive: true });

  test("is ./config where that has a policy.yaml", () => {
    expect(parse("run", {}, home)).toMatchObject({ configDir: join(home, "config") });
    expect(parse("check", {}, home)).toEqual({ kind: "check", dir: join(home, "config") });
  });

  test("is the shipped one otherwise", () => {
    expect(parse("run", {}, bare)).toMatchObject({ configDir: shipped });
    expect(parse("check", {}, bare)).toEqual({ kind: "check", dir: shipped });
  });

  test("is what PURGATORY_CONFIG says, unless a flag says otherwise", () => {
    const env = { PURGATORY_CONFIG: "/etc/purgatory" };
    expect(parse("run", env, home)).toMatchObject({ configDir: "/etc/purgatory" });
    expect(parse("run --config /other", env)).toMatchObject({ configDir: "/other" });
    expect(parse("check /other", env)).toEqual({ kind: "check", dir: "/other" });
    expect(parse("check", { PURGATORY_CONFIG: "" }, bare)).toEqual({ kind: "check", dir: shipped });
  });
});

describe("the state directory", () => {
  test("is PURGATORY_STATE or ./.purgatory, unless a flag says otherwise", () => {
    expect(parse("status")).toMatchObject({ stateDir: join(cwd, ".purgatory") });
    expect(parse("status", { PURGATORY_STATE: "/s" })).toMatchObject({ stateDir: "/s" });
    expect(parse("status --state t", { PURGATORY_STATE: "/s" })).toMatchObject({ stateDir: join(cwd, "t") });
  });

  test("has a ledger of its own for each mode", () => {
    expect(ledgerPaths("/s", "paper")).toEqual({
      dir: "/s/paper",
      journal: "/s/paper/journal.sqlite",
      exchange: "/s/paper/exchange.sqlite",
    });
    expect(ledgerPaths("/s", "dry-run").journal).toBe("/s/dry-run/journal.sqlite");
  });
});

describe("the other commands", () => {
  const stateDir = join(cwd, ".purgatory");
  test("graph prints Mermaid, or DOT when asked", () => {
    expect(parse("graph")).toEqual({ kind: "graph", format: "mermaid" });
    expect(parse("graph --format dot")).toEqual({ kind: "graph", format: "dot" });
    expect(refusal("graph --format svg")).toContain("--format svg: expected one of mermaid, dot");
  });

  test("status looks at the paper ledger unless another mode is named", () => {
    const plain = { kind: "status", stateDir, configDir: shipped, nats: noNats };
    expect(parse("status")).toEqual({ ...plain, mode: "paper", json: false });
    expect(parse("status --mode live --json")).toEqual({ ...plain, mode: "live", json: true });
  });

  test("export writes to standard output, or to a file", () => {
    expect(parse("export")).toEqual({ kind: "export", stateDir, mode: "paper", file: "-" });
    expect(parse("export out.json")).toMatchObject({ file: join(cwd, "out.json") });
  });

  test("import reads a file, or standard input when that is said", () => {
    const plain = { kind: "import", stateDir, mode: "paper", file: "-", configDir: shipped };
    expect(parse("import -")).toEqual(plain);
    expect(parse("import - --config /etc/p")).toEqual({ ...plain, configDir: "/etc/p" });
    expect(parse("import state.json --mode live")).toMatchObject({
      file: join(cwd, "state.json"),
      mode: "live",
    });
    expect(refusal("import")).toBe(
      "import: expected a FILE to read, or - for standard input\nSee purgatory import --help.\n",
    );
  });
});

describe("a command line that means nothing", () => {
  test("is answered with everything that is wrong with it", () => {
    expect(refusal("run --cycles x --mode papr --speed never")).toBe(
      [
        "--mode papr: expected one of dry-run, paper, live; did you mean paper?",
        "--cycles x: expected a whole number from 1 to 1000000000",
        "--speed never: expected a number above 0 and up to 1000000, or max",
        "See purgatory run --help.",
        "",
      ].join("\n"),
    );
  });

  test.each([
    [
      "",
      "no command given; expected one of run, gateway, status, check, graph, journal, record, replay, simulate, purge, pause, resume, reset, ban, abort, export, import, nats, gateway-check",
    ],
    ["runn", "unknown command 'runn' (Did you mean run?)"],
    ["liquidate", "unknown command 'liquidate'; expected one of run, gateway,"],
    ["help liquidate", "unknown command 'liquidate'; expected one of run, gateway,"],
    ["run --cycels 3", "unknown option '--cycels' (Did you mean --cycles?)"],
    ["--mode paper run", "unknown option '--mode'; flags come after the command"],
    ["run --mode", "--mode: expected a MODE after it"],
    ["run --state --json", "--state --json: expected a path, not another flag; write ./--json if it is one"],
    ["run BONK-USD", "too many arguments for 'run'. Expected 0 arguments but got 1: BONK-USD."],
    ["check a b", "too many arguments for 'check'"],
  ])("%s", (line, said) => {
    expect(refusal(line)).toContain(said);
  });

  test("never repeats what was given to an unknown flag", () => {
    expect(refusal("run --password=hunter2")).toBe(
      "unknown option '--password'\nSee purgatory run --help.\n",
    );
  });

  test.each([["run", "--cycles", "\u001b[2J\nnext"], ["\u001b[2J\nnext"], ["run", "\u001b[2J\nnext"]])(
    "cannot write control characters to the terminal: %#",
    (...argv) => {
      const parsed = parseCommandLine(argv, {}, { version: "1", shippedConfigDir: shipped, cwd });
      const lines = parsed.kind === "usage" ? parsed.message.split("\n") : [];
      expect(lines).toEqual([expect.stringContaining("[2J"), expect.stringMatching(/^See /), ""]);
      expect(lines.join("")).not.toMatch(/\p{Cc}/u);
    },
  );

  test("an empty path is no path", () => {
    const facts = { version: "1", shippedConfigDir: shipped, cwd };
    expect(parseCommandLine(["run", "--state", ""], {}, facts)).toMatchObject({
      kind: "usage",
      message: expect.stringContaining('--state "": expected a path'),
    });
  });
});

describe("help", () => {
  test("names every command, shows examples and the exit codes", () => {
    for (const line of ["--help", "-h", "help"]) {
      expect(help(line)).toMatch(
        /run[\s\S]*status[\s\S]*check[\s\S]*graph[\s\S]*purge[\s\S]*export[\s\S]*import[\s\S]*nats/,
      );
      expect(help(line)).toMatch(/Examples:[\s\S]*Exit codes: 0 done/);
    }
  });

  test.each(["run", "gateway", "status", "check", "graph", "pause", "export", "import", "gateway-check"])(
    "exists for %s",
    (name) => {
      expect(help(`${name} --help`)).toMatch(new RegExp(`^Usage: purgatory ${name}`));
      expect(help(`help ${name}`)).toBe(help(`${name} --help`));
    },
  );

  test("and version win over whatever else is there", () => {
    expect(help("--version")).toBe("1.2.3\n");
    expect(help("run --cycles x --help")).toContain("--cycles <N>");
  });
});
