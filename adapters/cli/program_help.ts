// The commands and flags as commander needs them, with their help texts and examples.
import { Command as Commander } from "commander";

export type Take = (
  command: string,
  given: {
    readonly options: Readonly<Record<string, string | boolean | undefined>>;
    readonly argument: string | undefined;
  },
) => void;

/** @param take is called with the raw texts of the one command that was given */
export function describeProgram(version: string, take: Take): Commander {
  const program = new Commander("purgatory")
    .description(
      "Sells positions that an account should no longer hold, and keeps its head when the exchange says no.",
    )
    .usage("COMMAND [options]")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .configureHelp({
      helpWidth: 100,
      subcommandTerm: (command) => `${command.name()} ${command.usage()}`.trimEnd(),
    })
    .showSuggestionAfterError(true)
    .addHelpText("after", PROGRAM_NOTES);
  addRun(program);
  add(program, "check", "check the configuration files", [], "[DIR]").argument(
    "[dir]",
    "the directory that holds them; as --config of run",
  );
  add(program, "graph", "print the purge machine as a picture", [
    ["--format <FORMAT>", "mermaid or dot (default: mermaid)"],
  ]);
  add(program, "status", "show what a ledger says, running or stopped", [
    ...LEDGER,
    ["--json", "as one JSON document"],
  ]);
  add(program, "export", "write the failure records as JSON", LEDGER, "[FILE] [options]").argument(
    "[file]",
    "where to, or - for standard output (default: -)",
  );
  add(
    program,
    "import",
    "take failure records in, all or none",
    [...LEDGER, CONFIG],
    "FILE [options]",
  ).argument("<file>", "what export wrote, or a whole state file; - for standard input");
  for (const command of program.commands) {
    command.action(() => take(command.name(), { options: command.opts(), argument: command.args[0] }));
  }
  return program;
}

type Flag = readonly [flags: string, text: string];

const STATE: Flag = ["--state <DIR>", "where ledgers are kept (default: $PURGATORY_STATE or ./.purgatory)"];
const CONFIG: Flag = [
  "--config <DIR>",
  "the directory of policy.yaml, universe.yaml and app.yaml (default: $PURGATORY_CONFIG, or ./config where it has a policy.yaml, or the shipped one)",
];
const LEDGER: readonly Flag[] = [
  STATE,
  ["--mode <MODE>", "which ledger: dry-run, paper or live (default: paper)"],
];

function addRun(program: Commander): void {
  add(program, "run", "supervise until SIGINT or SIGTERM, or for some cycles", [
    ["--mode <MODE>", "dry-run, paper or live, which is yet to come (default: paper)"],
    ["--cycles <N>", "end after N cycles (default: never)"],
    ["--speed <X>", "the clock runs X times faster; max jumps from deadline to deadline (default: 1)"],
    CONFIG,
    STATE,
    ["--script <FILE>", "what the paper exchange has in store (default: the shipped account)"],
    ["--nats <URL>", "a NATS server such as nats://127.0.0.1:4222 (default: nats.url of app.yaml)"],
    [
      "--http-port <PORT>",
      "metrics and health over HTTP; 0 takes a free port (default: http.port of app.yaml)",
    ],
    ["--json", "JSON log lines instead of a table and readable ones"],
  ]).addHelpText(
    "after",
    `
Examples:
  purgatory run                                      the shipped paper account, at the real pace
  purgatory run --cycles 700 --speed 3600            half a day of it in twelve seconds
  purgatory run --script stormy.yaml --json          a market of your own, as JSON lines
  purgatory run --nats nats://127.0.0.1:4222         orders and results over NATS`,
  );
}

function add(
  program: Commander,
  name: string,
  text: string,
  flags: readonly Flag[],
  usage = "[options]",
): Commander {
  const command = program
    .command(name)
    .description(text)
    .usage(usage)
    .helpOption("-h, --help", "print this help");
  for (const [flag, about] of flags) command.option(flag, about);
  return command;
}

const PROGRAM_NOTES = `
Examples:
  purgatory run --cycles 700 --speed 3600    watch half a day of the shipped paper account
  purgatory check ./config                   are these files in order?
  purgatory status                           what came of it
  purgatory export > failures.json           failure records, for another bot or another day
  purgatory graph | less                     the machine that does it

Exit codes: 0 done, 1 failed, 2 usage, 3 state directory, 4 permission, 5 not yet, 130 interrupted twice.`;
