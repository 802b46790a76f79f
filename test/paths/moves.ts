// What may happen next to a symbol: the events that a cycle, a gateway with its exchange, an operator or the clock would
// send to a machine in this state, at the time at which they would.
import {
  ClientOrderId,
  compare,
  isZero,
  type LiveOrder,
  multiply,
  type PurgeEvent,
  type PurgeEventOf,
  type PurgePolicy,
  type RejectionClass,
  subtract,
} from "../../machines/mod.ts";
import { POLICY, PRODUCT, rejection } from "../machines/scenario.ts";
import { stateOf, type World } from "./model.ts";

/** One thing that may happen. */
export interface Move {
  /** Names the move among those of its state; the same words always make the same event from the same world. */
  readonly label: string;
  readonly event: PurgeEvent;
}

/** Everybody else answers after a second; the clock speaks when it is time. */
export const PROMPT_MS = 1_000;
const BALANCE = "889587.0";
const BID = "0.00001066";
/** A part of an order: about a dollar's worth, so that the slices run out before the position does. */
const PART = "100000";
const PATHS_POLICY: PurgePolicy = { ...POLICY, max_slices: 3 };

/** Every move that this world has. */
export function movesOf(world: World): readonly Move[] {
  const deadline = deadlineOf(world);
  // What comes at the same time as the deadline, or after it, would come to another state.
  if (deadline !== null && Date.parse(deadline.at) <= world.now + PROMPT_MS)
    return [move("deadline", deadline)];
  const others = world.context.attempt === null ? atRest(world) : inAttempt(world);
  return deadline === null || !isClockOf(world) ? others : [...others, move("deadline", deadline)];
}

/** Whether the clock is listened to here. Where only the main line is followed nobody is late but buyers and cancellations. */
function isClockOf(world: World): boolean {
  const leaf = stateOf(world).split(".")[1] ?? "";
  const isIdle = world.context.attempt?.request_id === null && leaf === "quoting";
  return isStudied(world) || isIdle || ["waiting", "resting", "cancelling"].includes(leaf);
}

/** The move that is called `label`. @throws Error when this world has none of that name, and says which it has. */
export function moveCalled(world: World, label: string): Move {
  const moves = movesOf(world);
  const found = moves.find((each) => each.label === label);
  if (found !== undefined) return found;
  const names = moves.map((each) => each.label).join("; ");
  throw new Error(`in ${stateOf(world)} there is no move "${label}"; there are: ${names}`);
}

const move = (label: string, event: PurgeEvent): Move => ({ label, event });

function base<T extends PurgeEvent["type"]>(world: World, type: T) {
  const { symbol } = world.context;
  return { type, symbol, at: new Date(world.now + PROMPT_MS).toISOString() } as const;
}

function deadlineOf({ context, now }: World): PurgeEventOf<"deadline.reached"> | null {
  const { deadline, symbol } = context;
  if (deadline === null) return null;
  const at = new Date(Math.max(now, Date.parse(deadline.at))).toISOString();
  return { type: "deadline.reached", symbol, at, name: deadline.name };
}

function atRest(world: World): readonly Move[] {
  const { failures, suspension } = world.context;
  const late = lateFill(world);
  const imports = [imported(world, 1), imported(world, 4)];
  const operators = [...operator(world, ["pause", "ban"]), poisoned(world)];
  switch (stateOf(world)) {
    case "idle":
      return [requested(world), requested(world, "unrecorded"), ...operators, ...imports, ...late];
    case "failed":
      return [
        requested(world),
        ...(failures === 1 ? [requested(world, "unrecorded")] : []),
        ...operators,
        ...operator(world, ["reset"]),
        ...imports,
        ...late,
      ];
    case "backoff.waiting":
      return [...operators, ...operator(world, ["reset"]), ...imports, ...late];
    case "backoff.due":
      return [requested(world), ...operators, ...operator(world, ["reset"]), ...imports, ...late];
    case "cleared":
      return [
        move("position held", { ...base(world, "position.held"), ...worth() }),
        ...operators,
        ...imports,
        ...late,
      ];
    case "suspended":
      return [
        ...operator(world, suspension?.kind === "ban" ? ["resume", "reset"] : ["resume", "reset", "ban"]),
        ...imports,
        ...late,
      ];
    default:
      throw new Error(`no moves are known for ${stateOf(world)}: say in moves.ts what may happen there`);
  }
}

function inAttempt(world: World): readonly Move[] {
  const state = stateOf(world);
  const leaf = state.slice(state.indexOf(".") + 1);
  const answers = (isStudied(world) ? ANSWERS : MAIN_LINE)[leaf];
  if (answers === undefined) {
    throw new Error(`no moves are known for ${state}: say in moves.ts what may happen there`);
  }
  if (isClimbing(world)) return answers(world);
  return [...answers(world), ...endings(world, leaf), ...(mayFillLate(world) ? lateFill(world) : [])];
}

