// Breaks in the purge machine: its chart, its guards, the attempt, the live order, and what outlives an attempt.
import { inFile, type Mutant } from "./mutant.ts";

const MACHINE = [
  "test/machines/purge_test.ts",
  "test/machines/purge_trouble_test.ts",
  "test/machines/purge_states_test.ts",
  "test/machines/purge_limits_test.ts",
  "test/machines/purge_orders_test.ts",
];

const chart = inFile("machines/purge.ts", MACHINE, [
  {
    id: "failures-survive-success",
    suffers: "a symbol that was sold and bought again rests too soon, for its old failures count on",
    find: `target: "cleared", actions: ["forget", "closeAttempt"]`,
    replace: `target: "cleared", actions: ["closeAttempt"]`,
  },
  {
    id: "failed-never-rests",
    suffers: "a symbol that always fails is tried every minute for ever",
    find: `always: { guard: "mustRest", target: "backoff" },`,
    replace: "",
  },
  {
    id: "tried-while-resting",
    suffers: "a cycle that decides while a failure is on its way starts an attempt on a symbol that rests",
    find: `actions: "clearDeadline" } },`,
    replace: `actions: "clearDeadline" }, "purge.requested": { target: "#purge.retrying", actions: "startRetry" } },`,
  },
  {
    id: "rest-without-end",
    suffers: "a symbol that rests is never tried again",
    find: `entry: "awaitRetry",`,
    replace: "",
  },
  {
    id: "interruption-rests-again",
    suffers: "a symbol whose rest was over is told of as resting again after each interruption",
    find: `{ guard: "wasDue", target: "#purge.backoff.due", actions: "closeAttempt" },`,
    replace: "",
  },
  {
    id: "fill-during-cancel-ignored",
    suffers:
      "what is sold while its order is being cancelled counts as no fill, and is missing in what was sold",
    find: `"order.accepted": { guard: "isUnnamed", actions: "noteAccepted" },
    "order.update": [
      { guard: "isLiveAndFinal", actions: ["takeUpdate", "settle"], target: "deciding" },
      { guard: "isLiveAndNewer", actions: "takeUpdate" },`,
    replace: `"order.accepted": { guard: "isUnnamed", actions: "noteAccepted" },
    "order.update": [
      { guard: "isLiveAndFinal", actions: ["settle"], target: "deciding" },`,
  },
  {
    id: "abort-leaves-the-order",
    suffers: "an operator's abort leaves an order at the exchange that nobody watches",
    find: `  { guard: "hasOrder", target: ".cancelling", actions: "windDown" },\n`,
    replace: "",
    also: [
      {
        file: "machines/attempt.ts",
        find: "return context.attempt.order === null ? interruptByOperator(noted, by, by.at) : noted;",
        replace: "return interruptByOperator(noted, by, by.at);",
      },
    ],
  },
  {
    id: "unknown-taken-for-refused",
    suffers: "an order whose answer was lost rests at the exchange beside its successor",
    find: `      { guard: "isLive", target: "querying" },
    ],
    "order.unknown": { guard: "isLive", target: "querying" },`,
    replace: `      { guard: "isLive", target: "querying" },
    ],
    "order.unknown": { guard: "isLive", actions: "giveUpOrder", target: "deciding" },`,
  },
  {
    id: "guard-of-acceptance-dropped",
    suffers: "the acceptance of an earlier order is taken for this one's",
    find: `"order.accepted": { guard: "isLive", actions: "noteAccepted", target: "resting" },`,
    replace: `"order.accepted": { actions: "noteAccepted", target: "resting" },`,
  },
  {
    id: "late-fill-lost",
    suffers: "what the exchange tells after the end of an order is missing in what was sold",
    find: `on: { "order.update": { guard: "provesMore", actions: "takeLateFill" } },`,
    replace: "on: {},",
  },
  {
    id: "resume-lifts-a-ban",
    suffers: "a banned symbol is sold after the next resume",
    find: `          { guard: "isBanned" },\n`,
    replace: "",
  },
  {
    id: "pause-not-taken-back",
    suffers: "a pause that was taken back in time suspends the symbol all the same",
    find: `    "operator.resume": { guard: "isPausing", actions: "endWithoutPause" },\n`,
    replace: "",
  },
]);

