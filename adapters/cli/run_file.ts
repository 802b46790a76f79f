// What a run leaves beside its ledger for `status` to find: under which grants it works, and over which bus.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Schema } from "effect";
import { type Grants, withoutLogin } from "./grants.ts";

export interface RunFile {
  readonly grants: Grants;
  /** The bus's address without a login; null: in this process. */
  readonly bus: string | null;
}

const Paths = Schema.Array(Schema.String);
const StoredRunFile = Schema.fromJsonString(
  Schema.Struct({
    pid: Schema.Int,
    bus: Schema.NullOr(Schema.String),
    grants: Schema.Struct({
      program: Paths,
      read: Paths,
      write: Paths,
      make: Paths,
      network: Paths,
      child: Paths,
      worker: Schema.Boolean,
      sqlite: Schema.Boolean,
      optional: Schema.Struct({ read: Paths, write: Paths }),
    }),
  }),
);
const decode = Schema.decodeUnknownExit(StoredRunFile);
const NAME = "run.json";

/** @param dir of the ledger, which this process has locked
 * @param bus its address; null: in this process
 */
export function writeRunFile(dir: string, grants: Grants, bus: string | null = null): void {
  const file = { pid: process.pid, bus: bus === null ? null : withoutLogin(bus), grants };
  writeFileSync(join(dir, NAME), `${JSON.stringify(file)}\n`);
}

/** What the process `pid` left; null when it left nothing. */
export function readRunFile(dir: string, pid: number): RunFile | null {
  try {
    const exit = decode(readFileSync(join(dir, NAME), "utf8"));
    return exit._tag === "Success" && exit.value.pid === pid ? exit.value : null;
  } catch {
    return null;
  }
}
