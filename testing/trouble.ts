// What says that something went wrong which no sequence asks for.
import type { Observation } from "../actors/ports.ts";

/** An observation in a line, where it is of trouble within the program; null where it is not. */
export function troubleIn(observation: Observation): string | null {
  switch (observation.kind) {
    case "dead_letter":
      return `a dead letter: ${observation.reason}`;
    case "note":
      return observation.level === "error" ? observation.message : null;
    case "child":
      return ["started", "exited"].includes(observation.what)
        ? null
        : `${observation.child} ${observation.what}: ${observation.reason}`;
    default:
      return null;
  }
}
