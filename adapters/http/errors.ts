// Why the HTTP server could not be started.
import * as Schema from "effect/Schema";

export class HttpListenError extends Schema.TaggedError<HttpListenError>()("HttpListenError", {
  /** `in_use`: another program listens there. `not_granted`: this process may not use the network. `refused`: the system
   * denies this port. `no_address`: this machine has no such address. */
  reason: Schema.Literals(["in_use", "not_granted", "refused", "no_address", "invalid", "failed"]),
  message: Schema.String,
}) {}

type Advice = readonly [HttpListenError["reason"], string];
const ADVICE: Readonly<Record<string, Advice>> = {
  EADDRINUSE: [
    "in_use",
    "another program listens there; stop it or choose another port (0 takes a free one)",
  ],
  EACCES: ["refused", "the system denies this port; choose one above 1023"],
  EADDRNOTAVAIL: ["no_address", "this machine has no such address; 127.0.0.1 always works"],
  ENOTFOUND: ["no_address", "this machine has no such address; 127.0.0.1 always works"],
  ERR_ACCESS_DENIED: ["not_granted", "this process may not use the network; grant it with --allow-net"],
  ERR_SOCKET_BAD_PORT: ["invalid", "a port is a whole number from 0 to 65535"],
};

/** What went wrong at `host:port`, and what to do about it. */
export function listenError(host: string, port: number, error: NodeJS.ErrnoException): HttpListenError {
  const [reason, advice] = ADVICE[error.code ?? ""] ?? ["failed", error.message];
  return new HttpListenError({ reason, message: `cannot listen on ${hostPort(host, port)}: ${advice}` });
}

/** `127.0.0.1:9464`, `[::1]:9464`. */
export function hostPort(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
