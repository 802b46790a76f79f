// The names of states that a test says: one that the machine does not have would let every expectation of absence hold.
import { meant } from "../config/mod.ts";
import { purgeMachine, statePaths } from "../machines/mod.ts";
import { ScenarioError } from "./errors.ts";

const STATES = statePaths(purgeMachine);

/** Whether `state` is `wanted`, or in it: `purging.resting` is in `purging`. */
export function isIn(state: string, wanted: string): boolean {
  return state === wanted || state.startsWith(`${wanted}.`);
}

/** Refuses a name that no state of the machine has.
 *
 * @param where what names it, such as `until`
 * @throws ScenarioError with the name that was probably meant
 */
export function checkState(state: string, where: string): void {
  if (STATES.includes(state)) return;
  const guess = meant(state, STATES);
  const advice = guess === undefined ? `expected one of ${STATES.join(", ")}` : `did you mean "${guess}"?`;
  throw new ScenarioError({ message: `${where}: the machine has no state "${state}"; ${advice}` });
}