const guards = inFile("machines/purge_setup.ts", MACHINE, [
  {
    id: "stale-deadline-accepted",
    suffers: "a timer of an earlier order cancels the present one",
    find: `event.type === "deadline.reached" && event.name === context.deadline?.name;`,
    replace: `event.type === "deadline.reached" && context.deadline !== null;`,
  },
  {
    id: "interruption-counted",
    suffers: "an outage of the exchange counts as a failure of every symbol",
    find: `isFailure: (at) => isDone("stuck")(at) &&`,
    replace: `isFailure: (at) => !isDone("sold")(at) &&`,
  },
  {
    id: "tracking-switch-ignored",
    suffers: "failure_tracking: false records failures all the same",
    find: `isDone("stuck")(at) && working(at.context).attempt.policy.failure_tracking`,
    replace: `isDone("stuck")(at)`,
  },
  {
    id: "old-quote-accepted",
    suffers: "an order is priced from the answer to an earlier question",
    find: `"request_id" in event && event.request_id === context.attempt?.request_id;`,
    replace: `"request_id" in event && context.attempt !== null;`,
  },
  {
    id: "too-many-stale-quotes",
    suffers: "a symbol whose quotes are never usable is asked for hundreds of times, and blocks a place",
    find: "isUnusable(at) && working(at.context).attempt.requotes < MAX_REQUOTES",
    replace: "isUnusable(at) && working(at.context).attempt.requotes < 100 * MAX_REQUOTES",
  },
  {
    id: "too-many-questions",
    suffers: "an attempt without answers asks for hours before it ends",
    find: "isMyDeadline(at) && working(at.context).attempt.asks < MAX_QUOTE_ASKS",
    replace: "isMyDeadline(at) && working(at.context).attempt.asks < 100 * MAX_QUOTE_ASKS",
  },
  {
    id: "not-found-believed-at-once",
    suffers: "an order on its way is given up, and sold a second time",
    find: "isNotFound(at) && isNotFoundForLong(working(at.context), at.event)",
    replace: "isNotFound(at)",
  },
  {
    id: "placed-again-past-its-time",
    suffers: "an order that was to be cancelled is placed once more",
    find: "mayPlaceAgain: (at) => isFirstNotFound(at) && !isEnding(at),",
    replace: "mayPlaceAgain: (at) => isFirstNotFound(at),",
  },
  {
    id: "duplicate-id-taken-for-refused",
    suffers: "an order that was placed twice is taken for refused, and rests unwatched",
    find: "isUnnamed(at) && !isDuplicateCode(at)",
    replace: "isUnnamed(at)",
  },
  {
    id: "refused-after-it-was-named",
    suffers: "a late refusal of a resting order has it forgotten at the exchange",
    find: "isLive(at) && order(at.context)?.order_id === null",
    replace: "isLive(at)",
  },
  {
    id: "foreign-end-ends-the-order",
    suffers: "the late end of an earlier order ends the present one, which rests on unwatched",
    find: "isLiveAndFinal: (at) => isLive(at) && isNewer(at) && isFinal(at),",
    replace: "isLiveAndFinal: (at) => isFinal(at),",
  },
  {
    id: "ending-order-left-to-rest",
    suffers: "an aborted order whose fate was unknown for a moment rests on",
    find: "working(context).attempt.wind_down !== null || ",
    replace: "",
  },
]);

const attempt = inFile("machines/attempt.ts", MACHINE, [
  {
    id: "buys-instead-of-selling",
    suffers: "positions that must go are doubled",
    find: `side: "SELL"`,
    replace: `side: "BUY"`,
    also: [
      {
        file: "machines/vocabulary.ts",
        find: `side: Schema.Literal("SELL")`,
        replace: `side: Schema.Literals(["SELL", "BUY"])`,
      },
    ],
  },
  {
    id: "attempt-number-forgotten",
    suffers: "each attempt uses the ids of the first again, and its orders are never placed",
    find: "return { ...context, attempts: number, attempt };",
    replace: "return { ...context, attempt };",
  },
  {
    id: "id-used-again",
    suffers: "a new price goes out under the id of the refused one, and is never placed",
    find: "const revision = attempt.revision + 1;",
    replace: "const revision = Math.max(attempt.revision, 1);",
  },
  {
    id: "interruption-is-a-failure",
    suffers: "an account without a permission makes every symbol rest for hours",
    find: `isSold ? "sold" : "interrupted"`,
    replace: `isSold ? "sold" : "stuck"`,
  },
  {
    id: "failure-is-an-interruption",
    suffers: "a symbol that always fails never rests",
    find: `isSettled ? "sold" : "stuck"`,
    replace: `isSettled ? "sold" : "interrupted"`,
  },
  {
    id: "stale-quote-used",
    suffers: "orders are priced from a quote twice as old as the policy permits",
    find: "age > context.attempt.policy.max_quote_age_ms ||",
    replace: "age > 2 * context.attempt.policy.max_quote_age_ms ||",
  },
  {
    id: "requote-spins",
    suffers: "an unusable quote is read again at once, as fast as the exchange answers",
    find: `withDeadline(noted, "requote", later(event.at, REQUOTE_MS))`,
    replace: `withDeadline(noted, "requote", event.at)`,
  },
  {
    id: "taker-above-threshold",
    suffers: "a large position is dumped at the taker's price",
    find: "policy.taker_fallback_threshold_usd) > 0",
    replace: "policy.taker_fallback_threshold_usd) < 0",
  },
  {
    id: "takes-from-the-start",
    suffers: "every slice pays the taker's fee",
    find: `attempt.limit === null ? "post_only" : "ioc"`,
    replace: `attempt.limit === null ? "ioc" : "ioc"`,
  },
  {
    id: "missing-funds-that-are-there",
    suffers: "a blocked account is tried again without end, as if the balance had shrunk",
    find: "reconciling !== null && compare(available, reconciling) >= 0",
    replace: "reconciling !== null && compare(available, reconciling) > 0",
  },
  {
    id: "nothing-to-sell-is-a-success",
    suffers: "a position that other orders hold counts as sold",
    find: "if (isZero(context.attempt.sold_size)) {",
    replace: `if (context.attempt.sold_size === "") {`,
  },
  {
    id: "locked-quote-is-a-failure",
    suffers: "a moment in which bid and ask are the same counts as a failure",
    find: "compare(event.best_bid, event.best_ask) >= 0",
    replace: "compare(event.best_bid, event.best_ask) > 0",
  },
  {
    id: "threshold-off-by-one",
    suffers: "a rest of exactly the taker's threshold fails instead of being taken",
    find: "policy.taker_fallback_threshold_usd) > 0",
    replace: "policy.taker_fallback_threshold_usd) >= 0",
  },
]);

