// Where orders are taken, refused and cancelled: the standing rules first, then what the script has in store.
import { Result } from "effect";
import { v5 } from "uuid";
import {
  OrderNotFound,
  type OrderRef,
  type OrderReport,
  Refused,
  type Unreachable,
} from "../../../actors/ports.ts";
import { compare, type OrderRequest, subtract } from "../../../machines/mod.ts";
import { type Books, type Decision, type PaperOrder, reportOf } from "./books.ts";
import { baseOf, type MarketData } from "./market_data.ts";
import type { Matching } from "./matching.ts";
import { immediateSize, planResting, share } from "./order_plan.ts";
import { duplicateId, ruleAgainst, unknownProduct } from "./order_rules.ts";
import { type ScriptedRefusal, type Step, stepAt } from "./program.ts";
import { cancelRefused, endedRefusal, noAnswer, orderRefusal, rateLimited, serverError } from "./refusals.ts";
import type { PaperProduct, PaperScript } from "./script.ts";

/** How long a cancel takes to come through when a fill is to land during it. */
export const CANCEL_LAG_MS = 250;

/** The UUID namespace of this exchange's order ids, drawn once at random. */
const ORDER_ID_NAMESPACE = "5b0f2a60-0d5e-4b1c-9a39-6f1f0f4f2f7d";

const undecided = { fault: null, calls_to_fail: 0, refusal: null } as const;

/** One account's order desk. Every call happens inside a transaction of its file. */
export class OrderDesk {
  readonly #books: Books;
  readonly #matching: Matching;
  readonly #data: MarketData;
  readonly #script: PaperScript;

  constructor(books: Books, matching: Matching, data: MarketData, script: PaperScript) {
    this.#books = books;
    this.#matching = matching;
    this.#data = data;
    this.#script = script;
  }

