// Steps as rows of a table, one at a time: columns have a fixed width, since nobody knows what is yet to come.
import { commandWords, eventWords, type Shown } from "./step_words.ts";

const WIDTHS = { seq: 8, at: 23, symbol: 11, state: 20, event: 48 } as const;

export const STEP_HEAD = [
  "SEQ".padStart(WIDTHS.seq),
  "TIME".padEnd(WIDTHS.at),
  "SYMBOL".padEnd(WIDTHS.symbol),
  "STATE".padEnd(WIDTHS.state),
  "EVENT".padEnd(WIDTHS.event),
  "ON THE WAY, AND ASKED FOR",
].join("  ");

/** A step as one row, without a line break. */
export function stepRow({ seq, at, symbol, event, path, state, commands }: Shown): string {
  // The last state entered is the one in the column before.
  const way = path.at(-1) === state ? path.slice(0, -1) : path;
  const asked = commands.map((command) => `⇒ ${commandWords(command)}`);
  return [
    String(seq).padStart(WIDTHS.seq),
    at.replace("T", " ").replace("Z", "").padEnd(WIDTHS.at),
    symbol.padEnd(WIDTHS.symbol),
    state.padEnd(WIDTHS.state),
    eventWords(event).padEnd(WIDTHS.event),
    [way.join(" → "), ...asked].filter((part) => part !== "").join(" "),
  ]
    .join("  ")
    .trimEnd();
}
