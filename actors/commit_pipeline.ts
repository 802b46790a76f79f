// Makes steps durable, many symbols in one group, and only then lets their consequences out.
import type { Clock, Journal, JournalDraft, JournalRecord, Observe } from "./ports.ts";

/** A step on its way to the journal. */
interface Pending extends StepListener {
  readonly draft: JournalDraft;
}

/** Who is told that a step is durable; each is called once, in order of submission. */
export interface StepListener {
  /** First of all, and for the whole group: what follows from the step goes out. */
  readonly onDurable: (record: JournalRecord) => void;
  /** When that has gone out: whoever else is to know. An order does not wait for the log lines of its group. */
  readonly afterwards?: (record: JournalRecord) => void;
}

export interface CommitPipeline {
  /** Takes a step. Its listener is called when its record is on disk; never if the write fails, for then the pipeline
   * ends and whoever submitted starts again from the journal. */
  submit(draft: JournalDraft, listener: StepListener): void;
  /** True when the journal is behind: take nothing new from the bus until `onRoom`. */
  readonly isFull: boolean;
  readonly pending: number;
  /** Calls `listener` once, when a full pipeline has room again. */
  onRoom(listener: () => void): void;
  /** Writes what is pending, then takes nothing more. */
  stop(): Promise<void>;
}

export interface CommitPipelineOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly observe: Observe;
  /** Steps in one group. */
  readonly groupRecords: number;
  /** Steps waiting at which `isFull` becomes true. */
  readonly maxPending: number;
  /** The write failed: nothing that was pending happened. */
  readonly onFailure: (error: Error) => void;
}

/** Group commit. A group is everything that was submitted in one turn of the event loop, and then whatever gathered
 * while the group before it was being written. */
export function commitPipeline(options: CommitPipelineOptions): CommitPipeline {
  const { journal, clock, observe, groupRecords, maxPending, onFailure } = options;
  const queue: Pending[] = [];
  const roomListeners: (() => void)[] = [];
  const idle: (() => void)[] = [];
  let state: "open" | "stopping" | "failed" = "open";
  let release: (() => void) | null = null;

  const rest = (): void => {
    release?.();
    release = null;
    for (const resolve of idle.splice(0)) resolve();
  };
  const fail = (error: unknown): void => {
    state = "failed";
    queue.length = 0;
    rest();
    onFailure(error instanceof Error ? error : new Error(String(error)));
  };
  const write = async (): Promise<void> => {
    while (queue.length > 0) {
      const group = queue.slice(0, groupRecords);
      const startedAt = performance.now();
      const records = await journal.append(group.map((pending) => pending.draft));
      const wasFull = queue.length >= maxPending;
      queue.splice(0, group.length);
      observe({
        kind: "commit",
        records: group.length,
        durationMs: performance.now() - startedAt,
        pending: queue.length,
      });
      const steps = group.map((pending, index) => ({ pending, record: written(records, index) }));
      for (const { pending, record } of steps) pending.onDurable(record);
      // A turn of microtasks, in which a connection sends what it was given.
      await null;
      for (const { pending, record } of steps) pending.afterwards?.(record);
      if (wasFull && queue.length < maxPending) for (const listener of roomListeners.splice(0)) listener();
    }
    // In the same breath: nobody would write what came between the last look into the queue and this.
    rest();
  };
  const start = (): void => {
    release = clock.hold();
    setImmediate(() => {
      write().catch(fail);
    });
  };

  return {
    submit(draft, { onDurable, afterwards }) {
      if (state === "failed") return;
      queue.push({ draft, onDurable, ...(afterwards === undefined ? {} : { afterwards }) });
      if (release === null) start();
    },
    get isFull() {
      return queue.length >= maxPending;
    },
    get pending() {
      return queue.length;
    },
    onRoom(listener) {
      roomListeners.push(listener);
    },
    async stop() {
      if (state === "open") state = "stopping";
      while (release !== null && state !== "failed") await new Promise<void>((resolve) => idle.push(resolve));
    },
  };
}

function written(records: readonly JournalRecord[], index: number): JournalRecord {
  const record = records[index];
  if (record === undefined) throw new Error("the journal returned fewer records than it was given");
  return record;
}
