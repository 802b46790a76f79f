// The promises that hold whatever goes wrong, and the whistle that is blown at the first one that is broken.

/** By the name under which it is reported: the promise, in a sentence. */
export const INVARIANTS = {
  never_a_buy: "every order is a SELL",
  only_what_must_go: "no order is for a symbol that may stay",
  on_increment: "sizes and prices are on the product's increments",
  not_more_than_held: "no order is for more than the account could sell when the order arrived",
  one_body_per_id: "a client order id goes with one body for ever",
  one_live_order: "no order is taken while another one of its symbol is open",
  order_is_wanted:
    "every order that the exchange takes, or has open, is the one that its machine follows: none for a symbol that rests, is suspended, or has moved on",
  none_while_open: "no order is sent while the venue breaker is open",
  failures_are_counted: "failures are the failed attempts since the last success, across all crashes",
  interruptions_do_not_count: "an interrupted attempt leaves the count of failures as it was",
  rest_is_kept: "a rest is as long as the policy says, and nobody is woken before it is over",
  rest_is_quiet: "nobody reads the market of a symbol without an attempt",
  attempts_are_numbered: "a symbol has one attempt at a time, and each has the next number",
  starts_per_cycle: "no cycle starts more attempts than max_liquidations_per_cycle",
  journal_replays: "every record is what the machine makes of its event, by all records before it",
  no_result_lost: "an acknowledged result is in the journal, or says nothing that the journal does not know",
  no_result_set_aside: "no result of an order is set aside as a dead letter",
  fills_add_up: "in the end, what the ledger says was sold is what the exchange sold",
  time_heals: "when nothing goes wrong any more, everything that must go is sold in bounded time",
  observers_are_told: "observers get every durable record",
} as const;
export type Invariant = keyof typeof INVARIANTS;

export interface Violation {
  readonly invariant: Invariant;
  /** What was seen, and what was expected. */
  readonly message: string;
}

export class Whistle {
  /** The first promise that was broken. */
  first: Violation | null = null;

  blow(invariant: Invariant, message: string): void {
    this.first ??= { invariant, message };
  }
}
