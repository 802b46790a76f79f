// A name on the bus that only one program may have: who comes second is told, and does not start.
import { hostname } from "node:os";
import { Svcm } from "@nats-io/services";
import type { NatsConnection } from "@nats-io/transport-node";
import { describeSupervisor, otherSupervisors } from "./supervisors.ts";
import { signOff, within } from "./within.ts";

const FLUSH_MS = 2_000;

export interface ClaimOptions {
  /** Of the service: `purgatory-supervisor`, `purgatory-gateway`. */
  readonly name: string;
  readonly description: string;
  /** A semantic version. */
  readonly version: string;
  readonly mode: string;
}

/** Somebody else answers to the name. */
export class ClaimedError extends Error {
  override readonly name = "ClaimedError";
}

/** How long the second question waits: whoever came at the same moment answers in a round trip. */
const AT_ONCE_MS = 250;

/** Without `except` it takes a moment only where nobody answers: the server knows that nobody listens.
 *
 * @throws ClaimedError when somebody answers to `name` who is not `except`
 */
export async function refuseOthers(connection: NatsConnection, name: string, except = ""): Promise<void> {
  const wait = except === "" ? {} : { waitMs: AT_ONCE_MS };
  const others = await otherSupervisors(connection, { name, except, ...wait });
  if (others.length === 0) return;
  const whom = others.map(describeSupervisor).join("; ");
  throw new ClaimedError(
    `another ${name} is on this bus: ${whom}. Two of them would act on the same orders: stop one, or use another server`,
  );
}

export interface Claim {
  /** Of what answers to the name. */
  readonly id: string;
  stop(): Promise<void>;
}

/** Answers to the name from now on, so that a second one sees the first; without any endpoint.
 *
 * Asked again once the name is taken: of two that start at the same moment, both see the other, and neither goes on.
 *
 * @throws ClaimedError when somebody else does already
 */
export async function claimName(
  connection: NatsConnection,
  { name, description, version, mode }: ClaimOptions,
): Promise<Claim> {
  await refuseOthers(connection, name);
  const metadata = { mode, pid: `${process.pid}`, host: hostname() };
  const service = await new Svcm(connection).add({ name, version, description, metadata });
  const { id } = service.info();
  try {
    // Whoever asks later has to find this one; whoever asked earlier is found by the question that follows.
    await within(FLUSH_MS, connection.flush());
    await refuseOthers(connection, name, id);
  } catch (error) {
    await signOff(service);
    throw error;
  }
  return { id, stop: () => signOff(service) };
}
