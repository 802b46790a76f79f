// Finds a NATS server: with retries until a deadline, and errors that name the address and never a password.
import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { checkServerIdentity } from "node:tls";
import {
  type Authenticator,
  connect as connectOnce,
  credsAuthenticator,
  errors,
  type NatsConnection,
  type NodeConnectionOptions,
  nkeyAuthenticator,
} from "@nats-io/transport-node";
import { Redacted } from "effect";
import { BusError } from "../../actors/ports.ts";

type Secret = Redacted.Redacted<string>;

/** Where a server is, and how to enter it. What `natsAccess` of the configuration gives can be spread into it. */
export interface NatsSettings {
  /** `nats://127.0.0.1:4222`, or several of one cluster. One that begins with `tls:` demands TLS. */
  readonly servers: string | readonly string[];
  /** Shown in the server's monitoring. */
  readonly name: string;
  readonly user?: string | Secret | null;
  readonly password?: Secret | null;
  readonly token?: Secret | null;
  readonly nkeySeed?: Secret | null;
  /** The text of a credentials file. */
  readonly credentials?: Secret | null;
  /** Certificates in PEM. Not null: the server must speak TLS, and be known to `ca`, or to the system without it. */
  readonly tls?: {
    readonly ca: string | null;
    readonly cert: string | null;
    readonly key: Secret | null;
  } | null;
  /** What replies are sent under. Left out or null: `_INBOX_<user>` where the user's name is a plain word. */
  readonly inboxPrefix?: string | null;
  /** How long to try at first, in milliseconds. */
  readonly connectDeadlineMs?: number;
  /** How often the server is asked whether it is there; two missed answers end the connection. */
  readonly pingIntervalMs?: number;
  /** What the client understands besides. */
  readonly options?: Omit<NodeConnectionOptions, "servers" | "name" | "user" | "pass" | "token">;
}

const CONNECT_DEADLINE_MS = 10_000;
/** One try; a server that took the connection and then hangs may have been restarted meanwhile. */
const ATTEMPT_MS = 5_000;
const PING_INTERVAL_MS = 5_000;
const RETRY_MS = 200;
const RECONNECT_WAIT_MS = 250;
const RECONNECT_JITTER_MS = 500;

/** Connects, and from then on reconnects for ever.
 *
 * A server that is not there yet is tried again until the deadline; one that turns this client away is not.
 * @throws BusError `disconnected` or `refused`
 */
export async function connect(settings: NatsSettings): Promise<NatsConnection> {
  const deadlineMs = settings.connectDeadlineMs ?? CONNECT_DEADLINE_MS;
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const left = Math.max(1, Math.min(ATTEMPT_MS, Math.ceil(deadline - performance.now())));
    try {
      return await connectOnce(clientOptions(settings, left));
    } catch (error) {
      const final = finalReason(error);
      if (final !== null) throw failure("refused", settings, `${final}: ${said(error)}`);
      const wait = RETRY_MS * (0.5 + Math.random());
      if (performance.now() + wait >= deadline) {
        const message = `did not answer within ${deadlineMs} ms: ${said(error)}; ${doubt(error, settings)}`;
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
  const { password, token } = settings;
  const user = userOf(settings);
  const inboxPrefix = settings.inboxPrefix ?? (user !== null && PLAIN.test(user) ? `_INBOX_${user}` : null);
  const authenticator = authenticators(settings);
  return {
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    reconnectJitterTLS: RECONNECT_JITTER_MS,
    pingInterval: settings.pingIntervalMs ?? PING_INTERVAL_MS,
    ...(inboxPrefix === null ? {} : { inboxPrefix }),
    ...(authenticator.length === 0 ? {} : { authenticator }),
    ...tlsOption(settings),
    // Otherwise each publish to a stream costs a stack trace, for an error that most of them never have.
    noAsyncTraces: true,
    ...settings.options,
    servers: serversOf(settings),
    name: settings.name,
    timeout: timeoutMs,
    reconnect: true,
    maxReconnectAttempts: -1,
    // A server that restarts with its users not loaded yet must not end this process.
    ignoreAuthErrorAbort: true,
    ...(user === null ? {} : { user }),
    ...(password === undefined || password === null ? {} : { pass: Redacted.value(password) }),
    ...(token === undefined || token === null ? {} : { token: Redacted.value(token) }),
  };
}

const PLAIN = /^[A-Za-z0-9_-]{1,64}$/;

function userOf({ user }: NatsSettings): string | null {
  if (user === undefined || user === null) return null;
  return typeof user === "string" ? user : Redacted.value(user);
}

function authenticators({ nkeySeed, credentials }: NatsSettings): Authenticator[] {
  const bytes = (secret: Secret): Uint8Array => new TextEncoder().encode(Redacted.value(secret));
  return [
    ...(nkeySeed === undefined || nkeySeed === null ? [] : [nkeyAuthenticator(bytes(nkeySeed))]),
    ...(credentials === undefined || credentials === null ? [] : [credsAuthenticator(bytes(credentials))]),
  ];
}

/** With `tls` set, the client turns a server away that does not speak it: nothing is ever sent in the clear. */
function tlsOption(settings: NatsSettings): Pick<NodeConnectionOptions, "tls"> {
  const { ca, cert, key } = settings.tls ?? { ca: null, cert: null, key: null };
  const servers = serversOf(settings);
  const isDemanded = servers.some((server) => server.startsWith("tls:"));
  if ((settings.tls ?? null) === null && !isDemanded) return {};
  const addresses = servers.map(hostOf).filter((host) => isIP(host) !== 0);
  const tls = {
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key: Redacted.value(key) }),
    ...(addresses.length === 0 ? {} : { checkServerIdentity: identityAmong(addresses) }),
  };
  return { tls };
}

