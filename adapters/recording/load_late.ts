// What only few readers of recordings need, loaded when asked for: it brings the client of NATS along.

/** `keptTransitions`: what a supervisor elsewhere has published. */
export const loadKeptTransitions = () => import("./kept_transitions.ts");