  place(order: OrderRequest, now: number): Result.Result<OrderReport, Refused | Unreachable> {
    const body = bodyOf(order);
    const decided = this.#books.decision(order.client_order_id);
    if (decided !== null && decided.body !== body) {
      return Result.fail(new Refused(orderRefusal(duplicateId(order.client_order_id))));
    }
    const isRemembered = this.#script.refusals === "remembered";
    if (decided !== null && decided.refusal !== null && isRemembered) {
      return Result.fail(new Refused(decided.refusal));
    }
    const taken = this.#books.order({ client_order_id: order.client_order_id, order_id: null });
    if (taken !== null) return Result.succeed(reportOf(taken));
    if (decided !== null && decided.calls_to_fail > 0) return Result.fail(this.#failCall(decided));

    const decision = decided ?? { ...undecided, client_order_id: order.client_order_id, body };
    const product = this.#data.product(order.symbol, now);
    if (product === null) return this.#refuse(decision, unknownProduct(order.symbol));
    const { best_bid } = this.#data.quote(order.symbol, product, now);
    const available = this.#matching.available(baseOf(order.symbol));
    const rule = ruleAgainst(order, { product, best_bid, available });
    if (rule !== null) return this.#refuse(decision, rule);
    // A step is used up by a new id that the rules let through; one that failed before has used up its own.
    const step = decided === null ? this.#takeStep(order) : ({ kind: "default" } as const);
    return this.#follow(step, decision, () => this.#take(order, step, product, best_bid, now));
  }

  cancel(ref: OrderRef, now: number): Result.Result<OrderReport, Refused | OrderNotFound> {
    const order = this.#books.order(ref);
    if (order === null) return Result.fail(notFound(ref));
    if (order.status !== "open") return Result.succeed(reportOf(order));
    const id = order.client_order_id;
    const terms = this.#books.cancelTerms(id);
    if (terms.cancelling === 1) return Result.succeed(reportOf(order));
    if (terms.cancels_refused > 0) {
      this.#books.setCancelTerms(id, { ...terms, cancels_refused: terms.cancels_refused - 1 });
      return Result.fail(cancelRefused(order.order_id));
    }
    if (terms.fill_during_cancel === null) {
      return Result.succeed(reportOf(this.#matching.end(order, "cancelled", now)));
    }
    const base_increment = this.#script.products.get(order.symbol)?.base_increment ?? order.base_size;
    const left = subtract(order.base_size, order.filled_size);
    const size = share(terms.fill_during_cancel, { base_size: left, base_increment });
    const at = now + CANCEL_LAG_MS;
    this.#books.addAct({ client_order_id: id, at, act: "fill", size, refusal: null });
    this.#books.addAct({ client_order_id: id, at, act: "cancel", size: null, refusal: null });
    this.#books.setCancelTerms(id, { ...terms, cancelling: 1 });
    return Result.succeed(reportOf(order));
  }

  order(ref: OrderRef): Result.Result<OrderReport, OrderNotFound> {
    const order = this.#books.order(ref);
    return order === null ? Result.fail(notFound(ref)) : Result.succeed(reportOf(order));
  }

  #takeStep({ symbol }: OrderRequest): Step {
    return stepAt(this.#script.behaviour.get(symbol) ?? [], this.#books.takePosition(symbol));
  }

  #follow(
    step: Step,
    decision: Decision,
    take: () => PaperOrder,
  ): Result.Result<OrderReport, Refused | Unreachable> {
    if (step.kind === "reject") return this.#refuse(decision, step.refusal);
    if (step.kind === "rate_limited" || step.kind === "server_error") {
      return Result.fail(this.#failCall({ ...decision, fault: step.kind, calls_to_fail: step.times }));
    }
    if (step.kind === "unknown" && !step.happened) {
      return Result.fail(this.#failCall({ ...decision, fault: "unknown", calls_to_fail: 1 }));
    }
    this.#books.saveDecision({ ...decision, refusal: null });
    const order = take();
    return step.kind === "unknown" ? Result.fail(timedOut()) : Result.succeed(reportOf(order));
  }

  #refuse(decision: Decision, said: ScriptedRefusal): Result.Result<never, Refused> {
    const refusal = orderRefusal(said);
    this.#books.saveDecision({ ...decision, refusal });
    return Result.fail(new Refused(refusal));
  }

  #failCall(decision: Decision): Unreachable {
    this.#books.saveDecision({ ...decision, calls_to_fail: decision.calls_to_fail - 1 });
    if (decision.fault === "rate_limited") return rateLimited();
    return decision.fault === "server_error" ? serverError(true, 500) : timedOut();
  }

  #take(
    { client_order_id, symbol, kind, base_size, limit_price }: OrderRequest,
    step: Step,
    product: PaperProduct,
    bestBid: string,
    now: number,
  ): PaperOrder {
    const order: PaperOrder = {
      ...{
        client_order_id,
        symbol,
        kind,
        base_size,
        limit_price,
        status: "open",
        revision: 1,
        rejection: null,
      },
      ...{ filled_size: "0", filled_value: "0", fee: "0", placed_at: now, updated_at: now },
      order_id: v5(client_order_id, ORDER_ID_NAMESPACE),
    };
    const sizes = {
      base_size,
      base_increment: product.base_increment,
      fill_after_ms: this.#script.fill_after_ms,
    };
    const { acts, fill_during_cancel, cancels_refused } = planResting(step, sizes);
    this.#books.addOrder(order, { fill_during_cancel, cancels_refused, cancelling: 0 });
    this.#matching.announce(order);
    if (kind === "ioc") return this.#takeAtOnce(order, step, immediateSize(step, sizes), bestBid, now);
    for (const { after_ms, act, size, refusal } of acts) {
      const ended = refusal === null ? null : endedRefusal(order.order_id, refusal);
      this.#books.addAct({ client_order_id, at: now + after_ms, act, size, refusal: ended });
    }
    return order;
  }

  /** IOC: sells at the bid down to the limit price; what finds no buyer is cancelled. */
  #takeAtOnce(order: PaperOrder, step: Step, size: string, bestBid: string, now: number): PaperOrder {
    if (step.kind === "fail") {
      return this.#matching.end(order, "failed", now, endedRefusal(order.order_id, step.refusal));
    }
    const isWithinLimit = compare(bestBid, order.limit_price) >= 0;
    const sold = isWithinLimit ? this.#matching.fill(order, size, bestBid, now) : order;
    return this.#matching.end(sold, step.kind === "expire" ? "expired" : "cancelled", now);
  }
}

/** Two requests are the same order when these are the same. */
export function bodyOf({
  client_order_id,
  symbol,
  side,
  kind,
  base_size,
  limit_price,
}: OrderRequest): string {
  return JSON.stringify({ client_order_id, symbol, side, kind, base_size, limit_price });
}

function timedOut(): Unreachable {
  return noAnswer("unknown", "timeout", "no answer in time");
}

function notFound({ client_order_id }: OrderRef): OrderNotFound {
  return new OrderNotFound({ client_order_id, message: `no order ${client_order_id} at this exchange` });
}
