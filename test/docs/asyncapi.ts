// docs/asyncapi.yaml, made from the schemas that decode the protocol, its subjects and its test vectors.
import { stringify } from "yaml";
import type { Channel } from "../../actors/ports.ts";
import { MAX_BODY_BYTES, MAX_DEPTH, patternOf, SCHEMA_VERSION } from "../../adapters/bus/mod.ts";
import { ACK_WAIT_MS, CONSUMERS, MAX_ACK_PENDING, MAX_DELIVER, STREAMS } from "../../adapters/bus/streams.ts";
import { CHANNELS, type Vector, VECTORS } from "../adapters/bus/vectors.ts";
import {
  controlChannels,
  controlHeaders,
  controlMessages,
  controlOperations,
  type HeaderSchema,
} from "./asyncapi_control.ts";
import { bodySchemas, isMessageName, schemaNameOf } from "./asyncapi_schemas.ts";
import { CHANNEL_WORDS, MESSAGE_SUMMARIES, ROLES } from "./asyncapi_words.ts";
import { type Json, reference } from "./json_schemas.ts";

export const ASYNCAPI_FILE = new URL("../../docs/asyncapi.yaml", import.meta.url);

/** The text of the file. */
export function asyncapiYaml(): string {
  const notice =
    "# Made from the code by `node test/docs/write_asyncapi.ts`, and compared with it by the tests. Not to be edited.\n";
  return notice + stringify(asyncapi(), { lineWidth: 110, aliasDuplicateObjects: false });
}

/** The protocol as an AsyncAPI 3 document. */
export function asyncapi(): Json {
  return {
    asyncapi: "3.0.0",
    id: "urn:purgatory:protocol",
    info: {
      title: "Purgatory: the bus",
      version: `${SCHEMA_VERSION}.0.0`,
      description:
        "What travels between the supervisor of purges, the gateway to the exchange, and everyone who watches or asks. " +
        "Operations are named by who performs them. Rules that no schema can say, and what to acknowledge when, are in protocol.md.",
      license: { name: "MIT" },
      tags: Object.entries(ROLES).map(([name, description]) => ({ name, description })),
    },
    defaultContentType: "application/msgpack",
    servers: {
      local: {
        host: "127.0.0.1:4222",
        protocol: "nats",
        description:
          "A NATS server, 2.9.10 or later, with JetStream. Every server will do; this is the usual one.",
        security: Object.keys(SECURITY).map((name) => ({ $ref: `#/components/securitySchemes/${name}` })),
      },
    },
    channels: {
      ...Object.fromEntries(CHANNELS.map((name) => [name, channel(name)])),
      ...controlChannels(),
    },
    operations: { ...Object.fromEntries(CHANNELS.flatMap(operations)), ...controlOperations() },
    components: {
      messages: {
        ...Object.fromEntries(VECTORS.map((vector) => [vector.name, message(vector)])),
        ...controlMessages(),
      },
      securitySchemes: SECURITY,
      messageTraits: { common: { headers: reference("Headers") } },
      schemas: { Headers: HEADERS, ...controlHeaders(HEADERS), ...bodySchemas() },
    },
    "x-jetstream": jetstream(),
    "x-limits": { max_body_bytes: MAX_BODY_BYTES, max_depth: MAX_DEPTH },
  };
}

/** Each as the server is configured; one on loopback may ask for nothing. */
const SECURITY: Json = {
  user_password: { type: "userPassword" },
  token: { type: "apiKey", in: "password", description: "NATS: auth_token." },
  nkey: {
    type: "asymmetricEncryption",
    description: "NATS: an nkey, or a credentials file with a JWT and its nkey.",
  },
  certificate: { type: "X509", description: "TLS with a client certificate." },
};

