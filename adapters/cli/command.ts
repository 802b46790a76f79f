// What a command line can ask for, as data.
import type { OperatorAction } from "../../actors/ports.ts";
import type { Mode } from "./ledger_paths.ts";
import type { Moment } from "./moment.ts";

/** How to reach and enter a NATS server, as far as flags say. Null: what the environment says (`NATS_USER` and the other
 * variables of the `nats` tool, for credentials only), else app.yaml. Paths are absolute. No secret is ever a flag. */
export interface NatsFlags {
  /** `spawn`, for `run` alone: a server of our own. Other commands find such a one by its state directory. */
  readonly url: string | null;
  readonly user: string | null;
  readonly passwordFile: string | null;
  readonly tokenFile: string | null;
  /** A file that holds an nkey seed. */
  readonly nkeyFile: string | null;
  /** A credentials file: a JWT and its seed. */
  readonly credsFile: string | null;
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** What replies are sent under, where a user may not read all of `_INBOX`. */
  readonly inboxPrefix: string | null;
}

/** Paths are absolute. */
export interface RunCommand {
  readonly kind: "run";
  readonly mode: Mode;
  /** Null: until it is told to stop. */
  readonly cycles: number | null;
  /** How many times faster than real the clock runs; `max` jumps from deadline to deadline. */
  readonly speed: number | "max";
  readonly configDir: string;
  readonly stateDir: string;
  readonly nats: NatsFlags;
  /** `external`: another program on the bus is the gateway, and this one sees no exchange. */
  readonly gateway: "own" | "external";
  readonly json: boolean;
  /** A script for the paper exchange; null: the shipped one. */
  readonly scriptFile: string | null;
  /** Null: what app.yaml says. 0: any free one. */
  readonly httpPort: number | null;
}
export interface CheckCommand {
  readonly kind: "check";
  readonly dir: string;
}
export interface GraphCommand {
  readonly kind: "graph";
  readonly format: "mermaid" | "dot";
}
/** Asks a supervisor on the bus where one is configured; reads the ledger's file where none is, or nobody answers. */
export interface StatusCommand {
  readonly kind: "status";
  readonly stateDir: string;
  readonly mode: Mode;
  readonly configDir: string;
  readonly nats: NatsFlags;
  readonly json: boolean;
}
/** `purge`, `pause`, `resume`, `reset`, `ban`, `abort`: asks a supervisor on the bus. */
export interface OperatorCommand {
  readonly kind: "operator";
  readonly action: OperatorAction;
  readonly symbol: string;
  readonly reason: string;
  /** Default: the user and host that the command runs as. */
  readonly by: string;
  readonly stateDir: string;
  readonly mode: Mode;
  readonly configDir: string;
  readonly nats: NatsFlags;
  readonly json: boolean;
}
/** The paper exchange's gateway as a process of its own; the supervisor runs elsewhere with `--gateway external`. */
export interface GatewayCommand {
  readonly kind: "gateway";
  readonly mode: Mode;
  readonly configDir: string;
  readonly stateDir: string;
  readonly nats: NatsFlags;
  readonly scriptFile: string | null;
  readonly json: boolean;
}
/** `nats init`: creates streams and consumers, or, asked to, brings existing ones in line. */
export interface NatsInitCommand {
  readonly kind: "nats init";
  readonly configDir: string;
  readonly nats: NatsFlags;
  /** Of each stream, in a cluster: 1, 3 or 5. */
  readonly replicas: number;
  readonly update: boolean;
  readonly json: boolean;
}
/** `gateway-check`: plays a supervisor against whatever gateway is on the bus. */
export interface GatewayCheckCommand {
  readonly kind: "gateway-check";
  readonly configDir: string;
  readonly nats: NatsFlags;
  /** How long the gateway may take to answer, in seconds. */
  readonly timeoutSeconds: number;
  /** Names of clauses to try; empty: all. */
  readonly only: readonly string[];
  readonly json: boolean;
}
/** `file` is `-` for standard output, or standard input. */
export interface ExportCommand {
  readonly kind: "export";
  readonly stateDir: string;
  readonly mode: Mode;
  readonly file: string;
}
export interface ImportCommand {
  readonly kind: "import";
  readonly file: string;
  readonly stateDir: string;
  readonly mode: Mode;
  /** Where the rules of backoff are, under which an imported record counts. */
  readonly configDir: string;
}
/** `journal`: a ledger as a recording, one record a line, on standard output. */
export interface JournalCommand {
  readonly kind: "journal";
  readonly stateDir: string;
  readonly mode: Mode;
  /** Null: all of them. */
  readonly symbol: string | null;
  readonly from: Moment | null;
  /** With what is at that moment. */
  readonly to: Moment | null;
  /** Goes on with what is yet to be written. */
  readonly follow: boolean;
}
/** `record`: the same of a supervisor that runs elsewhere, from what its bus has kept. */
export interface RecordCommand {
  readonly kind: "record";
  readonly symbol: string | null;
  readonly follow: boolean;
  readonly stateDir: string;
  readonly configDir: string;
  readonly nats: NatsFlags;
}
/** `replay`: a recording, fed to the machine as it is now. `file` is `-` for standard input. */
export interface ReplayCommand {
  readonly kind: "replay";
  readonly file: string;
  readonly show: "table" | "json" | "mermaid" | "nothing";
  readonly symbol: string | null;
  /** The last moment that is replayed. */
  readonly until: Moment | null;
  /** Compares what the machine remembers, too. */
  readonly context: boolean;
  /** A policy.yaml to put in place of the recorded policies. */
  readonly whatIfFile: string | null;
  /** What the smallest part of one symbol's events has to do: `diverges`, or reach a state. */
  readonly shrink: { readonly to: "divergence" } | { readonly to: "state"; readonly state: string } | null;
}
/** `simulate`: whole worlds from seeds, with everything going wrong at once. */
export interface SimulateCommand {
  readonly kind: "simulate";
  readonly firstSeed: number;
  /** How many, from the first one on. */
  readonly seeds: number;
  /** How long things go wrong in each world. */
  readonly minutes: number;
  /** Worker threads; 1: none; null: as many as the machine has cores. */
  readonly jobs: number | null;
  readonly json: boolean;
  /** Of one seed: everything that happens. */
  readonly trace: boolean;
}
export type Command =
  | RunCommand
  | CheckCommand
  | GraphCommand
  | StatusCommand
  | OperatorCommand
  | GatewayCommand
  | NatsInitCommand
  | GatewayCheckCommand
  | ExportCommand
  | ImportCommand
  | JournalCommand
  | RecordCommand
  | ReplayCommand
  | SimulateCommand;

export type Parsed =
  | Command
  /** Help or version: for standard output, exit code 0. Ends with a line break. */
  | { readonly kind: "text"; readonly text: string }
  /** For standard error, exit code 2. Ends with a line break. */
  | { readonly kind: "usage"; readonly message: string };
