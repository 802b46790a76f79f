// What must be true after a run of chaos, proven from what survives it: the journal, the exchange's own file, the streams.
import { join } from "node:path";
import type { ChannelBody, DeadLetter } from "../../actors/ports.ts";
import { decode } from "../../adapters/bus/mod.ts";
import { virtualClock } from "../../adapters/clock/mod.ts";
import {
  openPaperExchange,
  type PaperOrder,
  type PaperRequest,
  readPaperScript,
} from "../../adapters/exchange/mod.ts";
import { openJournalReader } from "../../adapters/journal/mod.ts";
import { compare, type PurgeEvent } from "../../machines/mod.ts";
import { count, plain } from "./chaos_processes.ts";
import type { Stored, StreamReader } from "./chaos_streams.ts";
import type { Story } from "./paper_story.ts";

type Result = ChannelBody["results"];

export interface Proof {
  /** Results, by what became of them. `lost`: neither in the journal, nor without news, nor a dead letter. */
  readonly results: Readonly<Record<"journaled" | "repeated" | "outdated" | "dead" | "lost", number>>;
  readonly deadLetters: Readonly<Record<string, number>>;
  /** Orders that the exchange took; those whose fills the journal knows in part, and knows more of than there were. */
  readonly orders: { readonly placed: number; readonly underCounted: number; readonly overCounted: number };
  /** Symbols that had two orders open at a time, as `C01-USD: <id> <id>`. */
  readonly openAtOnce: readonly string[];
  /** Orders that went to the exchange again after the journal had heard that they were refused. This exchange refuses them
   * again; another might take one, and nobody would cancel it. */
  readonly placedAfterRefusal: readonly string[];
  /** Every order that the exchange refused, in the order of its first refusal. */
  readonly refusals: readonly Refusal[];
  /** Sequences of the journal that no observer was told, and that they were told more than once. */
  readonly transitions: { readonly missing: readonly number[]; readonly repeated: readonly number[] };
  readonly records: number;
}

/** An order that the exchange refused, and what the journal made of it. `unheard`: the gateway was killed with the exchange's
 * answer in hand, and the exchange, which keeps no refused orders, said afterwards that it knows of none: nobody can tell. */
export interface Refusal {
  readonly symbol: string;
  readonly code: string;
  readonly heard: "heard" | "unheard" | "lost";
}

/** What is left of a run when everything is at rest. */
export interface Survivors {
  /** The event of each record of the journal, in order. */
  readonly events: readonly PurgeEvent[];
  /** Every order that the exchange ever took, and every call that came to it. */
  readonly orders: readonly PaperOrder[];
  readonly calls: readonly Pick<PaperRequest, "at" | "call" | "symbol" | "client_order_id" | "answer">[];
  /** When the gateway was killed, each time, in ms since the epoch, as all times here. */
  readonly gatewayDeaths: readonly number[];
  /** Every message of PURGE_RESULTS, as it was sent. */
  readonly results: readonly Pick<Stored, "subject" | "bytes" | "headers">[];
  readonly dead: readonly DeadLetter[];
  /** The sequences of this ledger that are in PURGE_TRANSITIONS, in order of arrival. */
  readonly told: readonly number[];
}

/** Looks closely at what is left. Nothing here reads or writes. */
export function prove(survivors: Survivors): Proof {
  const { events, orders, calls, results, dead, told } = survivors;
  return {
    results: accountFor(results, new Heard(events), dead),
    deadLetters: byReason(dead),
    orders: { placed: orders.length, ...compareFills(orders, events) },
    openAtOnce: overlaps(orders),
    placedAfterRefusal: placedAfterRefusal(calls, events),
    refusals: refusalsOf(survivors),
    transitions: gaps(told, events.length),
    records: events.length,
  };
}

