// Placing an order so that it is placed once: what is asked, and in which order, when an answer went missing.
import { Effect, Result } from "effect";
import {
  type ClientOrderId,
  isZero,
  type OrderRequest,
  type PurgeCommand,
  type PurgeEventOf,
  type Rejection,
} from "../machines/mod.ts";
import { admits } from "./breaker.ts";
import { type Answer, heldBack, justThis, unknown } from "./gateway_answer.ts";
import { outlast } from "./gateway_doubt.ts";
import { unreachableRejection } from "./gateway_report.ts";
import { type Allowance, type GatewayDesk, judge, updateFrom } from "./gateway_requests.ts";
import { type OrderReport, Refused, type Unreachable } from "./ports.ts";
import { stamp } from "./time.ts";

/** What an earlier life of the gateway may have done with a command. `possible`: it may have carried it out and died
 * before it could say so. `likely`: whoever asks now has asked before. `handed_out`: it certainly had it, or was about to. */
export type Past = "none" | "possible" | "likely" | "handed_out";

/** Sends `order` to the exchange, unless it was refused or cancelled before or the breaker holds it back.
 *
 * From the moment at which it may have arrived it is asked for first, and the identical body is sent again only where
 * the exchange says that it does not know the order.
 */
export function placeOrder(
  desk: GatewayDesk,
  sent: SentOrders,
  order: OrderRequest,
  past: Past,
): Effect.Effect<Answer> {
  const id = order.client_order_id;
  const known = sent.rejectionOf(id);
  if (known !== null) return Effect.succeed(rejected(desk, order, known));
  const isWithdrawn = sent.wasWithdrawn(id);
  const placement = Effect.gen(function* () {
    const isLookedFor = isWithdrawn || past === "possible" || past === "handed_out";
    const found = isLookedFor ? yield* lookFor(desk, order, desk.requests.allowance()) : null;
    if (found === null && isWithdrawn) return denied(desk, order, WITHDRAWN);
    if (found === null && past === "handed_out") return denied(desk, order, HANDED_OUT);
    const outcome = found ?? (yield* place(desk, sent, order, past === "likely"));
    if (outcome.kind === "found") return accepted(desk, order, outcome.report);
    if (outcome.kind === "unclear") {
      return unknown(order, stamp(desk.clock.now()), "undetermined", outcome.message);
    }
    sent.refuse(order, outcome.rejection);
    return rejected(desk, order, outcome.rejection);
  });
  return placement.pipe(
    Effect.ensuring(Effect.sync(() => desk.breaker.tell({ type: "unanswered", order: id }))),
  );
}

/** An order that was cancelled before it could be placed: nobody would cancel it again. */
const WITHDRAWN =
  "a cancellation of this order came before the order itself, which is not placed; a new order needs a new id";
/** Whoever had the command may have told of a refusal, which no exchange remembers; the machine has moved on then, and
 * nobody would cancel what is placed now. A machine that still wants the order answers this by placing it anew. */
const HANDED_OUT =
  "the exchange does not know this order, and a gateway that was to place it has ended; it was not placed again";

/** What this process has sent, or refused to send, by client order id. Bounded: the oldest are forgotten.
 *
 * An exchange remembers the orders it took, not those it refused; so a repeated `order.place` that was refused the
 * first time must not go out again: the machine has long moved on. */
export class SentOrders {
  readonly #known = new Map<
    ClientOrderId,
    {
      readonly order: OrderRequest;
      readonly rejection: Rejection | null;
      /** By the steady clock. */
      readonly sentAt: number;
    }
  >();
  /** Came to this process before anybody else had them: what became of them, it knows. */
  readonly #first = new Set<ClientOrderId>();
  /** Cancelled, and unknown to the exchange. */
  readonly #withdrawn = new Set<ClientOrderId>();
  readonly #startedAt: number;
  readonly #max: number;

  /** @param startedAt by the steady clock: what this process has not sent was sent before that, if at all */
  constructor(startedAt: number, max = 10_000) {
    this.#startedAt = startedAt;
    this.#max = max;
  }

