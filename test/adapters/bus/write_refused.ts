// Renews fixtures/refused.json: `node test/adapters/bus/write_refused.ts`.
import { writeFileSync } from "node:fs";
import { REFUSED_FILE, refusedJson } from "./refused.ts";

writeFileSync(REFUSED_FILE, refusedJson());
