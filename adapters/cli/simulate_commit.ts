// Which commit a clone has checked out: read from its files, since no process is started for it.
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

export interface Checkout {
  /** In full; null where there is no clone, or it keeps its branches in another way. */
  readonly commit: string | null;
  /** What has to be read to know it. Absolute paths. */
  readonly files: readonly string[];
}

/** Whether anything was changed since that commit cannot be seen from these files.
 *
 * @param root of the program, where a clone has its `.git`: a directory, or a file in a worktree
 */
export function checkoutOf(root: string): Checkout {
  const files: string[] = [];
  const read = (file: string): string | null => {
    try {
      const text = readFileSync(file, "utf8");
      files.push(file);
      return text;
    } catch {
      return null;
    }
  };
  return { commit: commitOf(join(root, ".git"), read), files };
}

type Read = (file: string) => string | null;

const HASH = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

function commitOf(dotGit: string, read: Read): string | null {
  const elsewhere = /^gitdir: (.+)$/m.exec(read(dotGit) ?? "")?.[1];
  const own = elsewhere === undefined ? dotGit : resolve(dirname(dotGit), elsewhere);
  const head = read(join(own, "HEAD"))?.trim() ?? "";
  if (HASH.test(head)) return head;
  const ref = /^ref: (refs\/.+)$/.exec(head)?.[1];
  if (ref === undefined || ref.split("/").includes("..")) return null;
  // A worktree has a HEAD of its own, and its branches where the clone has them.
  const common = resolve(own, read(join(own, "commondir"))?.trim() ?? ".");
  const loose = read(join(common, ref))?.trim() ?? "";
  if (HASH.test(loose)) return loose;
  const packed = read(join(common, "packed-refs")) ?? "";
  const line = packed.split("\n").find((each) => each.endsWith(` ${ref}`));
  const hash = line?.split(" ", 1).join() ?? "";
  return HASH.test(hash) ? hash : null;
}