/** Reads a ledger that nobody writes any more, the exchange's file and the streams beside it. */
export async function readSurvivors(
  ledgerDir: string,
  story: Story,
  streams: StreamReader,
  gatewayDeaths: readonly number[],
): Promise<Survivors> {
  const journal = await openJournalReader(join(ledgerDir, "journal.sqlite"));
  const events: PurgeEvent[] = [];
  for await (const { event } of journal.read()) events.push(event);
  const { ledgerId } = journal;
  await journal.close();
  const told: number[] = [];
  for await (const message of streams.read("PURGE_TRANSITIONS")) told.push(seqOf(message, ledgerId));
  return {
    events,
    ...(await readExchange(ledgerDir, story)),
    gatewayDeaths,
    results: await Array.fromAsync(streams.read("PURGE_RESULTS")),
    dead: await readDead(streams),
    told,
  };
}

/** What the journal has heard of each question and each order. */
class Heard {
  readonly #whole = new Map<string, number>();
  readonly #questions = new Set<string>();
  readonly #orders = new Map<string, PurgeEvent[]>();

  constructor(events: readonly PurgeEvent[]) {
    for (const event of events) {
      const key = contentOf(event);
      this.#whole.set(key, (this.#whole.get(key) ?? 0) + 1);
      if ("request_id" in event) this.#questions.add(`${event.symbol} ${event.request_id}`);
      if ("client_order_id" in event) {
        const heard = this.#orders.get(event.client_order_id) ?? [];
        heard.push(event);
        this.#orders.set(event.client_order_id, heard);
      }
    }
  }

  /** Whether a record holds this result; each record answers for one message. */
  takes(result: Result): boolean {
    const key = contentOf(result);
    const left = this.#whole.get(key) ?? 0;
    if (left > 0) this.#whole.set(key, left - 1);
    return left > 0;
  }

  knows(result: Result): boolean {
    return this.#whole.has(contentOf(result));
  }

  /** Whether what the journal holds leaves nothing in this result that would be news. */
  isNoNews(result: Result): boolean {
    if ("request_id" in result) return this.#questions.has(`${result.symbol} ${result.request_id}`);
    const heard = this.#orders.get(result.client_order_id) ?? [];
    const updates = heard.filter((event) => event.type === "order.update");
    if (result.type === "order.update") {
      return updates.some(
        ({ revision, filled_size }) =>
          revision >= result.revision && compare(filled_size, result.filled_size) >= 0,
      );
    }
    const isRefused = heard.some((event) => event.type === "order.rejected");
    if (result.type === "order.rejected") return isRefused;
    // That an order was taken is told by everything that was heard of it afterwards.
    if (result.type === "order.accepted") return updates.length > 0;
    // That an order was not found is dropped when it comes again, and asked for anew: whatever was heard of the order later.
    return heard.length > 0;
  }
}

function accountFor(
  results: Survivors["results"],
  heard: Heard,
  dead: readonly DeadLetter[],
): Proof["results"] {
  const counts = { journaled: 0, repeated: 0, outdated: 0, dead: 0, lost: 0 };
  const setAside = new Set(dead.map(({ subject, body_base64 }) => `${subject} ${body_base64}`));
  for (const message of results) {
    const decoded = decode("results", message);
    if (setAside.has(`${message.subject} ${Buffer.from(message.bytes).toString("base64")}`)) counts.dead += 1;
    else if (!decoded.ok) counts.lost += 1;
    else if (heard.takes(decoded.body)) counts.journaled += 1;
    else if (heard.knows(decoded.body)) counts.repeated += 1;
    else if (heard.isNoNews(decoded.body)) counts.outdated += 1;
    else counts.lost += 1;
  }
  return counts;
}

