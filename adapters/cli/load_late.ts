// What a command needs only once it runs under its grants. Loaded when asked for: it leans on effect and the machines,
// which the command line itself must not load.

/** `summaryLines` and `summaryDocument`: what a run says at its end. */
export const loadSummary = () => import("./summary.ts");

/** `exportFailures` and `parseFailures`: the Python original's `purge_failures`, out and in. */
export const loadPurgeFailures = () => import("./purge_failures.ts");

/** `liveTable` and `renderTable`: all symbols at a glance, under a log that scrolls. */
export const loadTable = async () => ({
  ...(await import("./live_table.ts")),
  ...(await import("./table.ts")),
});

/** `statusLines` and `statusDocument`: what a ledger says, for people and for programs; and what a run left for them. */
export const loadStatus = async () => ({
  ...(await import("./status_view.ts")),
  ...(await import("./run_file.ts")),
});
