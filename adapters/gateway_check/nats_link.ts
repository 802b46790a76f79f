// The supervisor's side of the protocol over a NATS server: commands are kept by JetStream, what is said is overheard.
import { JetStreamApiError, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { headers as natsHeaders, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { BusError, type Cancel } from "../../actors/ports.ts";
import { type Headers, SUBJECT_PREFIX, type TransportMessage } from "../bus/mod.ts";
import { describeSupervisor, otherSupervisors } from "../control/mod.ts";
import type { OrdersAndResults } from "./orders_and_results.ts";

const ORDERS = { stream: "PURGE_ORDERS", durable: "gateway" } as const;
const RESULTS = { stream: "PURGE_RESULTS", durable: "supervisor" } as const;
const VENUE = "PURGE_VENUE";
const HEARD = ["results.*", "holdings", "venue", "dead.*"].map((tail) => `${SUBJECT_PREFIX}.${tail}`);
const TIMEOUT_MS = 5_000;
/** How long supervisors have to say that they are there. */
const SUPERVISORS_MS = 750;

/** @throws BusError `refused` when a supervisor is on the bus, or the streams are not there */
export async function natsLink(connection: NatsConnection): Promise<OrdersAndResults> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: TIMEOUT_MS });
  const before = await lastSequence(manager);
  await refuseSupervisors(connection, manager);
  const client = jetstream(connection, { timeout: TIMEOUT_MS });
  return {
    async send({ subject, bytes, headers }) {
      try {
        if (subject.startsWith(`${SUBJECT_PREFIX}.orders.`)) {
          await client.publish(subject, bytes, { headers: toNats(headers) });
          return;
        }
        connection.publish(subject, bytes, { headers: toNats(headers) });
        await connection.flush();
      } catch (error) {
        throw new BusError({ reason: "disconnected", message: `${subject}: ${said(error)}` });
      }
    },
    listen: (listener) => overhear(connection, listener),
    async lastVenue() {
      try {
        const last = await manager.streams.getMessage(VENUE, { last_by_subj: `${SUBJECT_PREFIX}.venue` });
        if (last === null) return null;
        return { subject: last.subject, bytes: last.data, headers: headersOf(last.header) };
      } catch (error) {
        throw new BusError({
          reason: "refused",
          message: `the stream ${VENUE} cannot be read: ${said(error)}`,
        });
      }
    },
    async unacknowledged() {
      try {
        const info = await manager.consumers.info(ORDERS.stream, ORDERS.durable);
        return info.num_ack_pending + info.num_pending;
      } catch {
        return null;
      }
    },
    tidy: (subjects) => removeSince(manager, before, subjects),
    close: async () => {},
  };
}

/** Where the results of before end. */
async function lastSequence(manager: JetStreamManager): Promise<number> {
  try {
    const { state } = await manager.streams.info(RESULTS.stream);
    return state.last_seq;
  } catch (error) {
    const message =
      `the stream ${RESULTS.stream} cannot be read: ${said(error)}; run \`purgatory nats init\` to create the streams, ` +
      "and check as a user who may do what a supervisor does";
    throw new BusError({ reason: "refused", message });
  }
}

/** A supervisor would take our results for its own, and set them aside as dead letters. */
async function refuseSupervisors(connection: NatsConnection, manager: JetStreamManager): Promise<void> {
  const there = await otherSupervisors(connection, { waitMs: SUPERVISORS_MS });
  const isRead = (await pullRequests(manager)) > 0;
  if (there.length === 0 && !isRead) return;
  const who = there.map(describeSupervisor).join(", ") || "someone reads its durable consumer";
  throw new BusError({
    reason: "refused",
    message: `a supervisor is on this bus (${who}), and would take the answers for its own; stop it first`,
  });
}

async function pullRequests(manager: JetStreamManager): Promise<number> {
  try {
    return (await manager.consumers.info(RESULTS.stream, RESULTS.durable)).num_waiting;
  } catch (error) {
    if (error instanceof JetStreamApiError) return 0;
    throw new BusError({ reason: "refused", message: `the consumer ${RESULTS.durable}: ${said(error)}` });
  }
}

async function overhear(
  connection: NatsConnection,
  listener: (message: TransportMessage) => void,
): Promise<Cancel> {
  const subscriptions = HEARD.map((subject) =>
    connection.subscribe(subject, {
      callback: (error, msg) => {
        if (error === null) listener(fromNats(msg));
      },
    }),
  );
  await connection.flush();
  return () => {
    for (const subscription of subscriptions) subscription.unsubscribe();
  };
}

/** Deletes what came on these subjects after `before`. */
async function removeSince(
  manager: JetStreamManager,
  before: number,
  subjects: readonly string[],
): Promise<string | null> {
  try {
    // One by one: a server before 2.10 does not find the last of a subject when the one after it was deleted.
    const end = await lastSequence(manager);
    for (let seq = before + 1; seq <= end; seq += 1) {
      const message = await manager.streams.getMessage(RESULTS.stream, { seq });
      if (message === null || !subjects.includes(message.subject)) continue;
      await manager.streams.deleteMessage(RESULTS.stream, seq, false);
    }
    return null;
  } catch (error) {
    return `the results of this check stay in ${RESULTS.stream}, where the next supervisor sets them aside: ${said(error)}`;
  }
}

function toNats(headers: Headers): ReturnType<typeof natsHeaders> {
  const result = natsHeaders();
  for (const [name, value] of Object.entries(headers)) result.set(name, value);
  return result;
}

function fromNats(msg: Msg): TransportMessage {
  return { subject: msg.subject, bytes: msg.data, headers: headersOf(msg.headers) };
}

/** The first value of each header. */
function headersOf(headers: Msg["headers"]): Headers {
  return Object.fromEntries([...(headers ?? [])].map(([name, values]) => [name, values[0] ?? ""]));
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
