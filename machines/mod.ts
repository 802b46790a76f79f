// The public face of this room.
export * from "./backoff.ts";
export * from "./events.ts";
export * from "./graph.ts";
export * from "./order_id.ts";
export * from "./plain_diff.ts";
export * from "./purge.ts";
export * from "./purge_context.ts";
export * from "./purge_run.ts";
export * from "./rejection.ts";
export * from "./replay.ts";
export * from "./replay_shrink.ts";
export * from "./replay_what_if.ts";
export * from "./slicing.ts";
export * from "./transition.ts";
export * from "./vocabulary.ts";
