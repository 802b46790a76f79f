// Sets aside what could not be processed: with its bytes, the reason, and a count, so that nothing vanishes unseen.
import { BusError, type Clock, type DeadLetter, type Observe } from "../../actors/ports.ts";
import { addressOf } from "./subjects.ts";
import type { Receipt, TransportMessage } from "./transport.ts";

/** In base64, with its headers, this still fits into one message. */
const MAX_KEPT_BYTES = 512 * 1024;
const MAX_HEADERS = 32;
const MAX_HEADER_LENGTH = 1_000;
const MAX_UNSENT = 1_000;

/** When a message whose letter nobody takes is delivered again, in real time. */
const AGAIN_MS = 60_000;

interface Unsent {
  readonly letter: DeadLetter;
  readonly receipt: Receipt | undefined;
}

export class DeadLetters {
  readonly #publish: (letter: DeadLetter) => Promise<void>;
  readonly #clock: Clock;
  readonly #observe: Observe;
  /** Written while the connection was gone. */
  #unsent: Unsent[] = [];
  readonly #underWay = new Set<Promise<void>>();
  count = 0;

  constructor(publish: (letter: DeadLetter) => Promise<void>, clock: Clock, observe: Observe) {
    this.#publish = publish;
    this.#clock = clock;
    this.#observe = observe;
  }

  /** Writes the letter first; a server that keeps the message lets go of it only when the letter is kept. */
  setAside(message: TransportMessage, reason: string): void {
    const address = addressOf(message.subject);
    this.count += 1;
    this.#observe({ kind: "dead_letter", symbol: address?.symbol ?? null, reason });
    // A dead letter that is itself malformed would come back for ever.
    if (address?.channel === "dead") message.receipt?.term();
    else this.#start({ letter: letterOf(message, reason, this.#clock.now()), receipt: message.receipt });
  }

  /** Sends what was written while the connection was gone. */
  async sendUnsent(): Promise<void> {
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const one of unsent) await this.#start(one);
  }

  /** Resolves when no letter is on its way. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #start(one: Unsent): Promise<void> {
    const sending = this.#send(one).finally(() => this.#underWay.delete(sending));
    this.#underWay.add(sending);
    return sending;
  }

  async #send({ letter, receipt }: Unsent): Promise<void> {
    try {
      await this.#publish(letter);
    } catch (error) {
      const isDisconnected = error instanceof BusError && error.reason === "disconnected";
      if (isDisconnected && this.#unsent.length < MAX_UNSENT) this.#unsent.push({ letter, receipt });
      else this.#noteUnsent({ letter, receipt }, error);
      return;
    }
    receipt?.term();
  }

  #noteUnsent({ letter, receipt }: Unsent, error: unknown): void {
    const fate = receipt === undefined ? "is lost" : `waits; its message comes again in ${AGAIN_MS} ms`;
    receipt?.nak(AGAIN_MS);
    const message = `a dead letter could not be sent and ${fate}: ${letter.subject}: ${letter.reason}`;
    this.#observe({ kind: "note", level: "error", message, data: { error: String(error) } });
  }
}

function letterOf({ subject, bytes, headers }: TransportMessage, reason: string, now: number): DeadLetter {
  const isCut = bytes.length > MAX_KEPT_BYTES;
  const note = isCut ? ` (the first ${MAX_KEPT_BYTES} of ${bytes.length} bytes are kept)` : "";
  return {
    at: new Date(now).toISOString(),
    subject: subject.slice(0, 500),
    reason: `${reason.slice(0, 400)}${note}`,
    body_base64: Buffer.from(bytes.subarray(0, MAX_KEPT_BYTES)).toString("base64"),
    headers: Object.fromEntries(
      Object.entries(headers)
        .filter(([name]) => name !== "__proto__")
        .slice(0, MAX_HEADERS)
        .map(([name, value]) => [name.slice(0, MAX_HEADER_LENGTH), value.slice(0, MAX_HEADER_LENGTH)]),
    ),
  };
}
