// Counts what happened, for Prometheus.
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { BusIncident, JournalRecord, Observation } from "../../actors/ports.ts";
import { labelGuard } from "./label_guard.ts";
import { type LabelsOf, METRICS, type MetricOf, type MetricShape } from "./metric_table.ts";
import { refusalClass } from "./refusal_class.ts";
import {
  endedAttempt,
  faultOf,
  isPlacedAgain,
  mainState,
  memoryOf,
  refusedOrder,
  startedAttempt,
} from "./symbol_memory.ts";

export interface Metrics {
  observe(observation: Observation): void;
  /** The exposition text and its type, for `GET /metrics`. */
  read(): Promise<{ readonly contentType: string; readonly body: string }>;
}

const SKIPS = ["backoff", "suspended", "busy", "limit", "venue", "dry_run"] as const;
const INCIDENTS: Record<BusIncident, true> = {
  redelivered: true,
  duplicate: true,
  resent: true,
  heartbeat_missed: true,
  slow_consumer: true,
  stale_connection: true,
  lame_duck: true,
  error: true,
};
const VENUE_STATES = ["closed", "open", "half_open"] as const;
/** More codes than any exchange documents. */
const MAX_CODES = 200;
/** One child a symbol, and then some. */
const MAX_CHILDREN = 2_000;
const MAX_QUEUES = 2_000;

/** Metrics of one run in a registry of their own. */
export function createMetrics(build: LabelsOf<"buildInfo">): Metrics {
  const board = new Board();
  const transitions = transitionMetrics(board);
  const surroundings = surroundingMetrics(board);
  board.set("buildInfo", 1, build);
  board.add("riskRejections", { reason: "purge_failed" }, 0);
  for (const why of SKIPS) board.add("skips", { why }, 0);
  for (const what of Object.keys(INCIDENTS)) board.add("busIncidents", { what }, 0);
  for (const cause of ["venue", "account"]) board.add("venueOpened", { cause }, 0);
  for (const state of VENUE_STATES) board.set("venueState", state === "closed" ? 1 : 0, { state });
  return {
    observe(observation) {
      if (observation.kind === "transition") transitions(observation.record, observation.recovered);
      else surroundings(observation);
    },
    read: () => board.read(),
  };
}

/** Gauges follow every record. Counters count what happened now, and so not the record that an actor is started from:
 * it was counted when it happened. */
function transitionMetrics(board: Board): (record: JournalRecord, recovered: boolean) => void {
  const states = new Map<string, string>();
  const codeOf = labelGuard(MAX_CODES);
  const gauges = (record: JournalRecord): void => {
    const { symbol } = record;
    const state = mainState(record.state);
    const before = states.get(symbol);
    if (before !== undefined && before !== state) board.drop("state", { symbol, state: before });
    states.set(symbol, state);
    board.set("state", 1, { symbol, state });
    const memory = memoryOf(record);
    if (memory === null) return;
    board.set("consecutiveFailures", memory.failures, { symbol });
    board.set("soldValue", Number(memory.sold_value), { symbol });
    setOrDrop(board, "nextTry", memory.retry_at === null ? null : Date.parse(memory.retry_at) / 1000, symbol);
    setOrDrop(board, "residual", memory.residual_usd === null ? null : Number(memory.residual_usd), symbol);
  };
  return (record, recovered) => {
    gauges(record);
    if (!recovered) countTransition(board, record, codeOf);
  };
}

function setOrDrop(board: Board, id: "nextTry" | "residual", value: number | null, symbol: string): void {
  if (value === null) board.drop(id, { symbol });
  else board.set(id, value, { symbol });
}

function countTransition(board: Board, record: JournalRecord, codeOf: (code: string) => string): void {
  const { symbol } = record;
  if (startedAttempt(record)) {
    board.add("attempts", { symbol });
    if (mainState(record.state) === "retrying") board.add("retries", { symbol });
  }
  for (const command of isPlacedAgain(record) ? [] : record.commands) {
    if (command.type === "order.place") board.add("ordersPlaced", { symbol, kind: command.order.kind });
  }
  const refused = refusedOrder(record);
  if (refused !== null) {
    const code = codeOf(refused.rejection.code);
    board.add("ordersRejected", { symbol, code, class: refused.rejection.class });
    if (!refused.rejection.classified) board.add("unclassified", { code });
  }
  const outcome = endedAttempt(record);
  if (outcome?.kind === "sold") board.add("successes", { symbol });
  if (outcome?.kind === "interrupted") board.add("interruptions", { symbol, fault: faultOf(outcome) });
  if (outcome?.kind === "stuck") {
    board.add("failures", { symbol });
    board.add("riskRejections", { reason: "purge_failed" });
  }
}

