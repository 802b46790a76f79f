// Every log line there is: its exact shape, its level and what it means. The narrator prints from this table, and
// docs/telemetry.md is checked against it.

export type Level = "debug" | "info" | "warn" | "error";

interface LineShape {
  readonly level: Level;
  /** What stands in `<angle brackets>` is filled in. */
  readonly shape: string;
  readonly meaning: string;
}

/** The lines that operators of the Python original search for. Not a character of these may change. */
const kept = {
  purge_failed: {
    level: "warn",
    shape: "⚠️ Purge sell failed for <symbol>",
    meaning: "An attempt ended through the symbol's own fault. Why is in `error` and `rejection`.",
  },
  failure_tracked: {
    level: "info",
    shape: "📝 Tracked purge failure: count=<count>, balance=<balance>, value=$<value>",
    meaning:
      "That failure is in the failure record; `count` is the failures in a row. Absent while failure tracking is off.",
  },
  purge_skipped: {
    level: "info",
    shape:
      "⏸️  Skipping purge for <symbol>: <count> recent failures, backoff <backoff>, <remaining> remaining",
    meaning: "The symbol rests after a run of failures. Nothing is sent to the exchange meanwhile.",
  },
  purge_retrying: {
    level: "info",
    shape: "🔄 Retrying purge for <symbol>: backoff expired (<count> failures, last <ago> ago)",
    meaning: "The rest is over and a new attempt begins.",
  },
  twap_complete: {
    level: "info",
    shape: "✅ TWAP liquidation complete",
    meaning: "The position is sold down to dust; sizes and proceeds of the attempt are fields.",
  },
  purge_succeeded: {
    level: "info",
    shape: "✅ Purge success for <symbol>, cleared failure tracking",
    meaning: "Follows it: the symbol's failure record, if there was one, is gone.",
  },
  order_reject: {
    level: "error",
    shape: "ORDER_REJECT <symbol> SELL client_id=<client_id> | <error>",
    meaning:
      "The exchange refused an order. `error` is all that it said: `Order placement failed: API error | error=… | message=… | preview_failure=…`, the last one empty where it gave none. Its whole answer is in `raw_response`. At level info where a new price will do (class `requote`).",
  },
  order_reject_short: {
    level: "error",
    shape: "ORDER_REJECT <symbol> SELL client_id=<client_id> | <error>",
    meaning:
      "The same with `purge_hardening.detailed_errors` off: the line ends after `message=…`, and there is no raw response.",
  },
} as const satisfies Record<string, LineShape>;

