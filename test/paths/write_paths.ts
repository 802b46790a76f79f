// `node test/paths/write_paths.ts DIR` writes every path through the machine into DIR: recordings and drawings.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BONK, LEDGER, START } from "../machines/scenario.ts";
import { explore } from "./graph.ts";
import { filesOf } from "./path_files.ts";

const [directory] = process.argv.slice(2);
if (directory === undefined) {
  console.error("expected a directory to write to: node test/paths/write_paths.ts DIR");
  process.exitCode = 2;
} else {
  const origin = { ledgerId: LEDGER, symbol: BONK, start: START };
  const { paths } = explore(origin);
  mkdirSync(directory, { recursive: true });
  for (const { name, text } of filesOf(paths, origin)) writeFileSync(join(directory, name), text);
  console.log(`${paths.length} paths written to ${directory}; ${join(directory, "paths.md")} lists them`);
}
