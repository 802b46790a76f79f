// Where the bus of a command is, and how to enter it: a flag's, that of a run in the same state directory, or app.yaml's.
import {
  formatProblems,
  loadConfig,
  type NatsConfig,
  natsAccess,
  parseConfig,
  readConfigFiles,
  shippedConfigDir,
  tokenAccess,
} from "../../config/mod.ts";
import type { NatsSettings } from "../bus/mod.ts";
import type { NatsFlags } from "./command.ts";
import { natsServerDir } from "./ledger_paths.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export type BusAccess =
  /** The bus within the process that runs; nobody else can reach it. */
  | { readonly kind: "none" }
  /** `run --nats spawn`: the server is yet to be started. */
  | { readonly kind: "spawn" }
  | { readonly kind: "server"; readonly url: string; readonly nats: NatsConfig }
  /** What is wrong, for standard error. */
  | { readonly kind: "wrong"; readonly message: string };

/** Of a command that has its configuration.
 *
 * @param app what `loadConfig` made of `nats` in app.yaml
 * @param stateDir where to look for a server that a run has started; null: nowhere. A server that runs there comes before
 * app.yaml, as it did for that run; but not before flags that say where to go or who to be.
 */
export async function busAccess(
  flags: NatsFlags,
  app: NatsConfig,
  { env, stateDir }: { readonly env: Environment; readonly stateDir: string | null },
): Promise<BusAccess> {
  if (flags.url === "spawn") return { kind: "spawn" };
  const spawned = stateDir === null || isSaid(flags) ? null : await serverIn(stateDir);
  if (spawned !== null)
    return { kind: "server", url: spawned.url, nats: tokenAccess(spawned.url, spawned.token) };
  const access = natsAccess(app, flags, env);
  if (!access.ok) return { kind: "wrong", message: formatProblems(access.problems) };
  const { url } = access.nats;
  return url === null ? { kind: "none" } : { kind: "server", url, nats: access.nats };
}

/** Of a command that needs nothing else of the configuration: only app.yaml has to be in order, and that only where the
 * bus is not found without it. An operator must not be locked out by a slip in another file. */
export async function findBus(
  { configDir, nats }: { readonly configDir: string; readonly nats: NatsFlags },
  where: { readonly env: Environment; readonly stateDir: string | null },
): Promise<BusAccess> {
  const app = appNats(configDir, where.env);
  if (typeof app !== "string") return busAccess(nats, app, where);
  const spawned = where.stateDir === null || isSaid(nats) ? null : await serverIn(where.stateDir);
  if (spawned === null) return { kind: "wrong", message: app };
  return { kind: "server", url: spawned.url, nats: tokenAccess(spawned.url, spawned.token) };
}

/** What `connectNats` wants.
 *
 * @param name shown in the server's monitoring
 */
export function natsSettings(nats: NatsConfig & { readonly url: string | null }, name: string): NatsSettings {
  const { url, ...access } = nats;
  return { ...access, servers: url ?? "", name };
}

function isSaid(flags: NatsFlags): boolean {
  return Object.values(flags).some((value) => value !== null);
}

async function serverIn(stateDir: string) {
  // Not for commands that look for none: it brings SQLite along.
  const { spawnedServer } = await import("../nats_server/mod.ts");
  return spawnedServer(natsServerDir(stateDir));
}

/** `nats` of app.yaml; or what is wrong. */
function appNats(configDir: string, env: Environment): NatsConfig | string {
  const loaded = loadConfig(configDir, env);
  if (loaded.ok) return loaded.config.app.nats;
  const { files, secrets } = readConfigFiles(configDir);
  const others = readConfigFiles(shippedConfigDir).files;
  const alone = parseConfig({ files: { ...others, "app.yaml": files["app.yaml"] }, secrets }, env);
  return alone.ok ? alone.config.app.nats : formatProblems(alone.problems);
}
