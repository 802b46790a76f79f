// Puts beside the compiled program what it reads at run time: `npm pack` does it, after the compiler.
import { cpSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { extname, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const dist = join(root, "dist");
/** The configuration that the program ships: files to copy, not code. */
const DATA: ReadonlySet<string> = new Set([".yaml", ".conf", ".json"]);

cpSync(join(root, "config"), join(dist, "config"), {
  recursive: true,
  filter: (source) => statSync(source).isDirectory() || DATA.has(extname(source)),
});
const { name, version, type } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
// The program looks for its version beside its entry, and so does Node for the kind of modules.
writeFileSync(join(dist, "package.json"), `${JSON.stringify({ name, version, type }, null, 2)}\n`);
