// The control service: operators and other programs ask, in JSON or MessagePack, over the NATS Services API.
import { hostname } from "node:os";
import { type Service, type ServiceMsg, Svcm } from "@nats-io/services";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import type { Clock, Observe, OperatorRequest, Operators, SymbolStatus } from "../../actors/ports.ts";
import type { TradingSymbol } from "../../machines/mod.ts";
import { CONTENT_TYPES, type Format, SCHEMA_VERSION, writePlain } from "../bus/mod.ts";
import { cycleBody, type Overview, page, type Redact, statusOf, symbolBody } from "./replies.ts";
import { askedBy, readRequest } from "./requests.ts";
import {
  type ActionReply,
  CONTROL_SUBJECT,
  type ErrorReply,
  type Mode,
  OPERATIONS,
  type Operation,
  SERVICE_NAME,
  type StatusReply,
  type StatusRequest,
  type SymbolReply,
} from "./schemas.ts";
import { LATE, signOff, within } from "./within.ts";

export interface ControlServiceOptions {
  readonly connection: NatsConnection;
  /** A semantic version. */
  readonly version: string;
  readonly mode: typeof Mode.Type;
  readonly ledgerId: string;
  readonly operators: Operators;
  readonly status: () => Overview;
  /** Null for a symbol that is not in the ledger. */
  readonly symbol: (symbol: TradingSymbol) => SymbolStatus | null;
  /** Who suspended a symbol and why; left out of the replies where nobody can tell. */
  readonly suspendedFor?: (symbol: TradingSymbol) => string | null;
  readonly clock: Clock;
  readonly observe: Observe;
  /** How long a request may be under way, and how long those have that are so at the end. */
  readonly limits?: { readonly answerMs: number; readonly lastAnswersMs: number };
}

export interface ControlService {
  /** Of this instance among all that answer `$SRV.PING.purgatory`. */
  readonly id: string;
  /** Resolves when the service answers no more: with an error when that was not asked for, such as a subscription that
   * the server does not permit. */
  readonly stopped: Promise<Error | null>;
  /** Takes nothing new, answers what is under way, and signs off. Leaves the connection open. */
  stop(): Promise<void>;
}

/** A journal that takes longer has a trouble of its own; at the end a supervisor gives each part ten seconds. */
const LIMITS = { answerMs: 30_000, lastAnswersMs: 5_000 };
/** How long the server may take to hear that this service is there, or gone. */
const SIGN_OFF_MS = 2_000;
/** Requests that may be under way at a time. */
const MAX_UNDER_WAY = 64;
/** Lines about requests that are none, each minute. */
const MAX_COMPLAINTS = 20;
/** What a status has besides its symbols, with room to spare. */
const FRAME_BYTES = 64 * 1024;

/** Registers the service. It stays registered over reconnects.
 *
 * @throws Error when the version is not a semantic one, or the connection is closed
 */
export async function startControlService(options: ControlServiceOptions): Promise<ControlService> {
  // Loaded here, because a client of this room has no use for it.
  const { redactText } = await import("../telemetry/mod.ts");
  const control = new Control(options, redactText);
  const service = await held(options.clock, () => control.register());
  return {
    id: service.info().id,
    stopped: control.stopped,
    stop: () => held(options.clock, () => control.stop()),
  };
}

type Reply =
  | { readonly ok: true; readonly body: StatusReply | SymbolReply | ActionReply }
  | { readonly ok: false; readonly body: ErrorReply };

class Control {
  readonly stopped: Promise<Error | null>;
  readonly #options: ControlServiceOptions;
  readonly #redact: Redact;
  readonly #limits: typeof LIMITS;
  readonly #underWay = new Set<Promise<void>>();
  readonly #ended = Promise.withResolvers<Error | null>();
  readonly #closing = Promise.withResolvers<typeof LATE>();
  /** Replies and refusals, for `$SRV.STATS`. */
  readonly #counts = new Map<string, { replies: number; refusals: Record<string, number> }>();
  #service: Service | null = null;
  #isStopping = false;
  #complaints = { minute: 0, count: 0 };

  constructor(options: ControlServiceOptions, redact: Redact) {
    this.#options = options;
    this.#redact = redact;
    this.#limits = options.limits ?? LIMITS;
    this.stopped = this.#ended.promise;
  }

