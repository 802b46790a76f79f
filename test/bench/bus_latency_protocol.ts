// What the two processes of the latency bench have in common.

/** What the client is asked for: one block of measurements. */
export interface Block {
  /** From a result to the next order, or from a request to its reply. */
  readonly what: "order" | "reply";
  readonly count: number;
}

export const ECHO_SUBJECT = "bench.echo";
export const LATENCY_SYMBOLS = 100;
