// A small gateway on a bus in memory, with an exchange of its own; right in everything but the one fault that it is given.
import { randomUUID } from "node:crypto";
import { decode, type Headers, SUBJECT_PREFIX, writePlain } from "../../../adapters/bus/mod.ts";
import type { TransportMessage } from "../../../adapters/bus/mod.ts";
import type { OrdersAndResults } from "../../../adapters/gateway_check/mod.ts";
import type { OrderRequest, PurgeCommand } from "../../../machines/mod.ts";

/** What a gateway may do wrong. */
export type Fault =
  | "none"
  | "is silent"
  | "ignores JSON"
  | "places every repeat"
  | "takes a changed body"
  | "places what was cancelled before"
  | "tries a refused order again"
  | "shrinks the revision"
  | "says amounts as floats"
  | "says times in seconds"
  | "is a day late"
  | "publishes under one subject"
  | "has no message ids"
  | "has no schema version"
  | "leaves the code out"
  | "rejects without words"
  | "tells fills one by one"
  | "tells only when asked"
  | "says cancelled when the request is accepted"
  | "forgets final orders"
  | "rests what is to take"
  | "is silent about unknown orders"
  | "says nothing of holdings"
  | "says nothing of the venue"
  | "drops the malformed"
  | "dies of the malformed"
  | "never acknowledges"
  | "reads any version";

interface Kept {
  readonly order: OrderRequest;
  readonly order_id: string;
  revision: number;
  status: "open" | "filled" | "cancelled";
  filled: number;
}

const STEP_MS = 15;
const BALANCE = 1_000_000;

export class FakeGateway implements OrdersAndResults {
  readonly #fault: Fault;
  readonly #mode: string;
  readonly #listeners = new Set<(message: TransportMessage) => void>();
  readonly #orders = new Map<string, Kept>();
  readonly #bodies = new Map<string, string>();
  readonly #refused = new Set<string>();
  readonly #withdrawn = new Set<string>();
  #extra = 0;
  #unacknowledged = 0;
  #isDead = false;

  constructor(fault: Fault = "none", mode = "paper") {
    this.#mode = mode;
    this.#fault = fault;
    this.#isDead = fault === "is silent";
  }

