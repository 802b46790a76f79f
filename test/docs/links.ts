// The links of the guides: each leads to a file that is there, and to a heading that is in it.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** A link that leads nowhere, or a page that nothing leads to. */
export interface LinkProblem {
  readonly path: string;
  readonly line: number | null;
  readonly message: string;
}

interface Link {
  readonly href: string;
  readonly line: number;
}

/** Every link to a place inside the repository that does not exist.
 *
 * @param root the top of the repository
 * @param pages Markdown files, from there
 */
export function brokenLinks(root: string, pages: readonly string[]): readonly LinkProblem[] {
  return pages.flatMap((path) =>
    linksIn(readFileSync(join(root, path), "utf8")).flatMap(({ href, line }) => {
      const message = whatIsWrong(root, path, href);
      return message === null ? [] : [{ path, line, message }];
    }),
  );
}

/** Every page under `docs/` that the index there does not link to. */
export function unlisted(
  root: string,
  pages: readonly string[],
  index = "docs/README.md",
): readonly LinkProblem[] {
  const text = existsSync(join(root, index)) ? readFileSync(join(root, index), "utf8") : "";
  const listed = new Set(linksIn(text).map(({ href }) => normalize(join(dirname(index), fileOf(href)))));
  return pages
    .filter((path) => path.startsWith("docs/") && path !== index && !listed.has(path))
    .map((path) => ({ path, line: null, message: `is not linked from ${index}` }));
}

/** The anchors of a page, as GitHub makes them from its headings. */
export function anchorsIn(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const { line } of proseOf(text)) {
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1];
    if (heading !== undefined) anchors.add(unused(slug(heading), anchors));
    for (const match of line.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(match[1] ?? "");
  }
  return anchors;
}

/** The links of a page, but for those in code. */
export function linksIn(text: string): readonly Link[] {
  return proseOf(text).flatMap(({ line, number }) => {
    const prose = line.replace(/`[^`]*`/g, (code) => " ".repeat(code.length));
    const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
    const reference = [...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/g)];
    return [...inline, ...reference].map(([, href]) => ({ href: href ?? "", line: number }));
  });
}

function whatIsWrong(root: string, path: string, href: string): string | null {
  if (/^[a-z][a-z+.-]*:/i.test(href)) return null;
  const file = fileOf(href);
  const target = file === "" ? path : normalize(join(dirname(path), file));
  if (target.startsWith("..")) return `${href} leads out of the repository`;
  if (!existsSync(join(root, target))) return `${href} leads to ${target}, which is not there`;
  const anchor = decodeURIComponent(/#(.*)$/.exec(href)?.[1] ?? "");
  if (anchor === "" || !target.endsWith(".md")) return null;
  const has = anchorsIn(readFileSync(join(root, target), "utf8")).has(anchor);
  return has ? null : `${href} leads to a heading that ${target} does not have`;
}

function fileOf(href: string): string {
  return decodeURIComponent(href.replace(/#.*$/, ""));
}

/** The lines outside fenced code. */
function proseOf(text: string): readonly { readonly line: string; readonly number: number }[] {
  let fence: string | null = null;
  return text.split("\n").flatMap((line, index) => {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1] ?? null;
    const isFence = mark !== null && (fence === null || mark.startsWith(fence));
    if (isFence) fence = fence === null ? mark : null;
    return isFence || fence !== null ? [] : [{ line, number: index + 1 }];
  });
}

function slug(heading: string): string {
  const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
  return words.replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "").replaceAll(" ", "-");
}

/** A second heading of the same name gets `-1`, a third `-2`. */
function unused(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let count = 1;
  while (taken.has(`${name}-${count}`)) count += 1;
  return `${name}-${count}`;
}
