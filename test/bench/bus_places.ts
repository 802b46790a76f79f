// Where a bench keeps its ledger: on the disk, or in memory, where an fsync costs nothing.
import { existsSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Place = "disk" | "memory";

const MEMORY = "/dev/shm";

/** Whether this system has a file system in memory. */
export const hasMemory = (): boolean => existsSync(MEMORY);

/** A new directory, to be removed by whoever asked. */
export function ledgerDir(place: Place): Promise<string> {
  return mkdtemp(join(place === "disk" ? tmpdir() : MEMORY, "bus-bench-"));
}
