// The one codec: a typed body to bytes and headers, and back. Decoding never throws, whatever the bytes are.
import { Result, Schema } from "effect";
import { Packr } from "msgpackr";
import { BusError, type Channel, type ChannelBody } from "../../actors/ports.ts";
import { messageId } from "./message_id.ts";
import { msgpackProblem } from "./msgpack_check.ts";
import { plainValue } from "./plain_value.ts";
import { CHANNEL_SCHEMAS } from "./schemas.ts";
import { addressOf, subjectFor } from "./subjects.ts";
import type { Headers, TransportMessage } from "./transport.ts";

export const SCHEMA_VERSION = "1";
/** NATS takes no larger message unless it is told to. */
export const MAX_BODY_BYTES = 1024 * 1024;
/** A journal record with its snapshot is about ten deep. */
export const MAX_DEPTH = 32;

export type Format = "msgpack" | "json";
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  msgpack: "application/msgpack",
  json: "application/json",
};
const FORMATS = new Map<string, Format>([
  ["application/msgpack", "msgpack"],
  ["application/x-msgpack", "msgpack"],
  ["application/vnd.msgpack", "msgpack"],
  ["application/json", "json"],
]);

export interface EncodeOptions {
  readonly format?: Format;
  /** W3C trace context; left out of the headers when it is not in that form. */
  readonly traceparent?: string | null;
  /** `paper`, `dry-run` or `live`; null for a sender that is of none. */
  readonly mode?: string | null;
}

export type Decoded<C extends Channel> =
  | { readonly ok: true; readonly body: ChannelBody[C]; readonly traceparent: string | null }
  | { readonly ok: false; readonly reason: string };

/** @throws BusError `encode` when the body is not what the channel carries, or too large */
export function encode<C extends Channel>(
  channel: C,
  body: ChannelBody[C],
  { format = "msgpack", traceparent = null, mode = null }: EncodeOptions = {},
): TransportMessage {
  const plain = plainValue(body, MAX_DEPTH);
  if (!plain.ok) throw encodeError(channel, `contains ${plain.reason}`);
  // In every schema here the type is its own encoding, so the receiver's check is the sender's as well.
  const checked = DECODERS[channel](plain.value);
  if (!checked.ok) throw encodeError(channel, checked.reason);
  const bytes = writePlain(format, checked.body);
  if (bytes.length > MAX_BODY_BYTES) {
    throw encodeError(channel, `has ${bytes.length} bytes; at most ${MAX_BODY_BYTES} can be sent`);
  }
  const id = messageId(channel, checked.body);
  const headers: Headers = {
    "Content-Type": CONTENT_TYPES[format],
    "Schema-Version": SCHEMA_VERSION,
    ...(id === null ? {} : { [MESSAGE_ID]: id }),
    ...(mode !== null && BETWEEN_US.has(channel) ? { [MODE]: mode } : {}),
    ...(traceparent !== null && TRACEPARENT.test(traceparent) ? { traceparent } : {}),
  };
  return { subject: subjectFor(channel, checked.body), bytes, headers };
}

/** A body, or the reason why there is none. Fields that the schema does not know are left out. */
export function decode<C extends Channel>(channel: C, message: TransportMessage): Decoded<C> {
  const { subject, bytes, headers } = message;
  const version = header(headers, "Schema-Version");
  if (version !== SCHEMA_VERSION) {
    return malformed(`header Schema-Version is ${quoted(version)}; expected ${SCHEMA_VERSION}`);
  }
  const unpacked = readPlain(header(headers, "Content-Type"), bytes);
  if (!unpacked.ok) return unpacked;
  const decoded = DECODERS[channel](unpacked.value);
  if (!decoded.ok) return decoded;
  const problem = addressProblem(channel, subject, decoded.body);
  if (problem !== null) return malformed(problem);
  const traceparent = header(headers, "traceparent");
  return {
    ok: true,
    body: decoded.body,
    traceparent: traceparent !== null && TRACEPARENT.test(traceparent) ? traceparent : null,
  };
}

/** Why a message is not for a receiver that runs in `mode`; null when it is, or does not say. */
export function modeProblem(channel: Channel, headers: Headers, mode: string | null): string | null {
  const named = header(headers, MODE);
  if (mode === null || named === null || named === mode || !BETWEEN_US.has(channel)) return null;
  return `header ${MODE} is ${quoted(named)}, and this receiver runs in mode ${mode}`;
}

