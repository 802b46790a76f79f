// Many lines to one stream: no faster than it takes them, and no longer than somebody reads.
import { setImmediate as soon } from "node:timers/promises";
import { type Answer, failed } from "./answer.ts";

export interface LineStream {
  write(text: string): boolean;
  once(event: "drain", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "close", listener: () => void): unknown;
  off(event: "drain", listener: () => void): unknown;
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
  #trouble: Error | null = null;

  constructor(stream: LineStream) {
    this.#stream = stream;
    stream.on("error", (error) => {
      if (!("code" in error && error.code === "EPIPE")) this.#trouble = error;
      this.#onEnd();
    });
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

  /** Writes what is left. Returns `answer`, unless a disk did not take all of the lines. */
  async end(answer: Answer): Promise<Answer> {
    await this.flush();
    // A file says so after its last write has returned.
    await soon();
    if (this.#trouble === null) return answer;
    const why = `standard output could not be written to its end: ${this.#trouble.message}`;
    return failed([why, answer.errors].filter((text) => text !== "").join("\n"));
  }
}

/** Aborted by SIGINT or SIGTERM, which then do not end the process themselves. */
export function untilSignal(): AbortSignal {
  const stopping = new AbortController();
  process.once("SIGINT", () => stopping.abort());
  process.once("SIGTERM", () => stopping.abort());
  return stopping.signal;
}
