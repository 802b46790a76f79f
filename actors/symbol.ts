// The actor of one held symbol: it steps the purge machine, has each step journaled, and only then lets it be felt.
import {
  type PurgeCommand,
  type PurgeContext,
  type PurgeRun,
  type PurgeSnapshot,
  startPurge,
  type TradingSymbol,
} from "../machines/mod.ts";
import type { CommitPipeline } from "./commit_pipeline.ts";
import type { Envelope } from "./envelope.ts";
import type { Bus, Cancel, Clock, JournalRecord, Observe } from "./ports.ts";
import { stamp } from "./time.ts";

export interface SymbolActorOptions {
  readonly symbol: TradingSymbol;
  readonly ledgerId: string;
  /** The last durable record; null for a symbol of which nothing has happened yet. */
  readonly last: JournalRecord | null;
  readonly pipeline: CommitPipeline;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly observe: Observe;
  /** A step was given to the journal. */
  readonly onSubmit: () => void;
  /** That step is durable; called before anything that follows from it. */
  readonly onDurable: (record: JournalRecord, snapshot: PurgeSnapshot) => void;
  /** Its commands were sent: now others may know. */
  readonly onTransition: (record: JournalRecord) => void;
  /** Takes what this actor tells itself: deadlines. */
  readonly deliver: (envelope: Envelope) => void;
}

export class SymbolActor {
  readonly #options: SymbolActorOptions;
  readonly #run: PurgeRun;
  #deadline: { readonly name: string; readonly cancel: Cancel } | null = null;
  #isStopped = false;
  /** Events that came while there was no actor, and were not heard yet. */
  #unheard = 0;
  /** With the last step that was given to the journal, what is pending is to be sent, whatever the step asks for. */
  #sendsPending = false;
  /** What waits for the last step that was given to the journal; null when every step is durable. */
  #afterLast: (() => void)[] | null = null;

  /** @throws SnapshotError when the last record cannot be continued by this version */
  constructor(options: SymbolActorOptions) {
    this.#options = options;
    const { symbol, ledgerId, last } = options;
    this.#run = startPurge({ ledgerId, symbol, ...(last === null ? {} : { snapshot: last.snapshot }) });
  }

  get snapshot(): PurgeSnapshot {
    return this.#run.snapshot;
  }

  /** Takes up what was under way when the last record was written. `unheard` events came meanwhile, and are received
   * next: the answer may be among them, and what it has answered must not be sent again. */
  resume(unheard: number): void {
    this.#await(this.#run.context);
    this.#unheard = unheard;
    if (unheard === 0) this.sendPending();
  }

  /** Sends once more what the machine waits for an answer to: after a crash, and when the bus is back. What it has only
   * just decided is sent when it is durable, like everything else. */
  sendPending(): void {
    if (this.#afterLast === null) this.#send(this.#run.pending.map(resent));
    else this.#sendsPending = true;
  }

  /** One event, one step. @throws what the machine throws, which is a bug: this actor must be restarted then.
   *
   * An event that says nothing new is answered when the steps before it are durable: it may be a second delivery of the
   * very message that one of them came from, and what it finds the machine in must not be taken back by a crash. */
  receive(envelope: Envelope): void {
    const { symbol, pipeline } = this.#options;
    const { event } = envelope;
    const step = this.#run.step(event);
    const isCatchingUp = this.#unheard > 0;
    this.#unheard = step.changed ? 0 : Math.max(0, this.#unheard - 1);
    if (!step.changed) {
      if (isCatchingUp && this.#unheard === 0) this.sendPending();
      if (this.#afterLast === null) envelope.ack(null);
      else this.#afterLast.push(() => envelope.ack(null));
      return;
    }
    const { path, state, commands, snapshot } = step;
    this.#sendsPending ||= isCatchingUp;
    const after: (() => void)[] = [];
    this.#afterLast = after;
    this.#options.onSubmit();
    pipeline.submit(
      { at: event.at, symbol, event, path, state, commands, snapshot },
      {
        onDurable: (record) => {
          this.#options.onDurable(record, snapshot);
          if (this.#isStopped) return;
          this.#await(snapshot.context);
          const isRepeat = snapshot.context.attempt?.not_found_at != null;
          this.#send(this.#commandsOf(isRepeat ? commands.map(resent) : commands, after));
        },
        afterwards: (record) => {
          this.#options.onTransition(record);
          envelope.ack(record);
          for (const go of after) go();
          if (this.#afterLast !== after) return;
          this.#afterLast = null;
          if (this.#sendsPending && !this.#isStopped) this.#send(this.#commandsOf([], null));
        },
      },
    );
  }

  /** From now on this actor sends nothing. Its last steps may still become durable; its successor starts from them. */
  stop(): void {
    this.#isStopped = true;
    this.#deadline?.cancel();
    this.#deadline = null;
  }

  #await({ deadline, symbol }: PurgeContext): void {
    const { clock, deliver } = this.#options;
    if (deadline?.name === this.#deadline?.name) return;
    this.#deadline?.cancel();
    this.#deadline = null;
    if (deadline === null) return;
    const { name, at } = deadline;
    const reached = (): void => {
      const event = { type: "deadline.reached", symbol, at: stamp(clock.now()), name } as const;
      deliver({
        event,
        ack: () => {},
        nak: (delayMs) => clock.schedule(clock.now() + delayMs, reached),
        dead: () => {},
      });
    };
    this.#deadline = { name, cancel: clock.schedule(Date.parse(at), reached) };
  }

  /** What goes out with a step: what it asks for, or, with the last one, all that is pending, where that is wanted. */
  #commandsOf(commands: readonly PurgeCommand[], after: (() => void)[] | null): readonly PurgeCommand[] {
    if (!this.#sendsPending || this.#afterLast !== after) return commands;
    this.#sendsPending = false;
    return this.#run.pending.map(resent);
  }

  /** A command that the bus does not take is not lost: it stays pending, and is sent again when the bus is back or the
   * machine's own deadline asks for it. */
  #send(commands: readonly PurgeCommand[]): void {
    const { bus, observe, symbol } = this.#options;
    for (const command of commands) {
      bus.publish("orders", command).catch((error: unknown) => {
        const message = `${symbol}: ${command.type} was not sent: ${String(error)}`;
        observe({ kind: "note", level: "warn", message });
      });
    }
  }
}

/** A gateway that never had the order asks the exchange first, and never rejects it unseen. */
function resent(command: PurgeCommand): PurgeCommand {
  return command.type === "order.place" ? { ...command, resent: true } : command;
}
