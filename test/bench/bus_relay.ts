// The same way through the server with nothing to do on it: a message from one stream, another one into the next.
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { RELAY_IN, RELAY_OUT } from "./bus_latency_protocol.ts";

const DURABLE = "relay";
/** What the supervisor asks for at a time. */
const BATCH = 500;

/** Streams in files, a durable pull consumer that acknowledges each message, a publish that waits for the server. */
export async function startRelay(connection: NatsConnection): Promise<() => Promise<void>> {
  const manager = await jetstreamManager(connection);
  const streams = [RELAY_IN, RELAY_OUT].map((subject) => ({ subject, name: subject.replace(".", "_") }));
  for (const { subject, name } of streams) await manager.streams.add({ name, subjects: [subject] });
  const [source] = streams;
  const from = source?.name ?? "";
  await manager.consumers.add(from, { durable_name: DURABLE, ack_policy: AckPolicy.Explicit });
  const client = jetstream(connection);
  const consumer = await client.consumers.get(from, DURABLE);
  const messages = await consumer.consume({
    max_messages: BATCH,
    callback: (msg) => {
      void client.publish(RELAY_OUT, msg.data);
      msg.ack();
    },
  });
  return async () => {
    await messages.close();
    for (const { name } of streams) await manager.streams.delete(name);
  };
}
