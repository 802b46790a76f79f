// Why a nats-server of our own could not be had, or was lost.

/** `unsupported`: not on this system. `missing`: no nats-server, or none that can be used. `permission`: this process may
 * not start others. `held`: another process has this directory's server, or has left one behind. `port`: the port
 * that this run uses was taken by another program. `failed`: it did not start, or ended by itself. */
export type NatsServerProblem = "unsupported" | "missing" | "permission" | "held" | "port" | "failed";

export class NatsServerError extends Error {
  override readonly name = "NatsServerError";
  readonly problem: NatsServerProblem;

  constructor(problem: NatsServerProblem, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.problem = problem;
  }
}

/** The code of an error of the operating system or of Node, such as `ENOENT`. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}