/** Bytes as plain data: JSON's types, not too deep, in valid Unicode. Checked against no schema. */
export function readPlain(contentType: string | null, bytes: Uint8Array): Unpacked {
  const format = formatOf(contentType);
  if (format === null) {
    const expected = Object.values(CONTENT_TYPES).join(" or ");
    return malformed(`header Content-Type is ${quoted(contentType)}; expected ${expected}`);
  }
  if (bytes.length > MAX_BODY_BYTES) {
    return malformed(`the body has ${bytes.length} bytes; at most ${MAX_BODY_BYTES} are read`);
  }
  return format === "json" ? parse(bytes) : unpack(bytes);
}

/** Plain data as bytes of one format. The other half of `readPlain`. */
export function writePlain(format: Format, value: unknown): Uint8Array {
  return format === "json" ? Buffer.from(JSON.stringify(value)) : PACKR.pack(value);
}

/** The format that a `Content-Type` names, whatever its parameters; null when it is none that is spoken here. */
export function formatOf(contentType: string | null): Format | null {
  return FORMATS.get((contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "") ?? null;
}

/** The first value of a header, whatever the case of its name; null when it is missing. */
export function header(headers: Headers, name: string): string | null {
  const exact = Object.hasOwn(headers, name) ? headers[name] : undefined;
  if (exact !== undefined) return exact;
  const lower = name.toLowerCase();
  return Object.entries(headers).find(([key]) => key.toLowerCase() === lower)?.[1] ?? null;
}

export const MESSAGE_ID = "Nats-Msg-Id";
/** Keeps a paper gateway from taking a live order, and the reverse, where both are on one bus by mistake. */
export const MODE = "Purge-Mode";
/** What a supervisor and a gateway say to each other. */
const BETWEEN_US: ReadonlySet<Channel> = new Set<Channel>([
  "orders",
  "results",
  "account",
  "holdings",
  "venue",
]);
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** `object`, because msgpackr's own types know neither `skipValues` nor `"auto"`. */
const PACKR_OPTIONS: object = {
  useRecords: false,
  variableMapSize: true,
  int64AsType: "auto",
  encodeUndefinedAsNil: true,
  skipValues: [undefined],
};
const PACKR = new Packr(PACKR_OPTIONS);
const UTF8 = new TextDecoder();

export type Unpacked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string };
type Checked<C extends Channel> =
  | { readonly ok: true; readonly body: ChannelBody[C] }
  | { readonly ok: false; readonly reason: string };

const DECODERS: { readonly [C in Channel]: (value: unknown) => Checked<C> } = {
  orders: decoder(CHANNEL_SCHEMAS.orders),
  results: decoder(CHANNEL_SCHEMAS.results),
  transitions: decoder(CHANNEL_SCHEMAS.transitions),
  account: decoder(CHANNEL_SCHEMAS.account),
  holdings: decoder(CHANNEL_SCHEMAS.holdings),
  venue: decoder(CHANNEL_SCHEMAS.venue),
  dead: decoder(CHANNEL_SCHEMAS.dead),
};

function decoder<C extends Channel>(
  schema: Schema.Codec<ChannelBody[C], unknown>,
): (value: unknown) => Checked<C> {
  const run = Schema.decodeUnknownResult(schema);
  return (value) => {
    const result = run(value);
    if (Result.isSuccess(result)) return { ok: true, body: result.success };
    return malformed(`the body is not valid: ${result.failure.message.replace(/\s*\n\s*/g, " ")}`);
  };
}

function unpack(bytes: Uint8Array): Unpacked {
  const problem = msgpackProblem(bytes, MAX_DEPTH);
  if (problem !== null) return malformed(`the body is not plain MessagePack: ${problem}`);
  try {
    // A view of its own, because the unpacker leaves a property on what it is given.
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return { ok: true, value: PACKR.unpack(view) };
  } catch (error) {
    return malformed(`the body is not MessagePack: ${String(error)}`);
  }
}

function parse(bytes: Uint8Array): Unpacked {
  try {
    const value: unknown = JSON.parse(UTF8.decode(bytes));
    const plain = plainValue(value, MAX_DEPTH);
    return plain.ok ? plain : malformed(`the body is not plain JSON: ${plain.reason}`);
  } catch (error) {
    return malformed(`the body is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A body under a subject that is not its own: the wrong channel, or another symbol's. */
function addressProblem<C extends Channel>(channel: C, subject: string, body: ChannelBody[C]): string | null {
  const address = addressOf(subject);
  if (address?.channel !== channel) return `the subject is none of ${channel}`;
  const expected = subjectFor(channel, body);
  return expected === subject ? null : `the body belongs under ${expected}`;
}

function malformed(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason: reason.slice(0, 400).toWellFormed() };
}

function quoted(value: string | null): string {
  return value === null ? "missing" : JSON.stringify(value.slice(0, 50));
}

function encodeError(channel: Channel, reason: string): BusError {
  return new BusError({ reason: "encode", message: `a message for ${channel}: ${reason}`.slice(0, 500) });
}
