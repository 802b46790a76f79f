// The model that the real stack is held against: the purge machine itself, stepped from plain data, which says what each
// step took: transitions, states, commands.
import { type AnyTransitionDefinition, createActor, type StateValue } from "xstate";
import {
  dotted,
  type Edge,
  edges,
  initialContext,
  type PurgeCommand,
  type PurgeContext,
  type PurgeEvent,
  purgeMachine,
  statePaths,
  type TradingSymbol,
} from "../../machines/mod.ts";

/** A purge machine at rest, the time, and what the last event did. */
export interface World {
  readonly value: StateValue;
  readonly context: PurgeContext;
  /** Epoch milliseconds: the time of the last event. */
  readonly now: number;
  /** Transitions taken by the last event, in order, by their names: see `edgeName`. */
  readonly taken: readonly string[];
  /** States entered by the last event, in order. */
  readonly path: readonly string[];
  readonly commands: readonly PurgeCommand[];
  /** Whether the last event changed anything. What changes nothing is not journaled. */
  readonly isNews: boolean;
}

/** Whose machine it is, and when its story begins. */
export interface Origin {
  readonly ledgerId: string;
  readonly symbol: TradingSymbol;
  /** Epoch milliseconds. */
  readonly start: number;
}

export function beginning({ ledgerId, symbol, start }: Origin): World {
  const context = initialContext(ledgerId, symbol);
  return { value: "idle", context, now: start, taken: [], path: [], commands: [], isNews: false };
}

export const stateOf = (world: World): string => dotted(world.value);

/** What `event` does. @throws what the machine throws, which is a bug. */
export function take(world: World, event: PurgeEvent): World {
  const { value, context } = world;
  const taken: string[] = [];
  const path: string[] = [];
  const commands: PurgeCommand[] = [];
  const failures: unknown[] = [];
  let state = dotted(value);
  const actor = createActor(purgeMachine, {
    input: { ledgerId: context.ledger_id, symbol: context.symbol },
    snapshot: purgeMachine.resolveState({ value, context }),
    inspect: (inspection) => {
      if (inspection.type !== "@xstate.microstep" || !("value" in inspection.snapshot)) return;
      taken.push(...inspection._transitions.map((transition) => edgeName(edgeOf(transition))));
      const entered = dotted(inspection.snapshot.value as StateValue);
      if (entered !== state) path.push(entered);
      state = entered;
    },
  });
  actor.on("command", ({ command }) => commands.push(command));
  actor.subscribe({ error: (error) => failures.push(error) });
  actor.start();
  actor.send(event);
  if (failures.length > 0) throw failures[0];
  const next = actor.getSnapshot();
  const isNews = next.context !== context || path.length > 0 || commands.length > 0;
  return {
    value: next.value,
    context: next.context,
    now: Date.parse(event.at),
    taken,
    path,
    commands,
    isNews,
  };
}

/** How a transition is called in reports: `purging.placing: order.accepted [isLive] → purging.resting`. */
export function edgeName({ from, event, guard, to }: Edge): string {
  const where = from === "" ? "anywhere" : from;
  return `${where}: ${guard === null ? event : `${event} [${guard}]`} → ${to === "" ? "the same" : to}`;
}

/** Every transition that the machine has, by name. */
export const edgeNames: readonly string[] = edges(purgeMachine).map(edgeName);

/** Every state that the machine has, dotted; those that hold others included. */
export const stateNames: readonly string[] = statePaths(purgeMachine);

function edgeOf({ source, target, eventType, guard }: AnyTransitionDefinition): Edge {
  const type = eventType.startsWith("xstate.done.state.") ? "done" : eventType;
  const to = (target ?? [source]).map(({ path }) => path.join(".")).join("+");
  return {
    from: source.path.join("."),
    to,
    event: type === "" ? "always" : type,
    guard: typeof guard === "string" ? guard : null,
  };
}
