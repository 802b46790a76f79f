// Messages that killed everyone who took them: the server says so in an advisory, and leaves them in their stream.
import { Result, Schema } from "effect";
import type { Observe } from "../../actors/ports.ts";
import { DurableConsumer, type JetStreamWorld } from "./jetstream_consumer.ts";
import { fromNatsHeaders, said } from "./nats_core.ts";
import type { TransportMessage } from "./transport.ts";

const IN_FLIGHT = 16;
const AGAIN_MS = 5_000;

const Advisory = Schema.fromJsonString(
  Schema.Struct({
    stream: Schema.Literals(["PURGE_ORDERS", "PURGE_RESULTS"]),
    consumer: Schema.String,
    stream_seq: Schema.Int,
    deliveries: Schema.Int,
  }),
);
type Advisory = typeof Advisory.Type;
const decode = Schema.decodeUnknownResult(Advisory);
/** Consumers of others may give up what they like. */
const OURS: Readonly<Record<Advisory["stream"], string>> = {
  PURGE_ORDERS: "gateway",
  PURGE_RESULTS: "supervisor",
};

/** Calls `onAbandoned` with each such message, as it is in its stream. Its receipt's `term` takes it out of a work queue
 * and ends the matter; `nak` brings it again. */
export function watchAbandoned(
  world: JetStreamWorld,
  onAbandoned: (message: TransportMessage, reason: string) => void,
): DurableConsumer {
  return new DurableConsumer(world, {
    stream: "PURGE_ADVISORIES",
    durable: "dead_letters",
    maxInFlight: IN_FLIGHT,
    isOurs: true,
    onMessage: (message) => void settle(world, message, onAbandoned),
  });
}

async function settle(
  world: JetStreamWorld,
  message: TransportMessage,
  onAbandoned: (message: TransportMessage, reason: string) => void,
): Promise<void> {
  const { receipt } = message;
  if (receipt === undefined) return;
  const decoded = decode(Buffer.from(message.bytes).toString("utf8"));
  if (Result.isFailure(decoded) || OURS[decoded.success.stream] !== decoded.success.consumer) {
    receipt.ack();
    return;
  }
  const advisory = decoded.success;
  try {
    const abandoned = await read(world, advisory, {
      ...receipt,
      term: () => void remove(world, advisory).then((done) => (done ? receipt.ack() : receipt.nak(AGAIN_MS))),
      nak: (delayMs) => receipt.nak(delayMs),
    });
    const reason = `was delivered ${advisory.deliveries} times and never answered: whoever takes it dies of it`;
    if (abandoned === null) receipt.ack();
    else onAbandoned(abandoned, reason);
  } catch (error) {
    note(world.observe, advisory, error);
    receipt.nak(AGAIN_MS);
  }
}

/** Null when it is gone from its stream. */
async function read(
  { manager }: JetStreamWorld,
  { stream, stream_seq }: Advisory,
  receipt: NonNullable<TransportMessage["receipt"]>,
): Promise<TransportMessage | null> {
  const stored = await manager.streams.getMessage(stream, { seq: stream_seq });
  if (stored === null) return null;
  const headers = fromNatsHeaders(() => stored.header);
  return { subject: stored.subject, bytes: stored.data, headers, receipt };
}

/** Results stay until they are old: others may watch them. */
async function remove(world: JetStreamWorld, advisory: Advisory): Promise<boolean> {
  if (advisory.stream !== "PURGE_ORDERS") return true;
  try {
    await world.manager.streams.deleteMessage(advisory.stream, advisory.stream_seq, false);
    return true;
  } catch (error) {
    if ((await read(world, advisory, NO_RECEIPT).catch(() => undefined)) === null) return true;
    note(world.observe, advisory, error);
    return false;
  }
}

const NO_RECEIPT = { sequence: 0, deliveries: 0, isLast: true, ack() {}, nak() {}, term() {} };

function note(observe: Observe, { stream, stream_seq }: Advisory, error: unknown): void {
  const message = `message ${stream_seq} of ${stream}, which nobody survives, cannot be set aside yet: ${said(error)}`;
  observe({ kind: "bus", what: "error", message });
}
