// One clause's conversation with the gateway: what it sends, what it hears, and what it makes of that.
import { randomUUID } from "node:crypto";
import {
  add,
  ceilTo,
  compare,
  type DecimalString,
  multiply,
  type OrderRequest,
  type PurgeCommand,
} from "../../machines/mod.ts";
import { CONTENT_TYPES, type Format, SCHEMA_VERSION, SUBJECT_PREFIX, writePlain } from "../bus/mod.ts";
import type { TransportMessage } from "../bus/mod.ts";
import type { CheckSymbols } from "./check_symbols.ts";
import type { OrdersAndResults } from "./orders_and_results.ts";
import { amountOf, type Body, type Heard, isMap, readMessage, show, textOf } from "./reading.ts";

export type Outcome = "pass" | "fail" | "not_shown";

/** What a clause found. `expected` and `because` are sentences for people. */
export interface Finding {
  readonly outcome: Outcome;
  readonly expected: string;
  /** What was wrong, or why it could not be shown; null where all was well. */
  readonly because: string | null;
}

export interface Clause {
  readonly id: string;
  /** What the protocol asks of a gateway. */
  readonly sentence: string;
  readonly check: (stage: Stage) => Promise<Finding>;
}

export const pass = (expected: string): Finding => ({ outcome: "pass", expected, because: null });
export const fail = (expected: string, because: string): Finding => ({ outcome: "fail", expected, because });
/** The exchange behind the gateway, or what was found before, left nothing to judge. */
export const notShown = (expected: string, because: string): Finding => ({
  outcome: "not_shown",
  expected,
  because,
});

export interface StageOptions {
  readonly link: OrdersAndResults;
  readonly symbols: CheckSymbols;
  /** How long the gateway may take for one answer. */
  readonly timeoutMs: number;
  readonly now: () => number;
}

