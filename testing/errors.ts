// What is wrong with a sequence, or with the file that was to be played.
import { Schema } from "effect";

/** A sequence that cannot happen, or options that are not valid. The message names the step, and what to do. */
export class ScenarioError extends Schema.TaggedError<ScenarioError>()("ScenarioError", {
  message: Schema.String,
}) {}
