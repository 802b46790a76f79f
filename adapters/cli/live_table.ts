// Keeps a table under a log that scrolls, on a terminal. Anywhere else there is nothing but the log.
import { cellWidth } from "./terminal_text.ts";

/** What is needed of `process.stdout`. */
export interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  hasColors?(env?: object): boolean;
}

export interface LiveTableOptions {
  readonly stream: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The table as it is now, for so many cells and lines, such as `renderTable` gives. */
  readonly render: (size: {
    readonly width: number;
    readonly rows: number;
    readonly colour: boolean;
  }) => readonly string[];
  /** Real milliseconds between two drawings. Default 200. */
  readonly everyMs?: number;
}

export interface LiveTable {
  /** Whether the stream shows colours; for the log lines too. */
  readonly colour: boolean;
  /** Log lines, each with its line break. On a terminal they appear with the next drawing. */
  write(text: string): void;
  /** Draws once more and leaves the table standing; later writes go straight through. */
  close(): void;
}

/** Starts to draw. The cursor is never hidden and rests on the line under the table between two drawings, so that a
 * terminal is in order whenever and however the process ends. */
export function liveTable({ stream, env, render, everyMs = 200 }: LiveTableOptions): LiveTable {
  const colour = stream.isTTY === true && (stream.hasColors?.(env) ?? false);
  const canMove = stream.isTTY === true && env["TERM"] !== "dumb";
  if (!canMove) return { colour, write: (text) => void stream.write(text), close() {} };
  const screen = new Screen(stream, (size) => render({ ...size, colour }));
  const timer = setInterval(() => screen.draw(), everyMs);
  timer.unref();
  const close = (): void => {
    clearInterval(timer);
    process.off("exit", close);
    screen.end();
  };
  // An exception ends the process with this too, before Node writes what it was.
  process.on("exit", close);
  screen.draw();
  return { colour, write: (text) => screen.write(text), close };
}

type Size = { readonly width: number; readonly rows: number };
const FALLBACK = { columns: 80, rows: 24 };

class Screen {
  readonly #stream: Terminal;
  readonly #render: (size: Size) => readonly string[];
  #drawn: readonly string[] = [];
  #waiting = "";
  #ended = false;

  constructor(stream: Terminal, render: (size: Size) => readonly string[]) {
    this.#stream = stream;
    this.#render = render;
  }

  write(text: string): void {
    if (this.#ended) this.#stream.write(text);
    else this.#waiting += text;
  }

  /** One write: the old table goes, lines that waited come, the new table stands under them. */
  draw(isLast = false): void {
    if (this.#ended) return;
    const columns = this.#stream.columns || FALLBACK.columns;
    // The last column stays free: some terminals break the line there. So does a line for the cursor.
    const width = Math.max(1, columns - 1);
    const rows = Math.max(1, (this.#stream.rows || FALLBACK.rows) - 2);
    const table = this.#render({ width, rows }).slice(0, rows);
    const isSame = table.join("\n") === this.#drawn.join("\n");
    if (isSame && this.#waiting === "" && !isLast) return;
    const log = this.#waiting === "" || this.#waiting.endsWith("\n") ? this.#waiting : `${this.#waiting}\n`;
    this.#stream.write(this.#erased(columns) + log + table.map((line) => `${line}\n`).join(""));
    this.#waiting = "";
    this.#drawn = table;
  }

  /** Draws in any case, over the `^C` that a terminal writes where the cursor is. */
  end(): void {
    this.draw(true);
    this.#ended = true;
  }

  /** What takes the table off the screen. One that became too wide for a window was broken into more lines by it. */
  #erased(columns: number): string {
    const up = this.#drawn.reduce((sum, text) => sum + Math.max(1, Math.ceil(cellWidth(text) / columns)), 0);
    // To the table's first line, to its left end, and away with everything from there on: one text, so nothing flickers.
    return up === 0 ? "" : `\u001b[${up}A\r\u001b[J`;
  }
}
