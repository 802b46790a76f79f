// The commands and flags as commander needs them, with their help texts and examples.
import { Command as Commander } from "commander";
import { NATS_OPTIONS } from "./nats_flags.ts";
import {
  CONFIG,
  type Described,
  FOUND_BUS,
  JSON_DOCUMENT,
  LEDGER,
  OWN_BUS,
  SCRIPT,
  STATE,
  URL_TEXT,
} from "./described.ts";
import { RECORDINGS } from "./recording_help.ts";
import { SIMULATE } from "./simulate_flags.ts";

/** The raw texts of one command. */
export interface Given {
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly argument: string | undefined;
}
/** @param command its name in full: `nats init` */
export type Take = (command: string, given: Given) => void;

/** `nats init` for a command within another one. */
export function fullName(command: Commander): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${fullName(parent)} ${command.name()}`;
}

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
    .configureHelp(HELP)
    .showSuggestionAfterError(true)
    .addHelpText("after", PROGRAM_NOTES);
  for (const command of COMMANDS) add(program, command, take);
  return program;
}

const HELP = {
  helpWidth: 100,
  subcommandTerm: (command: Commander): string => `${command.name()} ${command.usage()}`.trimEnd(),
};

const RUN: Described = {
  name: "run",
  group: "Sell:",
  text: "supervise until SIGINT or SIGTERM, or for some cycles",
  flags: [
    ["--mode <MODE>", "dry-run, paper or live, which is yet to come (default: paper)"],
    ["--cycles <N>", "end after N cycles (default: never)"],
    ["--speed <X>", "the clock runs X times faster; max jumps from deadline to deadline (default: 1)"],
    CONFIG,
    STATE,
    SCRIPT,
    ["--gateway <WHICH>", "own, or external: another program on the bus places the orders (default: own)"],
    [
      "--http-port <PORT>",
      "metrics and health over HTTP; 0 takes a free port (default: http.port of app.yaml)",
    ],
    ["--json", "JSON log lines instead of a table and readable ones"],
  ],
  bus: ["--nats <URL>", `${URL_TEXT}, or spawn: a server of its own (default: nats.url of app.yaml)`],
  examples: [
    "purgatory run                                      the shipped paper account, at the real pace",
    "purgatory run --cycles 700 --speed 3600            half a day of it in twelve seconds",
    "purgatory run --script stormy.yaml --json          a market of your own, as JSON lines",
    "purgatory run --nats spawn                         with a NATS server, which others may join",
    "purgatory run --nats nats://127.0.0.1:4222         orders and results over a server that is there",
    "purgatory run --gateway external --nats nats://…   the orders are placed by another program",
  ],
};

const GATEWAY: Described = {
  name: "gateway",
  group: "Sell:",
  text: "the paper exchange's gateway, apart from the supervisor",
  flags: [...LEDGER, CONFIG, SCRIPT, ["--json", "JSON log lines instead of readable ones"]],
  bus: FOUND_BUS,
  examples: [
    "purgatory gateway --nats nats://127.0.0.1:4222                   here the exchange,",
    "purgatory run --gateway external --nats nats://127.0.0.1:4222    there the supervisor",
  ],
};

const STATUS: Described = {
  name: "status",
  group: "Look:",
  text: "show what goes on: from the bus where there is one, else from the ledger",
  flags: [...LEDGER, CONFIG, JSON_DOCUMENT],
  bus: FOUND_BUS,
};

/** What an operator may ask: what for, and whether it takes a reason. */
const ACTIONS: readonly (readonly [name: string, text: string, needsReason: boolean])[] = [
  ["purge", "sell a symbol now, without waiting for the next cycle", true],
  ["pause", "stop selling a symbol until it is resumed", true],
  ["resume", "let a paused symbol go on", false],
  ["reset", "forget a symbol's failures, end its backoff, lift its ban", false],
  ["ban", "never sell a symbol, until it is reset", true],
  ["abort", "cancel what rests at the exchange, and end the attempt", true],
];

const OPERATOR = ACTIONS.map(([name, text, needsReason]): Described => {
  const reason = `why; kept in the journal and the log${needsReason ? "; required" : ' (default: "no reason given")'}`;
  const told = needsReason ? ' --reason "halted for maintenance"' : "";
  return {
    name,
    group: "Operate, over the bus:",
    text,
    usage: "SYMBOL [options]",
    argument: ["<symbol>", "the product that the position is sold through, such as BONK-USD"],
    flags: [
      ["--reason <TEXT>", reason],
      ["--by <NAME>", "who asks (default: the user and host)"],
      ...LEDGER,
      CONFIG,
      JSON_DOCUMENT,
    ],
    bus: FOUND_BUS,
    examples: [`purgatory ${name} BONK-USD${told}`],
  };
});

const BUS: readonly Described[] = [
  {
    name: "nats",
    group: "Bus:",
    text: "prepare a NATS server",
    usage: "COMMAND [options]",
    commands: [
      {
        name: "init",
        group: "Commands:",
        text: "create the streams and consumers, or tell how they differ",
        flags: [
          ["--replicas <N>", "copies of each stream in a cluster: 1, 3 or 5 (default: 1)"],
          ["--update", "bring those that differ in line"],
          CONFIG,
          JSON_DOCUMENT,
        ],
        bus: OWN_BUS,
        examples: [
          "purgatory nats init --nats nats://127.0.0.1:4222               once, before the first run",
          "purgatory nats init --nats nats://… --replicas 3 --update      after the server became a cluster",
        ],
      },
    ],
  },
  {
    name: "gateway-check",
    group: "Bus:",
    text: "try a gateway, clause by clause; it places real orders at its exchange",
    flags: [
      ["--timeout <SECONDS>", "how long the gateway may take for one answer (default: 15)"],
      ["--only <CLAUSE...>", "these clauses alone, by the names in the report (default: all)"],
      CONFIG,
      JSON_DOCUMENT,
    ],
    bus: OWN_BUS,
    examples: ["purgatory gateway-check --nats nats://127.0.0.1:4222"],
  },
];

const FILES: readonly Described[] = [
  {
    name: "check",
    group: "Look:",
    text: "check the configuration files",
    usage: "[DIR]",
    argument: ["[dir]", "the directory that holds them; as --config of run"],
  },
  {
    name: "graph",
    group: "Look:",
    text: "print the purge machine as a picture",
    flags: [["--format <FORMAT>", "mermaid or dot (default: mermaid)"]],
  },
  {
    name: "export",
    group: "Failure records:",
    text: "write the failure records as JSON",
    usage: "[FILE] [options]",
    argument: ["[file]", "where to, or - for standard output (default: -)"],
    flags: LEDGER,
  },
  {
    name: "import",
    group: "Failure records:",
    text: "take failure records in, all or none",
    usage: "FILE [options]",
    argument: ["<file>", "what export wrote, or a whole state file; - for standard input"],
    flags: [...LEDGER, CONFIG],
  },
];

const COMMANDS: readonly Described[] = [
  RUN,
  GATEWAY,
  STATUS,
  ...FILES.slice(0, 2),
  ...RECORDINGS,
  SIMULATE,
  ...OPERATOR,
  ...FILES.slice(2),
  ...BUS,
];

function add(parent: Commander, described: Described, take: Take): void {
  const { name, group, text, usage = "[options]", argument, flags = [], bus, examples = [] } = described;
  const command = parent
    .command(name)
    .description(text)
    .usage(usage)
    .helpOption("-h, --help", "print this help")
    .helpGroup(group);
  if (argument !== undefined) command.argument(...argument);
  for (const [flag, about] of flags) command.option(flag, about);
  if (bus !== undefined) {
    command.optionsGroup("Bus:");
    for (const [flag, about] of [bus, ...NATS_OPTIONS]) command.option(flag, about);
  }
  if (examples.length > 0)
    command.addHelpText("after", ["", "Examples:", ...examples.map((line) => `  ${line}`)].join("\n"));
  for (const inner of described.commands ?? []) add(command, inner, take);
  if (described.commands !== undefined) return;
  command.action(() => take(fullName(command), { options: command.opts(), argument: command.args[0] }));
}

const PROGRAM_NOTES = `
Examples:
  purgatory run --cycles 700 --speed 3600    watch half a day of the shipped paper account
  purgatory run --nats spawn                 the same account on a bus, for other programs to join
  purgatory status                           what came of it
  purgatory pause BONK-USD --reason "…"      stop selling one symbol, while a run is on
  purgatory check ./config                   are these files in order?
  purgatory export > failures.json           failure records, for another bot or another day
  purgatory graph | less                     the machine that does it

Exit codes: 0 done, 1 failed, 2 usage, 3 state directory, 4 permission, 5 not yet, 6 refused,
130 interrupted twice.`;
