// A stream that keeps what is written to it, and that may be slow, or closed by whoever reads.
import { EventEmitter } from "node:events";

export class Collected extends EventEmitter {
  text = "";
  writes = 0;
  readonly isTTY: boolean;
  readonly #onWrite: (stream: Collected) => boolean;

  /** @param onWrite what `write` returns: false when there is no room for more until `drain` */
  constructor(onWrite: (stream: Collected) => boolean = () => true, isTTY = false) {
    super();
    this.#onWrite = onWrite;
    this.isTTY = isTTY;
  }

  get lines(): readonly string[] {
    return this.text.split("\n").slice(0, -1);
  }

  write(text: string): boolean {
    this.text += text;
    this.writes += 1;
    return this.#onWrite(this);
  }
}

/** Closed after its first write, as by `head`. */
export const closing = (): Collected =>
  new Collected((stream) => {
    setImmediate(() => stream.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" })));
    return false;
  });
