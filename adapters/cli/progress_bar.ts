// How far long work has come, on one line of a terminal.

export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const AGAIN_MS = 100;
const CELLS = 30;

/** Draws nothing where there is no terminal. */
export class ProgressBar {
  readonly #stream: ProgressStream;
  readonly #total: number | null;
  readonly #now: () => number;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #isDrawn = false;

  /** @param total null where nobody knows how much there is */
  constructor(stream: ProgressStream, total: number | null, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#total = total;
    this.#now = now;
  }

  /** @param count of records, for people */
  at(doneBytes: number, count: number): void {
    this.tell(doneBytes, `${count.toLocaleString("en")} records`);
  }

  /** @param text how far that is, for people */
  tell(part: number, text: string): void {
    const now = this.#now();
    if (this.#stream.isTTY !== true || now - this.#drawnAt < AGAIN_MS) return;
    this.#drawnAt = now;
    this.#isDrawn = true;
    this.#stream.write(`\r\u001b[K${this.#total === null ? text : `${bar(part / this.#total)}  ${text}`}`);
  }

  clear(): void {
    if (this.#isDrawn) this.#stream.write("\r\u001b[K");
    this.#isDrawn = false;
  }
}

function bar(share: number): string {
  const part = Math.min(1, Math.max(0, share));
  const full = Math.floor(part * CELLS);
  return `[${"#".repeat(full)}${" ".repeat(CELLS - full)}] ${String(Math.floor(part * 100)).padStart(3)} %`;
}
