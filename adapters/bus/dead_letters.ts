// Sets aside what could not be processed: with its bytes, the reason, and a count, so that nothing vanishes unseen.
import { BusError, type Clock, type DeadLetter, type Observe } from "../../actors/ports.ts";
import { addressOf } from "./subjects.ts";
import type { TransportMessage } from "./transport.ts";

/** In base64, with its headers, this still fits into one message. */
const MAX_KEPT_BYTES = 512 * 1024;
const MAX_HEADERS = 32;
const MAX_HEADER_LENGTH = 1_000;
const MAX_UNSENT = 1_000;

export class DeadLetters {
  readonly #publish: (letter: DeadLetter) => Promise<void>;
  readonly #clock: Clock;
  readonly #observe: Observe;
  /** Written while the connection was gone. */
  #unsent: DeadLetter[] = [];
  count = 0;

  constructor(publish: (letter: DeadLetter) => Promise<void>, clock: Clock, observe: Observe) {
    this.#publish = publish;
    this.#clock = clock;
    this.#observe = observe;
  }

  setAside(message: TransportMessage, reason: string): void {
    const address = addressOf(message.subject);
    this.count += 1;
    this.#observe({ kind: "dead_letter", symbol: address?.symbol ?? null, reason });
    // A dead letter that is itself malformed would come back for ever.
    if (address?.channel !== "dead") void this.#send(letterOf(message, reason, this.#clock.now()));
  }

  /** Sends what was written while the connection was gone. */
  async sendUnsent(): Promise<void> {
    const letters = this.#unsent;
    this.#unsent = [];
    for (const letter of letters) await this.#send(letter);
  }

  async #send(letter: DeadLetter): Promise<void> {
    try {
      await this.#publish(letter);
    } catch (error) {
      const isDisconnected = error instanceof BusError && error.reason === "disconnected";
      if (isDisconnected && this.#unsent.length < MAX_UNSENT) this.#unsent.push(letter);
      else this.#noteLost(letter, error);
    }
  }

  #noteLost(letter: DeadLetter, error: unknown): void {
    const message = `a dead letter could not be sent and is lost: ${letter.subject}: ${letter.reason}`;
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
