#!/usr/bin/env node
// Starts the program: from its sources in a clone, compiled where it is installed as a package, which Node wants so.
import { existsSync } from "node:fs";

const source = new URL("../main.ts", import.meta.url);
const compiled = new URL("../dist/main.js", import.meta.url);
await import(existsSync(source) ? source.href : compiled.href);
