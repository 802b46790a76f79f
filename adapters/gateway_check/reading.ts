// Reads what a gateway says as leniently as can be: whether it was said rightly is a clause of its own.
import type { Channel } from "../../actors/ports.ts";
import { DecimalString } from "../../machines/mod.ts";
import { Schema } from "effect";
import { addressOf, readPlain, type TransportMessage } from "../bus/mod.ts";

export type Body = Readonly<Record<string, unknown>>;

export interface Heard {
  readonly message: TransportMessage;
  /** Epoch milliseconds at which it was heard. */
  readonly at: number;
  readonly channel: Channel | null;
  /** The fields, whatever they are; none where there is no map in it. */
  readonly body: Body;
}

export function readMessage(message: TransportMessage, at: number): Heard {
  return { message, at, channel: channelOf(message.subject), body: bodyIn(message) };
}

export function headerOf({ headers }: TransportMessage, name: string): string | null {
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name.toLowerCase());
  return found?.[1] ?? null;
}

/** A field that is text; null for anything else. */
export function textOf(body: Body, field: string): string | null {
  const value = body[field];
  return typeof value === "string" ? value : null;
}

/** A field that stands for an amount, as a decimal in plain notation; null for what cannot be taken for one. */
export function amountOf(body: Body, field: string): string | null {
  const value = body[field];
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && isDecimal(text) ? text : null;
}

export function isMap(value: unknown): value is Body {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** One line that shows a message to people. */
export function show({ subject, bytes, headers }: TransportMessage): string {
  const value = plainIn({ subject, bytes, headers });
  const text = value === undefined ? `${bytes.length} bytes that cannot be read` : JSON.stringify(value);
  return `${subject} ${text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text}`;
}

const SHOWN_MAX = 600;
const isDecimal = Schema.is(DecimalString);

function channelOf(subject: string): Channel | null {
  const channel = addressOf(subject)?.channel;
  if (channel !== undefined) return channel;
  // A subject that is not one, in a place where we listen: whose it was meant to be is plain all the same.
  return (["results", "dead"] as const).find((name) => subject.includes(`.${name}.`)) ?? null;
}

function bodyIn(message: TransportMessage): Body {
  const value = plainIn(message);
  return isMap(value) ? value : {};
}

/** In the format that the header names, else in whichever it can be read. */
function plainIn(message: TransportMessage): unknown {
  const named = readPlain(headerOf(message, "Content-Type"), message.bytes);
  if (named.ok) return named.value;
  for (const type of ["application/json", "application/msgpack"]) {
    const tried = readPlain(type, message.bytes);
    if (tried.ok) return tried.value;
  }
  return undefined;
}
