// The rows of a paper account, typed: what is read from its file and written to it. Decides nothing.
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import { Schema } from "effect";
import type { OrderRef, OrderReport } from "../../../actors/ports.ts";
import {
  ClientOrderId,
  DecimalString,
  OrderRequest,
  OrderStatus,
  TradingSymbol,
} from "../../../machines/mod.ts";

/** An `ExchangeRefusal`, in a column of its own as JSON. */
const Refusal = Schema.fromJsonString(
  Schema.Struct({
    code: Schema.String,
    message: Schema.String,
    details: Schema.NullOr(Schema.String),
    preview_failure: Schema.NullOr(Schema.String),
    raw_response: Schema.NullOr(Schema.String),
  }),
);

/** An order that the exchange took. Times are epoch milliseconds, here and in all of these books. */
const PaperOrder = Schema.Struct({
  client_order_id: ClientOrderId,
  order_id: Schema.String,
  symbol: TradingSymbol,
  kind: OrderRequest.fields.kind,
  base_size: DecimalString,
  limit_price: DecimalString,
  status: OrderStatus,
  revision: Schema.Int,
  filled_size: DecimalString,
  filled_value: DecimalString,
  fee: DecimalString,
  rejection: Schema.NullOr(Refusal),
  placed_at: Schema.Int,
  updated_at: Schema.Int,
});
export type PaperOrder = typeof PaperOrder.Type;

/** What the cancelling of an order will meet. */
const CancelTerms = Schema.Struct({
  /** The share of what is open that fills while the cancel is under way. */
  fill_during_cancel: Schema.NullOr(DecimalString),
  /** How many more cancels will be refused. */
  cancels_refused: Schema.Int,
  /** 1: a cancel was taken and has not come through yet. */
  cancelling: Schema.Literals([0, 1]),
});
export type CancelTerms = typeof CancelTerms.Type;

const PaperFill = Schema.Struct({
  client_order_id: ClientOrderId,
  symbol: TradingSymbol,
  at: Schema.Int,
  size: DecimalString,
  price: DecimalString,
  value: DecimalString,
  fee: DecimalString,
});
export type PaperFill = typeof PaperFill.Type;

const Balance = Schema.Struct({
  currency: Schema.String,
  /** When the account was opened. */
  initial: DecimalString,
  total: DecimalString,
  held_elsewhere: DecimalString,
});
export type Balance = typeof Balance.Type;

/** One call as it came to the exchange, and how it was answered. */
const PaperRequest = Schema.Struct({
  seq: Schema.Int,
  at: Schema.Int,
  call: Schema.Literals(["place", "cancel", "order", "market", "holdings"]),
  symbol: Schema.NullOr(Schema.String),
  client_order_id: Schema.NullOr(Schema.String),
  /** The order that was to be placed, JSON; null for the other calls. */
  body: Schema.NullOr(Schema.String),
  /** `open`, `ok`, `Refused INSUFFICIENT_FUND`, `Unreachable unknown timeout`, `OrderNotFound`. */
  answer: Schema.String,
});
export type PaperRequest = typeof PaperRequest.Type;

/** What became of a client order id. */
const Decision = Schema.Struct({
  client_order_id: Schema.String,
  body: Schema.String,
  /** How calls with this id fail, as long as `calls_to_fail` is not used up. */
  fault: Schema.NullOr(Schema.Literals(["unknown", "rate_limited", "server_error"])),
  calls_to_fail: Schema.Int,
  /** Set for ever once the exchange said no. */
  refusal: Schema.NullOr(Refusal),
});
export type Decision = typeof Decision.Type;

/** Something that will happen to an open order. */
const Act = Schema.Struct({
  id: Schema.Int,
  client_order_id: ClientOrderId,
  symbol: TradingSymbol,
  at: Schema.Int,
  act: Schema.Literals(["fill", "cancel", "expire", "fail"]),
  /** For a fill. */
  size: Schema.NullOr(DecimalString),
  /** For `fail`. */
  refusal: Schema.NullOr(Refusal),
});
export type Act = typeof Act.Type;

/** Reads are kept for as many; orders placed and cancelled are kept for ever. */
const READS_KEPT = 100_000;
const READS_PRUNED_EVERY = 1_000;

