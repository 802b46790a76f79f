// Finds out what the grants depend on, before anything large is loaded: this runs in a process that is replaced at once.
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { dirname, join, resolve, sep } from "node:path";
import { parse } from "yaml";
import type { Command } from "./command.ts";
import { isThereOrHidden } from "./is_there.ts";
import { natsServerDir } from "./ledger_paths.ts";
import { type AppNeeds, type GrantFacts, isWithin } from "./grants.ts";
import { checkoutOf } from "./simulate_commit.ts";

/** @param entry the file that `node` is given: main.ts, at the root of the package */
export function grantFacts(
  command: Command,
  entry: string,
  env: Readonly<Record<string, string | undefined>>,
): GrantFacts {
  const configDir =
    command.kind === "check" ? command.dir : "configDir" in command ? command.configDir : null;
  const cache = env["NODE_COMPILE_CACHE"];
  return {
    program: programPaths(entry),
    cwd: process.cwd(),
    compileCache: cache === undefined || cache === "" ? null : resolve(cache),
    loginFiles: "nats" in command ? loginFiles(env) : [],
    hasServer: "stateDir" in command && isThereOrHidden(natsServerDir(command.stateDir)),
    commitFiles: command.kind === "simulate" ? checkoutOf(dirname(realpathSync(entry))).files : [],
    app: configDir === null ? NOTHING : appNeeds(configDir),
  };
}

const NOTHING: AppNeeds = { natsUrl: null, httpPort: null, secretFiles: [] };
const ROOMS = ["actors", "adapters", "config", "machines", "simulation"];

/** The package without what lies beside it in a clone: tests, version control, a ledger, files with secrets. */
export function programPaths(entry: string): readonly string[] {
  const file = realpathSync(entry);
  const root = dirname(file);
  const own = [file, join(root, "package.json"), ...ROOMS.map((room) => join(root, room))];
  return [...new Set([...own, ...packageDirs(root)])];
}

/** Where the packages are that this one needs: in it, or beside it. */
function packageDirs(root: string): readonly string[] {
  const inside = join(root, "node_modules");
  const found = findPackageJSON("commander", import.meta.url);
  if (found === undefined) return [inside];
  const real = realpathSync(found);
  if (isWithin(real, inside)) return [inside];
  const parts = dirname(real).split(sep);
  const at = parts.indexOf("node_modules");
  const beside = at === -1 ? dirname(real) : parts.slice(0, at + 1).join(sep);
  return existsSync(inside) ? [inside, beside] : [beside];
}

/** Variables of the `nats` tool that name files. Those with a secret itself need no grant. */
const LOGIN_FILES = ["NATS_NKEY", "NATS_CREDS", "NATS_CA", "NATS_CERT", "NATS_KEY"];

function loginFiles(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const named = LOGIN_FILES.map((name) => env[name] ?? "");
  return named.filter((path) => path !== "").map((path) => resolve(path));
}

/** What app.yaml asks for, as far as that can be seen; what is wrong with it is said by whoever reads it properly. */
export function appNeeds(configDir: string): AppNeeds {
  try {
    const app: unknown = parse(readFileSync(join(configDir, "app.yaml"), "utf8"), { logLevel: "silent" });
    const nats = member(app, "nats");
    const url = member(nats, "url");
    const port = member(member(app, "http"), "port");
    const values = typeof nats === "object" && nats !== null ? Object.values(nats) : [];
    const files = values.map((value) => member(value, "file"));
    return {
      natsUrl: typeof url === "string" ? url : null,
      httpPort: typeof port === "number" ? port : null,
      secretFiles: files.filter((file) => typeof file === "string").map((file) => resolve(configDir, file)),
    };
  } catch {
    return NOTHING;
  }
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
