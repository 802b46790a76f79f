// How far long work has come, on one line of a terminal.

export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const AGAIN_MS = 100;
const CELLS = 30;
const COUNT = new Intl.NumberFormat("en");

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
    this.tell(doneBytes, () => `${COUNT.format(count)} records`);
  }

  /** @param text how far that is, for people; asked for when it is drawn */
  tell(part: number, text: () => string): void {
    if (this.#stream.isTTY !== true) return;
    const now = this.#now();
    if (now - this.#drawnAt < AGAIN_MS) return;
    this.#drawnAt = now;
    this.#isDrawn = true;
    const share = this.#total === null ? "" : `${bar(part / this.#total)}  `;
    this.#stream.write(`\r\u001b[K${share}${text()}`);
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
