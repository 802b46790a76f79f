// The control service in the AsyncAPI document: one channel for each operation, and one for the inbox that asked.
import {
  CONTROL_SCHEMAS,
  CONTROL_SUBJECT,
  CycleBody,
  ERROR_STATUS,
  ActionReply,
  ErrorReply,
  OPERATIONS,
  type Operation,
  PlainRequest,
  ReasonedRequest,
  SERVICE_NAME,
  StatusReply,
  StatusRequest,
  SymbolBody,
  SymbolReply,
  SymbolRequest,
} from "../../adapters/control/mod.ts";
import { type Json, type Named, reference } from "./json_schemas.ts";

/** The schemas of requests and replies, by name. */
export const CONTROL_WORDS: Readonly<Record<string, Named>> = {
  ControlStatusRequest: { schema: StatusRequest, description: "Nothing at all asks for everything." },
  ControlSymbolRequest: { schema: SymbolRequest },
  ControlReasonedRequest: {
    schema: ReasonedRequest,
    description: "What stops a symbol or sells it needs a reason.",
  },
  ControlPlainRequest: { schema: PlainRequest },
  ControlStatusReply: { schema: StatusReply, description: "The run, and its symbols page by page." },
  ControlSymbolReply: { schema: SymbolReply, description: "One symbol, with its last rejection whole." },
  ControlActionReply: { schema: ActionReply, description: "Sent when what was asked is durable." },
  ControlError: { schema: ErrorReply, description: "Nothing was done, unless the message says otherwise." },
  SymbolStatus: { schema: SymbolBody, description: "Where one symbol stands." },
  CycleCounts: { schema: CycleBody, description: "The last cycle, counted." },
};

const BONK = "BONK-USD";
const asked = { symbol: BONK, by: "ana", reason: "earnings call" };

interface Words {
  readonly summary: string;
  readonly example: Json;
}

/** What each operation is for, with a request that could be sent as it is. */
export const REQUESTS: { readonly [O in Operation]: Words } = {
  status: { summary: "The state of the run and of its symbols.", example: { limit: 100, after: BONK } },
  symbol: { summary: "Where one symbol stands.", example: { symbol: BONK } },
  purge: { summary: "Sell what is held of this symbol, now.", example: asked },
  pause: { summary: "Take no new attempt of this symbol; cancel what rests.", example: asked },
  resume: { summary: "End a pause or a ban.", example: { symbol: BONK, by: "ana" } },
  reset: { summary: "Forget its failures and its backoff.", example: { symbol: BONK, by: "ana" } },
  ban: { summary: "Never sell this symbol, held or not.", example: asked },
  abort: { summary: "Cancel what rests and end the attempt.", example: asked },
};

export function controlChannels(): Readonly<Record<string, Json>> {
  const channels = OPERATIONS.map((operation): [string, Json] => [
    channelOf(operation),
    {
      address: `${CONTROL_SUBJECT}.${operation}`,
      summary: REQUESTS[operation].summary,
      messages: { request: toMessage(`${channelOf(operation)}.request`) },
      "x-nats-service": SERVICE_NAME,
    },
  ]);
  const inbox = {
    address: null,
    summary: "The inbox of whoever asked: the reply subject of the request.",
    messages: Object.fromEntries(REPLIES.map(([name]) => [name, toMessage(`control.${name}`)])),
  };
  return { ...Object.fromEntries(channels), "control.inbox": inbox };
}

export function controlOperations(): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    OPERATIONS.flatMap((operation) => [
      [`supervisor.receive.${channelOf(operation)}`, controlOperation("receive", "supervisor", operation)],
      [`operator.send.${channelOf(operation)}`, controlOperation("send", "operator", operation)],
    ]),
  );
}

export function controlMessages(): Readonly<Record<string, Json>> {
  const requests = OPERATIONS.map((operation): [string, Json] => [
    `${channelOf(operation)}.request`,
    {
      name: `${channelOf(operation)}.request`,
      summary: REQUESTS[operation].summary,
      headers: reference("ControlRequestHeaders"),
      payload: reference(schemaName(CONTROL_SCHEMAS[operation].request)),
      examples: [{ payload: REQUESTS[operation].example }],
    },
  ]);
  const replies = REPLIES.map(([name, schema, summary]): [string, Json] => [
    `control.${name}`,
    {
      name: `control.${name}`,
      summary,
      headers: reference(headersOf(name)),
      payload: reference(schemaName(schema)),
    },
  ]);
  return Object.fromEntries([...requests, ...replies]);
}

/** Headers of requests and replies: a person with a command-line tool sends none. */
export function controlHeaders(headers: HeaderSchema): Readonly<Record<string, Json>> {
  const { properties } = headers;
  const pick = (...names: string[]): Json =>
    Object.fromEntries(names.map((name) => [name, properties[name]]));
  const both = pick("Content-Type", "Schema-Version");
  const errors = {
    "Nats-Service-Error": { type: "string", description: "The message of the body, on one line." },
    "Nats-Service-Error-Code": {
      type: "string",
      enum: [...new Set(Object.values(ERROR_STATUS))].map(String),
      description: Object.entries(ERROR_STATUS)
        .map(([code, status]) => `${code}: ${status}`)
        .join(", "),
    },
  };
  const required = [...headers.required];
  return {
    ControlRequestHeaders: {
      type: "object",
      description: "Without a Content-Type a body is JSON.",
      properties: both,
    },
    ControlReplyHeaders: { type: "object", properties: both, required },
    ControlErrorHeaders: {
      type: "object",
      properties: { ...both, ...errors },
      required: [...required, ...Object.keys(errors)],
    },
  };
}

/** The schema of the headers of all other messages. */
export interface HeaderSchema {
  readonly properties: Json;
  readonly required: readonly string[];
}

const REPLIES = [
  ["status", StatusReply, "The state of the run."],
  ["symbol", SymbolReply, "Where one symbol stands."],
  ["action", ActionReply, "It is done, and durable."],
  ["error", ErrorReply, "It is not done."],
] as const;

function channelOf(operation: Operation): string {
  return `control.${operation}`;
}

function controlOperation(action: "send" | "receive", role: string, operation: Operation): Json {
  const reply = REPLIES.find(([, schema]) => schema === CONTROL_SCHEMAS[operation].reply)?.[0];
  if (reply === undefined) throw new Error(`there is no message for the reply to ${operation}`);
  const inbox = "#/channels/control.inbox";
  return {
    action,
    channel: { $ref: `#/channels/${channelOf(operation)}` },
    tags: [{ name: role }],
    messages: [{ $ref: `#/channels/${channelOf(operation)}/messages/request` }],
    reply: {
      channel: { $ref: inbox },
      messages: [reply, "error"].map((name) => ({ $ref: `${inbox}/messages/${name}` })),
    },
    ...(action === "receive" ? { bindings: { nats: { queue: "q", bindingVersion: "0.1.0" } } } : {}),
  };
}

function headersOf(reply: string): string {
  return reply === "error" ? "ControlErrorHeaders" : "ControlReplyHeaders";
}

function schemaName(schema: Named["schema"]): string {
  const found = Object.entries(CONTROL_WORDS).find(([, named]) => named.schema === schema);
  if (found === undefined) throw new Error("a request or reply of the control service has no name");
  return found[0];
}

function toMessage(name: string): Json {
  return { $ref: `#/components/messages/${name}` };
}
