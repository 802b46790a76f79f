// What a run leaves beside its ledger for `status` to find: under which grants it works.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Schema } from "effect";
import type { Grants } from "./grants.ts";

const Paths = Schema.Array(Schema.String);
const RunFile = Schema.fromJsonString(
  Schema.Struct({
    pid: Schema.Int,
    grants: Schema.Struct({
      program: Paths,
      read: Paths,
      write: Paths,
      make: Paths,
      network: Paths,
      sqlite: Schema.Boolean,
      optional: Schema.Struct({ read: Paths, write: Paths }),
    }),
  }),
);
const decode = Schema.decodeUnknownExit(RunFile);
const NAME = "run.json";

/** @param dir of the ledger, which this process has locked */
export function writeRunFile(dir: string, grants: Grants): void {
  writeFileSync(join(dir, NAME), `${JSON.stringify({ pid: process.pid, grants })}\n`);
}

/** The grants of the process `pid`; null when it left no word of them. */
export function readRunFile(dir: string, pid: number): Grants | null {
  try {
    const exit = decode(readFileSync(join(dir, NAME), "utf8"));
    return exit._tag === "Success" && exit.value.pid === pid ? exit.value.grants : null;
  } catch {
    return null;
  }
}
