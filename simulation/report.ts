// What is kept of a simulated seed when thousands of them are run: plain data, small enough to send between threads.
import { FAULTS } from "./faults.ts";
import type { Simulated } from "./simulate.ts";

/** How often, by kind, in the order of their names. */
export type Counts = Readonly<Record<string, number>>;

export interface SeedReport extends Omit<Simulated, "struck"> {
  /** What went wrong, by kind. */
  readonly faults: Counts;
  /** What the exchange had in store for orders, by kind: whether there came so many orders is another matter. */
  readonly inStore: Counts;
}

export function reportOf({ struck, ...simulated }: Simulated): SeedReport {
  const kinds = struck.map(({ id }) => kindOf(id));
  return {
    ...simulated,
    faults: counted(kinds.filter((kind) => !kind.startsWith(ORDER))),
    inStore: counted(kinds.filter((kind) => kind.startsWith(ORDER))),
  };
}

const ORDER = "order ";

/** What a fault is one of, by its name: `message.late` for `message.late purge.v1.orders.SEI-USD #3`, `order unknown` for
 * `order SEI-USD unknown #7`, `halt` for `halt SEI-USD`. */
export function kindOf(id: string): string {
  const [first = "", second = "", third = ""] = id.split(" ");
  if (Object.hasOwn(FAULTS, first)) return first;
  if (first === ORDER.trim()) return ORDER + third;
  return [first, second].filter((word) => !word.includes("-")).join(" ");
}

/** What an error says of itself, with where it came from. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}

function counted(kinds: readonly string[]): Counts {
  const counts = new Map<string, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([one], [other]) => (one < other ? -1 : 1)));
}
