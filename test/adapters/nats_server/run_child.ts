// A process of its own that runs a server: says what it has, as JSON, and goes on until it is killed.
import { spawnedServer, startNatsServer } from "../../../adapters/nats_server/mod.ts";

const [what = "", dir = ""] = process.argv.slice(2);
const say = (word: unknown): void => void process.stdout.write(`${JSON.stringify(word)}\n`);

if (what === "look") say(spawnedServer(dir));
else {
  try {
    const options = { dir, env: process.env, observe: () => {}, exit: () => {} };
    const { url, token, pid, stop } = await startNatsServer(options);
    process.on("SIGTERM", () => void stop().then(() => say("stopped")));
    say({ url, token, pid });
  } catch (error) {
    say({ error: error instanceof Error ? error.message : error });
  }
}
