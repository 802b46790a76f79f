// The public face of this room.
export * from "./events.ts";
export * from "./vocabulary.ts";
