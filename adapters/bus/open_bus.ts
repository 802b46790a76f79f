// Opens the bus that the configuration asks for: a NATS server's, or the one in this process.
import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock, Observe } from "../../actors/ports.ts";
import { inProcessTransport } from "./in_process.ts";
import { type MessageBus, messageBus } from "./message_bus.ts";
import { natsTransport, type Role } from "./nats.ts";
import type { NatsSettings } from "./nats_connection.ts";

export interface OpenBusOptions {
  /** How to find a NATS server; null for the bus in this process. */
  readonly nats: NatsSettings | null;
  readonly role: Role;
  /** `paper`, `dry-run` or `live`: a message that names another one is set aside. */
  readonly mode: string;
  readonly clock: Clock;
  readonly observe: Observe;
  /** Called with the connection before anything is read or changed; what it throws ends the start. */
  readonly check?: (connection: NatsConnection) => Promise<void>;
}

export interface OpenBus extends MessageBus {
  /** For what is not the bus's: the control service. Closed with the bus. Null in one process. */
  readonly connection: NatsConnection | null;
}

/** Rejects with `BusError` when nobody answers, or the server is not fit for this. */
export async function openBus({ nats, role, check, ...options }: OpenBusOptions): Promise<OpenBus> {
  if (nats === null) return Object.assign(messageBus(inProcessTransport(), options), { connection: null });
  const transport = await natsTransport(nats, {
    role,
    observe: options.observe,
    ...(check === undefined ? {} : { check }),
  });
  return Object.assign(messageBus(transport, options), { connection: transport.connection });
}
