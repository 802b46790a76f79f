// What a stream has kept of a supervisor's transitions, from the first on, read with an observer's rights: one message a
// request, several at a time, and no consumer.
import { JetStreamApiError, jetstreamManager, type StoredMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { BusError } from "../../actors/ports.ts";
import type { TradingSymbol, Transition } from "../../machines/mod.ts";
import { decode, patternOf } from "../bus/mod.ts";

export type Kept =
  | { readonly kind: "transition"; readonly transition: Transition }
  /** A message that is none; the stream's own number of it, and what is wrong. */
  | { readonly kind: "malformed"; readonly number: number; readonly reason: string };

export interface KeptOptions {
  readonly symbol?: TradingSymbol;
  /** Go on with what is yet to come, until this is aborted. Left out: end with the last one. */
  readonly follow?: AbortSignal;
}

const STREAM = "PURGE_TRANSITIONS";
const REQUESTS = 32;
const TIMEOUT_MS = 5_000;
/** In case the server has no word of its own for a new message: it drops those for a slow reader. */
const LOOK_AGAIN_MS = 2_000;

/** In the stream's order, batch by batch. Rejects with `BusError` when it may not be read, is not there, or nobody answers. */
export async function* keptTransitions(
  connection: NatsConnection,
  { symbol, follow }: KeptOptions = {},
): AsyncGenerator<readonly Kept[]> {
  const pattern = patternOf("transitions", symbol);
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: TIMEOUT_MS });
  const news = follow === undefined ? null : new News(connection, pattern, follow);
  let next = 1;
  try {
    for (;;) {
      const found = await read(manager, pattern, next).catch((error: unknown) => {
        // A follower outlives a server that restarts, as its connection does; only the beginning has to succeed.
        if (news?.hasRead === true && error instanceof BusError && error.reason === "disconnected") return [];
        throw error;
      });
      if (news !== null) news.hasRead = true;
      const last = found.at(-1);
      if (last !== undefined) {
        next = last.seq + 1;
        yield found.map(keptOf);
      } else if (news === null || follow?.aborted !== false) return;
      else await news.wait();
      if (follow?.aborted === true) return;
    }
  } finally {
    news?.stop();
  }
}

type Manager = Awaited<ReturnType<typeof jetstreamManager>>;

/** The messages from `next` on, in order; none: there are no more now. */
async function read(manager: Manager, pattern: string, next: number): Promise<readonly StoredMsg[]> {
  const asked = Array.from({ length: REQUESTS }, (_, ahead) => next + ahead);
  try {
    const answers = await Promise.all(asked.map((seq) => message(manager, { seq, next_by_subj: pattern })));
    // What came while they were answered: after one without an answer there may be a message between that nobody asked for.
    const end = answers.indexOf(null);
    const sure = end === -1 ? answers : answers.slice(0, end);
    // Each answers with the first one from its number on: where some are missing, several with the same.
    const bySeq = new Map(sure.flatMap((found) => (found === null ? [] : [[found.seq, found] as const])));
    return [...bySeq.values()].sort((one, other) => one.seq - other.seq);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `the stream ${STREAM} could not be read: ${why}`;
    throw new BusError({ reason: connectionIsLost(error) ? "disconnected" : "refused", message });
  }
}

/** The client's types know no `next_by_subj`; the server does since 2.8. */
function message(
  manager: Manager,
  query: { readonly seq: number; readonly next_by_subj: string },
): Promise<StoredMsg | null> {
  return manager.streams.getMessage(STREAM, query);
}

/** Whatever the stream itself did not say. */
function connectionIsLost(error: unknown): boolean {
  return !(error instanceof JetStreamApiError);
}

function keptOf({ seq, subject, data, header }: StoredMsg): Kept {
  const headers = Object.fromEntries([...header].map(([name, values]) => [name, values[0] ?? ""]));
  const decoded = decode("transitions", { subject, bytes: data, headers });
  return decoded.ok
    ? { kind: "transition", transition: decoded.body }
    : { kind: "malformed", number: seq, reason: decoded.reason };
}

/** Says when it is worth looking again. */
class News {
  hasRead = false;
  readonly #follow: AbortSignal;
  readonly #subscription: { unsubscribe(): void };
  #isNew = true;
  #wake: () => void = () => {};
  readonly #onAbort = (): void => this.#wake();

  constructor(connection: NatsConnection, pattern: string, follow: AbortSignal) {
    this.#follow = follow;
    this.#subscription = connection.subscribe(pattern, {
      callback: () => {
        this.#isNew = true;
        this.#wake();
      },
    });
    follow.addEventListener("abort", this.#onAbort);
  }

  async wait(): Promise<void> {
    if (!this.#isNew && !this.#follow.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, LOOK_AGAIN_MS);
      await promise;
      clearTimeout(timer);
    }
    this.#isNew = false;
  }

  stop(): void {
    this.#follow.removeEventListener("abort", this.#onAbort);
    this.#subscription.unsubscribe();
  }
}
