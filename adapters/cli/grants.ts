// What each command may do, as data: files it reads and writes, the network, one child process. All else is denied by Node.
import { join, sep } from "node:path";
import type { Command, NatsFlags, RunCommand } from "./command.ts";
import { ledgerPaths, natsServerDir } from "./ledger_paths.ts";

/** Absolute paths; a directory stands for all that is in it. */
export interface Grants {
  /** The program itself and its packages: read. */
  readonly program: readonly string[];
  readonly read: readonly string[];
  readonly write: readonly string[];
  /** Directories to make before the grants take effect: one that is not there would be granted without its contents. */
  readonly make: readonly string[];
  /** What the network is for, in words; empty: none. Node cannot be told which hosts or ports. */
  readonly network: readonly string[];
  /** Programs that may be started; empty: none. Node does not hold them to any of this. */
  readonly child: readonly string[];
  /** Whether it may start threads, which are held to the same grants. */
  readonly worker: boolean;
  /** Whether there is a `node:sqlite` at all. Where there is, Node does not hold it to the paths above. */
  readonly sqlite: boolean;
  /** Granted, but missed by nobody where it is not. */
  readonly optional: { readonly read: readonly string[]; readonly write: readonly string[] };
}

/** What a command line does not say. See `grantFacts`. */
export interface GrantFacts {
  readonly program: readonly string[];
  readonly cwd: string;
  /** Where NODE_COMPILE_CACHE keeps compiled code; null: nowhere. */
  readonly compileCache: string | null;
  /** Files that the environment names for the login at a NATS server. Absolute paths. */
  readonly loginFiles: readonly string[];
  /** Whether a run has had a NATS server of its own in the state directory. */
  readonly hasServer: boolean;
  /** What tells the commit of a clone. Absolute paths; empty where nobody asks. */
  readonly commitFiles: readonly string[];
  /** What app.yaml asks for. */
  readonly app: AppNeeds;
}
export interface AppNeeds {
  readonly natsUrl: string | null;
  readonly httpPort: number | null;
  /** Absolute paths. */
  readonly secretFiles: readonly string[];
}

/** The least that `command` needs. */
export function grantsFor(command: Command, facts: GrantFacts): Grants {
  const { program, cwd, compileCache, app } = facts;
  const cache = compileCache === null ? [] : [compileCache];
  const none: Grants = {
    program,
    read: [],
    write: [],
    make: [],
    network: [],
    child: [],
    worker: false,
    sqlite: true,
    // Whether there is a configuration here decides which one is read.
    optional: { read: [join(cwd, "config", "policy.yaml"), ...cache], write: cache },
  };
  const config = "configDir" in command ? [command.configDir, ...app.secretFiles] : [];
  switch (command.kind) {
    case "run":
      return runGrants(command, facts, none);
    case "check":
      return { ...none, read: [command.dir, ...app.secretFiles], sqlite: false };
    case "graph":
      return { ...none, sqlite: false };
    case "status": {
      const { dir } = ledgerPaths(command.stateDir, command.mode);
      const bus = busNeeds(command.nats, facts, command.stateDir);
      return { ...none, read: [...config, ...bus.read, dir], network: bus.network };
    }
    // Whether a server that a run has started is still there is seen by a module that brings SQLite along.
    case "operator": {
      const bus = busNeeds(command.nats, facts, command.stateDir);
      return { ...none, read: [...config, ...bus.read], network: bus.network };
    }
    case "gateway": {
      const { dir } = ledgerPaths(command.stateDir, command.mode);
      const bus = busNeeds(command.nats, facts, command.stateDir);
      const read = [...config, ...scriptOf(command), ...bus.read, dir];
      return { ...none, read, write: [dir], make: [dir], network: bus.network };
    }
    case "nats init":
    case "gateway-check": {
      const bus = busNeeds(command.nats, facts, null);
      return { ...none, read: [...config, ...bus.read], network: bus.network, sqlite: false };
    }
    case "export": {
      const file = command.file === "-" ? [] : [command.file];
      return { ...none, read: [ledgerPaths(command.stateDir, command.mode).dir, ...file], write: file };
    }
    case "journal":
      return { ...none, read: [ledgerPaths(command.stateDir, command.mode).dir] };
    case "record": {
      const bus = busNeeds(command.nats, facts, command.stateDir);
      return { ...none, read: [...config, ...bus.read], network: bus.network };
    }
    case "replay": {
      const files = command.whatIfFile === null ? [command.file] : [command.file, command.whatIfFile];
      return { ...none, read: files.filter((file) => file !== "-"), sqlite: false };
    }
    case "simulate": {
      const { read, write } = none.optional;
      const optional = { read: [...read, ...facts.commitFiles], write };
      return { ...none, worker: command.jobs !== 1 && command.seeds > 1, optional };
    }
    case "import": {
      const { dir } = ledgerPaths(command.stateDir, command.mode);
      const file = command.file === "-" ? [] : [command.file];
      return { ...none, read: [...config, ...file, dir], write: [dir], make: [dir] };
    }
  }
}