/** Everything that was heard since the check began, in order, and who waits for more. */
export class Ear {
  readonly heard: Heard[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  hear(message: TransportMessage): void {
    this.heard.push(readMessage(message, this.#now()));
    for (const look of [...this.#waiting]) look();
  }

  /** The first message from the `after`th on that fits; null when none has come within `ms`. */
  async first(after: number, fits: (heard: Heard) => boolean, ms: number): Promise<Heard | null> {
    const find = (): Heard | null => this.heard.slice(after).find(fits) ?? null;
    const there = find();
    if (there !== null) return there;
    const { promise, resolve } = Promise.withResolvers<Heard | null>();
    const look = (): void => {
      const found = find();
      if (found !== null) resolve(found);
    };
    const timer = setTimeout(() => resolve(null), ms);
    this.#waiting.add(look);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
  }
}

/** What may be asked of a product, in the smallest orders that it takes. */
export interface Quote {
  readonly symbol: string;
  readonly available: DecimalString;
  readonly size: DecimalString;
  /** Above the best ask: rests. */
  readonly above: DecimalString;
  /** Under the best bid: takes at once. */
  readonly below: DecimalString;
}

type Order = Omit<OrderRequest, "client_order_id" | "symbol"> & {
  readonly client_order_id: string;
  readonly symbol: string;
};
type Draft = Readonly<Record<string, unknown>> & { readonly type: PurgeCommand["type"] | "holdings.refresh" };

export class Stage {
  readonly symbols: CheckSymbols;
  readonly timeoutMs: number;
  readonly ear: Ear;
  readonly link: OrdersAndResults;
  readonly sent: string[] = [];
  /** Orders that this clause has sent, by id, with the symbol that they are of. */
  readonly placed = new Map<string, string>();
  /** Where in all that is heard this clause begins. */
  readonly start: number;

  constructor({ link, symbols, timeoutMs }: StageOptions, ear: Ear) {
    this.link = link;
    this.symbols = symbols;
    this.timeoutMs = timeoutMs;
    this.ear = ear;
    this.start = ear.heard.length;
  }

  /** What this clause has heard. */
  get heard(): readonly Heard[] {
    return this.ear.heard.slice(this.start);
  }

  /** Sends a command as the protocol wants it. Returns where in all that is heard its answers begin. */
  async command(body: Draft, format: Format = "msgpack"): Promise<number> {
    const { symbol } = body;
    const tail = body.type === "holdings.refresh" ? "account" : `orders.${String(symbol)}`;
    return this.raw({ subject: `${SUBJECT_PREFIX}.${tail}`, bytes: writePlain(format, body) }, format);
  }

  /** Sends bytes as they are, under headers that a command has, or others. */
  async raw(
    { subject, bytes }: Pick<TransportMessage, "subject" | "bytes">,
    format: Format = "json",
    headers: Readonly<Record<string, string>> = {},
  ): Promise<number> {
    const message: TransportMessage = {
      subject,
      bytes,
      headers: {
        "Content-Type": CONTENT_TYPES[format],
        "Schema-Version": SCHEMA_VERSION,
        "Nats-Msg-Id": `gateway-check/${randomUUID()}`,
        ...headers,
      },
    };
    const from = this.ear.heard.length;
    this.sent.push(show(message));
    await this.link.send(message);
    return from;
  }

  /** The first result from the `from`th message on that has these fields. */
  answer(from: number, fields: Body, fits: (body: Body) => boolean = () => true): Promise<Heard | null> {
    return this.ear.first(
      from,
      ({ channel, body }) => channel === "results" && has(body, fields) && fits(body),
      this.timeoutMs,
    );
  }

  /** Asks for a market; null when no usable snapshot came. */
  async quote(symbol: string, format?: Format): Promise<Quote | null> {
    const request_id = requestId();
    const from = await this.command({ type: "market.refresh", symbol, request_id }, format);
    const answer = await this.answer(from, { request_id });
    return answer === null ? null : quoteIn(symbol, answer.body);
  }

  order({ symbol, size, above }: Quote, over: Partial<Order> = {}): Order {
    return {
      client_order_id: randomUUID(),
      symbol,
      side: "SELL",
      kind: "post_only",
      base_size: size,
      limit_price: above,
      ...over,
    };
  }

  place(order: Order, format?: Format): Promise<number> {
    this.placed.set(order.client_order_id, order.symbol);
    return this.command({ type: "order.place", symbol: order.symbol, order }, format);
  }

  cancel({ symbol, client_order_id }: Pick<Order, "symbol" | "client_order_id">): Promise<number> {
    return this.command({ type: "order.cancel", symbol, client_order_id, order_id: null });
  }

  query({ symbol, client_order_id }: Pick<Order, "symbol" | "client_order_id">): Promise<number> {
    return this.command({ type: "order.query", symbol, client_order_id, order_id: null });
  }

  /** The first result that says anything of this order. */
  wordOf({ client_order_id }: Pick<Order, "client_order_id">, from: number): Promise<Heard | null> {
    return this.answer(from, { client_order_id });
  }

  update(
    { client_order_id }: Pick<Order, "client_order_id">,
    from: number,
    fits: (body: Body) => boolean = () => true,
  ): Promise<Heard | null> {
    return this.answer(from, { type: "order.update", client_order_id }, fits);
  }

  /** A message that the gateway set aside: the one with these bytes. */
  deadLetter(from: number, bytes: Uint8Array): Promise<Heard | null> {
    const body_base64 = Buffer.from(bytes).toString("base64");
    const fits = ({ channel, body }: Heard): boolean =>
      channel === "dead" && body["body_base64"] === body_base64;
    return this.ear.first(from, fits, this.timeoutMs);
  }

  /** Cancels what this clause has left open. */
  async cleanUp(): Promise<void> {
    for (const [client_order_id, symbol] of this.placed) {
      const words = this.ear.heard.filter(({ body }) => body["client_order_id"] === client_order_id);
      const isTaken = words.some(({ body }) => body["type"] === "order.accepted" || isOpen(body));
      if (!isTaken || words.some(({ body }) => isFinal(body))) continue;
      const from = await this.cancel({ symbol, client_order_id });
      await this.update({ client_order_id }, from, isFinal);
    }
  }
}

export function requestId(): string {
  return `check-${randomUUID()}`;
}

export function isFinal(body: Body): boolean {
  return (
    body["type"] === "order.update" &&
    ["filled", "cancelled", "expired", "failed"].includes(String(body["status"]))
  );
}

export function isOpen(body: Body): boolean {
  return body["type"] === "order.update" && body["status"] === "open";
}

/** What an update says was filled; zero where it says nothing that can be read. */
export function filledIn(body: Body): DecimalString {
  return amountOf(body, "filled_size") ?? "0";
}

export function describe(heard: Heard | null): string {
  return heard === null ? "nothing came in time" : `it was ${show(heard.message)}`;
}

function has(body: Body, fields: Body): boolean {
  return Object.entries(fields).every(([name, value]) => body[name] === value);
}

/** How many doublings an order's size may need before it is worth enough: more than any product has digits. */
const DOUBLINGS_MAX = 200;

function quoteIn(symbol: string, body: Body): Quote | null {
  const product = isMap(body["product"]) ? body["product"] : {};
  const [bid, ask, available] = [
    amountOf(body, "best_bid"),
    amountOf(body, "best_ask"),
    amountOf(body, "available"),
  ];
  const [step, tick] = [amountOf(product, "base_increment"), amountOf(product, "price_increment")];
  if (textOf(body, "type") !== "market.snapshot" || bid === null || ask === null || available === null)
    return null;
  if (step === null || tick === null || compare(step, "0") === 0 || compare(tick, "0") === 0) return null;
  // Ten steps, so that a part of it can fill.
  let size = ceilTo(multiply(step, "10"), step);
  const worthMin = multiply(amountOf(product, "quote_min_size") ?? "0", "2");
  const sizeMin = amountOf(product, "base_min_size") ?? "0";
  for (let n = 0; n < DOUBLINGS_MAX; n += 1) {
    if (compare(size, sizeMin) >= 0 && compare(multiply(size, bid), worthMin) >= 0) break;
    size = add(size, size);
  }
  const above = ceilTo(multiply(ask, "1.02"), tick);
  return { symbol, available, size, above, below: ceilTo(multiply(bid, "0.98"), tick) };
}
