// Purgatory as a library: the machines, the supervisor, the ports, and everything that runs without a network. To bring
// your own exchange, bus or journal, implement its port and hand it to `startTree`.
export {
  type AutoShutdown,
  type Child,
  type ChildSpec,
  describeEnd,
  describeReason,
  type ExitReason,
  type Link,
  type Restart,
  type Shutdown,
  type StopReason,
  type SupervisorEnd,
} from "./actors/child_spec.ts";
export {
  DynamicSupervisor,
  type DynamicSupervisorSpec,
  dynamicSupervisorChild,
  startDynamicSupervisor,
} from "./actors/dynamic_supervisor.ts";
export {
  Mailbox,
  type MailboxOptions,
  MailboxOverflow,
  type Overflow,
  type Sent,
} from "./actors/mailbox.ts";
export type * from "./actors/ports.ts";
export { BusError, JournalError, OrderNotFound, Refused, Unreachable } from "./actors/ports.ts";
export {
  type Strategy,
  Supervisor,
  type SupervisorSpec,
  startSupervisor,
  supervisorChild,
} from "./actors/supervisor.ts";
export type { World } from "./actors/supervisor_core.ts";
export {
  ChildAlreadyPresent,
  ChildAlreadyStarted,
  ChildNotFound,
  ChildRestarting,
  ChildRunning,
  ChildStartFailed,
  InvalidSpec,
  SupervisorStopped,
} from "./actors/supervisor_errors.ts";
export type { SupervisorEvent } from "./actors/supervisor_events.ts";
export { startTree, type Tree, type TreeOptions } from "./actors/tree.ts";
export { inProcessTransport, type MessageBus, messageBus } from "./adapters/bus/mod.ts";
export { pacedClock, systemClock, type VirtualClock, virtualClock } from "./adapters/clock/mod.ts";
export {
  openPaperExchange,
  type PaperExchange,
  PaperFileError,
  type PaperScript,
  PaperScriptError,
  parsePaperScript,
  readPaperScript,
} from "./adapters/exchange/mod.ts";
export {
  type MemoryLedger,
  memoryJournal,
  memoryLedger,
  openSqliteJournal,
} from "./adapters/journal/mod.ts";
export {
  type Config,
  type ConfigResult,
  formatProblems,
  loadConfig,
  parseConfig,
  readConfigFiles,
} from "./config/mod.ts";
export * from "./machines/mod.ts";
