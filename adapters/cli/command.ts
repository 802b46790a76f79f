// What a command line can ask for, as data.
import type { Mode } from "./ledger_paths.ts";

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
  /** Null: what app.yaml says. */
  readonly natsUrl: string | null;
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
export interface StatusCommand {
  readonly kind: "status";
  readonly stateDir: string;
  readonly mode: Mode;
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
export type Command =
  | RunCommand
  | CheckCommand
  | GraphCommand
  | StatusCommand
  | ExportCommand
  | ImportCommand;

export type Parsed =
  | Command
  /** Help or version: for standard output, exit code 0. Ends with a line break. */
  | { readonly kind: "text"; readonly text: string }
  /** For standard error, exit code 2. Ends with a line break. */
  | { readonly kind: "usage"; readonly message: string };
