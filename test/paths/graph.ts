// Every path worth walking: the machine explored with `xstate/graph`, as far as its states differ in what matters.
import { type EventObject, fromTransition } from "xstate";
import { adjacencyMapToArray, getAdjacencyMap, getShortestPaths, type TraversalOptions } from "xstate/graph";
import { type Attempt, isZero } from "../../machines/mod.ts";
import { working } from "../../machines/attempt.ts";
import { isNotFoundForLong, sliceDeadline } from "../../machines/live_order.ts";
import { beginning, type Origin, stateOf, take, type World } from "./model.ts";
import { isStudied, mayFillLate, type Move, moveCalled, movesOf, PROMPT_MS } from "./moves.ts";

/** A story of one symbol from its beginning, as the labels of its moves. */
export interface Path {
  readonly labels: readonly string[];
}

/** One step of a path: what happened, and the world before and after. */
export interface Step {
  readonly before: World;
  readonly move: Move;
  readonly after: World;
}

export interface Exploration {
  /** States of the machine that differ in what matters. */
  readonly worlds: readonly World[];
  /** The shortest path to each of `worlds`, and through each transition from each state and number of failures. None is the beginning of another. */
  readonly paths: readonly Path[];
}

/** Worlds beyond which the graph is taken to grow without end: something that counts is not folded. */
const MAX_VISITS = 20_000;

/** So many failures in a row make a symbol rest; more are not told apart. */
const MOST_FAILURES = 3;

type GraphEvent = EventObject & Move;

/** Walks the machine as far as it goes.
 *
 * @throws Error "Traversal limit exceeded" when `fold` keeps apart what grows without end
 */
export function explore(origin: Origin): Exploration {
  const logic = fromTransition(remembered(), beginning(origin));
  type Snapshot = ReturnType<typeof logic.getInitialSnapshot>;
  const options: TraversalOptions<Snapshot, GraphEvent, unknown> = {
    events: ({ context }) => movesOf(context).map((move) => ({ type: move.label, ...move })),
    serializeState: ({ context }) => fold(context),
    serializeEvent: ({ label }) => label,
    limit: MAX_VISITS,
  };
  const adjacency = getAdjacencyMap(logic, options);
  const steps = adjacencyMapToArray(adjacency);
  const shortest = new Map(
    getShortestPaths(logic, options).map(({ state, steps }) => [
      fold(state.context),
      steps.flatMap(({ event }) => ("label" in event ? [event.label] : [])),
    ]),
  );
  const through = new Map<string, readonly string[]>();
  for (const { state, event, nextState } of steps) {
    const labels = [...(shortest.get(fold(state.context)) ?? []), event.label];
    for (const edge of nextState.context.taken) {
      const { failures } = state.context.context;
      const key = JSON.stringify([stateOf(state.context), Math.min(failures, MOST_FAILURES), edge]);
      if (labels.length < (through.get(key)?.length ?? Number.POSITIVE_INFINITY)) through.set(key, labels);
    }
  }
  return {
    worlds: Object.values(adjacency).map(({ state }) => state.context),
    paths: whole([...shortest.values(), ...through.values()]),
  };
}

/** The steps of a path, in the life of any symbol.
 *
 * @throws Error when a step is not possible, and says what is
 */
export function walk(path: Path, origin: Origin): readonly Step[] {
  let before = beginning(origin);
  return path.labels.map((label) => {
    const move = moveCalled(before, label);
    const step = { before, move, after: take(before, move.event) };
    before = step.after;
    return step;
  });
}

/** Where a path leads. */
export function endOf(path: Path, origin: Origin): World {
  return walk(path, origin).at(-1)?.after ?? beginning(origin);
}

/** `take`, which does nothing twice: the graph is walked once for its edges and once more for its paths. */
function remembered(): (world: World, event: GraphEvent) => World {
  const known = new WeakMap<World, Map<string, World>>();
  return (world, { label, event }) => {
    const next = known.get(world) ?? new Map<string, World>();
    known.set(world, next);
    const after = next.get(label) ?? take(world, event);
    next.set(label, after);
    return after;
  };
}

/** Leaves out paths that another one begins with. */
function whole(all: readonly (readonly string[])[]): readonly Path[] {
  const keys = new Map(all.map((labels) => [JSON.stringify(labels), labels]));
  const begun = new Set(all.flatMap((labels) => labels.map((_, n) => JSON.stringify(labels.slice(0, n)))));
  return [...keys].flatMap(([key, labels]) => (begun.has(key) ? [] : [{ labels }]));
}

/** What tells one state of the graph from another. Counters that only grow (attempts, serials, revisions, amounts) and
 * times are left out, or folded to the side of the limit on which they are. */
export function fold(world: World): string {
  const { failures, retry_at, suspension, attempt, past_orders } = world.context;
  const isLate = mayFillLate(world) && past_orders.at(-1)?.filled_size === "0";
  const rest = [
    stateOf(world),
    Math.min(failures, MOST_FAILURES),
    retry_at !== null,
    suspension?.kind ?? null,
    isLate,
  ];
  return JSON.stringify(attempt === null ? rest : [...rest, ...foldAttempt(world, attempt)]);
}

function foldAttempt(world: World, attempt: Attempt): readonly unknown[] {
  const leaf = stateOf(world).split(".")[1] ?? "";
  const isQuoting = leaf === "quoting";
  return [
    attempt.from,
    attempt.policy.failure_tracking,
    attempt.wind_down?.kind ?? null,
    attempt.limit,
    attempt.no_fills,
    Math.min(attempt.slice, attempt.policy.max_slices),
    isZero(attempt.sold_size),
    attempt.reconciling === null,
    isQuoting || leaf === "placing" ? attempt.requotes : 0,
    ...(isQuoting ? [attempt.asks, attempt.request_id === null] : []),
    ...foldOrder(world, attempt, leaf),
  ];
}

function foldOrder(world: World, attempt: Attempt, leaf: string): readonly unknown[] {
  const { order } = attempt;
  if (order === null) return [];
  const context = working(world.context);
  const next = new Date(world.now + PROMPT_MS).toISOString();
  return [
    order.order_id === null,
    isZero(order.filled_size),
    attempt.not_found_at === null ? null : isNotFoundForLong(context, { at: next }),
    leaf === "querying" && next >= sliceDeadline(context),
    isStudied(world) ? [order.revision < 0, next >= attempt.ends_at] : null,
  ];
}