const attempts = {
  attempt_started: {
    level: "info",
    shape: "Purge started for <symbol>: attempt <attempt>, balance=<balance>, value=$<value>, <reason>",
    meaning: "An attempt begins; the reason is `ineligible`, `excluded` or `operator`.",
  },
  quote_read: {
    level: "debug",
    shape: "Quote for <symbol>: bid <bid>, ask <ask>, available <available>",
    meaning: "A quote, the product's rules and the balance came in.",
  },
  quote_unavailable: {
    level: "warn",
    shape: "No quote for <symbol>: <code>: <message>",
    meaning: "The market could not be read; `class` says whose fault that is.",
  },
  slice_placed: {
    level: "info",
    shape: "Slice <slice> of <symbol> placed: <size> at <price>, <kind>",
    meaning: "An order goes to the exchange, `post_only` or `ioc`.",
  },
  slice_placed_again: {
    level: "warn",
    shape: "Slice <slice> of <symbol> sent again under the same id: the exchange does not know it",
    meaning: "A lost order is sent once more. The id is the same, so it cannot double.",
  },
  order_accepted: {
    level: "debug",
    shape: "Order of <symbol> accepted: <order_id>",
    meaning: "The exchange has taken the order and named it.",
  },
  order_open: {
    level: "debug",
    shape: "Order of <symbol> is open, nothing sold yet",
    meaning: "The order rests in the book.",
  },
  slice_partial: {
    level: "info",
    shape: "Slice of <symbol> partly filled: <size> sold for $<value> so far",
    meaning: "Something sold; the order is still open.",
  },
  slice_filled: {
    level: "info",
    shape: "Slice of <symbol> filled: <size> sold for $<value>, fee $<fee>",
    meaning: "The order is sold whole.",
  },
  slice_ended: {
    level: "info",
    shape: "Slice of <symbol> <status>: <size> sold for $<value>",
    meaning:
      "The order is final without being filled: `cancelled`, `expired` or `failed`, with what it sold.",
  },
  late_word: {
    level: "info",
    shape: "Late word on an earlier order of <symbol>: <size> sold for $<value> in all",
    meaning: "A report on an order that was already final; a late fill is counted once.",
  },
  stale_word: {
    level: "debug",
    shape: "Nothing new for <symbol>: <type>",
    meaning: "A late, repeated or superseded event; recorded, and nothing changed.",
  },
  order_cancelling: {
    level: "debug",
    shape: "Cancelling the order of <symbol>",
    meaning: "The slice has had its time, or the attempt is being ended.",
  },
  order_unknown: {
    level: "warn",
    shape: "Outcome of an order of <symbol> is <outcome>: <message>",
    meaning:
      "It is not known what became of an order (`undetermined`), or the exchange does not know it (`not_found`). It is asked for, never guessed.",
  },
  order_querying: {
    level: "debug",
    shape: "Asking the exchange for the order of <symbol>",
    meaning: "The order's fate is being asked for.",
  },
  purge_interrupted: {
    level: "warn",
    shape: "Purge of <symbol> interrupted (<fault>), not counted as a failure: <code>: <message>",
    meaning:
      "The attempt ended through the fault of `venue`, `account`, `transport` or `operator`, or of `nobody`: there was nothing to sell (then at level info).",
  },
  purge_unrecorded: {
    level: "info",
    shape: "Failure of <symbol> not recorded: failure tracking is off",
    meaning: "Follows a failed purge when `purge_hardening.failure_tracking` is off: nothing backs off.",
  },
} as const satisfies Record<string, LineShape>;

const symbols = {
  backoff_started: {
    level: "info",
    shape: "Resting <symbol> for <backoff> after <count> failures, until <until>",
    meaning: "A run of failures is long enough for a backoff.",
  },
  backoff_over: {
    level: "info",
    shape: "Rest of <symbol> is over, due at the next cycle",
    meaning: "The backoff has ended; the next cycle may retry.",
  },
  symbol_suspended: {
    level: "warn",
    shape: "Suspended <symbol> (<kind> by <by>): <reason>",
    meaning:
      "Nothing more is sold until an operator says so. `poison`, at level error: an event crashed this symbol's actor again and again.",
  },
  operator_command: {
    level: "info",
    shape: "Operator <by>: <action> <symbol>, now <state>: <reason>",
    meaning: "Who asked for `pause`, `resume`, `reset`, `ban` or `abort`, and what state followed.",
  },
  position_held: {
    level: "info",
    shape: "Holding <symbol> again: balance=<balance>, value=$<value>",
    meaning: "A cleared symbol shows up in the account again.",
  },
  failure_imported: {
    level: "info",
    shape: "Imported failure record of <symbol>: count=<count>, last failed at <at>",
    meaning: "A record of the Python original, or of an export, was taken over.",
  },
  symbol_recovered: {
    level: "info",
    shape: "Recovered <symbol> in <state>: <count> failures, next try <next>",
    meaning: "The symbol's actor was started from its last durable record.",
  },
  purge_not_started: {
    level: "info",
    shape: "Not purging <symbol> in this cycle (<why>): <detail>",
    meaning:
      "A candidate that was left for now: `suspended`, `limit`, `venue` or `dry_run`; `busy` at level debug.",
  },
} as const satisfies Record<string, LineShape>;

