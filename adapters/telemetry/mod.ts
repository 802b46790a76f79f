// The public face of telemetry: log, metrics, status and health of a run.
export { withTables } from "./catalogue.ts";
export { health, type ReadinessInput, readiness, type Verdict } from "./condition.ts";
export { type Level, type LineId, LINES } from "./line_table.ts";
export type { LogLine } from "./lines.ts";
export { createLogger, type Logger, type LoggerOptions } from "./logger.ts";
export { METRICS } from "./metric_table.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
export { createNarrator, type NarratorOptions } from "./narrator.ts";
export { type RunPages, type RunPagesInput, runPages } from "./pages.ts";
export { REDACTED, redact, redactText } from "./redaction.ts";
export { type StatusInput, statusDocument, symbolDocument } from "./status_document.ts";
export { createTelemetry, type Overview, type Telemetry, type TelemetryOptions } from "./telemetry.ts";
export { createTracker, type RunSummary, type Tracker } from "./tracker.ts";
