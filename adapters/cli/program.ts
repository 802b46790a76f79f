// The command line: flags in, one command out. Reads nothing but whether `./config` is there, and never ends the process.
import { type Command as Commander, CommanderError } from "commander";
import type { Parsed } from "./command.ts";
import { describeProgram, fullName } from "./program_help.ts";
import { type ProgramFacts, Reading } from "./reading.ts";

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
  const program = describeProgram(facts.version, (command, given) => reading.take(command, given));
  for (const each of [program, ...allCommands(program)]) {
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

function allCommands(parent: Commander): readonly Commander[] {
  return parent.commands.flatMap((command) => [command, ...allCommands(command)]);
}

/** The command that the line begins with, and what follows its name. */
function named(program: Commander, argv: readonly string[]): readonly [Commander, readonly string[]] {
  const found = program.commands.find((each) => each.name() === argv[0]);
  return found === undefined ? [program, argv] : named(found, argv.slice(1));
}

/** Commander's message in our words: without its prefix, and with what was expected. */
function spoken(error: CommanderError, program: Commander, argv: readonly string[]): string {
  const [command, rest] = named(program, argv);
  const names = command.commands.map((each) => each.name()).join(", ");
  const said = error.message.replace(/^error: /, "").replace(/\n\(/, " (");
  switch (error.code) {
    case "commander.help":
      if (rest.length > 0) return `unknown command '${rest.at(-1)}'; expected one of ${names}`;
      return command === program
        ? `no command given; expected one of ${names}`
        : `${fullName(command)}: expected one of ${names}`;
    case "commander.unknownCommand":
      return said.endsWith("?)") ? said : `${said}; expected one of ${names}`;
    case "commander.unknownOption": {
      // What follows an equals sign may be a secret.
      const flag = said.replace(/'(.*?)=.*'/s, "'$1'");
      return argv[0]?.startsWith("-") === true ? `${flag}; flags come after the command` : flag;
    }
    case "commander.optionMissingArgument":
      return said.replace(
        /^option '(\S+) <(\w+)(?:\.\.\.)?>' argument missing$/,
        "$1: expected a $2 after it",
      );
    case "commander.missingArgument":
      return command.name() === "import"
        ? "import: expected a FILE to read, or - for standard input"
        : `${fullName(command)}: expected a SYMBOL, such as BONK-USD`;
    default:
      return said;
  }
}

function usage(problems: readonly string[], program: Commander, argv: readonly string[]): Parsed {
  const [command] = named(program, argv);
  const help = command === program ? "purgatory --help" : `purgatory ${fullName(command)} --help`;
  const lines = problems.map((problem) => problem.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " "));
  return { kind: "usage", message: [...lines, `See ${help}.`, ""].join("\n") };
}
