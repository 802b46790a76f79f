// What each command may do, as data: files it reads and writes, and the network. All else is denied by Node.
import { join, sep } from "node:path";
import type { Command } from "./command.ts";
import { ledgerPaths } from "./ledger_paths.ts";

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
    sqlite: true,
    // Whether there is a configuration here decides which one is read.
    optional: { read: [join(cwd, "config", "policy.yaml"), ...cache], write: cache },
  };
  switch (command.kind) {
    case "run": {
      const { dir } = ledgerPaths(command.stateDir, command.mode);
      const script = command.scriptFile === null ? [] : [command.scriptFile];
      const read = [command.configDir, ...app.secretFiles, ...script, dir];
      return { ...none, read, write: [dir], make: [dir], network: networkFor(command, app) };
    }
    case "check":
      return { ...none, read: [command.dir, ...app.secretFiles], sqlite: false };
    case "graph":
      return { ...none, sqlite: false };
    case "status":
      return { ...none, read: [ledgerPaths(command.stateDir, command.mode).dir] };
    case "export": {
      const file = command.file === "-" ? [] : [command.file];
      return { ...none, read: [ledgerPaths(command.stateDir, command.mode).dir, ...file], write: file };
    }
    case "import": {
      const { dir } = ledgerPaths(command.stateDir, command.mode);
      const file = command.file === "-" ? [] : [command.file];
      return {
        ...none,
        read: [command.configDir, ...app.secretFiles, ...file, dir],
        write: [dir],
        make: [dir],
      };
    }
  }
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
  if ([...read, ...write].some((path) => path.includes(","))) flags.push("--disable-warning=Warning");
  if (!grants.sqlite) flags.push("--no-experimental-sqlite");
  return flags;
}

/** For people, one line each. */
export function describeGrants(grants: Grants): readonly string[] {
  const { read, write, network, sqlite } = grants;
  const list = (paths: readonly string[]): string => outermost(paths).join(", ");
  return [
    `read:    ${["the program and its packages", ...outermost(read)].join(", ")}`,
    `write:   ${list(write) || "nothing"}`,
    `network: ${network.length === 0 ? "none" : `any address (asked for: ${network.join(", ")})`}`,
    `sqlite:  ${sqlite ? "yes, and Node does not hold it to these paths" : "none"}`,
    "child processes, workers, native addons: none",
  ];
}

/** The same for JSON. */
export function grantsDocument({ program, read, write, network, sqlite }: Grants) {
  return { program, read, write, network, sqlite, child_processes: false, workers: false, addons: false };
}

function networkFor(command: Command & { readonly kind: "run" }, app: AppNeeds): readonly string[] {
  const natsUrl = command.natsUrl ?? app.natsUrl;
  const port = command.httpPort ?? app.httpPort;
  return [
    ...(natsUrl === null ? [] : [`the bus at ${natsUrl}`]),
    ...(port === null ? [] : [`HTTP on ${port === 0 ? "a free port" : `port ${port}`}`]),
  ];
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
