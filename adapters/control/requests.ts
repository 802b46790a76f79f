// Reads a control request: whatever the bytes are, it is a request or a sentence that says what is wrong with it.
import { Match, type Msg } from "@nats-io/transport-node";
import { Result, Schema } from "effect";
import { CONTENT_TYPES, type Format, formatOf, readPlain, SCHEMA_VERSION } from "../bus/mod.ts";
import { CONTROL_SCHEMAS, type Operation } from "./schemas.ts";

type RequestOf<O extends Operation> = (typeof CONTROL_SCHEMAS)[O]["request"]["Type"];

export type ReadRequest<O extends Operation> =
  /** The format is the one to reply in. */
  | { readonly ok: true; readonly format: Format; readonly request: RequestOf<O> }
  | { readonly ok: false; readonly format: Format; readonly message: string };

/** JSON, unless the header says otherwise: a person with a command-line tool sends no headers. */
export function readRequest<O extends Operation>(operation: O, msg: Msg): ReadRequest<O> {
  const contentType = headerOf(msg, "Content-Type") ?? CONTENT_TYPES.json;
  const format = formatOf(contentType) ?? "json";
  const wrong = (message: string): ReadRequest<O> => ({
    ok: false,
    format,
    message: `${msg.subject}: ${message}`.replace(/\s+/g, " ").slice(0, 900).toWellFormed(),
  });
  const version = headerOf(msg, "Schema-Version") ?? SCHEMA_VERSION;
  if (version !== SCHEMA_VERSION) {
    return wrong(
      `header Schema-Version is ${JSON.stringify(version.slice(0, 50))}; expected ${SCHEMA_VERSION} or none`,
    );
  }
  if (msg.data.length === 0 && operation !== "status") {
    return wrong(`the body is empty; expected ${EXAMPLE[operation]}`);
  }
  const plain = msg.data.length === 0 ? EMPTY : readPlain(contentType, msg.data);
  if (!plain.ok) return wrong(plain.reason);
  const decoded = DECODERS[operation](plain.value);
  return decoded.ok
    ? { ok: true, format, request: decoded.request }
    : wrong(`${decoded.reason}; expected ${EXAMPLE[operation]}`);
}

/** Who asks: the name they give themselves, then what the connection tells. What of this is proven, and by what, is
 * written in docs/control.md. */
export function askedBy(claimed: string, msg: Msg): string {
  const inbox = /^_INBOX_([A-Za-z0-9-]{1,64})\./.exec(msg.reply ?? "")?.[1];
  const told = [...(inbox === undefined ? [] : [`inbox ${inbox}`]), ...requestInfo(msg)];
  return told.length === 0 ? claimed : `${claimed} (${told.join(", ")})`;
}

const EMPTY = { ok: true, value: {} } as const;
const ONE_SYMBOL = '{"symbol":"BONK-USD"}';
const REASONED = '{"symbol":"BONK-USD","by":"ana","reason":"…"}';
const EXAMPLE: Readonly<Record<Operation, string>> = {
  status: '{}, or {"limit":100,"after":"BONK-USD"}',
  symbol: ONE_SYMBOL,
  purge: REASONED,
  pause: REASONED,
  resume: '{"symbol":"BONK-USD","by":"ana"}',
  reset: '{"symbol":"BONK-USD","by":"ana"}',
  ban: REASONED,
  abort: REASONED,
};

type Decoded<O extends Operation> =
  | { readonly ok: true; readonly request: RequestOf<O> }
  | { readonly ok: false; readonly reason: string };

const DECODERS: { readonly [O in Operation]: (value: unknown) => Decoded<O> } = {
  status: decoder<"status">(CONTROL_SCHEMAS.status.request),
  symbol: decoder<"symbol">(CONTROL_SCHEMAS.symbol.request),
  purge: decoder<"purge">(CONTROL_SCHEMAS.purge.request),
  pause: decoder<"pause">(CONTROL_SCHEMAS.pause.request),
  resume: decoder<"resume">(CONTROL_SCHEMAS.resume.request),
  reset: decoder<"reset">(CONTROL_SCHEMAS.reset.request),
  ban: decoder<"ban">(CONTROL_SCHEMAS.ban.request),
  abort: decoder<"abort">(CONTROL_SCHEMAS.abort.request),
};

function decoder<O extends Operation>(
  schema: Schema.Codec<RequestOf<O>, unknown>,
): (value: unknown) => Decoded<O> {
  const run = Schema.decodeUnknownResult(schema, { errors: "all" });
  return (value) => {
    const result = run(value);
    if (Result.isSuccess(result)) return { ok: true, request: result.success };
    return { ok: false, reason: `the request is not valid: ${result.failure.message}` };
  };
}

/** Null when it is missing, or the headers cannot be read. */
function headerOf(msg: Msg, name: string): string | null {
  try {
    const value = msg.headers?.get(name, Match.IgnoreCase) ?? "";
    return value === "" ? null : value;
  } catch {
    return null;
  }
}

/** What a server adds where a request comes in from another account that shares its connection's details. */
function requestInfo(msg: Msg): readonly string[] {
  try {
    const info: unknown = JSON.parse(headerOf(msg, "Nats-Request-Info") ?? "{}");
    return Object.entries(info ?? {})
      .filter(([key, value]) => INFO.has(key) && typeof value === "string" && TOKEN.test(value))
      .map(([key, value]) => `${INFO.get(key)} ${value}`);
  } catch {
    return [];
  }
}

const INFO: ReadonlyMap<string, string> = new Map([
  ["acc", "account"],
  ["user", "user"],
  ["name", "connection"],
]);
const TOKEN = /^[\w.@:/ -]{1,64}$/;
