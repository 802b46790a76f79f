// Puts itself under the grants of the command line it is given, tries what PROBE names and prints what came of each.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, connect as dial } from "node:net";
import { join } from "node:path";
import { enterPermissions, grantFacts, grantsFor, parseCommandLine } from "../../../adapters/cli/mod.ts";

/** What a test asks of the probe, as JSON in the variable PROBE. */
export interface Probe {
  /** Taken away before anything else, as on systems that have none. */
  readonly withoutExecve?: boolean;
  /** Stays until a signal ends it. */
  readonly waits?: boolean;
  readonly exitCode?: number;
  readonly tries?: Readonly<Record<string, Try>>;
}
export type Try =
  | { readonly read: string }
  | { readonly write: string }
  | { readonly connect: number }
  | "listen"
  | "child"
  | "worker"
  | "addon"
  | "sqlite"
  | "packages";

const root = join(import.meta.dirname, "../../..");
const probe: Probe = JSON.parse(process.env["PROBE"] ?? "{}");
if (probe.withoutExecve === true) Reflect.deleteProperty(process, "execve");
// node:net denies a server's address outside of the call and of its error event.
let failed: (error: unknown) => void = () => {};
process.on("uncaughtException", (error) => failed(error));

const args = process.argv.slice(2);
const command = parseCommandLine(args, process.env, {
  version: "0",
  shippedConfigDir: join(root, "config"),
  cwd: process.cwd(),
});
if (command.kind === "text" || command.kind === "usage") throw new Error(JSON.stringify(command));
const grants = grantsFor(command, grantFacts(command, join(root, "main.ts"), process.env));
const entered = await enterPermissions(grants, { entry: import.meta.filename, args });
if (entered.kind === "ran_apart") process.exit(entered.exitCode);
if (entered.kind === "refused") {
  console.error(entered.message);
  process.exit(entered.exitCode);
}
const results: Record<string, string> = {};
for (const [name, what] of Object.entries(probe.tries ?? {})) results[name] = await attempt(what);
process.exitCode = probe.exitCode ?? 0;
if (probe.waits === true) {
  process.on("SIGTERM", () => process.exit(7));
  setInterval(() => {}, 60_000);
}
const { pid, execArgv } = process;
console.log(JSON.stringify({ pid, execArgv, command, excess: entered.excess, results }));

/** `ok`, or the code of the error. */
async function attempt(what: Try): Promise<string> {
  try {
    await new Promise<void>((resolve, reject) => {
      failed = reject;
      Promise.resolve(perform(what)).then(() => resolve(), reject);
    });
    return "ok";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

async function perform(what: Try): Promise<unknown> {
  if (typeof what === "object" && "read" in what) {
    return statSync(what.read).isDirectory() ? readdirSync(what.read) : readFileSync(what.read);
  }
  if (typeof what === "object" && "write" in what) return writeFileSync(what.write, "written");
  if (typeof what === "object") return connect(what.connect);
  switch (what) {
    case "listen":
      return listen();
    case "child":
      return (await import("node:child_process")).execFileSync(process.execPath, ["-v"]);
    case "worker":
      return new (await import("node:worker_threads")).Worker("0", { eval: true }).terminate();
    case "addon":
      return process.dlopen({ exports: {} }, "/nowhere/any.node");
    case "sqlite":
      return new (await import("node:sqlite")).DatabaseSync(":memory:").close();
    case "packages":
      return Promise.all([
        import("../../../adapters/bus/mod.ts"),
        import("../../../adapters/telemetry/mod.ts"),
        import("../../../config/mod.ts"),
      ]);
  }
}

function connect(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = dial(port, "127.0.0.1", () => {
      socket.destroy();
      resolve();
    });
    socket.on("error", reject);
  });
}

function listen(): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => server.close(() => resolve()));
  });
}
