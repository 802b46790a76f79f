// Text in the cells of a terminal: how wide it is, cut to fit, and unable to play tricks.
import { stripVTControlCharacters } from "node:util";

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
/** What terminals draw two cells wide: East Asian scripts and their punctuation, full-width forms, emoji. */
const WIDE =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]|\ufe0f/u;
const ZERO = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]+$/u;
const PLAIN = /^[\x20-\x7e]*$/;

/** How many cells `text` takes; colours take none. */
export function cellWidth(text: string): number {
  const bare = stripVTControlCharacters(text);
  if (PLAIN.test(bare)) return bare.length;
  return clusters(bare).reduce((width, cluster) => width + clusterWidth(cluster), 0);
}

/** At most `width` cells of a text without colours, with `…` where something was cut off. */
export function cutToWidth(text: string, width: number): string {
  if (width <= 0) return "";
  if (cellWidth(text) <= width) return text;
  let cut = "";
  let room = width - 1;
  for (const cluster of clusters(text)) {
    room -= clusterWidth(cluster);
    if (room < 0) break;
    cut += cluster;
  }
  return `${cut.trimEnd()}…`;
}

/** Exactly `width` cells, cut or filled up. */
export function fitToWidth(text: string, width: number, align: "left" | "right" = "left"): string {
  const cut = cutToWidth(text, width);
  const space = " ".repeat(Math.max(0, width - cellWidth(cut)));
  return align === "left" ? cut + space : space + cut;
}

/** Foreign words on one line: no line breaks, escapes, reversed writing or invisible characters. */
export function plainLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/(?!\u200d)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim();
}

function clusters(text: string): readonly string[] {
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

function clusterWidth(cluster: string): number {
  if (ZERO.test(cluster)) return 0;
  return WIDE.test(cluster) ? 2 : 1;
}
