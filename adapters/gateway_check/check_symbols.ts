// The products that the check trades, and what it needs each to do. config/gateway_check.yaml makes a paper exchange so.

export interface CheckSymbols {
  /** Orders rest until they are cancelled. */
  readonly accept: string;
  /** Orders are refused, with a code and a message. */
  readonly reject: string;
  /** Orders fill in two parts or more, one after the other, and then are whole. */
  readonly partial: string;
  /** Part of an order fills while it is being cancelled. */
  readonly race: string;
  /** Orders that take are filled at once. */
  readonly take: string;
  /** The exchange has no such product. */
  readonly unknown: string;
}

export const CHECK_SYMBOLS: CheckSymbols = {
  accept: "ACCEPT-USD",
  reject: "REJECT-USD",
  partial: "PARTIAL-USD",
  race: "RACE-USD",
  take: "TAKE-USD",
  unknown: "NOSUCH-USD",
};
