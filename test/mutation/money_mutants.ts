// Breaks in what an order is made of: amounts, prices, ids, and how long a symbol rests.
import { inFile, type Mutant } from "./mutant.ts";

const SLICING = ["test/machines/slicing_test.ts", "test/machines/slicing_property_test.ts"];
const BACKOFF = ["test/machines/backoff_test.ts", "test/machines/backoff_property_test.ts"];

export const MONEY_MUTANTS: readonly Mutant[] = [
  ...inFile("machines/slicing.ts", SLICING, [
    {
      id: "size-rounded-up",
      suffers: "an order offers a fraction more than the account holds, and is refused",
      find: `quotient(parse(available), increment, "down")`,
      replace: `quotient(parse(available), increment, "up")`,
    },
    {
      id: "more-than-available",
      suffers: "the last slice sells one increment that is not there",
      find: "isRestSellable ? size : checked.sellable, price",
      replace: "isRestSellable ? size : checked.sellable + 1n, price",
    },
    {
      id: "rest-too-small-to-sell",
      suffers: "each position leaves a rest that no order can sell",
      find: "order(checked, isRestSellable ? size : checked.sellable, price)",
      replace: "order(checked, size, price)",
    },
    {
      id: "dust-flipped",
      suffers: "whatever can be sold is called dust and stays in the account",
      find: "if (smallest > checked.sellable) return dust(input);",
      replace: "if (smallest < checked.sellable) return dust(input);",
    },
    {
      id: "dust-off-by-one",
      suffers: "a position of exactly the smallest order is never sold",
      find: "if (smallest > checked.sellable) return dust(input);",
      replace: "if (smallest >= checked.sellable) return dust(input);",
      tests: ["test/machines/purge_limits_test.ts"],
    },
    {
      id: "minimum-rounded-down",
      suffers: "orders just under the exchange's minimum are refused for ever",
      find: "(dividend + by - 1n) / by : dividend / by",
      replace: "dividend / by : dividend / by",
    },
    {
      id: "quote-minimum-ignored",
      suffers: "orders under the exchange's own minimum are sent and refused",
      find: "BigDecimal.max(parse(policy.min_notional_usd), parse(product.quote_min_size))",
      replace: "parse(policy.min_notional_usd)",
    },
    {
      id: "ioc-floor-rounded-down",
      suffers: "the last resort sells under the permitted slippage",
      find: `roundTo(floor, tick, "up")`,
      replace: `roundTo(floor, tick, "down")`,
    },
    {
      id: "slippage-twice",
      suffers: "the last resort gives away twice the slippage that the policy permits",
      find: "10_000 - policy.taker_max_slippage_bps",
      replace: "10_000 - 2 * policy.taker_max_slippage_bps",
    },
    {
      id: "post-only-rounded-down",
      suffers: "a bid between two ticks brings the price under its cushion, and post-only orders cross",
      find: `roundTo(cushioned, tick, "up")`,
      replace: `roundTo(cushioned, tick, "down")`,
    },
    {
      id: "post-only-on-the-bid",
      suffers: "with no cushion every post-only order is refused, as it would take",
      find: "BigDecimal.isGreaterThan(price, bound) ? price : BigDecimal.sum(price, tick)",
      replace: "BigDecimal.isLessThan(price, bound) ? BigDecimal.sum(price, tick) : price",
    },
    {
      id: "cushion-ignored",
      suffers: "a price that was refused for crossing is sent again unchanged",
      find: "whole(input.cushion_ticks)",
      replace: "whole(Math.min(input.cushion_ticks, 1))",
    },
    {
      id: "locked-book-traded",
      suffers: "an order is priced from a quote whose bid and ask are the same",
      find: "if (compare(best_bid, best_ask) >= 0) {",
      replace: "if (compare(best_bid, best_ask) > 0) {",
    },
    {
      id: "halted-product-sold",
      suffers: "orders go into a halted market, and the symbol never learns why",
      find: `status === "halted" || status === "delisted"`,
      replace: `status === "delisted"`,
    },
    {
      id: "cleared-with-nothing-sold",
      suffers: "a position that merely lost its value counts as sold",
      find: "policy.max_residual_usd) <= 0 && !isZero(input.sold_size)",
      replace: "policy.max_residual_usd) <= 0",
    },
    {
      id: "residual-flipped",
      suffers: "a position that is nearly whole counts as sold, and one that is sold as failed",
      find: "policy.max_residual_usd) <= 0 && ",
      replace: "policy.max_residual_usd) >= 0 && ",
    },
  ]),
  ...inFile("machines/backoff.ts", BACKOFF, [
    {
      id: "backoff-off-by-one",
      suffers: "the third failure rests two hours, not one",
      find: "failures - policy.after_failures)",
      replace: "failures - policy.after_failures + 1)",
    },
    {
      id: "backoff-starts-late",
      suffers: "the third failure rests not at all",
      find: "failures < policy.after_failures ||",
      replace: "failures <= policy.after_failures ||",
    },
    {
      id: "backoff-without-maximum",
      suffers: "after twelve failures a symbol rests for three weeks",
      find: "Math.min(policy.base_ms * growth, policy.max_ms)",
      replace: "policy.base_ms * growth",
    },
    {
      id: "backoff-switched-off-rests",
      suffers: "backoff.enabled: false rests all the same",
      find: "!policy.enabled || ",
      replace: "",
    },
    {
      id: "jitter-shortens",
      suffers: "a symbol is tried again before its hour is over",
      find: "(1 + (share",
      replace: "(1 - (share",
    },
    {
      id: "jitter-of-another-version",
      suffers: "last month's journal does not replay, for every rest ends at another time",
      find: "at < text.length",
      replace: "at <= text.length",
    },
  ]),
  ...inFile(
    "machines/order_id.ts",
    ["test/machines/order_id_test.ts"],
    [
      {
        id: "id-without-attempt",
        suffers: "the second attempt's order is taken for the first's, and never placed",
        find: "JSON.stringify([ledgerId, symbol, attempt, slice, revision])",
        replace: "JSON.stringify([ledgerId, symbol, slice, revision, attempt * 0])",
      },
      {
        id: "id-parts-run-together",
        suffers: "attempt 1, slice 11 and attempt 11, slice 1 are one order to the exchange",
        find: "JSON.stringify([ledgerId, symbol, attempt, slice, revision])",
        replace: `[ledgerId, symbol, attempt, slice, revision].join("")`,
      },
    ],
  ),
];
