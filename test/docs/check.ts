// `npm run docs:check`: pictures that are no longer what the code draws, and links that lead nowhere.
// With --write it draws the pictures anew first.
import { filesOf, markdownOf, root } from "../tidy/repository.ts";
import { brokenLinks, unlisted } from "./links.ts";
import { stalePictures, writePictures } from "./pictures.ts";

if (process.argv.includes("--write")) writePictures(root);
const pages = markdownOf(filesOf(root, { untracked: true }));
const problems = [...stalePictures(root), ...brokenLinks(root, pages), ...unlisted(root, pages)];
for (const { path, line, message } of problems) {
  console.error(line === null ? `${path}: ${message}` : `${path}:${line}: ${message}`);
}
if (problems.length === 0) console.log(`${pages.length} pages: pictures and links are as they should be`);
process.exitCode = problems.length === 0 ? 0 : 1;
