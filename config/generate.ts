// Renews config/schemas/ and the tables of docs/configuration.md: `node config/generate.ts`.
import { writeGenerated } from "./reference.ts";

for (const path of writeGenerated()) console.log(path);
