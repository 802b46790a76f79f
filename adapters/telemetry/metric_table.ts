// Every metric there is: name, type, labels and what it means. `metrics.ts` counts by this table, and docs/telemetry.md is
// checked against it.

export interface MetricShape {
  readonly type: "counter" | "gauge" | "histogram";
  readonly name: string;
  readonly labels: readonly string[];
  readonly help: string;
  /** Upper bounds of a histogram's buckets, in seconds. */
  readonly buckets?: readonly number[];
}

export const METRICS = {
  riskRejections: {
    type: "counter",
    name: "trader_risk_rejections_total",
    labels: ["reason"],
    help: "Purge attempts that failed through the symbol's own fault; reason is purge_failed.",
  },
  ordersRejected: {
    type: "counter",
    name: "trader_orders_rejected_total",
    labels: ["symbol", "code", "class"],
    help: "Orders that the exchange refused, by its code and by whose fault that is.",
  },
  cycleDuration: {
    type: "histogram",
    name: "trader_cycle_duration_seconds",
    labels: [],
    help: "Duration of one cycle over all positions. A cycle never waits for an attempt.",
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60],
  },
  cyclesHeldBack: {
    type: "counter",
    name: "purgatory_cycles_held_back_total",
    labels: [],
    help: "Cycles that purged nothing because of a guard, missing holdings, the venue or the bus.",
  },
  lastCycle: {
    type: "gauge",
    name: "purgatory_last_cycle_timestamp_seconds",
    labels: [],
    help: "When the last cycle was completed, in seconds since 1970; absent before the first.",
  },
  positions: {
    type: "gauge",
    name: "purgatory_positions",
    labels: [],
    help: "Positions seen in the last cycle.",
  },
  candidates: {
    type: "gauge",
    name: "purgatory_candidates",
    labels: [],
    help: "Candidates found in the last cycle.",
  },
  state: {
    type: "gauge",
    name: "purgatory_symbol_state",
    labels: ["symbol", "state"],
    help: "1 for the state that a symbol is in: idle, purging, failed, backoff.waiting, backoff.due, retrying, cleared or suspended. Other states of that symbol are absent.",
  },
  consecutiveFailures: {
    type: "gauge",
    name: "purgatory_consecutive_failures",
    labels: ["symbol"],
    help: "Failed attempts of a symbol since its last success.",
  },
  nextTry: {
    type: "gauge",
    name: "purgatory_next_try_timestamp_seconds",
    labels: ["symbol"],
    help: "End of a symbol's backoff, in seconds since 1970; absent without one.",
  },
  soldValue: {
    type: "gauge",
    name: "purgatory_sold_value_usd",
    labels: ["symbol"],
    help: "What a symbol has brought in over the life of its ledger, before fees, restarts included.",
  },
  residual: {
    type: "gauge",
    name: "purgatory_residual_usd",
    labels: ["symbol"],
    help: "What the last attempt left unsold; absent before the first has ended.",
  },
  attempts: {
    type: "counter",
    name: "purgatory_attempts_total",
    labels: ["symbol"],
    help: "Attempts started.",
  },
  retries: {
    type: "counter",
    name: "purgatory_retries_total",
    labels: ["symbol"],
    help: "Those of them that followed a failure.",
  },
  failures: {
    type: "counter",
    name: "purgatory_failures_total",
    labels: ["symbol"],
    help: "Attempts that failed through the symbol's own fault.",
  },
  successes: {
    type: "counter",
    name: "purgatory_successes_total",
    labels: ["symbol"],
    help: "Attempts that sold the position down to dust.",
  },
  interruptions: {
    type: "counter",
    name: "purgatory_interruptions_total",
    labels: ["symbol", "fault"],
    help: "Attempts ended by the venue, the account, transport, an operator or by nobody (nothing to sell). They are no failures.",
  },
  skips: {
    type: "counter",
    name: "purgatory_skips_total",
    labels: ["why"],
    help: "Candidates that were not started in a cycle: backoff, suspended, busy, limit, venue or dry_run.",
  },
  ordersPlaced: {
    type: "counter",
    name: "purgatory_orders_placed_total",
    labels: ["symbol", "kind"],
    help: "Orders sent to the exchange, post_only or ioc; one that is sent again under its id is not counted again.",
  },
  unclassified: {
    type: "counter",
    name: "purgatory_unclassified_rejections_total",
    labels: ["code"],
    help: "Refusals with a code in no table, taken for the symbol's fault. Each one wants a look.",
  },
  venueState: {
    type: "gauge",
    name: "purgatory_venue_state",
    labels: ["state"],
    help: "1 for the state that the venue breaker is in, 0 for the others: closed, open, half_open.",
  },
  venueOpened: {
    type: "counter",
    name: "purgatory_venue_breaker_opened_total",
    labels: ["cause"],
    help: "Times the venue breaker opened, because of the venue or of the account.",
  },
  commitDuration: {
    type: "histogram",
    name: "purgatory_journal_commit_seconds",
    labels: [],
    help: "Duration of one durable group commit.",
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
  },
  journalRecords: {
    type: "counter",
    name: "purgatory_journal_records_total",
    labels: [],
    help: "Records made durable.",
  },
  journalPending: {
    type: "gauge",
    name: "purgatory_journal_pending_records",
    labels: [],
    help: "Records that were waiting for the next group commit when the last one ended.",
  },
  queueDepth: {
    type: "gauge",
    name: "purgatory_queue_depth",
    labels: ["queue"],
    help: "Messages waiting in a bounded mailbox or queue.",
  },
  restarts: {
    type: "counter",
    name: "purgatory_restarts_total",
    labels: ["supervisor", "child"],
    help: "Children that their supervisor started anew.",
  },
  childrenLost: {
    type: "counter",
    name: "purgatory_children_lost_total",
    labels: ["supervisor", "how"],
    help: "Children that are gone for good: abandoned (did not stop in time), escalated (too many restarts) or set_aside (kept crashing).",
  },
  deadLetters: {
    type: "counter",
    name: "purgatory_dead_letters_total",
    labels: [],
    help: "Messages set aside because they could not be processed.",
  },
  busConnected: {
    type: "gauge",
    name: "purgatory_bus_connected",
    labels: [],
    help: "1 while the bus is connected, 0 while it is not; absent where the bus is in this process.",
  },
  busDisconnects: {
    type: "counter",
    name: "purgatory_bus_disconnects_total",
    labels: [],
    help: "Times the bus connection was lost.",
  },
  busIncidents: {
    type: "counter",
    name: "purgatory_bus_incidents_total",
    labels: ["what"],
    help: "What happened on the way between programs: redelivered, duplicate, resent (harmless), heartbeat_missed, slow_consumer, stale_connection, lame_duck or error.",
  },
  operatorRequests: {
    type: "counter",
    name: "purgatory_operator_requests_total",
    labels: ["action", "outcome"],
    help: "Requests of operators: purge, pause, resume, reset, ban or abort; done, unchanged, or the code of the refusal.",
  },
  holdingsRefused: {
    type: "counter",
    name: "purgatory_holdings_refused_total",
    labels: ["reason"],
    help: "Holdings published by other bots that were not used: source (not the one that policy.yaml names), sequence, stale, future, content or other.",
  },
  gatewayRetries: {
    type: "counter",
    name: "purgatory_gateway_retries_total",
    labels: [],
    help: "Requests to the exchange repeated by the gateway.",
  },
  buildInfo: {
    type: "gauge",
    name: "purgatory_build_info",
    labels: ["version", "node", "mode"],
    help: "Always 1; what runs here.",
  },
} as const satisfies Record<string, MetricShape>;

export type MetricId = keyof typeof METRICS;
/** The metrics of one type. */
export type MetricOf<T extends MetricShape["type"]> = {
  [Id in MetricId]: (typeof METRICS)[Id]["type"] extends T ? Id : never;
}[MetricId];
export type LabelsOf<Id extends MetricId> = Readonly<Record<(typeof METRICS)[Id]["labels"][number], string>>;