/** The journal notes when a result was received, in place of when it was sent. */
function contentOf(event: object): string {
  const entries = Object.entries(event).filter(([name]) => name !== "at");
  return JSON.stringify(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

async function readDead(streams: StreamReader): Promise<readonly DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for await (const message of streams.read("PURGE_DEAD")) {
    const decoded = decode("dead", message);
    if (!decoded.ok) throw new Error(`a dead letter cannot be read: ${decoded.reason}`);
    letters.push(decoded.body);
  }
  return letters;
}

function byReason(letters: readonly DeadLetter[]): Record<string, number> {
  const reasons: Record<string, number> = {};
  for (const { reason } of letters) count(reasons, plain(reason));
  return reasons;
}

async function readExchange(ledgerDir: string, story: Story): Promise<Pick<Survivors, "orders" | "calls">> {
  const file = join(ledgerDir, "exchange.sqlite");
  const exchange = openPaperExchange({ file, script: readPaperScript(story.script), clock: virtualClock(0) });
  const [orders, calls] = [exchange.orders(), exchange.requests()];
  await exchange.close();
  return { orders, calls };
}

/** Order by order: the most that the journal was told is what the exchange has filled. */
function compareFills(orders: readonly PaperOrder[], events: readonly PurgeEvent[]) {
  const most = new Map<string, string>();
  for (const event of events) {
    if (event.type !== "order.update") continue;
    const known = most.get(event.client_order_id) ?? "0";
    if (compare(event.filled_size, known) > 0) most.set(event.client_order_id, event.filled_size);
  }
  const known = orders.map(({ client_order_id, filled_size }) =>
    compare(most.get(client_order_id) ?? "0", filled_size),
  );
  return {
    underCounted: known.filter((side) => side < 0).length,
    overCounted: known.filter((side) => side > 0).length,
  };
}

/** Journal and exchange tell their times by the same clock. */
function placedAfterRefusal(calls: Survivors["calls"], events: readonly PurgeEvent[]): readonly string[] {
  const refusedAt = new Map<string, number>();
  for (const event of events) {
    if (event.type !== "order.rejected" || refusedAt.has(event.client_order_id)) continue;
    refusedAt.set(event.client_order_id, Date.parse(event.at));
  }
  return calls.flatMap(({ call, client_order_id: id, at }) => {
    const heardAt = id === null ? undefined : refusedAt.get(id);
    return call === "place" && heardAt !== undefined && at > heardAt ? [`${id}, ${at - heardAt} ms`] : [];
  });
}

const REFUSED = "Refused ";

/** A refusal may be missing only where the gateway that heard it was killed before the machine was told that the exchange
 * does not know the order. */
function refusalsOf({ calls, events, gatewayDeaths }: Survivors): readonly Refusal[] {
  const heard = new Set<string>();
  const deniedAt = new Map<string, number>();
  for (const event of events) {
    if (event.type === "order.rejected") heard.add(event.client_order_id);
    if (event.type === "order.unknown") deniedAt.set(event.client_order_id, Date.parse(event.at));
  }
  const refused = new Map<string, { symbol: string; code: string; lastAt: number }>();
  for (const { call, symbol, client_order_id: id, answer, at } of calls) {
    if (call !== "place" || id === null || symbol === null || !answer.startsWith(REFUSED)) continue;
    refused.set(id, { symbol, code: answer.slice(REFUSED.length), lastAt: at });
  }
  return [...refused].map(([id, { symbol, code, lastAt }]) => {
    const denied = deniedAt.get(id) ?? 0;
    const isExcused = gatewayDeaths.some((at) => lastAt <= at && at < denied);
    return { symbol, code, heard: heard.has(id) ? "heard" : isExcused ? "unheard" : "lost" };
  });
}

/** An order is open from when it is placed until it was last changed, or still is. */
function overlaps(orders: readonly PaperOrder[]): readonly string[] {
  const found: string[] = [];
  const last = new Map<string, PaperOrder>();
  for (const order of orders.toSorted((a, b) => a.placed_at - b.placed_at)) {
    const before = last.get(order.symbol);
    if (before !== undefined && (before.status === "open" || before.updated_at > order.placed_at)) {
      found.push(`${order.symbol}: ${before.client_order_id} ${order.client_order_id}`);
    }
    last.set(order.symbol, order);
  }
  return found;
}

function gaps(told: readonly number[], end: number): Proof["transitions"] {
  const seen = new Set<number>();
  const repeated: number[] = [];
  for (const seq of told) {
    if (seen.has(seq)) repeated.push(seq);
    seen.add(seq);
  }
  const missing = Array.from({ length: end }, (_, index) => index + 1).filter((seq) => !seen.has(seq));
  return { missing, repeated };
}

function seqOf(message: Stored, ledgerId: string): number {
  const decoded = decode("transitions", message);
  if (!decoded.ok) throw new Error(`a transition cannot be read: ${decoded.reason}`);
  if (decoded.body.ledger_id !== ledgerId) throw new Error("a transition of another ledger is in the stream");
  return decoded.body.seq;
}
