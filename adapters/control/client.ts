// Asks the control service, and says in one word what went wrong when no answer came: nobody there, no permission, no time.
import { errors, headers, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { Result, Schema } from "effect";
import type { OperatorAnswer, OperatorRequest } from "../../actors/ports.ts";
import type { TradingSymbol } from "../../machines/mod.ts";
import { CONTENT_TYPES, readPlain, SCHEMA_VERSION, writePlain } from "../bus/mod.ts";
import {
  CONTROL_SCHEMAS,
  CONTROL_SUBJECT,
  ErrorReply,
  type Operation,
  type StatusReply,
  type SymbolBody,
} from "./schemas.ts";

/** No usable answer. Whether the request arrived is certain for `nobody` and `permission` only: it did not. */
export class ControlError extends Schema.TaggedError<ControlError>()("ControlError", {
  reason: Schema.Literals([
    /** No supervisor is on this bus. */
    "nobody",
    "timeout",
    /** The server does not let this user ask that, or read the answer. */
    "permission",
    "disconnected",
    /** The service found the request malformed, or failed over it. */
    "refused",
    /** The answer is none that this version understands. */
    "malformed",
  ]),
  message: Schema.String,
}) {}

export interface ControlClient {
  /** The state of the run, with every symbol of the ledger. Rejects with `ControlError`, like the others. */
  status(): Promise<StatusReply>;
  /** Null when the symbol is not in the ledger. */
  symbol(symbol: TradingSymbol): Promise<SymbolBody | null>;
  /** Resolves when what was asked is durable, or refused. */
  act(request: OperatorRequest): Promise<OperatorAnswer>;
}

export interface ControlClientOptions {
  /** For each request. A journal on a slow disk may take seconds. */
  readonly timeoutMs: number;
}

/** Leaves the connection open. */
export function controlClient(
  connection: NatsConnection,
  { timeoutMs }: ControlClientOptions,
): ControlClient {
  const ask = <O extends Operation>(operation: O, body: object): Promise<Answer<O>> =>
    request(connection, operation, body, timeoutMs);
  return {
    async status() {
      const first = granted(await ask("status", {}));
      const symbols = [...first.symbols];
      for (let { next } = first; next !== null; ) {
        const more = granted(await ask("status", { after: next }));
        symbols.push(...more.symbols);
        next = more.next;
      }
      return { ...first, symbols, next: null };
    },
    async symbol(symbol) {
      const answer = await ask("symbol", { symbol });
      return answer.kind === "error" && answer.error.code === "unknown_symbol"
        ? null
        : granted(answer).symbol;
    },
    async act({ action, symbol, by, reason }) {
      const answer = await ask(action, { symbol, by, ...(reason === "" ? {} : { reason }) });
      if (answer.kind === "reply") {
        const { changed, seq, state } = answer.reply;
        return { ok: true, changed, seq, state };
      }
      const { code, message } = answer.error;
      if (code === "invalid" || code === "failed") throw refused(answer.error);
      return { ok: false, code, message };
    },
  };
}

/** An error of a request or a subscription, as what a user can do something about. */
export function controlError(error: unknown, subject: string, timeoutMs: number): ControlError {
  const cause = causeOf(error);
  if (cause instanceof errors.NoRespondersError) {
    return new ControlError({
      reason: "nobody",
      message: `nobody answers ${subject}: no supervisor is on this bus; start one with purgatory run`,
    });
  }
  if (cause instanceof errors.PermissionViolationError) {
    const verb = cause.operation === "publish" ? "publish" : "subscribe to";
    return new ControlError({
      reason: "permission",
      message: `the server does not let this user ${verb} ${cause.subject}; see the users in docs/nats.md`,
    });
  }
  if (cause instanceof errors.TimeoutError) {
    return new ControlError({
      reason: "timeout",
      message: `no answer to ${subject} within ${timeoutMs / 1_000} s: what was asked may still be done; look at the status`,
    });
  }
  const said = cause instanceof Error ? cause.message : String(cause);
  return new ControlError({ reason: "disconnected", message: `${subject} could not be asked: ${said}` });
}

type ReplyOf<O extends Operation> = (typeof CONTROL_SCHEMAS)[O]["reply"]["Type"];
type Answer<O extends Operation> =
  | { readonly kind: "reply"; readonly reply: ReplyOf<O> }
  | { readonly kind: "error"; readonly error: ErrorReply };

async function request<O extends Operation>(
  connection: NatsConnection,
  operation: O,
  body: object,
  timeoutMs: number,
): Promise<Answer<O>> {
  const subject = `${CONTROL_SUBJECT}.${operation}`;
  const sent = headers();
  sent.set("Content-Type", CONTENT_TYPES.msgpack);
  sent.set("Schema-Version", SCHEMA_VERSION);
  let msg: Msg;
  try {
    msg = await connection.request(subject, writePlain("msgpack", body), {
      timeout: timeoutMs,
      headers: sent,
    });
  } catch (error) {
    throw controlError(error, subject, timeoutMs);
  }
  return read(operation, msg);
}

/** @throws ControlError `malformed` */
function read<O extends Operation>(operation: O, msg: Msg): Answer<O> {
  const malformed = (what: string): ControlError =>
    new ControlError({
      reason: "malformed",
      message: `the answer to ${CONTROL_SUBJECT}.${operation} is not understood: ${what}`.slice(0, 1_000),
    });
  const plain = readPlain(msg.headers?.get("Content-Type") ?? null, msg.data);
  if (!plain.ok) throw malformed(plain.reason);
  if (msg.headers?.has("Nats-Service-Error-Code") === true) {
    const error = Schema.decodeUnknownResult(ErrorReply)(plain.value);
    if (Result.isFailure(error)) throw malformed(error.failure.message);
    return { kind: "error", error: error.success };
  }
  const reply = DECODERS[operation](plain.value);
  if (Result.isFailure(reply)) throw malformed(reply.failure.message);
  return { kind: "reply", reply: reply.success };
}

const DECODERS: {
  readonly [O in Operation]: (value: unknown) => Result.Result<ReplyOf<O>, Schema.SchemaError>;
} = {
  status: Schema.decodeUnknownResult(CONTROL_SCHEMAS.status.reply),
  symbol: Schema.decodeUnknownResult(CONTROL_SCHEMAS.symbol.reply),
  purge: Schema.decodeUnknownResult(CONTROL_SCHEMAS.purge.reply),
  pause: Schema.decodeUnknownResult(CONTROL_SCHEMAS.pause.reply),
  resume: Schema.decodeUnknownResult(CONTROL_SCHEMAS.resume.reply),
  reset: Schema.decodeUnknownResult(CONTROL_SCHEMAS.reset.reply),
  ban: Schema.decodeUnknownResult(CONTROL_SCHEMAS.ban.reply),
  abort: Schema.decodeUnknownResult(CONTROL_SCHEMAS.abort.reply),
};

/** @throws ControlError `refused` */
function granted<O extends Operation>(answer: Answer<O>): ReplyOf<O> {
  if (answer.kind === "reply") return answer.reply;
  throw refused(answer.error);
}

function refused({ code, message }: ErrorReply): ControlError {
  return new ControlError({ reason: "refused", message: `${code}: ${message}` });
}

/** The client wraps what happened, once or twice. */
function causeOf(error: unknown): unknown {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at.cause === undefined) return at;
  }
  return error;
}