const HEADERS: Json & HeaderSchema = {
  type: "object",
  description:
    "Headers of NATS. Names are read in any case; a name that is repeated counts with its first value.",
  properties: {
    "Content-Type": {
      type: "string",
      pattern: "^application/(msgpack|x-msgpack|vnd\\.msgpack|json)\\s*(;.*)?$",
      description: "How the body is written. Case does not matter.",
      examples: ["application/msgpack", "application/json"],
    },
    "Schema-Version": {
      const: SCHEMA_VERSION,
      description: "Another version is set aside as a dead letter.",
    },
    "Nats-Msg-Id": {
      type: "string",
      description:
        "The same message sent again has the same id; a server drops the second within the stream's window.",
    },
    "Purge-Mode": {
      type: "string",
      enum: ["paper", "dry-run", "live"],
      description: "Whose money it is. A receiver in another mode sets the message aside as a dead letter.",
    },
    traceparent: {
      type: "string",
      pattern: "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
      description: "W3C trace context, passed through.",
    },
  },
  required: ["Content-Type", "Schema-Version"],
};

/** Streams and durable consumers, in the words of JetStream's configuration; times in milliseconds. */
function jetstream(): Json {
  const streams = Object.entries(STREAMS).map(([name, settings]) => ({
    name,
    description: settings.description,
    subjects: settings.subjects,
    retention: settings.retention,
    storage: "file",
    discard: "old",
    max_age_ms: settings.maxAgeMs,
    max_msgs_per_subject: settings.maxMessagesPerSubject,
    duplicate_window_ms: settings.duplicateWindowMs,
  }));
  const consumers = CONSUMERS.map(({ stream, durable, description }) => ({
    stream,
    durable_name: durable,
    description,
    ack_policy: "explicit",
    deliver_policy: "all",
    ack_wait_ms: ACK_WAIT_MS,
    max_deliver: MAX_DELIVER,
    max_ack_pending: MAX_ACK_PENDING,
  }));
  return { streams, consumers };
}

function channel(name: Channel): Json {
  const address = patternOf(name).replace("*", "{symbol}");
  const hasSymbol = address !== patternOf(name);
  const stream = Object.entries(STREAMS).find(([, { subjects }]) => subjects.includes(patternOf(name)));
  return {
    address,
    summary: CHANNEL_WORDS[name].summary,
    messages: Object.fromEntries(vectorsOf(name).map(({ name: key }) => [key, toMessage(key)])),
    ...(hasSymbol ? { parameters: { symbol: symbolParameter(name) } } : {}),
    "x-jetstream-stream": stream?.[0] ?? null,
  };
}

function symbolParameter(name: Channel): Json {
  if (name !== "dead") {
    return {
      description: "Matches ^[A-Z0-9]{1,20}-[A-Z0-9]{2,10}$, and is the symbol in the body.",
      location: "$message.payload#/symbol",
      examples: ["BONK-USD"],
    };
  }
  return {
    description: "The symbol in the subject of the message that was set aside; `_` where that names none.",
    examples: ["BONK-USD", "_"],
  };
}

function operations(name: Channel): [string, Json][] {
  const { sent, received } = CHANNEL_WORDS[name];
  const all = vectorsOf(name).map((vector) => vector.name);
  const sends = Object.entries(sent).map(([role, messages]) => {
    return operation("send", role, name, messages === "all" ? all : messages);
  });
  const receives = received.map((role) => operation("receive", role, name, all));
  return [...sends, ...receives];
}

function operation(
  action: "send" | "receive",
  role: string,
  name: Channel,
  messages: readonly string[],
): [string, Json] {
  return [
    `${role}.${action}.${name}`,
    {
      action,
      channel: { $ref: `#/channels/${name}` },
      tags: [{ name: role }],
      messages: messages.map((key) => ({ $ref: `#/channels/${name}/messages/${key}` })),
    },
  ];
}

function message({ name, body, message_id, msgpack_hex }: Vector): Json {
  if (!isMessageName(name)) throw new Error(`there is no schema for the test vector ${name}`);
  const headers = {
    "Content-Type": "application/json",
    "Schema-Version": SCHEMA_VERSION,
    ...(message_id === null ? {} : { "Nats-Msg-Id": message_id }),
  };
  return {
    name,
    summary: MESSAGE_SUMMARIES[name],
    traits: [{ $ref: "#/components/messageTraits/common" }],
    payload: reference(schemaNameOf(name)),
    examples: [{ name: "vector", headers, payload: body }],
    "x-example-msgpack-hex": msgpack_hex,
  };
}

function vectorsOf(name: Channel): readonly Vector[] {
  return VECTORS.filter(({ channel: of }) => of === name);
}

function toMessage(name: string): Json {
  return { $ref: `#/components/messages/${name}` };
}
