// Where the files of a ledger are. Each mode has a ledger of its own, so that a paper run never touches a live record.
import { join } from "node:path";

export const MODES = ["dry-run", "paper", "live"] as const;
export type Mode = (typeof MODES)[number];

export interface LedgerPaths {
  readonly dir: string;
  readonly journal: string;
  /** The paper exchange's own file. */
  readonly exchange: string;
}

export function ledgerPaths(stateDir: string, mode: Mode): LedgerPaths {
  const dir = join(stateDir, mode);
  return { dir, journal: join(dir, "journal.sqlite"), exchange: join(dir, "exchange.sqlite") };
}

/** Where a server that `run --nats spawn` starts keeps what it has. */
export function natsServerDir(stateDir: string): string {
  return join(stateDir, "nats");
}
