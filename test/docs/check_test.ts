// What `npm run docs:check` looks for, in pages that are wrong on purpose.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { purgeMachine } from "../../machines/mod.ts";
import { anchorsIn, brokenLinks, linksIn, unlisted } from "./links.ts";
import { outline, stalePictures, writePictures } from "./pictures.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "purgatory-docs-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

describe("links", () => {
  test("lead to a file and to a heading in it", () => {
    write("docs/a.md", "# One `thing`\n\n## Two: of a kind\n\n## Two: of a kind\n");
    write(
      "README.md",
      "[a](docs/a.md#one-thing) [b](docs/a.md#two-of-a-kind-1) [c](docs) [d](https://example.org/x)\n",
    );
    expect(brokenLinks(root, ["README.md", "docs/a.md"])).toEqual([]);
  });

  test("that lead nowhere are named, with the line", () => {
    write("docs/a.md", "# One\n\n[x](b.md)\n[y](#two) [z](../../x.md)\n");
    expect(brokenLinks(root, ["docs/a.md"])).toEqual([
      { path: "docs/a.md", line: 3, message: "b.md leads to docs/b.md, which is not there" },
      { path: "docs/a.md", line: 4, message: "#two leads to a heading that docs/a.md does not have" },
      { path: "docs/a.md", line: 4, message: "../../x.md leads out of the repository" },
    ]);
  });

  test("in code are no links, and headings in code are no headings", () => {
    const text = "`[a](b.md)`\n\n```md\n# Not one\n[c](d.md)\n```\n\n[e]: f.md\n";
    expect(linksIn(text)).toEqual([{ href: "f.md", line: 8 }]);
    expect(anchorsIn(text)).toEqual(new Set());
  });

  test("of the index leave out no guide", () => {
    write("docs/README.md", "[a](a.md) [b](decisions/0001-b.md#context)\n");
    expect(unlisted(root, ["docs/README.md", "docs/a.md", "docs/decisions/0001-b.md", "docs/c.md"])).toEqual([
      { path: "docs/c.md", line: null, message: "is not linked from docs/README.md" },
    ]);
  });
});

describe("pictures", () => {
  const pictures = [{ page: "a.md", draw: () => "stateDiagram-v2\n" }];
  const marked = (inner: string) => `before\n<!-- machine:start -->\n${inner}<!-- machine:end -->\nafter\n`;

  test("that were changed by hand are stale, until they are drawn anew", () => {
    write("a.md", marked("```mermaid\nstateDiagram-v1\n```\n"));
    expect(stalePictures(root, pictures)).toEqual([
      { path: "a.md", line: null, message: expect.stringContaining("npm run docs:check -- --write") },
    ]);
    writePictures(root, pictures);
    expect(stalePictures(root, pictures)).toEqual([]);
    expect(readFileSync(join(root, "a.md"), "utf8")).toBe(marked("```mermaid\nstateDiagram-v2\n```\n"));
  });

  test("have a place on their page", () => {
    write("a.md", "no marks\n");
    expect(stalePictures(root, pictures).map(({ message }) => message)).toEqual([
      expect.stringContaining("has no <!--"),
    ]);
  });

  test("at a glance show the outer states, the two of the backoff, and no more", () => {
    const drawn = outline(purgeMachine);
    const boxes = [...drawn.matchAll(/state "(\w+)" as/g)].map(([, name]) => name);
    expect(boxes).toEqual([
      ...["idle", "purging", "failed", "backoff", "waiting", "due", "retrying", "cleared", "suspended"],
    ]);
    expect(drawn).toContain("  failed --> backoff : always [mustRest]\n");
    expect(drawn).toContain("  purging --> failed : done [isFailure], done [hasFailures]\n");
    expect(drawn).not.toMatch(/operator|quoting/);
  });
});
