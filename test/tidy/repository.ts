// The files of the repository: what git tracks, and what it would track.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import type { TextFile } from "./text_rules.ts";

/** The top of the repository. */
export const root = resolve(import.meta.dirname, "../..");

/** Paths from the top, with `/`. Without `untracked`, only what a fresh clone would hold.
 *
 * @throws Error when this is no git repository, or there is no git
 */
export function filesOf(directory: string, options: { readonly untracked: boolean }): readonly string[] {
  const which = options.untracked ? ["--cached", "--others", "--exclude-standard"] : ["--cached"];
  const listed = execFileSync("git", ["ls-files", "-z", ...which], { cwd: directory, encoding: "utf8" });
  return listed.split("\0").filter((path) => path !== "" && existsSync(join(directory, path)));
}

const TEXT: ReadonlySet<string> = new Set([".json", ".jsonl", ".md", ".sh", ".ts", ".yaml", ""]);

/** Every text file but the lockfile, which npm writes. */
export function textFiles(directory: string, paths: readonly string[]): readonly TextFile[] {
  return paths
    .filter((path) => TEXT.has(extname(path)) && path !== "package-lock.json")
    .map((path) => ({ path, text: readFileSync(join(directory, path), "utf8") }));
}

export function markdownOf(paths: readonly string[]): readonly string[] {
  return paths.filter((path) => path.endsWith(".md"));
}
