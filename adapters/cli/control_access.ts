// Asks the supervisor on a command's bus, and tells in a sentence why that could not be.
import type { NatsConnection } from "@nats-io/transport-node";
import { BusError } from "../../actors/ports.ts";
import { connectNats } from "../bus/mod.ts";
import { ControlError, type ControlClient, controlClient } from "../control/mod.ts";
import { type BusAccess, natsSettings } from "./bus_access.ts";
import { withoutLogin } from "./grants.ts";

/** How long somebody who waits at a terminal is made to wait for a server. */
const CONNECT_DEADLINE_MS = 5_000;
/** A journal on a slow disk may take seconds; the service itself gives up after 30. */
const TIMEOUT_MS = 32_000;

export type Asked<T> =
  | { readonly ok: true; readonly value: T }
  /** `code` is that of `ControlError` or `BusError`. */
  | { readonly ok: false; readonly code: string; readonly message: string };

/** Where a command finds the supervisor. Tests put their own in its place. */
export type OpenControl = <T>(ask: (client: ControlClient) => Promise<T>) => Promise<Asked<T>>;

/** Connects for one conversation, and leaves. */
export function controlOver(access: Extract<BusAccess, { kind: "server" }>, name: string): OpenControl {
  return (ask) =>
    overBus(access, name, (connection) => ask(controlClient(connection, { timeoutMs: TIMEOUT_MS })));
}

/** Does something over a connection of its own. Errors of bus and control are answers; all others are thrown. */
export async function overBus<T>(
  access: Extract<BusAccess, { kind: "server" }>,
  name: string,
  work: (connection: NatsConnection) => Promise<T>,
): Promise<Asked<T>> {
  let connection: NatsConnection | null = null;
  try {
    const settings = natsSettings(access.nats, name);
    connection = await connectNats({ ...settings, connectDeadlineMs: CONNECT_DEADLINE_MS });
    return { ok: true, value: await work(connection) };
  } catch (error) {
    if (error instanceof BusError) return { ok: false, code: error.reason, message: error.message };
    if (!(error instanceof ControlError)) throw error;
    const where = withoutLogin(access.url);
    return { ok: false, code: error.reason, message: `${where}: ${error.message}` };
  } finally {
    await connection?.close();
  }
}
