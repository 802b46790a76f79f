// Renews docs/asyncapi.yaml: `node test/docs/write_asyncapi.ts`.
import { writeFileSync } from "node:fs";
import { ASYNCAPI_FILE, asyncapiYaml } from "./asyncapi.ts";

writeFileSync(ASYNCAPI_FILE, asyncapiYaml());
