// The public face of the command line.
export type {
  CheckCommand,
  Command,
  ExportCommand,
  GraphCommand,
  ImportCommand,
  Parsed,
  RunCommand,
  StatusCommand,
} from "./command.ts";
export { EXIT, EXIT_MEANINGS, type ExitCode } from "./exit_codes.ts";
export { type LedgerPaths, ledgerPaths, MODES, type Mode } from "./ledger_paths.ts";
export { type ProgramFacts, parseCommandLine } from "./program.ts";
