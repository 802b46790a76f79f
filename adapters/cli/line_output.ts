// Many lines to one stream: no faster than it takes them, and no longer than somebody reads.

export interface LineStream {
  write(text: string): boolean;
  once(event: "drain", listener: () => void): unknown;
  on(event: "error" | "close", listener: () => void): unknown;
  off(event: "drain" | "error" | "close", listener: () => void): unknown;
}

const FULL_CHARS = 64 * 1024;

/** Whoever reads may leave at any time, as `head` does: then there is nothing more to write, and nothing to complain of. */
export class LineOutput {
  readonly #stream: LineStream;
  readonly #onEnd = (): void => {
    this.#isClosed = true;
    this.#wake();
  };
  #wake: () => void = () => {};
  #waiting = "";
  #isClosed = false;

  constructor(stream: LineStream) {
    this.#stream = stream;
    stream.on("error", this.#onEnd);
    stream.on("close", this.#onEnd);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** It is time to `flush`. */
  get isFull(): boolean {
    return this.#waiting.length > FULL_CHARS;
  }

  line(text: string): void {
    this.#waiting += `${text}\n`;
  }

  /** Resolves when the stream has room again, or is closed. */
  async flush(): Promise<void> {
    const text = this.#waiting;
    this.#waiting = "";
    if (text === "" || this.#isClosed || this.#stream.write(text)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    this.#stream.once("drain", resolve);
    await promise;
    this.#stream.off("drain", resolve);
  }
}

/** Aborted by SIGINT or SIGTERM, which then do not end the process themselves. */
export function untilSignal(): AbortSignal {
  const stopping = new AbortController();
  process.once("SIGINT", () => stopping.abort());
  process.once("SIGTERM", () => stopping.abort());
  return stopping.signal;
}