export class Books {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  openedAt(): number {
    return integer(this.#get("SELECT opened_at FROM account"), "opened_at");
  }

  order(ref: Pick<OrderRef, "client_order_id" | "order_id">): PaperOrder | null {
    const row =
      this.#get("SELECT * FROM orders WHERE order_id = ?", ref.order_id) ??
      this.#get("SELECT * FROM orders WHERE client_order_id = ?", ref.client_order_id);
    return row === undefined ? null : asOrder(row);
  }

  orders(): readonly PaperOrder[] {
    return this.#all("SELECT * FROM orders ORDER BY rowid").map((row) => asOrder(row));
  }

  /** Open orders that sell `currency`, through whichever product. */
  openOrdersOf(currency: string): readonly PaperOrder[] {
    // "." comes after "-" in ASCII: everything from "BONK-" to "BONK.", by the index.
    const sql = "SELECT * FROM orders WHERE status = 'open' AND symbol >= ? AND symbol < ?";
    return this.#all(sql, `${currency}-`, `${currency}.`).map((row) => asOrder(row));
  }

  cancelTerms(clientOrderId: string): CancelTerms {
    return asTerms(this.#get("SELECT * FROM orders WHERE client_order_id = ?", clientOrderId));
  }

  setCancelTerms(clientOrderId: string, terms: CancelTerms): void {
    const { fill_during_cancel, cancels_refused, cancelling } = terms;
    this.#run(
      "UPDATE orders SET fill_during_cancel = ?, cancels_refused = ?, cancelling = ? WHERE client_order_id = ?",
      ...[fill_during_cancel, cancels_refused, cancelling, clientOrderId],
    );
  }

  addOrder(order: PaperOrder, terms: CancelTerms): void {
    this.#run(
      `INSERT INTO orders (client_order_id, order_id, symbol, kind, base_size, limit_price, status, revision,
         filled_size, filled_value, fee, rejection, fill_during_cancel, cancels_refused, cancelling, placed_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?)`,
      ...[
        order.client_order_id,
        order.order_id,
        order.symbol,
        order.kind,
        order.base_size,
        order.limit_price,
      ],
      ...[order.status, order.revision, order.filled_size, order.filled_value, order.fee],
      ...[terms.fill_during_cancel, terms.cancels_refused, terms.cancelling],
      ...[order.placed_at, order.updated_at],
    );
  }