/** What operators and the supervisor may do in the middle of an attempt. */
function endings(world: World, leaf: string): readonly Move[] {
  const { attempt, failures } = world.context;
  const windDown = attempt?.wind_down?.kind ?? null;
  if (windDown === "pause") return operator(world, ["resume", "ban"]);
  if (windDown !== null) return [];
  if (!isStudied(world) && (leaf !== "quoting" || attempt?.slice !== 1)) return [];
  return [
    ...operator(world, ["pause", "ban", "abort"]),
    poisoned(world),
    ...(failures > 0 ? operator(world, ["reset"]) : []),
  ];
}

/** Everything that may go wrong is tried in the first slice of a first attempt, and of the first one after a failure. In
 * other attempts, in later slices and after the word of an operator only the main line is followed: one trouble at a
 * time, or the graph grows beyond all bounds. */
export function isStudied(world: World): boolean {
  const { attempt, failures } = world.context;
  if (attempt === null || !attempt.policy.failure_tracking) return false;
  const isFirst = attempt.slice === 1 && attempt.limit === null && isZero(attempt.sold_size);
  const isEarly = stateOf(world).startsWith("purging.") || (failures === 1 && attempt.from === "failed");
  return isFirst && isEarly && attempt.wind_down === null && attempt.reconciling === null;
}

/** A counter is on its way up: what leads aside was explored from its foot, and what counts on is all that is offered. */
function isClimbing({ context }: World): boolean {
  const { attempt } = context;
  return attempt !== null && (attempt.requotes > 1 || (attempt.order === null && attempt.asks > 1));
}

/** A late fill is told in the second slice, of the order of the first. */
export function mayFillLate({ context }: World): boolean {
  return context.attempt === null || (context.attempt.slice === 2 && context.attempt.wind_down === null);
}

type Answers = Readonly<Record<string, (world: World) => readonly Move[]>>;
const named = (moves: readonly Move[], ...labels: string[]) =>
  moves.filter(({ label }) => labels.includes(label));

const ANSWERS: Answers = {
  quoting: quotes,
  placing: (world) =>
    isClimbing(world)
      ? [rejected(world, "requote")]
      : [...acceptance(world), ...updates(world), ...rejections(world), unknown(world, "undetermined")],
  resting: (world) => [...updates(world), unknown(world, "undetermined")],
  cancelling: (world) => [
    ...acceptance(world),
    ...updates(world),
    ...rejections(world),
    unknown(world, "undetermined"),
  ],
  querying: (world) => [
    ...acceptance(world),
    ...updates(world),
    ...rejections(world),
    unknown(world, "not_found"),
  ],
};

const MAIN_LINE: Answers = {
  quoting: (world) =>
    named(
      quotes(world),
      "quote",
      "quote, product halted",
      "quote, nothing left",
      "quote, less available",
      "no market (venue)",
    ),
  placing: (world) => [
    ...acceptance(world),
    ...named(rejections(world), "rejected (symbol)", "rejected (venue)"),
  ],
  resting: (world) => named(updates(world), "filled", "cancelled", "cancelled, filled in part"),
  cancelling: (world) => [
    ...acceptance(world),
    ...named(updates(world), "filled", "cancelled"),
    ...named(rejections(world), "rejected (symbol)"),
    unknown(world, "undetermined"),
  ],
  querying: (world) => [
    ...acceptance(world),
    ...named(updates(world), "cancelled"),
    unknown(world, "not_found"),
  ],
};

/** What the market says. A question that was answered with an unusable quote is asked again by the clock alone. */
function quotes(world: World): readonly Move[] {
  const { attempt } = world.context;
  if (attempt === null || attempt.request_id === null) return [];
  const { request_id, balance, sold_size, requotes, reconciling } = attempt;
  const available = compare(balance, sold_size) > 0 ? subtract(balance, sold_size) : "0";
  const { at } = base(world, "market.snapshot");
  const quote: PurgeEventOf<"market.snapshot"> = {
    ...base(world, "market.snapshot"),
    request_id,
    quoted_at: at,
    best_bid: BID,
    best_ask: "0.00001068",
    available,
    product: PRODUCT,
  };
  const usable = move("quote", quote);
  const stale = move("quote, stale", { ...quote, quoted_at: new Date(world.now - 60_000).toISOString() });
  if (requotes > 1) return [usable, stale];
  if (attempt.asks > 1) return [];
  const unavailable = (why: RejectionClass): Move =>
    move(`no market (${why})`, { ...base(world, "market.unavailable"), request_id, rejection: refusal(why) });
  return [
    usable,
    stale,
    move("quote, product halted", { ...quote, product: { ...PRODUCT, status: "halted" } }),
    move("quote, nothing left", { ...quote, available: "0" }),
    ...(reconciling === null ? [] : [move("quote, less available", { ...quote, available: PART })]),
    unavailable("venue"),
    unavailable("symbol"),
  ];
}

function liveOrder({ context }: World): LiveOrder {
  const order = context.attempt?.order ?? null;
  if (order === null) throw new Error(`${context.symbol} has no order at the exchange`);
  return order;
}

