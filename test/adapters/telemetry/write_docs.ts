// Renews the tables of docs/telemetry.md: `node test/adapters/telemetry/write_docs.ts`.
import { readFileSync, writeFileSync } from "node:fs";
import { withTables } from "../../../adapters/telemetry/mod.ts";

const page = new URL("../../../docs/telemetry.md", import.meta.url);
writeFileSync(page, withTables(readFileSync(page, "utf8")));
