// Opens the bus that the configuration asks for: a NATS server's, or the one in this process.
import * as Redacted from "effect/Redacted";
import type { Clock, Observe } from "../../actors/ports.ts";
import type { NatsConfig } from "../../config/mod.ts";
import { inProcessTransport } from "./in_process.ts";
import { type MessageBus, messageBus } from "./message_bus.ts";
import { natsTransport } from "./nats.ts";

/** @param url of a NATS server; null for the bus in this process. Rejects with `BusError` when nobody answers there. */
export async function openBus(
  url: string | null,
  { user, password, token }: Pick<NatsConfig, "user" | "password" | "token">,
  options: { readonly clock: Clock; readonly observe: Observe },
): Promise<MessageBus> {
  if (url === null) return messageBus(inProcessTransport(), options);
  const settings = {
    servers: url,
    name: "purgatory",
    ...(user === null ? {} : { user: Redacted.value(user) }),
    ...(password === null ? {} : { password }),
    ...(token === null ? {} : { token }),
  };
  return messageBus(await natsTransport(settings, options.observe), options);
}
