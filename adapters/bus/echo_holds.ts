// Holds virtual time while a message to this same process is on its way.
import type { Cancel, Clock } from "../../actors/ports.ts";
import { header, MESSAGE_ID } from "./codec.ts";
import type { TransportMessage } from "./transport.ts";

interface Hold {
  readonly release: Cancel;
  readonly timer: NodeJS.Timeout | null;
}

/** One consumer's holds: taken when a message that it will hear is published, released when it has come. */
export class EchoHolds {
  readonly #clock: Clock;
  readonly #timeoutMs: number | null;
  readonly #holds = new Map<string, Hold[]>();

  /** @param timeoutMs real milliseconds after which a message is taken for lost; null for never */
  constructor(clock: Clock, timeoutMs: number | null) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Holds until `message` arrives, is lost, or the returned function is called. */
  expect(message: TransportMessage): Cancel {
    const key = keyOf(message);
    const cancel = (): void => this.#release(key, hold);
    const timer = this.#timeoutMs === null ? null : setTimeout(cancel, this.#timeoutMs).unref();
    const hold: Hold = { release: this.#clock.hold(), timer };
    const holds = this.#holds.get(key);
    if (holds === undefined) this.#holds.set(key, [hold]);
    else holds.push(hold);
    return cancel;
  }

  arrived(message: TransportMessage): void {
    const key = keyOf(message);
    const [oldest] = this.#holds.get(key) ?? [];
    if (oldest !== undefined) this.#release(key, oldest);
  }

  releaseAll(): void {
    for (const [key, holds] of this.#holds) for (const hold of [...holds]) this.#release(key, hold);
  }

  #release(key: string, hold: Hold): void {
    const holds = this.#holds.get(key);
    const index = holds?.indexOf(hold) ?? -1;
    if (holds === undefined || index < 0) return;
    holds.splice(index, 1);
    if (holds.length === 0) this.#holds.delete(key);
    if (hold.timer !== null) clearTimeout(hold.timer);
    hold.release();
  }
}

/** Messages without an id are told apart by their subject alone: one more or less of the same makes no difference. */
function keyOf({ subject, headers }: TransportMessage): string {
  return `${subject} ${header(headers, MESSAGE_ID) ?? ""}`;
}
