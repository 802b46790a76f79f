// The public face of the command line. main.ts loads it in a process that is replaced at once, and again in the one that
// takes its place: nothing here may load effect or the machines, which take ten times as long as all of this.
export { type Answer, done, failed, speak } from "./answer.ts";
export type {
  CheckCommand,
  Command,
  ExportCommand,
  GatewayCheckCommand,
  GatewayCommand,
  GraphCommand,
  ImportCommand,
  JournalCommand,
  NatsFlags,
  NatsInitCommand,
  OperatorCommand,
  Parsed,
  RecordCommand,
  ReplayCommand,
  RunCommand,
  SimulateCommand,
  StatusCommand,
} from "./command.ts";
export { type Entered, enterPermissions, type Program } from "./enter_permissions.ts";
export { EXIT, EXIT_MEANINGS, type ExitCode } from "./exit_codes.ts";
export { grantFacts } from "./grant_facts.ts";
export {
  type AppNeeds,
  describeGrants,
  type GrantFacts,
  type Grants,
  grantsDocument,
  grantsFor,
  toNodeFlags,
  withoutLogin,
} from "./grants.ts";
export type { LiveTable, LiveTableOptions, Terminal } from "./live_table.ts";
export type { BusAccess } from "./bus_access.ts";
export {
  loadBusAccess,
  loadBusCare,
  loadCheck,
  loadGraph,
  loadJournal,
  loadLedgerCommands,
  loadOperate,
  loadPaperWorld,
  loadRecord,
  loadReplay,
  loadRunBus,
  loadRunFile,
  loadSimulate,
  loadStage,
  loadStatus,
  loadSummary,
  loadTable,
} from "./load_late.ts";
export { type LedgerPaths, ledgerPaths, MODES, type Mode, natsServerDir } from "./ledger_paths.ts";
export { parseCommandLine } from "./program.ts";
export type { ImportFailures } from "./ledger_commands.ts";
export type { FailureSource, ImportedFailure, ParsedFailures } from "./purge_failures.ts";
export type { ProgramFacts } from "./reading.ts";
export type { RunBus } from "./run_bus.ts";
export type { Failure, Stage } from "./stage.ts";
export type { StatusInput } from "./status_view.ts";
export type { SummaryInput } from "./summary.ts";
export type { TableOptions } from "./table.ts";