const liveOrder = inFile("machines/live_order.ts", MACHINE, [
  {
    id: "still-on-its-way-ignored",
    suffers: "a clock that is set passes for a minute, and an order on its way is given up",
    find: "not_found_at === null || may_arrive === true",
    replace: "not_found_at === null",
  },
  {
    id: "unmeasured-denial-believed",
    suffers: "an order is given up sooner on the word of a gateway that measures nothing",
    find: "may_arrive === undefined ? REPLY_MS : DENIED_MS",
    replace: "DENIED_MS",
  },
  {
    id: "fill-taken-as-a-delta",
    suffers: "each report of a growing order is counted in full, and the rest is never sold",
    find: "filled_size: subtract(after.filled_size, before.filled_size),",
    replace: "filled_size: after.filled_size,",
  },
  {
    id: "newer-revision-ignored",
    suffers: "what the exchange reports of an order is taken for old news, and its fills are not heard of",
    find: "return event.revision > order.revision;",
    replace: "return event.revision < order.revision;",
  },
  {
    id: "fill-may-shrink",
    suffers: "an exchange that takes back a part of a fill has its symbol set aside as poisoned",
    find: "const grows = compare(event.filled_size, known.filled_size) > 0;",
    replace: "const grows = compare(event.filled_size, known.filled_size) !== 0;",
  },
  {
    id: "late-fill-counted-twice",
    suffers: "a late fill that is delivered again is counted again",
    find: "past === known ? proven : past",
    replace: "past",
  },
  {
    id: "available-not-lowered",
    suffers: "what is left is judged as if nothing had been sold",
    find: "const market = without(marketOf(context), gain.filled_size);",
    replace: "const market = marketOf(context);",
  },
  {
    id: "too-many-requotes",
    suffers: "a price that always crosses is sent hundreds of times",
    find: "if (requotes >= MAX_REQUOTES) {",
    replace: "if (requotes >= 100 * MAX_REQUOTES) {",
  },
  {
    id: "no-fill-off-by-one",
    suffers: "one slice more than the policy says waits for a buyer",
    find: "no_fills >= policy.max_consecutive_no_fill",
    replace: "no_fills > policy.max_consecutive_no_fill",
  },
  {
    id: "fills-do-not-reset-no-fills",
    suffers: "a position that sells well goes to the taker for slices without a buyer that lie far apart",
    find: "isZero(order.filled_size) ? attempt.no_fills + 1 : 0",
    replace: "isZero(order.filled_size) ? attempt.no_fills + 1 : attempt.no_fills",
  },
  {
    id: "attempt-without-end",
    suffers:
      "an attempt goes on when its time is over, with orders that are cancelled as soon as they are placed",
    find: `if (at >= ends_at) return "MAX_DURATION";`,
    replace: "",
  },
  {
    id: "slices-off-by-one",
    suffers: "the last slice is never offered",
    find: "slice > policy.max_slices",
    replace: "slice >= policy.max_slices",
  },
  {
    id: "taker-without-permission",
    suffers: "allow_taker_fallback: false takes all the same",
    find: "if (!attempt.policy.allow_taker_fallback) return failAtLimit(retired, at, limit);",
    replace: "",
  },
  {
    id: "slice-outlives-its-attempt",
    suffers: "an order rests past the end of the attempt's time",
    find: "Math.min(replaceAt, Date.parse(ends_at))",
    replace: "Math.max(replaceAt, Date.parse(ends_at))",
  },
  {
    id: "refusal-counts-while-ending",
    suffers: "an operator's abort leaves a failure behind that nobody caused",
    find: "  if (wind_down !== null) return interruptByOperator(retired, wind_down, at);\n",
    replace: "",
  },
  {
    id: "insufficient-funds-not-looked-at",
    suffers: "a balance that another bot lowered ends the attempt as the account's fault",
    find: "decisiveRow(rejection)?.reconcile === true",
    replace: "wind_down !== null && decisiveRow(rejection)?.reconcile === true",
  },
  {
    id: "late-fill-spills-over",
    suffers: "a late fill of one order hides those of all others",
    find: "context.past_orders.map((past) => (past === known ? proven : past))",
    replace: "context.past_orders.map(() => proven)",
  },
  {
    id: "corrected-value-crashes",
    suffers: "an exchange that corrects what it paid has its symbol set aside as poisoned",
    find: "compare(after.filled_value, before.filled_value) > 0",
    replace: "compare(after.filled_value, before.filled_value) !== 0",
  },
  {
    id: "overfill-crashes",
    suffers: "an exchange that sells more than it showed has its symbol set aside as poisoned",
    find: "const isMore = compare(market.available, size) > 0;",
    replace: "const isMore = compare(market.available, size) !== 0;",
  },
  {
    id: "cancelled-judged-as-failed",
    suffers: "a cancelled slice counts as a failure for the note that came with it",
    find: `order.status === "failed" && rejection !== null`,
    replace: "rejection !== null",
  },
  {
    id: "growing-fill-overlooked",
    suffers: "an exchange that does not count its changes has its fills overlooked until the end",
    find: `event.status !== "open" || compare(event.filled_size, order.filled_size) > 0`,
    replace: `event.status !== "open"`,
  },
]);

