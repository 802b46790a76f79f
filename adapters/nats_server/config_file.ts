// What the server is told: the least that this program needs of it, and bounds on the rest.
import type { Binary } from "./binary.ts";

export interface ConfigFacts {
  readonly host: string;
  readonly port: number;
  readonly token: string;
  readonly name: string;
  readonly binary: Pick<Binary, "knowsSyncInterval">;
}

/** The text of its configuration file. No monitoring port, no routes, no leaf nodes: they exist only where they are named.
 *
 * Bodies have up to 1 MiB, and their headers count too. */
export function serverConfig({ host, port, token, name, binary }: ConfigFacts): string {
  // By default the server syncs every two minutes, and a power cut would take what it has acknowledged since.
  const sync = binary.knowsSyncInterval ? "\n  sync_interval: always" : "";
  return `# Written at each start; what is changed here is lost.
server_name: "${name}"
listen: "${host}:${port}"
authorization {
  token: "${token}"
  timeout: 2
}
max_connections: 1000
max_payload: 2MB
max_pending: 64MB
write_deadline: "10s"
ping_interval: "20s"
ping_max: 2
jetstream {
  max_memory_store: 64MB${sync}
}
`;
}
