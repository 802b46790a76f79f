// The command line: flags in, one command out. Reads nothing but whether `./config` is there, and never ends the process.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Command as Commander, CommanderError } from "commander";
import type { Command, Parsed } from "./command.ts";
import { FlagProblems, natsUrl, oneOf, pathOf, speedOf, wholeNumber } from "./flag_values.ts";
import { MODES, type Mode } from "./ledger_paths.ts";
import { describeProgram } from "./program_help.ts";

/** What the defaults depend on. */
export interface ProgramFacts {
  readonly version: string;
  /** The configuration that ships with the package; used where `./config` has no policy.yaml. */
  readonly shippedConfigDir: string;
  /** What relative paths are relative to. */
  readonly cwd: string;
}

/** Understands a command line.
 *
 * @param argv what follows the name of the program: `process.argv.slice(2)`
 * @param env for `PURGATORY_CONFIG` and `PURGATORY_STATE`, which stand in where the flag is not given
 */
export function parseCommandLine(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  facts: ProgramFacts,
): Parsed {
  const reading = new Reading(env, facts);
  let text = "";
  const program = describeProgram(facts.version, (command, args) => reading.take(command, args));
  for (const each of [program, ...program.commands]) {
    each.exitOverride().configureOutput({
      writeOut: (more) => {
        text += more;
      },
      writeErr: () => {},
    });
  }
  try {
    program.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0
      ? { kind: "text", text }
      : usage([spoken(error, program, argv)], program, argv);
  }
  if (reading.command !== null && reading.problems.all.length === 0) return reading.command;
  return usage(reading.problems.all, program, argv);
}

/** Where a ledger's state is kept when nobody says otherwise. */
const STATE_DIR = ".purgatory";
const CYCLES_MAX = 1_000_000_000;
const PORT_MAX = 65_535;

type Options = Readonly<Record<string, string | boolean | undefined>>;

/** Turns what commander found into a command, and notes what does not fit. */
class Reading {
  readonly problems = new FlagProblems();
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #facts: ProgramFacts;
  command: Command | null = null;

  constructor(env: Readonly<Record<string, string | undefined>>, facts: ProgramFacts) {
    this.#env = env;
    this.#facts = facts;
  }

  take(name: string, { options, argument }: { options: Options; argument: string | undefined }): void {
    switch (name) {
      case "run":
        this.command = this.#run(options);
        return;
      case "check":
        this.command = { kind: "check", dir: this.#configDir("DIR", argument) };
        return;
      case "graph":
        this.command = {
          kind: "graph",
          format: this.#choice("--format", options, ["mermaid", "dot"], "mermaid"),
        };
        return;
      case "status":
        this.command = { kind: "status", ...this.#ledger(options), json: options["json"] === true };
        return;
      case "export":
        this.command = {
          kind: "export",
          ...this.#ledger(options),
          file: this.#file("FILE", argument ?? "-"),
        };
        return;
      case "import":
        this.command = {
          kind: "import",
          ...this.#ledger(options),
          file: this.#file("FILE", argument ?? "-"),
          configDir: this.#configDir("--config", texts(options)["config"]),
        };
        return;
    }
  }

  #run(options: Options): Command {
    const { cycles, speed, nats, script, httpPort } = texts(options);
    const { problems } = this;
    const { stateDir, mode } = this.#ledger(options);
    if (mode === "live" && speed !== undefined && speed !== "1")
      problems.add(
        "--speed",
        speed,
        "1 in live mode: the exchange's clock cannot be hurried",
        "leave it out",
      );
    if (mode === "live" && script !== undefined)
      problems.add("--script", script, "paper or dry-run mode: it is for the paper exchange", "leave it out");
    return {
      kind: "run",
      mode,
      cycles:
        cycles === undefined ? null : wholeNumber("--cycles", cycles, { min: 1, max: CYCLES_MAX }, problems),
      speed: speed === undefined ? 1 : speedOf("--speed", speed, problems),
      configDir: this.#configDir("--config", texts(options)["config"]),
      stateDir,
      natsUrl: nats === undefined ? null : natsUrl("--nats", nats, problems),
      json: options["json"] === true,
      scriptFile: script === undefined ? null : this.#path("--script", script),
      httpPort:
        httpPort === undefined
          ? null
          : wholeNumber("--http-port", httpPort, { min: 0, max: PORT_MAX }, problems),
    };
  }

  #ledger(options: Options): { readonly stateDir: string; readonly mode: Mode } {
    const state = texts(options)["state"] ?? nonEmpty(this.#env["PURGATORY_STATE"]) ?? STATE_DIR;
    return { stateDir: this.#path("--state", state), mode: this.#choice("--mode", options, MODES, "paper") };
  }

  #configDir(flag: string, given: string | undefined): string {
    const named = given ?? nonEmpty(this.#env["PURGATORY_CONFIG"]);
    if (named !== undefined) return this.#path(flag, named);
    const own = join(this.#facts.cwd, "config");
    return isThereOrHidden(join(own, "policy.yaml")) ? own : this.#facts.shippedConfigDir;
  }

  #file(flag: string, value: string): string {
    return value === "-" ? value : this.#path(flag, value);
  }

  #path(flag: string, value: string): string {
    return resolve(this.#facts.cwd, pathOf(flag, value, this.problems));
  }

  #choice<T extends string>(flag: string, options: Options, choices: readonly T[], fallback: T): T {
    const value = options[flag.slice(2)];
    if (typeof value !== "string") return fallback;
    return oneOf(flag, value, choices, this.problems) ?? fallback;
  }
}

function texts(options: Options): Readonly<Record<string, string | undefined>> {
  const entries = Object.entries(options).map(([key, value]) => [
    key,
    typeof value === "string" ? value : undefined,
  ]);
  return Object.fromEntries(entries);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

/** A file that may not be looked at counts as there: the grants that are then asked for name it, instead of another
 * configuration being used without a word. */
function isThereOrHidden(path: string): boolean {
  try {
    return existsSync(path);
  } catch {
    return true;
  }
}

/** Commander's message in our words: without its prefix, and with what was expected. */
function spoken(error: CommanderError, program: Commander, argv: readonly string[]): string {
  const names = program.commands.map((each) => each.name()).join(", ");
  const said = error.message.replace(/^error: /, "").replace(/\n\(/, " (");
  switch (error.code) {
    case "commander.help":
      return argv.length === 0
        ? `no command given; expected one of ${names}`
        : `unknown command '${argv.at(-1)}'; expected one of ${names}`;
    case "commander.unknownCommand":
      return said.endsWith("?)") ? said : `${said}; expected one of ${names}`;
    case "commander.unknownOption": {
      // What follows an equals sign may be a secret.
      const flag = said.replace(/'(.*?)=.*'/s, "'$1'");
      return argv[0]?.startsWith("-") === true ? `${flag}; flags come after the command` : flag;
    }
    case "commander.optionMissingArgument":
      return said.replace(/^option '(\S+) <(\w+)>' argument missing$/, "$1: expected a $2 after it");
    case "commander.missingArgument":
      return "import: expected a FILE to read, or - for standard input";
    default:
      return said;
  }
}

function usage(problems: readonly string[], program: Commander, argv: readonly string[]): Parsed {
  const named = program.commands.find((each) => each.name() === argv[0])?.name();
  const help = named === undefined ? "purgatory --help" : `purgatory ${named} --help`;
  const lines = problems.map((problem) => problem.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " "));
  return { kind: "usage", message: [...lines, `See ${help}.`, ""].join("\n") };
}
