// Runs one purge machine, one event at a time, and says what each step did. No clock, no I/O: the same events give the
// same steps, whether they come live, from a journal or from a simulator.
import { Schema } from "effect";
import { createActor, type SnapshotFrom, type StateValue } from "xstate";
import { pendingCommands } from "./commands.ts";
import type { PurgeCommand, PurgeEvent } from "./events.ts";
import { purgeMachine } from "./purge.ts";
import { PurgeContext } from "./purge_context.ts";
import type { TradingSymbol } from "./vocabulary.ts";

/** The version of what `snapshot` holds. Raised whenever an older snapshot could not be continued as it is. */
export const SNAPSHOT_VERSION = 1;

/** A machine at rest, as plain data. */
export interface PurgeSnapshot {
  readonly version: number;
  readonly value: StateValue;
  readonly context: PurgeContext;
}

/** What one event did. */
export interface PurgeStep {
  /** False when the event said nothing new: a duplicate, a stale deadline, a late or foreign message. */
  readonly changed: boolean;
  /** States entered on the way, dotted, in order. */
  readonly path: readonly string[];
  readonly state: string;
  readonly commands: readonly PurgeCommand[];
  readonly snapshot: PurgeSnapshot;
}

/** A stored snapshot that cannot be continued. */
export class SnapshotError extends Schema.TaggedError<SnapshotError>()("SnapshotError", {
  message: Schema.String,
}) {}

/** A running machine. */
export interface PurgeRun {
  readonly state: string;
  readonly context: PurgeContext;
  readonly snapshot: PurgeSnapshot;
  /** What the machine still waits for an answer to. */
  readonly pending: readonly PurgeCommand[];
  /** @throws whatever the machine threw, which is a bug; the run must not be used any more then. */
  step(event: PurgeEvent): PurgeStep;
}

/** Starts a machine from nothing, or from a snapshot.
 *
 * @throws SnapshotError when the snapshot is of another version, symbol or ledger, or does not fit the machine
 */
export function startPurge(input: {
  readonly ledgerId: string;
  readonly symbol: TradingSymbol;
  readonly snapshot?: unknown;
}): PurgeRun {
  const { ledgerId, symbol } = input;
  let path: string[] = [];
  let commands: PurgeCommand[] = [];
  let failure: { readonly error: unknown } | null = null;
  const restored = input.snapshot === undefined ? null : restore(input.snapshot, ledgerId, symbol);
  const actor = createActor(purgeMachine, {
    input: { ledgerId, symbol },
    ...(restored === null ? {} : { snapshot: restored }),
    inspect: (inspection) => {
      if (inspection.type !== "@xstate.microstep" || !("value" in inspection.snapshot)) return;
      const entered = dotted(inspection.snapshot.value as StateValue);
      if (entered !== (path.at(-1) ?? state)) path.push(entered);
    },
  });
  actor.on("command", ({ command }) => commands.push(command));
  actor.subscribe({
    error: (error) => {
      failure = { error };
    },
  });
  let state = restored === null ? "idle" : dotted(restored.value);
  actor.start();

  const check = (): void => {
    if (failure !== null) throw failure.error;
  };
  check();
  return {
    get state() {
      return state;
    },
    get context() {
      return actor.getSnapshot().context;
    },
    get snapshot() {
      const { value, context } = actor.getSnapshot();
      return { version: SNAPSHOT_VERSION, value, context };
    },
    get pending() {
      return pendingCommands(state, actor.getSnapshot().context);
    },
    step(event) {
      const before = actor.getSnapshot().context;
      path = [];
      commands = [];
      actor.send(event);
      check();
      const { value, context } = actor.getSnapshot();
      state = dotted(value);
      return {
        changed: context !== before || path.length > 0 || commands.length > 0,
        path,
        state,
        commands,
        snapshot: { version: SNAPSHOT_VERSION, value, context },
      };
    },
  };
}

/** `{ backoff: "waiting" }` as `backoff.waiting`. */
export function dotted(value: StateValue): string {
  if (typeof value === "string") return value;
  let whole = "";
  // A replay asks for millions: no list is made for each.
  for (const outer in value) {
    const inner = value[outer];
    const name = inner === undefined ? outer : `${outer}.${dotted(inner)}`;
    whole = whole === "" ? name : `${whole}+${name}`;
  }
  return whole;
}

const StoredSnapshot = Schema.Struct({
  version: Schema.Literal(SNAPSHOT_VERSION),
  value: Schema.Union([Schema.String, Schema.Record(Schema.String, Schema.String)]),
  context: PurgeContext,
});
const decode = Schema.decodeUnknownExit(StoredSnapshot);

function restore(
  stored: unknown,
  ledgerId: string,
  symbol: TradingSymbol,
): SnapshotFrom<typeof purgeMachine> {
  const exit = decode(stored);
  if (exit._tag === "Failure") {
    throw new SnapshotError({
      message: `${symbol}: the stored snapshot does not fit this version: ${String(exit.cause)}`,
    });
  }
  const { value, context } = exit.value;
  if (context.symbol !== symbol || context.ledger_id !== ledgerId) {
    const found = `${context.symbol} of ledger ${context.ledger_id}`;
    throw new SnapshotError({
      message: `expected a snapshot of ${symbol} of ledger ${ledgerId}, found ${found}`,
    });
  }
  if (!isKnownState(dotted(value))) {
    throw new SnapshotError({ message: `${symbol}: there is no state "${dotted(value)}" in this version` });
  }
  return purgeMachine.resolveState({ value, context });
}

function isKnownState(state: string): boolean {
  let node: (typeof purgeMachine)["root"] | undefined = purgeMachine.root;
  for (const key of state.split(".")) node = node?.states[key];
  return node !== undefined && node.type !== "compound";
}