  /** Orders that nobody has ended. */
  get open(): readonly string[] {
    return [...this.#orders].flatMap(([id, { status }]) => (status === "open" ? [id] : []));
  }

  async send(message: TransportMessage): Promise<void> {
    this.#unacknowledged += 1;
    if (this.#isDead) return;
    setImmediate(() => this.#take(message));
  }

  async listen(listener: (message: TransportMessage) => void): Promise<() => void> {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async lastVenue(): Promise<TransportMessage | null> {
    if (this.#fault === "says nothing of the venue" || this.#isDead) return null;
    const body = { type: "venue.state", at: now(), state: "closed", cause: null, reason: null, until: null };
    return { subject: `${SUBJECT_PREFIX}.venue`, bytes: writePlain("json", body), headers: {} };
  }

  async unacknowledged(): Promise<number> {
    return this.#unacknowledged;
  }

  async tidy(): Promise<null> {
    return null;
  }

  async close(): Promise<void> {}

  #is(fault: Fault): boolean {
    return this.#fault === fault;
  }

  #take(message: TransportMessage): void {
    if (this.#isDead) return;
    if (!this.#is("never acknowledges")) this.#unacknowledged -= 1;
    const isJson = message.headers["Content-Type"] === "application/json";
    if (message.subject.endsWith(".account")) {
      this.#readAccount(message);
      return;
    }
    const readable = this.#is("reads any version")
      ? { ...message, headers: { ...message.headers, "Schema-Version": "1" } }
      : message;
    const decoded = decode("orders", readable);
    if (!decoded.ok) {
      this.#setAside(message, decoded.reason);
      return;
    }
    if (this.#is("ignores JSON") && isJson) return;
    this.#carryOut(decoded.body, message);
  }

  #readAccount(message: TransportMessage): void {
    const decoded = decode("account", message);
    if (!decoded.ok) {
      this.#setAside(message, decoded.reason);
      return;
    }
    if (this.#is("says nothing of holdings")) return;
    const { request_id } = decoded.body;
    this.#publish("holdings", { type: "holdings.snapshot", request_id, positions: [] });
  }

  #setAside(message: TransportMessage, reason: string): void {
    if (this.#is("dies of the malformed")) this.#isDead = true;
    if (this.#is("drops the malformed") || this.#isDead) return;
    const { subject, bytes, headers } = message;
    const body_base64 = Buffer.from(bytes).toString("base64");
    const last = subject.endsWith(".account") ? "_" : subject.split(".").at(-1);
    this.#publish(`dead.${last}`, { subject, reason, body_base64, headers });
  }

  #carryOut(command: PurgeCommand, message: TransportMessage): void {
    switch (command.type) {
      case "market.refresh":
        this.#market(command.symbol, command.request_id);
        return;
      case "order.place":
        this.#place(command.order, message);
        return;
      case "order.cancel":
        this.#cancel(command.symbol, command.client_order_id);
        return;
      case "order.query":
        this.#answer(command.symbol, command.client_order_id);
        return;
    }
  }

  #market(symbol: string, request_id: string): void {
    if (symbol === "NOSUCH-USD") {
      const rejection = refusal("INVALID_PRODUCT_ID", "no such product");
      this.#result(symbol, { type: "market.unavailable", request_id, rejection });
      return;
    }
    const open = [...this.#orders.values()].filter(
      (kept) => kept.order.symbol === symbol && kept.status === "open",
    );
    const held = open.reduce((sum, kept) => sum + Number(kept.order.base_size) - kept.filled, 0);
    const available = BALANCE - held - this.#extra;
    this.#result(symbol, {
      type: "market.snapshot",
      request_id,
      quoted_at: now(),
      best_bid: "0.99",
      best_ask: "1.01",
      available: String(available),
      product: {
        base_increment: "1",
        price_increment: "0.01",
        base_min_size: "1",
        quote_min_size: "1",
        status: "online",
      },
    });
  }

  #place(order: OrderRequest, message: TransportMessage): void {
    const { client_order_id: id, symbol } = order;
    const body = JSON.stringify(order);
    const known = this.#bodies.get(id);
    if (known !== undefined && known !== body && !this.#is("takes a changed body")) {
      this.#setAside(message, "another body under the same id");
      return;
    }
    if (this.#withdrawn.has(id) && !this.#is("places what was cancelled before")) {
      this.#deny(symbol, id);
      return;
    }
    this.#bodies.set(id, body);
    const isAgain = this.#refused.has(id) && this.#is("tries a refused order again");
    if (symbol === "REJECT-USD" && !isAgain) {
      this.#refuse(order);
      return;
    }
    const kept = this.#orders.get(id);
    if (kept !== undefined && this.#is("places every repeat")) this.#extra += Number(order.base_size);
    const isNew = kept === undefined || this.#is("places every repeat");
    const order_id = isNew ? randomUUID() : kept.order_id;
    const now: Kept = isNew ? { order, order_id, revision: 1, status: "open", filled: 0 } : kept;
    this.#orders.set(id, now);
    this.#result(symbol, { type: "order.accepted", client_order_id: id, order_id });
    if (now.status !== "open") {
      this.#update(now);
      return;
    }
    const takes = order.kind === "ioc" && !this.#is("rests what is to take");
    if (isNew && takes) this.#fill(now, Number(order.base_size));
    if (isNew && symbol === "PARTIAL-USD") this.#fillInParts(now);
  }

  #refuse({ symbol, client_order_id }: OrderRequest): void {
    this.#refused.add(client_order_id);
    const { code, ...rest } = refusal(
      "INVALID_ORDER",
      this.#is("rejects without words") ? "" : "Invalid order",
    );
    const rejection = this.#is("leaves the code out") ? rest : { code, ...rest };
    this.#result(symbol, { type: "order.rejected", client_order_id, rejection });
  }

  #fillInParts(kept: Kept): void {
    const size = Number(kept.order.base_size);
    for (const [n, share] of [0.3, 0.3, 0.4].entries()) {
      setTimeout(() => this.#fill(kept, size * share), STEP_MS * (n + 1));
    }
  }

  #fill(kept: Kept, size: number): void {
    kept.filled = Math.round(kept.filled + size);
    kept.revision += 1;
    if (kept.filled >= Number(kept.order.base_size)) kept.status = "filled";
    if (this.#is("tells only when asked")) return;
    this.#update(kept, this.#is("tells fills one by one") ? size : kept.filled);
  }

  #cancel(symbol: string, id: string): void {
    const kept = this.#orders.get(id);
    if (kept === undefined) {
      this.#withdrawn.add(id);
      this.#deny(symbol, id);
      return;
    }
    if (kept.status === "open" && symbol === "RACE-USD") {
      const isHasty = this.#is("says cancelled when the request is accepted");
      this.#update(isHasty ? { ...kept, revision: kept.revision + 1, status: "cancelled" } : kept);
      setTimeout(() => {
        kept.filled = Number(kept.order.base_size) / 2;
        kept.revision += 2;
        kept.status = "cancelled";
        if (!isHasty && !this.#is("tells only when asked")) this.#update(kept);
      }, STEP_MS);
      return;
    }
    if (kept.status === "open") {
      kept.status = "cancelled";
      kept.revision += 1;
    }
    this.#answer(symbol, id);
    if (this.#is("forgets final orders")) this.#orders.delete(id);
  }

  #answer(symbol: string, id: string): void {
    const kept = this.#orders.get(id);
    if (kept === undefined) this.#deny(symbol, id);
    else this.#update(kept);
  }

  #deny(symbol: string, client_order_id: string): void {
    if (this.#is("is silent about unknown orders")) return;
    this.#result(symbol, {
      type: "order.unknown",
      client_order_id,
      outcome: "not_found",
      message: "no such order",
    });
  }

