// What happens to orders once the exchange has taken them: fills, ends, and what comes due by the clock.
import type { ExchangeRefusal } from "../../../actors/ports.ts";
import { add, compare, isZero, min, multiply, type OrderStatus, subtract } from "../../../machines/mod.ts";
import type { Act, Books, PaperOrder } from "./books.ts";
import type { PaperScript } from "./script.ts";
import { spanOf, windowsAt } from "./windows.ts";

/** Moves orders and balances in one account. Every call happens inside a transaction of its file. */
export class Matching {
  readonly #books: Books;
  readonly #script: PaperScript;
  readonly #feeRate: string;
  readonly #changed = new Map<string, PaperOrder>();

  constructor(books: Books, script: PaperScript) {
    this.#books = books;
    this.#script = script;
    this.#feeRate = multiply(script.fee_bps, "0.0001");
  }

  /** Does everything that is due at `now`, each thing at its own time. */
  settle(now: number): void {
    for (let act = this.#books.dueAct(now); act !== null; act = this.#books.dueAct(now)) {
      const haltEnds = act.act === "fill" ? this.#haltEnd(act) : null;
      if (haltEnds === null) this.#perform(act);
      else this.#books.postponeAct(act.id, haltEnds);
    }
  }

  /** Sells `size` of an open order, or what is left of it, at `price`. */
  fill(order: PaperOrder, size: string, price: string, at: number): PaperOrder {
    const left = subtract(order.base_size, order.filled_size);
    const sold = min(size, left);
    if (order.status !== "open" || isZero(sold)) return order;
    const value = multiply(sold, price);
    const fee = multiply(value, this.#feeRate);
    const { client_order_id, symbol } = order;
    this.#books.addFill({ client_order_id, symbol, at, size: sold, price, value, fee });
    const [base = "", quote = ""] = symbol.split("-");
    this.#books.setTotal(base, subtract(this.#books.balance(base).total, sold));
    this.#books.setTotal(quote, add(this.#books.balance(quote).total, subtract(value, fee)));
    const filled = {
      ...order,
      filled_size: add(order.filled_size, sold),
      filled_value: add(order.filled_value, value),
      fee: add(order.fee, fee),
    };
    return this.#changeTo(filled, compare(sold, left) === 0 ? "filled" : "open", at);
  }

  /** Ends an open order; one that is final stays as it is. */
  end(
    order: PaperOrder,
    status: Exclude<OrderStatus, "open" | "filled">,
    at: number,
    rejection: ExchangeRefusal | null = null,
  ): PaperOrder {
    return order.status === "open" ? this.#changeTo({ ...order, rejection }, status, at) : order;
  }

  /** Notes that others should hear of this order. */
  announce(order: PaperOrder): void {
    this.#changed.set(order.client_order_id, order);
  }

  /** The orders that changed since this was last asked, each as it is now. */
  takeChanged(): readonly PaperOrder[] {
    const changed = [...this.#changed.values()];
    this.#changed.clear();
    return changed;
  }

  /** What may be sold of `currency`: the balance less what others and open orders hold. */
  available(currency: string): string {
    const { total, held_elsewhere } = this.#books.balance(currency);
    return subtract(subtract(total, held_elsewhere), this.heldByOrders(currency));
  }

  heldByOrders(currency: string): string {
    const open = this.#books.openOrdersOf(currency);
    return open.map((order) => subtract(order.base_size, order.filled_size)).reduce(add, "0");
  }

  /** What was planned for an order that has ended meanwhile comes to nothing. */
  #perform(act: Act): void {
    this.#books.dropAct(act.id);
    const order = this.#books.order({ client_order_id: act.client_order_id, order_id: null });
    if (order === null) return;
    if (act.act === "fill") this.fill(order, act.size ?? "0", order.limit_price, act.at);
    else if (act.act === "cancel") this.end(order, "cancelled", act.at);
    else if (act.act === "expire") this.end(order, "expired", act.at);
    else this.end(order, "failed", act.at, act.refusal);
  }

  #changeTo(order: PaperOrder, status: OrderStatus, at: number): PaperOrder {
    const changed = { ...order, status, revision: order.revision + 1, updated_at: at };
    this.#books.saveOrder(changed);
    this.announce(changed);
    return changed;
  }

  /** When trading goes on, if the product is halted at the time of the act. */
  #haltEnd({ symbol, at }: Act): number | null {
    const openedAt = this.#books.openedAt();
    const halts = this.#script.halts.filter((halt) => halt.symbol === symbol);
    const [halt] = windowsAt(halts, openedAt, at);
    return halt === undefined ? null : spanOf(halt, openedAt).end;
  }
}
