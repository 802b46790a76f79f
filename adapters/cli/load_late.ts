// What a command needs only once it runs under its grants. Loaded when asked for: it leans on effect and the machines,
// which the command line itself must not load.

/** `summaryLines` and `summaryDocument`: what a run says at its end. */
export const loadSummary = () => import("./summary.ts");

/** `liveTable` and `renderTable`: all symbols at a glance, under a log that scrolls. */
export const loadTable = async () => ({
  ...(await import("./live_table.ts")),
  ...(await import("./table.ts")),
});

/** `check`: a process that may not use SQLite can load it, and `graph`; not the others. */
export const loadCheck = () => import("./check.ts");
export const loadGraph = () => import("./graph.ts");

/** `statusOfLedger`, `exportRecords`, `importRecords`. */
export const loadLedgerCommands = () => import("./ledger_commands.ts");

/** `readScript`, `openPaper`, `openClock`: the paper exchange, and time as it passes there. */
export const loadPaperWorld = () => import("./paper_world.ts");

/** `writeRunFile`: what a run leaves for `status` to find. */
export const loadRunFile = () => import("./run_file.ts");

/** `status`: from the bus, or from the ledger. */
export const loadStatus = () => import("./status_command.ts");

/** `operate`: what an operator asks of one symbol. */
export const loadOperate = () => import("./operator_command.ts");

/** `initNats` and `tryGateway`. A process that may not use SQLite can load it. */
export const loadBusCare = () => import("./bus_care.ts");

/** `busAccess` and `natsSettings`: where a run's or a gateway's bus is, and how to enter it. */
export const loadBusAccess = () => import("./bus_access.ts");

/** `setStage`: what a process that runs for long has around it. */
export const loadStage = () => import("./stage.ts");

/** `RunBus`: the bus of such a process. */
export const loadRunBus = () => import("./run_bus.ts");

/** `writeJournal`: a ledger as a recording. */
export const loadJournal = () => import("./journal_command.ts");

/** `recordBus`: a recording of what a bus has kept. */
export const loadRecord = () => import("./record_command.ts");

/** `replay`. A process that may not use SQLite can load it. */
export const loadReplay = () => import("./replay_command.ts");

/** `simulateSeeds`: many simulated worlds, and what came of them. */
export const loadSimulate = () => import("./simulate_command.ts");