  async register(): Promise<Service> {
    const { connection, version, mode, ledgerId, status } = this.#options;
    const service = await new Svcm(connection).add({
      name: SERVICE_NAME,
      version,
      description:
        "Sells positions that should no longer be held: state of the run, and an operator's word on each symbol",
      metadata: {
        mode,
        ledger_id: ledgerId,
        pid: `${process.pid}`,
        host: hostname(),
        started_at: status().startedAt,
      },
      statsHandler: async ({ subject }) => this.#counts.get(subject) ?? null,
    });
    this.#service = service;
    void service.stopped.then((error) => this.#onEnd(error));
    const group = service.addGroup(CONTROL_SUBJECT);
    for (const operation of OPERATIONS) {
      group.addEndpoint(operation, {
        handler: (error, msg) => {
          if (error === null) this.#take(operation, msg);
        },
        metadata: { request: ABOUT[operation] },
      });
    }
    // So that whoever starts this is told of it when the server has heard of it.
    await within(SIGN_OFF_MS, connection.flush()).catch(() => {});
    return service;
  }

  async stop(): Promise<void> {
    if (this.#isStopping) {
      await this.stopped;
      return;
    }
    this.#isStopping = true;
    const { connection } = this.#options;
    const signedOff = this.#service === null ? Promise.resolve() : signOff(this.#service);
    await within(this.#limits.lastAnswersMs, Promise.all(this.#underWay));
    this.#closing.resolve(LATE);
    await Promise.all(this.#underWay);
    await signedOff;
    await within(SIGN_OFF_MS, connection.flush()).catch(() => {});
    this.#ended.resolve(null);
  }

  #onEnd(error: Error | null): void {
    this.#ended.resolve(error);
    if (this.#isStopping) return;
    const why = error === null ? "its connection was closed" : error.message;
    this.#note("error", `the control service has ended: ${why}`);
  }

  /** Throws nothing and leaves no promise unwatched: what is thrown here would end the reader of the whole connection. */
  #take(operation: Operation, msg: ServiceMsg): void {
    const serving = this.#serve(operation, msg)
      .catch((error: unknown) =>
        this.#note("error", `${msg.subject} could not be answered: ${String(error)}`),
      )
      .finally(() => this.#underWay.delete(serving));
    this.#underWay.add(serving);
  }

  async #serve(operation: Operation, msg: ServiceMsg): Promise<void> {
    if ((msg.reply ?? "") === "") {
      this.#complain(`${msg.subject}: a message that leaves no way to answer it was ignored; send a request`);
      return;
    }
    const { format, reply } = await this.#answer(operation, msg);
    this.#count(msg.subject, reply);
    this.#respond(msg, format, reply);
  }

  async #answer(
    operation: Operation,
    msg: ServiceMsg,
  ): Promise<{ readonly format: Format; readonly reply: Reply }> {
    let format: Format = "json";
    try {
      if (operation === "status") {
        const read = readRequest(operation, msg);
        format = read.format;
        return { format, reply: read.ok ? this.#status(read.request) : this.#invalid(read.message) };
      }
      const read = readRequest(operation, msg);
      format = read.format;
      if (!read.ok) return { format, reply: this.#invalid(read.message) };
      if (operation === "symbol") return { format, reply: this.#symbol(read.request.symbol) };
      const asked = { by: "", reason: "no reason given", ...read.request };
      return { format, reply: await this.#act({ ...asked, action: operation, by: askedBy(asked.by, msg) }) };
    } catch (error) {
      this.#note("error", `${msg.subject}: ${String(error)}`);
      return {
        format,
        reply: refusal("failed", "the request could not be served: an error of this program"),
      };
    }
  }

  #status({ limit = 10_000, after }: StatusRequest): Reply {
    const { connection, mode, ledgerId, version, status, suspendedFor } = this.#options;
    const { startedAt, connected, venue, lastCycle, symbols } = status();
    const most = connection.info?.max_payload ?? 1024 * 1024;
    const room = Math.max(most - FRAME_BYTES, most / 2);
    return {
      ok: true,
      body: {
        at: this.#now(),
        mode,
        ledger_id: ledgerId,
        version,
        pid: process.pid,
        host: hostname(),
        started_at: startedAt,
        connection: {
          connected,
          server: connection.getServer(),
          server_version: connection.info?.version ?? null,
        },
        venue: venue === null ? null : { ...venue, reason: this.#clean(venue.reason) },
        last_cycle: lastCycle === null ? null : cycleBody(lastCycle, this.#redact),
        ...page(symbols, { limit, after: after ?? null, room, redact: this.#redact, suspendedFor }),
      },
    };
  }

  #symbol(symbol: TradingSymbol): Reply {
    const status = this.#options.symbol(symbol);
    if (status === null)
      return refusal("unknown_symbol", `${symbol} is not in the ledger; check the spelling`);
    return {
      ok: true,
      body: { at: this.#now(), symbol: symbolBody(status, this.#redact, this.#options.suspendedFor) },
    };
  }

  async #act(request: OperatorRequest): Promise<Reply> {
    const { action, symbol } = request;
    if (this.#isStopping) return this.#turnAway(request, "the supervisor is stopping");
    if (this.#underWay.size >= MAX_UNDER_WAY) {
      return this.#turnAway(request, `${MAX_UNDER_WAY} requests are under way; try again`);
    }
    const acting = this.#options.operators.act(request);
    const answer = await within(this.#limits.answerMs, Promise.race([acting, this.#closing.promise]));
    if (answer === LATE) {
      acting.catch((error: unknown) => this.#note("error", `${action} ${symbol}: ${String(error)}`));
      const why = this.#isStopping ? "the supervisor is stopping" : "the journal is slow";
      return refusal("not_ready", `${why}: it may still be done; look at the status of ${symbol}`);
    }
    if (!answer.ok) return refusal(answer.code, answer.message);
    const { changed, seq, state } = answer;
    return { ok: true, body: { symbol, action, changed, seq, state } };
  }

  /** A request that the operators' own part never sees has its audit line all the same. */
  #turnAway(request: OperatorRequest, why: string): Reply {
    const message = `nothing was done: ${why}`;
    this.#options.observe({ kind: "operator", request, answer: { ok: false, code: "not_ready", message } });
    return refusal("not_ready", message);
  }

  /** Such a request names no symbol and nobody to answer for it, so this line is all that is kept of it. */
  #invalid(message: string): Reply {
    this.#complain(`a control request was refused: ${message}`);
    return refusal("invalid", message);
  }

  /** What strangers send must not fill a disk with lines about it. */
  #complain(message: string): void {
    const minute = Math.floor(this.#options.clock.now() / 60_000);
    if (minute !== this.#complaints.minute) this.#complaints = { minute, count: 0 };
    this.#complaints.count += 1;
    if (this.#complaints.count > MAX_COMPLAINTS) return;
    const isLast = this.#complaints.count === MAX_COMPLAINTS;
    this.#note("warn", isLast ? `${message} (further ones of this minute are not told)` : message);
  }

  #respond(msg: ServiceMsg, format: Format, reply: Reply): void {
    const sent = headers();
    sent.set("Content-Type", CONTENT_TYPES[format]);
    sent.set("Schema-Version", SCHEMA_VERSION);
    if (!reply.ok) {
      sent.set("Nats-Service-Error", reply.body.message);
      sent.set("Nats-Service-Error-Code", `${statusOf(reply.body)}`);
    }
    msg.respond(writePlain(format, reply.body), { headers: sent });
  }

  #count(subject: string, reply: Reply): void {
    const counts = this.#counts.get(subject) ?? { replies: 0, refusals: {} };
    this.#counts.set(subject, counts);
    counts.replies += 1;
    if (!reply.ok) counts.refusals[reply.body.code] = (counts.refusals[reply.body.code] ?? 0) + 1;
  }

  #clean(text: string | null): string | null {
    return text === null ? null : this.#redact(text).slice(0, 500);
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }

  #note(level: "warn" | "error", message: string): void {
    this.#options.observe({ kind: "note", level, message });
  }
}

/** A clock that runs fast must not reach the deadline for this before it has begun. */
async function held<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  const release = clock.hold();
  try {
    return await work();
  } finally {
    release();
  }
}

/** Header values are one line of text. */
function refusal(code: ErrorReply["code"], message: string): Reply {
  const line = message.replace(/[\s\p{Cc}]+/gu, " ").trim();
  return { ok: false, body: { code, message: line.slice(0, 1_000).toWellFormed() } };
}

const ABOUT: Readonly<Record<Operation, string>> = {
  status: "empty, or limit and after",
  symbol: "symbol",
  purge: "symbol, by, reason",
  pause: "symbol, by, reason",
  resume: "symbol, by, and reason if there is one",
  reset: "symbol, by, and reason if there is one",
  ban: "symbol, by, reason",
  abort: "symbol, by, reason",
};
