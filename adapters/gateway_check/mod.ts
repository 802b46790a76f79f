// The public face of the gateway check.
export {
  checkGateway,
  chooseClauses,
  CLAUSES,
  type CheckOptions,
  type ClauseReport,
  type Progress,
  type Report,
  type RunOptions,
  runClauses,
  warning,
} from "./check_gateway.ts";
export { CHECK_SYMBOLS, type CheckSymbols } from "./check_symbols.ts";
export { natsLink } from "./nats_link.ts";
export type { OrdersAndResults } from "./orders_and_results.ts";
export { formatClause, formatReport, formatSummary, reportDocument } from "./report.ts";
export type { Clause, Finding, Outcome } from "./stage.ts";
