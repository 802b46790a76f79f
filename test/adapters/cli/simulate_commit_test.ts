// The commit of a clone, from its files alone; checked against git itself.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkoutOf } from "../../../adapters/cli/simulate_commit.ts";

const root = mkdtempSync(join(tmpdir(), "purgatory-commit-"));
const clone = join(root, "clone");
const git = (directory: string, ...args: readonly string[]): string => {
  const identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"];
  const env = { PATH: process.env["PATH"], HOME: root, GIT_CONFIG_NOSYSTEM: "1" };
  return execFileSync("git", [...identity, "-C", directory, ...args], { encoding: "utf8", env }).trim();
};
let commit = "";
beforeAll(() => {
  mkdirSync(clone);
  git(clone, "init", "--quiet");
  git(clone, "commit", "--quiet", "--allow-empty", "-m", "first");
  commit = git(clone, "rev-parse", "HEAD");
});
afterAll(() => rmSync(root, { recursive: true }));

test("a branch leads to its commit, and names the files that were read", () => {
  expect(checkoutOf(clone)).toEqual({
    commit,
    files: [join(clone, ".git/HEAD"), join(clone, ".git/refs/heads/main")],
  });
});

test("a worktree has a HEAD of its own, and its branch where the clone has it", () => {
  const worktree = join(root, "worktree");
  git(clone, "worktree", "add", "--quiet", "-b", "other/one", worktree);
  git(worktree, "commit", "--quiet", "--allow-empty", "-m", "second");
  expect(checkoutOf(worktree).commit).toBe(git(worktree, "rev-parse", "HEAD"));
  expect(checkoutOf(clone).commit).toBe(commit);
});

test("branches that git has packed are found", () => {
  git(clone, "pack-refs", "--all");
  expect(checkoutOf(clone)).toMatchObject({
    commit,
    files: [join(clone, ".git/HEAD"), join(clone, ".git/packed-refs")],
  });
});

test("a commit that was checked out without a branch is itself", () => {
  git(clone, "checkout", "--quiet", "--detach");
  expect(checkoutOf(clone)).toEqual({ commit, files: [join(clone, ".git/HEAD")] });
});

describe("nothing is known", () => {
  test("where there is no clone, be it in one", () => {
    const inside = join(clone, "inside");
    mkdirSync(inside);
    expect(checkoutOf(inside)).toEqual({ commit: null, files: [] });
  });

  test.each(["ref: refs/heads/../../../secret", "ref: refs/heads/nowhere", "nonsense", ""])(
    "of a HEAD that says %j",
    (head) => {
      const odd = mkdtempSync(join(root, "odd-"));
      mkdirSync(join(odd, ".git/refs/heads"), { recursive: true });
      writeFileSync(join(odd, ".git/HEAD"), `${head}\n`);
      writeFileSync(join(odd, "secret"), commit);
      expect(checkoutOf(odd).commit).toBeNull();
    },
  );
});
