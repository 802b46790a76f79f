// All symbols at a glance, as lines that fit a terminal. Pure: the same input is the same text.
import { styleText } from "node:util";
import type { SymbolStatus } from "../../actors/ports.ts";
import { toFixedUsd } from "../../machines/mod.ts";
import { cutToWidth, fitToWidth, plainLine } from "./terminal_text.ts";
import { clockTime, remaining } from "./times.ts";

export interface TableOptions {
  /** Cells across. */
  readonly width: number;
  /** Lines at most, with the head; where there are more symbols, those at rest are left out. */
  readonly rows?: number;
  /** Default: no colours. */
  readonly colour?: boolean;
  /** Takes secrets out of an exchange's words. */
  readonly redact?: (text: string) => string;
}

/** One line a symbol under one line of heads.
 *
 * @param now epoch milliseconds of the run's own clock
 */
export function renderTable(
  statuses: readonly SymbolStatus[],
  now: number,
  { width, rows = Number.POSITIVE_INFINITY, colour = false, redact = (text) => text }: TableOptions,
): readonly string[] {
  const paint: Paint = colour
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_, text) => text;
  if (statuses.length === 0) return [paint("dim", cutToWidth("no symbol has been purged yet", width))];
  const columns = layout(width, redact);
  const { shown, hidden } = choose(statuses, Math.max(1, rows - 1));
  const lines = [
    paint(
      "dim",
      line(columns, (column) => column.head),
    ),
    ...shown.map((status) => symbolLine(columns, status, now, paint)),
  ];
  if (hidden > 0) lines.push(paint("dim", cutToWidth(`… and ${hidden} more`, width)));
  return lines.slice(0, Math.max(1, rows));
}

type Style = "dim" | "red" | "yellow" | "green" | "cyan";
type Paint = (style: Style, text: string) => string;

interface Column {
  readonly head: string;
  readonly width: number;
  readonly align?: "right";
  readonly text: (status: SymbolStatus, now: number) => string;
  readonly style?: (status: SymbolStatus) => Style | null;
}

const GAP = "  ";
/** From here on there is room for the time of day beside the wait. */
const WIDE_FROM = 100;

/** The same at every moment for one width, so that nothing jumps. */
function layout(width: number, redact: (text: string) => string): readonly Column[] {
  const isWide = width >= WIDE_FROM;
  const fixed: readonly Column[] = [
    { head: "SYMBOL", width: 13, text: ({ symbol }) => symbol },
    { head: "STATE", width: 19, text: ({ state }) => state, style: stateStyle },
    {
      head: "FAILS",
      width: 5,
      align: "right",
      text: ({ failures }) => (failures === 0 ? "-" : String(failures)),
      style: ({ failures }) => (failures === 0 ? null : "red"),
    },
    { head: "NEXT TRY", width: isWide ? 24 : 10, text: (status, now) => nextTry(status, now, isWide) },
    { head: "SOLD", width: 10, align: "right", text: soldSoFar },
  ];
  const taken = fixed.reduce((sum, column) => sum + column.width + GAP.length, 0);
  const text = (status: SymbolStatus): string => plainLine(redact(lastRejection(status)));
  const last = { head: "LAST REJECTION", width: Math.max(0, width - taken), text };
  return within(last.width < 4 ? fixed : [...fixed, last], width);
}

/** The columns that fit, the last of them cut. */
function within(columns: readonly Column[], width: number): readonly Column[] {
  let room = width;
  return columns.flatMap((column) => {
    const fitting = Math.min(column.width, room);
    room -= column.width + GAP.length;
    return fitting <= 0 ? [] : [{ ...column, width: fitting }];
  });
}

function line(columns: readonly Column[], text: (column: Column) => string): string {
  return columns
    .map((column) => fitToWidth(text(column), column.width, column.align))
    .join(GAP)
    .trimEnd();
}

function symbolLine(columns: readonly Column[], status: SymbolStatus, now: number, paint: Paint): string {
  const cells = columns.map((column) => {
    const style = column.style?.(status) ?? null;
    const text = fitToWidth(column.text(status, now), column.width, column.align);
    return style === null ? text : paint(style, text);
  });
  return cells.join(GAP).trimEnd();
}

function stateStyle({ state }: SymbolStatus): Style | null {
  if (state.startsWith("backoff")) return "yellow";
  if (state === "failed" || state === "suspended") return "red";
  if (state === "cleared") return "green";
  return state === "idle" ? null : "cyan";
}

function nextTry({ nextTryAt, state }: SymbolStatus, now: number, isWide: boolean): string {
  if (state === "failed") return "next cycle";
  if (nextTryAt === null || !state.startsWith("backoff")) return "-";
  const at = Date.parse(nextTryAt);
  const wait = at <= now ? "due" : remaining(at - now);
  return isWide ? `${wait} (${clockTime(at, now)})` : wait;
}

function soldSoFar({ soldSize, soldValueUsd }: SymbolStatus): string {
  return soldSize === "0" ? "-" : `$${toFixedUsd(soldValueUsd, 2)}`;
}

function lastRejection({ lastRejection, lastError, failures }: SymbolStatus): string {
  if (lastRejection !== null) return `${lastRejection.code}: ${lastRejection.message}`;
  return failures > 0 && lastError !== null ? lastError : "-";
}

/** In order of symbol. Where not all find room, what is at work or in trouble does first. */
function choose(statuses: readonly SymbolStatus[], lines: number) {
  const inOrder = statuses.toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1));
  if (inOrder.length <= lines) return { shown: inOrder, hidden: 0 };
  const room = Math.max(0, lines - 1);
  const best = new Set(inOrder.toSorted((a, b) => interest(b) - interest(a)).slice(0, room));
  return { shown: inOrder.filter((status) => best.has(status)), hidden: inOrder.length - best.size };
}

function interest({ state }: SymbolStatus): number {
  if (state === "cleared") return 1;
  return state === "idle" ? 0 : state === "suspended" ? 2 : 3;
}
