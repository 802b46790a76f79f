// Renews the generated parts of docs/cli.md: `node test/adapters/cli/write_cli_page.ts`.
import { readFileSync, writeFileSync } from "node:fs";
import { pageUrl, withGenerated } from "./cli_page.ts";

writeFileSync(pageUrl, withGenerated(readFileSync(pageUrl, "utf8")));