  #update(
    { order, order_id, revision, status }: Kept,
    filled = this.#orders.get(order.client_order_id)?.filled ?? 0,
  ): void {
    this.#result(order.symbol, {
      type: "order.update",
      client_order_id: order.client_order_id,
      order_id,
      revision: this.#is("shrinks the revision") ? 100 - revision : revision,
      status,
      filled_size: this.#is("says amounts as floats") ? filled : String(filled),
      filled_value: String(filled),
      fee: "0",
      rejection: null,
    });
  }

  #result(symbol: string, body: object): void {
    const last = this.#is("publishes under one subject") ? "ALL-USD" : symbol;
    this.#publish(`results.${last}`, { symbol, ...body });
  }

  #publish(tail: string, body: object): void {
    const headers: Record<string, string> = { "Content-Type": "application/json", "Purge-Mode": this.#mode };
    if (!this.#is("has no schema version")) headers["Schema-Version"] = "1";
    if (!this.#is("has no message ids")) headers["Nats-Msg-Id"] = randomUUID();
    const bytes = writePlain("json", { at: this.#at(), ...body });
    this.#tell({ subject: `${SUBJECT_PREFIX}.${tail}`, bytes, headers });
  }

  #at(): string | number {
    if (this.#is("says times in seconds")) return Math.floor(Date.now() / 1_000);
    return this.#is("is a day late") ? new Date(Date.now() - 86_400_000).toISOString() : now();
  }

  #tell(message: TransportMessage & { readonly headers: Headers }): void {
    for (const listener of this.#listeners) listener(message);
  }
}

function now(): string {
  return new Date().toISOString();
}

function refusal(code: string, message: string) {
  const raw_response = `{"error":"${code}"}`;
  return {
    class: "symbol",
    classified: true,
    code,
    message,
    details: null,
    preview_failure: null,
    raw_response,
  };
}
