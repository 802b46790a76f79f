// The public face of the exchanges.
export * from "./paper/mod.ts";
