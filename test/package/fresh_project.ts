// A project of somebody else's: an empty folder into which the packed package is installed, as a user would do it.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import packageFile from "../../package.json" with { type: "json" };

const root = resolve(import.meta.dirname, "../..");

export interface Outcome {
  readonly exitCode: number | null;
  /** Standard output and standard error, without colours. */
  readonly output: string;
}

export interface FreshProject {
  readonly directory: string;
  /** Of the tarball, in bytes. */
  readonly packedBytes: number;
  /** Paths within the tarball. */
  readonly packed: readonly string[];
  write(path: string, text: string): void;
  /** Runs a program of the project's `node_modules/.bin`. */
  run(program: string, ...args: readonly string[]): Outcome;
  remove(): void;
}

/** Packs the repository, and installs what came of it, with the project's own `vitest`, into a folder of its own.
 *
 * @throws Error when npm cannot pack or install; its last words are in the message
 */
export function freshProject(): FreshProject {
  const directory = mkdtempSync(join(tmpdir(), "fresh-"));
  npm(root, "pack", "--pack-destination", directory, "--silent");
  const tarball = readdirSync(directory).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new Error(`npm pack left nothing in ${directory}`);
  const packed = execFileSync("tar", ["-tzf", tarball], { cwd: directory, encoding: "utf8" });
  const manifest = { name: "fresh", version: "1.0.0", private: true, type: "module" };
  const write = (path: string, text: string): void => writeFileSync(join(directory, path), text);
  write("package.json", JSON.stringify(manifest));
  const vitest = `vitest@${packageFile.devDependencies.vitest}`;
  npm(directory, "install", `./${tarball}`, vitest, "--prefer-offline", "--no-audit", "--no-fund");
  return {
    directory,
    packedBytes: statSync(join(directory, tarball)).size,
    packed: packed.trim().split("\n"),
    write,
    run(program, ...args) {
      const path = join(directory, "node_modules", ".bin", program);
      const { status, stdout, stderr } = spawnSync(path, args, { cwd: directory, encoding: "utf8", env });
      return { exitCode: status, output: `${stdout}${stderr}` };
    },
    remove: () => rmSync(directory, { recursive: true }),
  };
}

/** What npm and programs need to know of the machine, and nothing of the test run around them, or of a CI. */
const WANTED =
  /^(HOME|TMPDIR|LANG|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|(https?|no)_proxy|npm_config_(registry|cache|cafile|userconfig))$/i;
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => WANTED.test(name))),
  NO_COLOR: "1",
  // The Node that runs this comes before any other of the machine.
  PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
};

function npm(cwd: string, ...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync("npm", args, { cwd, encoding: "utf8", env });
  if (status !== 0) throw new Error(`npm ${args.join(" ")}: ${`${stdout}${stderr}`.slice(-2_000)}`);
}