const liveId = (world: World): ClientOrderId => liveOrder(world).request.client_order_id;

/** An order is named once. */
function acceptance(world: World): readonly Move[] {
  if (liveOrder(world).order_id !== null) return [];
  const client_order_id = liveId(world);
  return [move("accepted", { ...base(world, "order.accepted"), client_order_id, order_id: "X-1" })];
}

function updates(world: World): readonly Move[] {
  const { request, filled_size, filled_value, revision } = liveOrder(world);
  const { base_size, limit_price, client_order_id } = request;
  const open: PurgeEventOf<"order.update"> = {
    ...base(world, "order.update"),
    client_order_id,
    order_id: "X-1",
    revision: revision + 1,
    status: "open",
    filled_size,
    filled_value,
    fee: "0",
    rejection: null,
  };
  const sold = (size: string) => ({ filled_size: size, filled_value: multiply(size, limit_price) });
  const mayFillInPart = isZero(filled_size) && compare(base_size, PART) > 0;
  return [
    ...(revision < 0 ? [move("open", open)] : []),
    move("filled", { ...open, status: "filled", ...sold(base_size) }),
    move("cancelled", { ...open, status: "cancelled" }),
    ...(mayFillInPart ? [move("filled in part", { ...open, ...sold(PART) })] : []),
    ...(mayFillInPart
      ? [move("cancelled, filled in part", { ...open, status: "cancelled", ...sold(PART) })]
      : []),
    move("failed", { ...open, status: "failed", rejection: refusal("symbol") }),
  ];
}

/** Refusals of each kind. Only an order without a name may still be refused. */
function rejections(world: World): readonly Move[] {
  if (liveOrder(world).order_id !== null) return [];
  return [
    rejected(world, "symbol"),
    rejected(world, "requote"),
    rejected(world, "venue"),
    rejected(world, "account", "INSUFFICIENT_FUND"),
    ...(stateOf(world).endsWith(".placing") ? [rejected(world, "symbol", "DUPLICATE_CLIENT_ORDER_ID")] : []),
  ];
}

function rejected(world: World, why: RejectionClass, code?: string): Move {
  const client_order_id = liveId(world);
  return move(`rejected (${code ?? why})`, {
    ...base(world, "order.rejected"),
    client_order_id,
    rejection: refusal(why, code),
  });
}

const CODES: Readonly<Record<RejectionClass, string>> = {
  symbol: "INVALID_ORDER_CONFIGURATION",
  requote: "INVALID_LIMIT_PRICE_POST_ONLY",
  venue: "UNAVAILABLE",
  account: "UNAUTHORIZED",
  transport: "TIMEOUT",
};

function refusal(why: RejectionClass, code = CODES[why]) {
  return rejection(code, { class: why, message: `refused: ${why}` });
}

function unknown(world: World, outcome: "undetermined" | "not_found"): Move {
  const client_order_id = liveId(world);
  return move(outcome === "not_found" ? "not found" : "unknown", {
    ...base(world, "order.unknown"),
    client_order_id,
    outcome,
    message: "no answer",
  });
}

/** A fill of the last order that was final, of which nothing was known to be sold. */
function lateFill(world: World): readonly Move[] {
  const last = world.context.past_orders.at(-1);
  if (last === undefined || !isZero(last.filled_size)) return [];
  return [
    move("late fill", {
      ...base(world, "order.update"),
      client_order_id: ClientOrderId.make(last.client_order_id),
      order_id: "X-1",
      revision: last.revision + 1,
      status: "cancelled",
      filled_size: PART,
      filled_value: multiply(PART, BID),
      fee: "0",
      rejection: null,
    }),
  ];
}

function worth() {
  return { balance: BALANCE, value_usd: "9.48" } as const;
}

/** `unrecorded`: under a policy that keeps no failure records and takes no fallback. */
function requested(world: World, kind: "plain" | "unrecorded" = "plain"): Move {
  const policy =
    kind === "plain"
      ? PATHS_POLICY
      : { ...PATHS_POLICY, failure_tracking: false, allow_taker_fallback: false };
  const label = kind === "plain" ? "requested" : "requested, unrecorded";
  return move(label, { ...base(world, "purge.requested"), reason: "excluded", ...worth(), policy });
}

type Operator = "pause" | "resume" | "reset" | "ban" | "abort";

function operator(world: World, actions: readonly Operator[]): readonly Move[] {
  return actions.map((action) =>
    move(action, { ...base(world, `operator.${action}` as const), by: "ada", reason: "to look at it" }),
  );
}

function poisoned(world: World): Move {
  return move("poisoned", { ...base(world, "symbol.poisoned"), reason: "crashed three times on one event" });
}

function imported(world: World, failure_count: number): Move {
  const event = base(world, "failure.imported");
  return move(`imported (${failure_count})`, {
    ...event,
    failure_count,
    last_failed_at: event.at,
    last_error: "INVALID_ORDER_CONFIGURATION",
    ...worth(),
    policy: PATHS_POLICY,
  });
}
