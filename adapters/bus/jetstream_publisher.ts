// Publishes to streams: pipelined, each message until the server has acknowledged it, always under the same id.
import { type JetStreamClient, JetStreamApiError, type PubAck } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { BusError, type Observe } from "../../actors/ports.ts";
import type { ConnectionState } from "./connection_state.ts";
import { said, toNats } from "./nats_core.ts";
import { channelOf } from "./subjects.ts";
import type { Headers, Taken } from "./transport.ts";

export interface PublisherSetup {
  readonly client: JetStreamClient;
  readonly state: ConnectionState;
  readonly observe: Observe;
  /** Called when no stream takes a message. */
  readonly onMissing: () => void;
  /** How long the server may take for an acknowledgement, milliseconds; then the message is sent again. */
  readonly ackMs: number;
  /** How long an order is sent again, milliseconds: less than its stream knows the first one by its id. Later it would be
   * stale as well; the machine asks anew. */
  readonly orderMs: number;
}

const AGAIN_MS = 250;
/** A server that has just started may need a moment until its streams are there. */
const MISSING_MS = 10_000;

export class JetStreamPublisher {
  readonly #setup: PublisherSetup;
  /** Each ends the waiting of one publish, because the connection is gone or because of the end. */
  readonly #interrupts = new Set<() => void>();
  readonly #underWay = new Set<Promise<Taken>>();
  #isClosed = false;

  constructor(setup: PublisherSetup) {
    this.#setup = setup;
    setup.state.onChange(() => this.#interruptAll());
  }

  /** Rejects with `BusError`. */
  publish(subject: string, bytes: Uint8Array, headers: Headers): Promise<Taken> {
    const publishing = this.#publish(subject, bytes, headers).finally(() => {
      this.#underWay.delete(publishing);
    });
    this.#underWay.add(publishing);
    return publishing;
  }

  /** Resolves when nothing is on its way any more. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  /** Gives up what is on its way. */
  close(): void {
    this.#isClosed = true;
    this.#interruptAll();
  }

  async #publish(subject: string, bytes: Uint8Array, headers: Headers): Promise<Taken> {
    const { state, observe, onMissing, ackMs } = this.#setup;
    const since = performance.now();
    const natsHeaders = this.#headers(subject, headers);
    for (let attempt = 1; ; attempt += 1) {
      const options = { headers: natsHeaders, timeout: ackMs };
      const outcome = await this.#interruptible(this.#setup.client.publish(subject, bytes, options));
      if (outcome.kind === "done") return this.#taken(subject, outcome.ack, attempt);
      this.#assertOpen(subject);
      const problem = this.#problem(subject, outcome.error, performance.now() - since);
      if (problem !== null) throw problem;
      if (isMissing(outcome.error)) onMissing();
      await this.#pause(isMissing(outcome.error) || !state.connected, since + this.#patienceMs(subject));
      this.#assertOpen(subject);
      const late = this.#tooLate(subject, outcome.error, performance.now() - since);
      if (late !== null) throw late;
      const message = `${subject}: sent again, because the server did not acknowledge it: ${said(outcome.error)}`;
      observe({ kind: "bus", what: "resent", message });
    }
  }

  #headers(subject: string, headers: Headers) {
    try {
      return toNats(headers);
    } catch (error) {
      throw new BusError({ reason: "refused", message: `${subject}: ${said(error)}` });
    }
  }

  #taken(subject: string, ack: PubAck, attempt: number): Taken {
    if (!ack.duplicate) return "taken";
    const message = `${subject}: ${ack.stream} had this message already, as ${ack.seq}`;
    this.#setup.observe({ kind: "bus", what: "duplicate", message });
    // After a second attempt it may be the first one that the server means.
    return attempt === 1 ? "duplicate" : "taken";
  }

  async #interruptible(work: Promise<PubAck>): Promise<Outcome> {
    return new Promise<Outcome>((resolve) => {
      const interrupt = (): void => {
        this.#interrupts.delete(interrupt);
        resolve({ kind: "failed", error: new Error("the connection was lost") });
      };
      this.#interrupts.add(interrupt);
      work.then(
        (ack) => {
          this.#interrupts.delete(interrupt);
          resolve({ kind: "done", ack });
        },
        (error: unknown) => {
          this.#interrupts.delete(interrupt);
          resolve({ kind: "failed", error });
        },
      );
    });
  }

  /** Until the connection is there, or `deadline` has come; in any case a moment, when `isLong`. */
  async #pause(isLong: boolean, deadline: number): Promise<void> {
    const { state } = this.#setup;
    while (!this.#isClosed && !state.connected && performance.now() < deadline) {
      await this.#sleep(Number.isFinite(deadline) ? deadline - performance.now() : null);
    }
    if (isLong && !this.#isClosed) await this.#sleep(AGAIN_MS);
  }

  #sleep(ms: number | null): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        if (timer !== null) clearTimeout(timer);
        this.#interrupts.delete(wake);
        resolve();
      };
      const timer = ms === null ? null : setTimeout(wake, ms);
      this.#interrupts.add(wake);
    });
  }

  #interruptAll(): void {
    for (const interrupt of [...this.#interrupts]) interrupt();
  }

  /** Why the message is not sent again; null when it is. */
  #problem(subject: string, error: unknown, elapsedMs: number): BusError | null {
    const violation = causeOf(error, errors.PermissionViolationError);
    if (violation !== null) {
      return refused(
        `${subject}: the server does not allow this user to publish there: ${violation.message}`,
      );
    }
    if (causeOf(error, errors.ClosedConnectionError) ?? causeOf(error, errors.DrainingConnectionError)) {
      return new BusError({ reason: "closed", message: `${subject}: the connection is closed` });
    }
    if (causeOf(error, errors.InvalidArgumentError) || causeOf(error, errors.InvalidSubjectError)) {
      return refused(`${subject}: ${said(error)}`);
    }
    if (error instanceof JetStreamApiError && error.status !== 503) {
      return refused(`${subject}: JetStream refused the message: ${error.message}`);
    }
    if (isMissing(error) && elapsedMs > MISSING_MS) {
      return refused(`${subject}: no stream takes this message; run: purgatory nats init (${said(error)})`);
    }
    return this.#tooLate(subject, error, elapsedMs);
  }

  #patienceMs(subject: string): number {
    return channelOf(subject) === "orders" ? this.#setup.orderMs : Number.POSITIVE_INFINITY;
  }

  #tooLate(subject: string, error: unknown, elapsedMs: number): BusError | null {
    if (elapsedMs < this.#patienceMs(subject)) return null;
    const message = `${subject}: the server did not confirm the message, which may have arrived: ${said(error)}`;
    return new BusError({ reason: "disconnected", message });
  }

  #assertOpen(subject: string): void {
    if (!this.#isClosed) return;
    const message = `${subject}: the connection was closed before the server confirmed the message`;
    throw new BusError({ reason: "closed", message });
  }
}

type Outcome =
  | { readonly kind: "done"; readonly ack: PubAck }
  | { readonly kind: "failed"; readonly error: unknown };

function refused(message: string): BusError {
  return new BusError({ reason: "refused", message });
}

/** Nobody took the message: no stream has its subject, or JetStream is not up yet. */
function isMissing(error: unknown): boolean {
  return error instanceof Error && error.name === "JetStreamNotEnabled";
}

/** The error, or what caused it, if it is one of `kind`. */
export function causeOf<E extends Error>(
  error: unknown,
  kind: abstract new (...args: never[]) => E,
): E | null {
  for (let one = error; one instanceof Error; one = one.cause) if (one instanceof kind) return one;
  return null;
}
