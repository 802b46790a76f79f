// `purgatory graph`: the purge machine as a picture.
import { purgeMachine, toDot, toMermaid } from "../../machines/mod.ts";
import { type Answer, done } from "./answer.ts";
import type { GraphCommand } from "./command.ts";

export function graph({ format }: GraphCommand): Answer {
  return done(format === "dot" ? toDot(purgeMachine) : toMermaid(purgeMachine));
}