const surroundings = {
  cycle_completed: {
    level: "info",
    shape:
      "Cycle <cycle>: <positions> positions, <candidates> candidates, <started> started, <skipped> skipped",
    meaning: "One pass over the account. At level debug when there was no candidate.",
  },
  cycle_held_back: {
    level: "warn",
    shape: "Cycle <cycle> held back: <reason>",
    meaning: "The whole cycle purged nothing, and why: a guard, no holdings, the venue or the bus.",
  },
  venue_open: {
    level: "error",
    shape: "Venue breaker open (<cause>): <reason>; no order is placed until <until>",
    meaning: "The exchange or the account is at fault, so purging stops for every symbol.",
  },
  venue_half_open: {
    level: "info",
    shape: "Venue breaker half open: one order is tried",
    meaning: "A probe decides whether the venue has healed.",
  },
  venue_closed: {
    level: "info",
    shape: "Venue breaker closed",
    meaning: "Orders are placed again.",
  },
  bus_connected: { level: "info", shape: "Bus connected", meaning: "Messages flow." },
  bus_lost: {
    level: "warn",
    shape: "Bus connection lost; no order is placed until it is back",
    meaning: "Symbols keep their state, and readiness is false.",
  },
  bus_incident: {
    level: "warn",
    shape: "Bus, <what>: <message>",
    meaning:
      "Something on the way between programs: `redelivered`, `duplicate` and `resent` are the price of losing nothing, and at level debug; `heartbeat_missed`, `slow_consumer`, `stale_connection`, `lame_duck` and `error` want a look when they go on. At most five of a kind in a minute; the last of them says so.",
  },
  operator_answered: {
    level: "info",
    shape: "Operator request by <by>: <action> <symbol> (<reason>): <outcome>",
    meaning:
      "The audit: who asked for what and why, and what came of it: done, with state and record, or nothing to change.",
  },
  operator_refused: {
    level: "warn",
    shape: "Operator request by <by>: <action> <symbol> (<reason>): refused (<code>): <message>",
    meaning: "The same for a request that was not granted, with the code that its sender was told.",
  },
  holdings_refused: {
    level: "warn",
    shape: "Holdings from <source> refused: <reason>",
    meaning:
      "What another bot published about the account is not used; the last good reading stands. At most five of a kind in a minute.",
  },
  gateway_retry: {
    level: "warn",
    shape: "Gateway retries <symbol> (try <attempt>): <message>",
    meaning: "A request to the exchange failed on the way and is repeated, with a growing pause.",
  },
  journal_slow: {
    level: "warn",
    shape: "Journal is slow: <records> records took <ms> ms, <pending> waiting",
    meaning: "A group commit took longer than a second. Disk full, busy or failing?",
  },
  dead_letter: {
    level: "error",
    shape: "Dead letter for <symbol>: <reason>",
    meaning: "A message could not be processed and was set aside with its bytes.",
  },
  child_started: {
    level: "debug",
    shape: "Started <child> under <supervisor>",
    meaning: "A supervised child runs.",
  },
  child_exited: {
    level: "warn",
    shape: "<child> under <supervisor> exited<because>",
    meaning:
      "A child ended with a fault; `because` is `: ` and the reason, where one is known. At level debug when it ended in good order.",
  },
  child_restarted: {
    level: "warn",
    shape: "Restarted <child> under <supervisor><because>",
    meaning: "Its supervisor started the child anew.",
  },
  child_abandoned: {
    level: "error",
    shape: "Abandoned <child> under <supervisor><because>",
    meaning: "The child did not stop within its deadline.",
  },
  child_escalated: {
    level: "error",
    shape: "<supervisor> gave up because of <child><because>",
    meaning:
      "Too many restarts in too short a time; the fault goes to the parent, at the root it ends the process.",
  },
  child_set_aside: {
    level: "error",
    shape: "Set aside <child> under <supervisor><because>",
    meaning: "A child that keeps crashing is left stopped, so that the others go on.",
  },
  note: {
    level: "info",
    shape: "<message>",
    meaning: "Anything else, at the level it names; its data are in `data`.",
  },
} as const satisfies Record<string, LineShape>;

export const LINES = { ...kept, ...attempts, ...symbols, ...surroundings };
export type LineId = keyof typeof LINES;
