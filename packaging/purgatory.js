#!/usr/bin/env node
// Starts the program: from its sources in a clone, compiled where it is installed as a package, which Node wants so.
// This file alone is read by whatever Node there is, so it says which one is needed.
import { existsSync, readFileSync } from "node:fs";

const { engines } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const { node } = process.versions;
const wanted = engines.node.replace(">=", "");
if (Number.parseInt(node, 10) < Number.parseInt(wanted, 10)) {
  const advice = `npm install --save-dev node@${wanted} brings it into a project`;
  console.error(`purgatory: this is Node ${node}; expected ${wanted} or later; ${advice}`);
  process.exitCode = 1;
} else {
  const source = new URL("../main.ts", import.meta.url);
  const compiled = new URL("../dist/main.js", import.meta.url);
  await import(existsSync(source) ? source.href : compiled.href);
}