  /** Everything about an order that may change. */
  saveOrder(order: PaperOrder): void {
    this.#run(
      `UPDATE orders SET status = ?, revision = ?, filled_size = ?, filled_value = ?, fee = ?, rejection = ?, updated_at = ?
       WHERE client_order_id = ?`,
      ...[order.status, order.revision, order.filled_size, order.filled_value, order.fee],
      ...[refusalText(order.rejection), order.updated_at, order.client_order_id],
    );
  }

  decision(clientOrderId: string): Decision | null {
    const row = this.#get("SELECT * FROM decisions WHERE client_order_id = ?", clientOrderId);
    return row === undefined ? null : asDecision(row);
  }

  saveDecision({ client_order_id, body, fault, calls_to_fail, refusal }: Decision): void {
    this.#run(
      `INSERT INTO decisions (client_order_id, body, fault, calls_to_fail, refusal) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (client_order_id) DO UPDATE SET calls_to_fail = excluded.calls_to_fail, refusal = excluded.refusal`,
      ...[client_order_id, body, fault, calls_to_fail, refusalText(refusal)],
    );
  }

  /** The position in the symbol's program, moved on by one. */
  takePosition(symbol: string): number {
    const sql =
      "UPDATE programs SET position = position + 1 WHERE symbol = ? RETURNING position - 1 AS position";
    return integer(this.#get(sql, symbol), "position");
  }

  addAct({ client_order_id, at, act, size, refusal }: Omit<Act, "id" | "symbol">): void {
    this.#run(
      "INSERT INTO acts (client_order_id, at, act, size, refusal) VALUES (?, ?, ?, ?, ?)",
      ...[client_order_id, at, act, size, refusalText(refusal)],
    );
  }

  /** The first act that is due at `now`. */
  dueAct(now: number): Act | null {
    const row = this.#get(
      `SELECT acts.*, orders.symbol FROM acts JOIN orders USING (client_order_id)
       WHERE acts.at <= ? ORDER BY acts.at, acts.id LIMIT 1`,
      now,
    );
    return row === undefined ? null : asAct(row);
  }

  postponeAct(id: number, at: number): void {
    this.#run("UPDATE acts SET at = ? WHERE id = ?", at, id);
  }

  dropAct(id: number): void {
    this.#run("DELETE FROM acts WHERE id = ?", id);
  }

  nextActAt(): number | null {
    const row = this.#get("SELECT at FROM acts ORDER BY at LIMIT 1");
    return row === undefined ? null : integer(row, "at");
  }

  addFill(fill: PaperFill): void {
    const { client_order_id, symbol, at, size, price, value, fee } = fill;
    this.#run(
      "INSERT INTO fills (client_order_id, symbol, at, size, price, value, fee) VALUES (?, ?, ?, ?, ?, ?, ?)",
      ...[client_order_id, symbol, at, size, price, value, fee],
    );
  }

  fills(): readonly PaperFill[] {
    return this.#all("SELECT * FROM fills ORDER BY id").map((row) => asFill(row));
  }

  balances(): readonly Balance[] {
    return this.#all("SELECT * FROM balances ORDER BY currency").map((row) => asBalance(row));
  }

  balance(currency: string): Balance {
    const row = this.#get("SELECT * FROM balances WHERE currency = ?", currency);
    return row === undefined ? { currency, initial: "0", total: "0", held_elsewhere: "0" } : asBalance(row);
  }

  setTotal(currency: string, total: string): void {
    this.#run(
      `INSERT INTO balances (currency, initial, total, held_elsewhere) VALUES (?, '0', ?, '0')
       ON CONFLICT (currency) DO UPDATE SET total = excluded.total`,
      ...[currency, total],
    );
  }

  addRequest({ at, call, symbol, client_order_id, body, answer }: Omit<PaperRequest, "seq">): void {
    const sql =
      "INSERT INTO requests (at, call, symbol, client_order_id, body, answer) VALUES (?, ?, ?, ?, ?, ?)";
    const { lastInsertRowid } = this.#prepared(sql).run(at, call, symbol, client_order_id, body, answer);
    const seq = Number(lastInsertRowid);
    if (seq % READS_PRUNED_EVERY !== 0) return;
    this.#run("DELETE FROM requests WHERE seq <= ? AND call NOT IN ('place', 'cancel')", seq - READS_KEPT);
  }

  requests(): readonly PaperRequest[] {
    return this.#all("SELECT * FROM requests ORDER BY seq").map((row) => asRequest(row));
  }

  #get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values);
  }

  #all(sql: string, ...values: SQLInputValue[]): readonly Row[] {
    return this.#prepared(sql).all(...values);
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#prepared(sql).run(...values);
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.#db.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }
}

/** The port's part of an order. */
export function reportOf(order: PaperOrder): OrderReport {
  const { client_order_id, order_id, symbol, revision, status, filled_size, filled_value, fee, rejection } =
    order;
  return { client_order_id, order_id, symbol, revision, status, filled_size, filled_value, fee, rejection };
}

type Row = Record<string, SQLOutputValue>;

/** The file was written by this program, so a row that does not decode is damage, and a defect. */
const asOrder = Schema.decodeUnknownSync(PaperOrder);
const asTerms = Schema.decodeUnknownSync(CancelTerms);
const asDecision = Schema.decodeUnknownSync(Decision);
const asAct = Schema.decodeUnknownSync(Act);
const asFill = Schema.decodeUnknownSync(PaperFill);
const asBalance = Schema.decodeUnknownSync(Balance);
const asRequest = Schema.decodeUnknownSync(PaperRequest);
const refusalText = Schema.encodeSync(Schema.NullOr(Refusal));

function integer(row: Row | undefined, column: string): number {
  const value = row?.[column];
  if (typeof value !== "number") throw new Error(`the paper account has no ${column}`);
  return value;
}