function surroundingMetrics(board: Board): (observation: Observation) => void {
  const childOf = labelGuard(MAX_CHILDREN);
  const queueOf = labelGuard(MAX_QUEUES);
  let venueState = "closed";
  let connected = false;
  return (observation) => {
    switch (observation.kind) {
      case "cycle.completed":
        return countCycle(board, observation.report);
      case "purge.skipped":
        return board.add("skips", { why: observation.skip.why });
      case "venue": {
        const { state, cause } = observation.venue;
        // A probe that failed opens a breaker that was not closed in between: that is the same trouble.
        if (state === "open" && venueState === "closed")
          board.add("venueOpened", { cause: cause ?? "venue" });
        for (const each of VENUE_STATES) board.set("venueState", each === state ? 1 : 0, { state: each });
        venueState = state;
        return;
      }
      case "commit":
        board.time("commitDuration", observation.durationMs / 1000);
        board.add("journalRecords", {}, observation.records);
        return board.set("journalPending", observation.pending, {});
      case "queue":
        return board.set("queueDepth", observation.depth, { queue: queueOf(observation.name) });
      case "dead_letter":
        return board.add("deadLetters", {});
      case "connection":
        if (connected && !observation.connected) board.add("busDisconnects", {});
        connected = observation.connected;
        return board.set("busConnected", connected ? 1 : 0, {});
      case "child":
        return countChild(board, observation, childOf);
      case "bus":
        return board.add("busIncidents", { what: observation.what });
      case "operator": {
        const { request, answer } = observation;
        const outcome = answer.ok ? (answer.changed ? "done" : "unchanged") : answer.code;
        return board.add("operatorRequests", { action: request.action, outcome });
      }
      case "holdings.refused":
        return board.add("holdingsRefused", { reason: refusalClass(observation.reason) });
      case "gateway.retry":
        return board.add("gatewayRetries", {});
      default:
        return;
    }
  };
}

function countCycle(board: Board, report: Extract<Observation, { kind: "cycle.completed" }>["report"]): void {
  board.time("cycleDuration", report.durationMs / 1000);
  board.set("lastCycle", Date.parse(report.at) / 1000, {});
  board.set("positions", report.positions, {});
  board.set("candidates", report.candidates.length, {});
  if (report.heldBack !== null) board.add("cyclesHeldBack", {});
}

function countChild(
  board: Board,
  { supervisor, child, what }: Extract<Observation, { kind: "child" }>,
  labelOf: (name: string) => string,
): void {
  if (what === "restarted") board.add("restarts", { supervisor: labelOf(supervisor), child: labelOf(child) });
  if (what === "abandoned" || what === "escalated" || what === "set_aside") {
    board.add("childrenLost", { supervisor: labelOf(supervisor), how: what });
  }
}

type CounterId = MetricOf<"counter">;
type GaugeId = MetricOf<"gauge">;

/** The metrics of the table, addressed by their place in it, with exactly the labels that stand there. */
class Board {
  readonly #registry = new Registry();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #histograms = new Map<string, Histogram>();

  constructor() {
    for (const [id, shape] of Object.entries(METRICS)) {
      const { name, help } = shape;
      const options = { name, help, labelNames: [...shape.labels], registers: [this.#registry] };
      if (shape.type === "counter") this.#counters.set(id, new Counter(options));
      if (shape.type === "gauge") this.#gauges.set(id, absent(new Gauge(options), shape));
      if (shape.type === "histogram") {
        this.#histograms.set(id, new Histogram({ ...options, buckets: [...shape.buckets] }));
      }
    }
  }

  add<Id extends CounterId>(id: Id, labels: LabelsOf<Id>, by = 1): void {
    this.#counters.get(id)?.inc({ ...labels }, by);
  }

  set<Id extends GaugeId>(id: Id, value: number, labels: LabelsOf<Id>): void {
    this.#gauges.get(id)?.set({ ...labels }, value);
  }

  drop<Id extends GaugeId>(id: Id, labels: LabelsOf<Id>): void {
    this.#gauges.get(id)?.remove({ ...labels });
  }

  time(id: MetricOf<"histogram">, seconds: number): void {
    this.#histograms.get(id)?.observe(seconds);
  }

  async read() {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }
}

/** Without this a gauge without labels that was never set would claim to be 0. */
function absent(gauge: Gauge, { labels }: MetricShape): Gauge {
  if (labels.length === 0) gauge.remove();
  return gauge;
}
