// Why a nats-server of our own could not be had, or was lost.
import { Schema } from "effect";

export class NatsServerError extends Schema.TaggedError<NatsServerError>()("NatsServerError", {
  /** `unsupported`: not on this system. `missing`: no nats-server, or none that can be used. `permission`: this process
   * may not start others. `held`: another process has a server in this directory, or has left one behind. `port`: the port
   * that this run uses was taken by another program. `failed`: it did not start, or ended by itself. */
  reason: Schema.Literals(["unsupported", "missing", "permission", "held", "port", "failed"]),
  message: Schema.String,
}) {}

export function natsServerError(reason: NatsServerError["reason"], message: string): NatsServerError {
  return new NatsServerError({ reason, message });
}

/** The code of an error of the operating system or of Node, such as `ENOENT`. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}