const record = inFile("machines/record.ts", MACHINE, [
  {
    id: "failure-not-counted",
    suffers: "failures stay at none, and nothing ever rests",
    find: "context.failures + 1",
    replace: "context.failures",
  },
  {
    id: "exchange-words-lost",
    suffers: "of why the exchange refused no more than one line is kept",
    find: "error, rejection: outcome.rejection, balance",
    replace: "error, rejection: null, balance",
  },
  {
    id: "abort-suspends",
    suffers: "an aborted symbol is suspended until an operator resumes it",
    find: `by === null || by.kind === "abort" ? null : by`,
    replace: "by === null ? null : by",
  },
  {
    id: "reset-in-a-retry-forgotten",
    suffers: "a symbol that an operator reset is taken for one whose rest is over, after an interruption",
    find: `{ ...context.attempt, from: "idle" }`,
    replace: "{ ...context.attempt }",
  },
  {
    id: "reset-takes-the-deadline",
    suffers: "an operator's reset leaves an order resting for ever",
    find: "deadline: context.attempt === null ? null : context.deadline",
    replace: "deadline: null",
  },
]);

const restored = [
  ...inFile(
    "machines/commands.ts",
    [...MACHINE, "test/actors/purge_supervisor_test.ts"],
    [
      {
        id: "placing-not-asked-again",
        suffers: "an order that was journaled and never sent waits for its deadline after a crash",
        find: "return [placeCommand(context)];",
        replace: "return [];",
      },
      {
        id: "cancelling-not-asked-again",
        suffers: "a cancellation that a crash swallowed is not asked for until its deadline",
        find: "return [cancelCommand(context)];",
        replace: "return [];",
      },
      {
        id: "resting-not-asked-again",
        suffers: "a fill during an outage of the supervisor is noticed minutes later",
        find: `    case "resting":\n`,
        replace: "",
      },
    ],
  ),
  ...inFile("machines/purge_run.ts", MACHINE, [
    {
      id: "duplicate-not-dropped",
      suffers: "each redelivery is one more record in the journal",
      find: "changed: context !== before || path.length > 0 || commands.length > 0,",
      replace: "changed: before !== null,",
    },
    {
      id: "another-ledgers-snapshot",
      suffers: "a paper ledger goes on as the live one",
      find: "context.symbol !== symbol || context.ledger_id !== ledgerId",
      replace: "context.symbol !== symbol",
    },
  ]),
];

export const MACHINE_MUTANTS: readonly Mutant[] = [
  ...chart,
  ...guards,
  ...attempt,
  ...liveOrder,
  ...record,
  ...restored,
];