/** The client compares the certificate of a server that is reached by its address with the name `localhost`. */
function identityAmong(addresses: readonly string[]): typeof checkServerIdentity {
  return (name, certificate) => {
    const asked = name === "localhost" ? [...addresses, name] : [name];
    const errorsFound = asked.map((host) => checkServerIdentity(host, certificate));
    return errorsFound.includes(undefined) ? undefined : errorsFound[0];
  };
}

function hostOf(server: string): string {
  const authority = server.replace(/^[a-z]+:\/\//i, "").replace(/^[^@/]*@/, "");
  return /^\[([^\]]*)\]/.exec(authority)?.[1] ?? authority.split(/[:/]/, 1)[0] ?? "";
}

function serversOf({ servers }: NatsSettings): string[] {
  return typeof servers === "string" ? [servers] : [...servers];
}

/** Why another try would only repeat the error; null when one may help. */
function finalReason(error: unknown): string | null {
  if (error instanceof errors.AuthorizationError) return "turned this client away";
  if (error instanceof errors.InvalidArgumentError) return "cannot be connected to like this";
  if (!(error instanceof Error)) return null;
  if (error.message === "server does not support 'tls'")
    return "does not speak TLS, which this client was told to demand";
  if (error.message.startsWith("nkeys:") || error.message === "unable to parse credentials")
    return "cannot be entered with this seed or these credentials";
  const code = [error, error.cause].map(codeOf).find((each) => each !== null) ?? "";
  if (/^ERR_(OSSL|CRYPTO)/.test(code)) return "cannot be entered with this certificate and key";
  if (/^(ERR_TLS_|UNABLE_TO_|CERT_|SELF_SIGNED|DEPTH_ZERO)/.test(code))
    return "showed a certificate that this client does not trust";
  return null;
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

/** What may be the matter. A server that does not accept the client's certificate just ends the connection, and what it
 * said of it does not get through. */
function doubt(error: unknown, { tls = null }: NatsSettings): string {
  if (!(error instanceof errors.TimeoutError) || tls === null) return "is nats-server running there?";
  return tls.cert === null
    ? "does it ask for a client certificate, where none was given?"
    : "does it trust whoever signed this client's certificate?";
}

function failure(reason: "disconnected" | "refused", settings: NatsSettings, what: string): BusError {
  const where = serversOf(settings).map(redacted).join(", ");
  return new BusError({ reason, message: `NATS at ${where} ${what}` });
}

function said(error: unknown): string {
  if (!(error instanceof Error) || error.message === "") return String(error);
  return error.message.replace(/; if the root CA is installed locally.*/s, "");
}
