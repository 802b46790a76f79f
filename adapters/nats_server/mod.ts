// The public face of a nats-server that this program runs itself.
export { NatsServerError } from "./errors.ts";
export { type SpawnedServer, spawnedServer } from "./identity.ts";
export {
  type NatsServerDeadlines,
  type NatsServerOptions,
  type RunningServer,
  startNatsServer,
} from "./server.ts";
