// A journal that fails or waits when it is told to: for tests of what its users do then.
import { type Journal, JournalError } from "../../../actors/ports.ts";

/** Steers a `faultyJournal`. */
export class JournalFaults {
  #failures: { readonly error: JournalError; readonly isWritten: boolean }[] = [];
  #gate: PromiseWithResolvers<void> | null = null;
  #held = 0;

  /** Appends that wait to be released. */
  get held(): number {
    return this.#held;
  }

  /** The next append that is not yet promised a failure rejects. With `isWritten` it is durable all the same, as when
   * a disk's answer is lost. */
  failNext({
    error = new JournalError({ reason: "io", message: "injected: the disk is gone" }),
    isWritten = false,
  }: {
    readonly error?: JournalError;
    readonly isWritten?: boolean;
  } = {}): void {
    this.#failures.push({ error, isWritten });
  }

  /** Appends made from now on wait for `release`. */
  hold(): void {
    this.#gate ??= Promise.withResolvers<void>();
  }

  /** Lets all waiting appends go on, in their order. */
  release(): void {
    this.#gate?.resolve();
    this.#gate = null;
  }

  async pass<T>(write: () => Promise<T>): Promise<T> {
    const failure = this.#failures.shift();
    if (this.#gate !== null) {
      this.#held += 1;
      await this.#gate.promise;
      this.#held -= 1;
    }
    if (failure === undefined) return write();
    if (failure.isWritten) await write();
    throw failure.error;
  }
}

/** `journal`, with its appends under the rule of `faults`. */
export function faultyJournal(journal: Journal, faults: JournalFaults): Journal {
  return {
    ledgerId: journal.ledgerId,
    append: (drafts) => faults.pass(() => journal.append(drafts)),
    latest: () => journal.latest(),
    read: (filter) => journal.read(filter),
    lastAt: () => journal.lastAt(),
    close: () => journal.close(),
  };
}