  /** An order that nobody was given before. */
  receive(id: ClientOrderId): void {
    this.#first.add(id);
    dropOldest(this.#first, this.#max);
  }

  /** What an earlier life may have done with an order that was delivered this often. */
  pastOf({ order, resent = false }: PlaceCommand, deliveries: number, isFresh: boolean): Past {
    const id = order.client_order_id;
    if (this.wasSent(id)) return "none";
    if (deliveries > 1 && !this.#first.has(id)) return "handed_out";
    if (resent) return "likely";
    return isFresh ? "possible" : "none";
  }

  wasSent(id: ClientOrderId): boolean {
    return this.#known.has(id);
  }

  rejectionOf(id: ClientOrderId): Rejection | null {
    return this.#known.get(id)?.rejection ?? null;
  }

  /** Whether another order went by this one's id. */
  contradicts(order: OrderRequest): boolean {
    const known = this.#known.get(order.client_order_id)?.order;
    if (known === undefined) return false;
    return BODY.some((field) => known[field] !== order[field]);
  }

  /** When the last request with this order went out, at the latest, by the steady clock. */
  lastSentAt(id: ClientOrderId): number {
    return this.#known.get(id)?.sentAt ?? this.#startedAt;
  }

  /** @param at by the steady clock */
  send(order: OrderRequest, at: number): void {
    this.#remember(order, null, at);
  }

  refuse(order: OrderRequest, rejection: Rejection): void {
    this.#remember(order, rejection, this.lastSentAt(order.client_order_id));
  }

  /** A cancellation found no such order. Should the order come after its cancellation, it must not be sent. */
  withdraw(id: ClientOrderId): void {
    this.#withdrawn.delete(id);
    this.#withdrawn.add(id);
    dropOldest(this.#withdrawn, this.#max);
  }

  wasWithdrawn(id: ClientOrderId): boolean {
    return this.#withdrawn.has(id);
  }

  #remember(order: OrderRequest, rejection: Rejection | null, sentAt: number): void {
    this.#known.delete(order.client_order_id);
    this.#known.set(order.client_order_id, { order, rejection, sentAt });
    dropOldest(this.#known, this.#max);
  }
}

function dropOldest(
  kept: {
    readonly size: number;
    keys(): Iterable<ClientOrderId>;
    delete(id: ClientOrderId): boolean;
  },
  max: number,
): void {
  if (kept.size <= max) return;
  for (const oldest of kept.keys()) {
    kept.delete(oldest);
    return;
  }
}

const BODY = ["symbol", "side", "kind", "base_size", "limit_price"] as const;

type PlaceCommand = Extract<PurgeCommand, { readonly type: "order.place" }>;

type Outcome =
  | { readonly kind: "found"; readonly report: OrderReport }
  | { readonly kind: "refused"; readonly rejection: Rejection }
  | { readonly kind: "unclear"; readonly message: string };

/** @param isLikely an earlier life may have sent it */
function place(
  desk: GatewayDesk,
  sent: SentOrders,
  order: OrderRequest,
  isLikely: boolean,
): Effect.Effect<Outcome> {
  const { requests } = desk;
  const allowance = requests.allowance();
  return Effect.gen(function* () {
    let mayExist = isLikely || sent.wasSent(order.client_order_id);
    let refusal: Rejection | null = null;
    for (;;) {
      if (mayExist) {
        const found: Outcome | null = yield* lookFor(desk, order, allowance);
        if (found !== null) return found;
        if (refusal !== null) return { kind: "refused", rejection: refusal };
      }
      const lastSentAt = sent.lastSentAt(order.client_order_id);
      const post = yield* Effect.result(send(desk, sent, order, allowance));
      if (Result.isSuccess(post)) return { kind: "found", report: post.success };
      if (post.failure instanceof HeldBack) {
        const { rejection } = post.failure;
        return mayExist ? given(true, rejection) : yield* unseen(desk, order, rejection, allowance);
      }
      const fault = readFailure(desk, order, post.failure);
      if (fault.isAnswer) {
        if (!mayExist) return { kind: "refused", rejection: fault.rejection };
        // An earlier request may have arrived, and hold the funds; or it has not arrived yet, and will be taken. So a
        // refusal counts when it can arrive no more, and its order is not to be found.
        if (!(yield* outlast(desk.clock, lastSentAt, allowance))) return given(true, fault.rejection);
        refusal = fault.rejection;
        continue;
      }
      mayExist ||= fault.mayExist;
      const isOver = !mayExist && !fault.mayPass;
      if (isOver || !(yield* requests.pause(order, fault, allowance)))
        return given(mayExist, fault.rejection);
    }
  });
}

/** The breaker is asked at the last moment, when the request has its turn: it may have opened since. */
function send(
  { breaker, clock, exchange, requests }: GatewayDesk,
  sent: SentOrders,
  order: OrderRequest,
  { endsAt }: Allowance,
): Effect.Effect<OrderReport, Refused | Unreachable | HeldBack> {
  const post = (): Effect.Effect<OrderReport, Refused | Unreachable | HeldBack> => {
    const held = admits(breaker.state, order.client_order_id) ? null : heldBack(breaker.state);
    if (held !== null) return Effect.fail(new HeldBack(held));
    breaker.tell({ type: "admitted", order: order.client_order_id });
    sent.send(order, clock.steady());
    return exchange.place(order);
  };
  return requests.once({ symbol: order.symbol, what: "place", send: post }, endsAt);
}

class HeldBack {
  readonly _tag = "HeldBack";
  readonly rejection: Rejection;
  constructor(rejection: Rejection) {
    this.rejection = rejection;
  }
}

/** A breaker holds the order back, and this process has not sent it. An earlier life of it may have: a rejection would
 * leave that order to rest unwatched, so the exchange is asked first. */
function unseen(
  desk: GatewayDesk,
  order: OrderRequest,
  rejection: Rejection,
  allowance: Allowance,
): Effect.Effect<Outcome> {
  return lookFor(desk, order, allowance).pipe(Effect.map((found) => found ?? { kind: "refused", rejection }));
}

/** Null where the exchange says that it does not know the order. */
function lookFor(
  desk: GatewayDesk,
  order: OrderRequest,
  allowance: Allowance,
): Effect.Effect<Outcome | null> {
  const { symbol, client_order_id } = order;
  const send = () => desk.exchange.order({ symbol, client_order_id, order_id: null });
  return desk.requests.persist({ symbol, what: "order", send }, allowance).pipe(
    Effect.map((report): Outcome => ({ kind: "found", report })),
    Effect.catchTags({
      OrderNotFound: () => Effect.succeed(null),
      Refused: (refusal) => Effect.sync(() => given(true, judge(desk.breaker, refusal, symbol, null))),
      Unreachable: (error) => Effect.succeed(given(true, unreachableRejection(error))),
    }),
  );
}

interface Fault {
  readonly rejection: Rejection;
  /** The exchange answered, and the answer is no. */
  readonly isAnswer: boolean;
  readonly mayExist: boolean;
  readonly mayPass: boolean;
  readonly message: string;
  readonly retry_after_ms: number | null;
}

function readFailure({ breaker }: GatewayDesk, order: OrderRequest, failure: Refused | Unreachable): Fault {
  if (failure instanceof Refused) {
    const rejection = judge(breaker, failure, order.symbol, order.client_order_id);
    // A refusal of class transport, such as a duplicate id, leaves it open whether there is an order.
    const isAnswer = rejection.class !== "transport";
    const message = `${rejection.code}: ${rejection.message}`;
    return { rejection, isAnswer, mayExist: !isAnswer, mayPass: true, message, retry_after_ms: null };
  }
  const { arrived, kind, message, retry_after_ms } = failure;
  return {
    rejection: unreachableRejection(failure),
    isAnswer: false,
    mayExist: arrived === "unknown",
    mayPass: kind !== "venue",
    message,
    retry_after_ms,
  };
}

/** The end without an order in hand: a rejection only where there certainly is none. */
function given(mayExist: boolean, rejection: Rejection): Outcome {
  return mayExist ? { kind: "unclear", message: rejection.message } : { kind: "refused", rejection };
}

function rejected({ clock }: GatewayDesk, order: OrderRequest, rejection: Rejection): Answer {
  const { symbol, client_order_id } = order;
  return justThis({ type: "order.rejected", symbol, at: stamp(clock.now()), client_order_id, rejection });
}

function denied({ clock }: GatewayDesk, order: OrderRequest, message: string): Answer {
  return unknown(order, stamp(clock.now()), "not_found", message);
}

function accepted(desk: GatewayDesk, order: OrderRequest, report: OrderReport): Answer {
  const at = stamp(desk.clock.now());
  const update = updateFrom(desk, order, report, at);
  if (Result.isFailure(update)) return unknown(order, at, "undetermined", update.failure);
  const { client_order_id, symbol, order_id, status, filled_size } = update.success;
  if (report.rejection === null) desk.breaker.tell({ type: "answered", order: client_order_id });
  const taken: PurgeEventOf<"order.accepted"> = {
    type: "order.accepted",
    symbol,
    at,
    client_order_id,
    order_id,
  };
  const isNews = status !== "open" || !isZero(filled_size);
  return { results: isNews ? [taken, update.success] : [taken], follow: update.success };
}
