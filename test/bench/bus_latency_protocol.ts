// What the two processes of the latency bench have in common.

/** What the client is asked for: one block of measurements. */
export interface Block {
  /** From a result to the next order; through two streams with nothing between them; from a request to its reply. */
  readonly what: "order" | "relay" | "reply";
  readonly count: number;
}

export const ECHO_SUBJECT = "bench.echo";
export const RELAY_IN = "bench.in";
export const RELAY_OUT = "bench.out";
export const LATENCY_SYMBOLS = 100;
