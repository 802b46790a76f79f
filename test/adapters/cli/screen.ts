// A small terminal: enough of one to see what a program that moves the cursor leaves on it.

/** Understands printable text that is one cell a character, line breaks, `CR`, cursor up, clear to the end, colours. */
export class TestTerminal {
  readonly isTTY = true;
  columns: number;
  rows: number;
  /** Each write as it came. */
  readonly writes: string[] = [];
  #cells: string[][] = [[]];
  #row = 0;
  #column = 0;

  constructor({ columns, rows }: { readonly columns: number; readonly rows: number }) {
    this.columns = columns;
    this.rows = rows;
  }

  hasColors(): boolean {
    return false;
  }

  write(text: string): void {
    this.writes.push(text);
    for (const [token] of text.matchAll(/\p{Cc}\[([0-9;?]*)([A-Za-z])|[\s\S]/gu)) this.#take(token);
  }

  /** All lines since the start, scrolled away or not. */
  get lines(): readonly string[] {
    return this.#cells.map((line) => line.join("").trimEnd());
  }

  get cursor(): { readonly row: number; readonly column: number } {
    return { row: this.#row, column: this.#column };
  }

  /** As most terminals do it: lines that were too long are broken anew. */
  resize(columns: number): void {
    this.columns = columns;
    const broken = this.#cells.flatMap((line, row) => {
      const parts = [line.slice(0, columns)];
      for (let at = columns; at < line.length; at += columns) parts.push(line.slice(at, at + columns));
      if (row === this.#row) this.#row = -1;
      return parts;
    });
    this.#cells = broken;
    this.#row = broken.length - 1;
  }

  #take(token: string): void {
    if (token === "\n") {
      this.#row += 1;
      this.#column = 0;
      this.#cells[this.#row] ??= [];
    } else if (token === "\r") this.#column = 0;
    else if (token.endsWith("A") && token.length > 1) this.#up(Number(token.slice(2, -1)));
    else if (token === "\u001b[J") {
      this.#cells.length = this.#row + 1;
      this.#cells[this.#row]?.splice(this.#column);
    } else if (token.length > 1) throw new Error(`not understood: ${JSON.stringify(token)}`);
    else this.#put(token);
  }

  /** Not above what is visible, as on a real one. */
  #up(count: number): void {
    const top = Math.max(0, this.#cells.length - this.rows);
    this.#row = Math.max(top, this.#row - count);
  }

  #put(character: string): void {
    if (this.#column === this.columns) this.#take("\n");
    const line = this.#cells[this.#row] ?? [];
    line[this.#column] = character;
    this.#cells[this.#row] = line;
    this.#column += 1;
  }
}
