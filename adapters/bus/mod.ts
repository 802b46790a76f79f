// The public face of the bus.
export {
  CONTENT_TYPES,
  type Decoded,
  decode,
  type EncodeOptions,
  encode,
  type Format,
  formatOf,
  MAX_BODY_BYTES,
  MAX_DEPTH,
  readPlain,
  SCHEMA_VERSION,
  type Unpacked,
  writePlain,
} from "./codec.ts";
export { type InProcessOptions, inProcessTransport } from "./in_process.ts";
export { type BusCounts, type MessageBus, type MessageBusOptions, messageBus } from "./message_bus.ts";
export { type NatsTransport, type NatsTransportOptions, natsTransport, type Role } from "./nats.ts";
export { connect as connectNats, type NatsSettings } from "./nats_connection.ts";
export { type OpenBus, type OpenBusOptions, openBus } from "./open_bus.ts";
export { CHANNEL_SCHEMAS, DeadLetterBody, TransitionBody } from "./schemas.ts";
export {
  type EnsureOptions,
  ensureStreams,
  formatStreamReport,
  initStreams,
  isReady,
  type StreamReport,
} from "./streams.ts";
export { type Address, addressOf, patternOf, SUBJECT_PREFIX, subjectFor, subjectOf } from "./subjects.ts";
export { ACK_WAIT_MS, MAX_DELIVER, STREAMS } from "./stream_settings.ts";
export type {
  Headers,
  Receipt,
  SubscribeOptions,
  Taken,
  Transport,
  TransportMessage,
} from "./transport.ts";
