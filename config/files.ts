// Reads the configuration files, and the files that secrets are taken from. The only part that touches the disk.
import { type Dirent, readdirSync, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { ProblemCode } from "./problem.ts";
import { secretPaths } from "./secrets.ts";

/** The files of a configuration directory, in the order in which they are reported. */
export const configFileNames = ["policy.yaml", "universe.yaml", "app.yaml"] as const;
export type ConfigFileName = (typeof configFileNames)[number];

/** Enough for 10,000 symbols with comments; a larger file is a mistake or an attack. */
export const maxFileBytes = 262_144;

export type FileRead =
  | { readonly status: "text"; readonly text: string }
  | { readonly status: "absent" }
  | {
      readonly status: "refused";
      readonly code: ProblemCode;
      readonly line: number | null;
      readonly expected: string;
      readonly advice: string;
    };

/** Everything that `parseConfig` looks at, apart from the environment. */
export interface ConfigFiles {
  readonly files: Readonly<Record<ConfigFileName, FileRead>>;
  /** By path as `app.yaml` writes it. */
  readonly secrets: ReadonlyMap<string, FileRead>;
}

/** Reads what is in `dir`; whatever cannot be read is part of the answer, nothing is thrown. */
export function readConfigFiles(dir: string): ConfigFiles {
  const entries = listing(dir);
  const read = (name: ConfigFileName): FileRead => {
    if (Array.isArray(entries)) return readNamed(dir, name, entries);
    return name === "universe.yaml" ? entries : { status: "absent" }; // said once is enough
  };
  const files = {
    "policy.yaml": read("policy.yaml"),
    "universe.yaml": read("universe.yaml"),
    "app.yaml": read("app.yaml"),
  };
  const secrets = new Map<string, FileRead>();
  for (const path of secretPaths(files["app.yaml"])) secrets.set(path, readText(resolve(dir, path)));
  return { files, secrets };
}

/** Absolute paths of all files that loading `dir` reads: what a process under `--permission` must be granted. */
export function configPaths(dir: string): readonly string[] {
  const names: readonly string[] = [...configFileNames, ...readConfigFiles(dir).secrets.keys()];
  return [resolve(dir), ...names.map((name) => resolve(dir, name))];
}

/** Texts instead of files, for tests and for programs that keep their configuration elsewhere. */
export function configTexts(
  texts: Readonly<Partial<Record<ConfigFileName, string>>>,
  secrets: Readonly<Record<string, string>> = {},
): ConfigFiles {
  const read = (text: string | undefined): FileRead =>
    text === undefined ? { status: "absent" } : { status: "text", text };
  return {
    files: {
      "policy.yaml": read(texts["policy.yaml"]),
      "universe.yaml": read(texts["universe.yaml"]),
      "app.yaml": read(texts["app.yaml"]),
    },
    secrets: new Map(Object.entries(secrets).map(([path, text]) => [path, read(text)])),
  };
}

function readNamed(dir: string, name: ConfigFileName, entries: readonly string[]): FileRead {
  const read = readText(resolve(dir, name));
  if (read.status === "absent" && entries.includes(name))
    return refused(
      "config_unreadable",
      "is a link that leads nowhere",
      "let it lead to the file, or take it away",
    );
  const otherName = name.replace(/\.yaml$/, ".yml");
  if (read.status !== "absent" || !entries.includes(otherName)) return read;
  return refused("config_missing", `is missing, but ${otherName} is there`, `rename it to ${name}`);
}

/** Names in the directory, or why there are none. */
function listing(dir: string): string[] | FileRead {
  try {
    return readdirSync(dir, { withFileTypes: true }).map((entry: Dirent) => entry.name);
  } catch (error) {
    return unreadable(
      error,
      `cannot be read: ${dir} is not a directory`,
      "name the one that holds the files",
    );
  }
}

/** One file; nothing is thrown. */
export function readText(path: string): FileRead {
  try {
    const stat = statSync(path);
    if (!stat.isFile())
      return refused(
        "config_unreadable",
        "is not a regular file",
        "put a file or a link to one in its place",
      );
    if (stat.size > maxFileBytes) return tooLarge(stat.size);
    return decodeUtf8(readFileSync(path));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return { status: "absent" };
    return unreadable(error, "cannot be read", "see that it is a file that this user may read");
  }
}

function tooLarge(bytes: number): FileRead {
  return refused(
    "config_too_large",
    `is ${bytes} bytes, over the limit of ${maxFileBytes}`,
    "make it smaller",
  );
}

/** Decodes strictly: a replacement character in a symbol or a path would be a silent change. */
function decodeUtf8(bytes: Uint8Array): FileRead {
  if (bytes.byteLength > maxFileBytes) return tooLarge(bytes.byteLength);
  const text = utf8(bytes);
  if (text !== null && !text.includes("\0")) return { status: "text", text };
  const line = lineOf(bytes, (part) => utf8(part)?.includes("\0") ?? true);
  const expected = text === null ? "is not UTF-8 here" : "holds a NUL byte";
  return { ...refused("config_not_utf8", expected, "save it as UTF-8 text"), line };
}

function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** The first line that is bad; a newline is never part of a longer UTF-8 character, so lines decode on their own. */
function lineOf(bytes: Uint8Array, isBad: (line: Uint8Array) => boolean): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line += 1) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline + 1;
    if (isBad(bytes.subarray(start, end))) break;
    start = end;
  }
  return line;
}

function unreadable(error: unknown, expected: string, advice: string): FileRead {
  const code = errorCode(error);
  if (code === "ERR_ACCESS_DENIED") {
    const flag = "grant it with --allow-fs-read";
    return refused("config_unreadable", "may not be read: this process was not granted it", flag);
  }
  return refused("config_unreadable", `${expected} (${code})`, advice);
}

function refused(code: ProblemCode, expected: string, advice: string) {
  return { status: "refused", code, line: null, expected, advice } as const;
}

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
