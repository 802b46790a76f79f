// Who else is a supervisor on this bus: asked before one starts, because two would sell the same position.
import { Empty, type NatsConnection } from "@nats-io/transport-node";
import { Result, Schema } from "effect";
import { controlError } from "./client.ts";
import { SERVICE_NAME } from "./schemas.ts";

export interface OtherSupervisor {
  readonly id: string;
  readonly version: string;
  /** What it says of itself; "" where it says nothing. */
  readonly mode: string;
  readonly ledgerId: string;
  readonly pid: string;
  readonly host: string;
}

export interface OtherSupervisorsOptions {
  /** Of the service that is asked for. */
  readonly name?: string;
  /** Of one's own service, where it is registered already. */
  readonly except?: string;
  /** How long to wait for answers. */
  readonly waitMs?: number;
}

/** Every supervisor that answers in time; an empty list means that nobody is subscribed, or nobody answered.
 *
 * @throws ControlError when this user may not ask, or there is no connection
 */
export async function otherSupervisors(
  connection: NatsConnection,
  { name = SERVICE_NAME, except = "", waitMs = 1_000 }: OtherSupervisorsOptions = {},
): Promise<readonly OtherSupervisor[]> {
  const subject = `$SRV.PING.${name}`;
  const found = new Map<string, OtherSupervisor>();
  try {
    const answers = await connection.requestMany(subject, Empty, { strategy: "timer", maxWait: waitMs });
    for await (const msg of answers) {
      const answer = read(msg.string());
      if (answer.id !== except) found.set(answer.id, answer);
    }
  } catch (error) {
    const failure = controlError(error, subject, waitMs);
    if (failure.reason !== "nobody") throw failure;
  }
  return [...found.values()];
}

/** One of them in a sentence, for whoever is refused because of it. */
export function describeSupervisor({ version, mode, ledgerId, pid, host }: OtherSupervisor): string {
  const where = [mode, `process ${pid} on ${host}`, ledgerId === "" ? "" : `ledger ${ledgerId}`];
  return `purgatory ${version} (${where.filter((part) => part !== "").join(", ")})`;
}

const Word = Schema.String.check(Schema.isMaxLength(200));
const decode = Schema.decodeUnknownResult(
  Schema.fromJsonString(
    Schema.Struct({
      id: Word,
      version: Word,
      metadata: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.String))),
    }),
  ),
);

/** Whatever answers to this name is a supervisor, even if it says so in words that are not understood. */
function read(text: string): OtherSupervisor {
  const decoded = decode(text);
  if (Result.isFailure(decoded)) {
    return { id: "?", version: "of an unknown version", mode: "?", ledgerId: "?", pid: "?", host: "?" };
  }
  const { id, version, metadata } = decoded.success;
  const said = (key: string): string => (metadata?.[key] ?? "").slice(0, 200);
  return {
    id,
    version,
    mode: said("mode"),
    ledgerId: said("ledger_id"),
    pid: said("pid"),
    host: said("host"),
  };
}
