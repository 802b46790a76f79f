// Finds a NATS server: with retries until a deadline, and errors that name the address and never a password.
import { setTimeout as sleep } from "node:timers/promises";
import {
  connect as connectOnce,
  errors,
  type NatsConnection,
  type NodeConnectionOptions,
} from "@nats-io/transport-node";
import { Redacted } from "effect";
import { BusError } from "../../actors/ports.ts";

export interface NatsSettings {
  /** `nats://127.0.0.1:4222`, or several of one cluster. */
  readonly servers: string | readonly string[];
  /** Shown in the server's monitoring. */
  readonly name: string;
  readonly user?: string;
  readonly password?: Redacted.Redacted<string>;
  readonly token?: Redacted.Redacted<string>;
  /** How long to try at first, in milliseconds. */
  readonly connectDeadlineMs?: number;
  /** How often the server is asked whether it is there; two missed answers end the connection. */
  readonly pingIntervalMs?: number;
  /** What the client understands besides: TLS, an authenticator, an inbox prefix. */
  readonly options?: Omit<NodeConnectionOptions, "servers" | "name" | "user" | "pass" | "token">;
}

const CONNECT_DEADLINE_MS = 10_000;
const PING_INTERVAL_MS = 5_000;
const RETRY_MS = 200;
const RECONNECT_WAIT_MS = 250;
const RECONNECT_JITTER_MS = 500;

/** @throws BusError `disconnected` or `refused` */
export async function connect(settings: NatsSettings): Promise<NatsConnection> {
  const deadlineMs = settings.connectDeadlineMs ?? CONNECT_DEADLINE_MS;
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const left = Math.max(1, Math.ceil(deadline - performance.now()));
    try {
      return await connectOnce(clientOptions(settings, left));
    } catch (error) {
      if (isFinal(error)) throw failure("refused", settings, `turned this client away: ${said(error)}`);
      const wait = RETRY_MS * (0.5 + Math.random());
      if (performance.now() + wait >= deadline) {
        const message = `did not answer within ${deadlineMs} ms: ${said(error)}; is nats-server running there?`;
        throw failure("disconnected", settings, message);
      }
      await sleep(wait);
    }
  }
}

/** An address as it may be shown: without the user and password that it may contain. */
export function redacted(server: string): string {
  return server.replace(/(^|\/\/)[^/@]*@/, "$1***@");
}

function clientOptions(settings: NatsSettings, timeoutMs: number): NodeConnectionOptions {
  const { user, password, token } = settings;
  return {
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    reconnectJitterTLS: RECONNECT_JITTER_MS,
    pingInterval: settings.pingIntervalMs ?? PING_INTERVAL_MS,
    ...settings.options,
    servers: serversOf(settings),
    name: settings.name,
    timeout: timeoutMs,
    reconnect: true,
    maxReconnectAttempts: -1,
    // A server that restarts with its users not loaded yet must not end this process.
    ignoreAuthErrorAbort: true,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { pass: Redacted.value(password) }),
    ...(token === undefined ? {} : { token: Redacted.value(token) }),
  };
}

function serversOf({ servers }: NatsSettings): string[] {
  return typeof servers === "string" ? [servers] : [...servers];
}

/** Errors that another try would only repeat. */
function isFinal(error: unknown): boolean {
  return error instanceof errors.AuthorizationError || error instanceof errors.InvalidArgumentError;
}

function failure(reason: "disconnected" | "refused", settings: NatsSettings, what: string): BusError {
  const where = serversOf(settings).map(redacted).join(", ");
  return new BusError({ reason, message: `NATS at ${where} ${what}` });
}

function said(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : String(error);
}