function runGrants(command: RunCommand, facts: GrantFacts, none: Grants): Grants {
  const { dir } = ledgerPaths(command.stateDir, command.mode);
  const isSpawning = command.nats.url === "spawn";
  const own = isSpawning ? [dir, natsServerDir(command.stateDir)] : [dir];
  const bus = busNeeds(command.nats, facts, null);
  const port = command.httpPort ?? facts.app.httpPort;
  const http = port === null ? [] : [`HTTP on ${port === 0 ? "a free port" : `port ${port}`}`];
  return {
    ...none,
    read: [command.configDir, ...facts.app.secretFiles, ...bus.read, ...scriptOf(command), ...own],
    write: own,
    make: own,
    network: [...bus.network, ...http],
    child: isSpawning ? ["nats-server"] : [],
  };
}

function scriptOf({ scriptFile }: { readonly scriptFile: string | null }): readonly string[] {
  return scriptFile === null ? [] : [scriptFile];
}

/** What it takes to reach the bus.
 *
 * @param stateDir where to look for a server that a run has started there; null: nowhere
 */
function busNeeds(
  flags: NatsFlags,
  { app, loginFiles, hasServer }: GrantFacts,
  stateDir: string | null,
): Pick<Grants, "read" | "network"> {
  const look = stateDir === null ? [] : [natsServerDir(stateDir)];
  const found = hasServer && stateDir !== null ? "spawn" : app.natsUrl;
  const url = flags.url ?? found;
  if (url === null) return { read: look, network: [] };
  if (url === "spawn") return { read: look, network: ["a NATS server of our own"] };
  const { passwordFile, tokenFile, nkeyFile, credsFile, caFile, certFile, keyFile } = flags;
  const named = [passwordFile, tokenFile, nkeyFile, credsFile, caFile, certFile, keyFile];
  const files = [...named.filter((file) => file !== null), ...loginFiles];
  return { read: [...look, ...files], network: [`the bus at ${withoutLogin(url)}`] };
}

/** An address as it may be shown: without the user and password that somebody may have written into it. */
export function withoutLogin(url: string): string {
  return url.replace(/(^|\/\/)[^/@]*@/, "$1***@");
}

/** The flags of `node` that grant this and no more. */
export function toNodeFlags(grants: Grants): readonly string[] {
  const read = outermost([...grants.program, ...grants.read, ...grants.optional.read]);
  const write = outermost([...grants.write, ...grants.optional.write]);
  const flags = [
    "--permission",
    ...read.map((path) => `--allow-fs-read=${path}`),
    ...write.map((path) => `--allow-fs-write=${path}`),
  ];
  // Each of these is a warning about the flags that this program sets on purpose.
  if (grants.network.length > 0) flags.push("--allow-net", "--disable-warning=ExperimentalWarning");
  if (grants.child.length > 0) flags.push("--allow-child-process");
  if (grants.worker) flags.push("--allow-worker");
  if (grants.child.length > 0 || grants.worker) flags.push("--disable-warning=SecurityWarning");
  if ([...read, ...write].some((path) => path.includes(","))) flags.push("--disable-warning=Warning");
  if (!grants.sqlite) flags.push("--no-experimental-sqlite");
  return flags;
}

/** For people, one line each. */
export function describeGrants(grants: Grants): readonly string[] {
  const { read, write, network, child, worker, sqlite } = grants;
  const list = (paths: readonly string[]): string => outermost(paths).join(", ");
  const started =
    child.length === 0 ? "" : `child processes: ${child.join(", ")}, which nobody holds to this`;
  const threads = worker ? "workers: threads of the program, which are held to this" : "";
  const denied = [
    ...(child.length === 0 ? ["child processes"] : []),
    ...(worker ? [] : ["workers"]),
    "native addons",
  ];
  return [
    `read:    ${["the program and its packages", ...outermost(read)].join(", ")}`,
    `write:   ${list(write) || "nothing"}`,
    `network: ${network.length === 0 ? "none" : `any address (asked for: ${network.join(", ")})`}`,
    `sqlite:  ${sqlite ? "yes, and Node does not hold it to these paths" : "none"}`,
    [started, threads, `${denied.join(", ")}: none`].filter((part) => part !== "").join("; "),
  ];
}

/** The same for JSON. */
export function grantsDocument({ program, read, write, network, child, worker, sqlite }: Grants) {
  return { program, read, write, network, sqlite, child_processes: child, workers: worker, addons: false };
}

/** Without repetitions, and without what lies in another of them. */
function outermost(paths: readonly string[]): readonly string[] {
  const all = [...new Set(paths)];
  return all.filter(
    (path) => path.endsWith(CONTENTS) || !all.some((other) => other !== path && isWithin(path, other)),
  );
}

/** At the end of a path: what will be in a directory that is not there yet. */
export const CONTENTS = `${sep}*`;

/** Both are absolute and normal, as `path.resolve` makes them. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}
