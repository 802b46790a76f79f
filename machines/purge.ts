// The purge machine: one symbol, from held to sold. When things happen; `purge_setup.ts` names what, `attempt.ts` does it.
import { initialContext } from "./purge_context.ts";
import { purgeSetup } from "./purge_setup.ts";

const quoting = purgeSetup.createStateConfig({
  entry: ["askMarket", "refreshMarket"],
  on: {
    "market.snapshot": [
      { guard: "mayRequote", actions: "noteUnusableQuote" },
      { guard: "isUnusable", actions: "giveUpQuotes", target: "deciding" },
      { guard: "isMyQuote", actions: "takeQuote", target: "deciding" },
    ],
    "market.unavailable": { guard: "isMyQuote", actions: "takeMarketRefusal", target: "deciding" },
    "deadline.reached": [
      { guard: "mayAskAgain", actions: "countAsk", target: "quoting", reenter: true },
      { guard: "isMyDeadline", actions: "giveUpAsking", target: "deciding" },
    ],
  },
});

const placing = purgeSetup.createStateConfig({
  entry: ["awaitReply", "place"],
  on: {
    "order.accepted": { guard: "isLive", actions: "noteAccepted", target: "resting" },
    "order.update": [
      { guard: "isLiveAndFinal", actions: ["takeUpdate", "settle"], target: "deciding" },
      { guard: "isLiveAndNewer", actions: "takeUpdate", target: "resting" },
    ],
    "order.rejected": [
      { guard: "isRefusal", actions: "takeRejection", target: "deciding" },
      { guard: "isLive", target: "querying" },
    ],
    "order.unknown": { guard: "isLive", target: "querying" },
    "deadline.reached": { guard: "isMyDeadline", target: "querying" },
  },
});

const resting = purgeSetup.createStateConfig({
  entry: "awaitFill",
  on: {
    "order.update": [
      { guard: "isLiveAndFinal", actions: ["takeUpdate", "settle"], target: "deciding" },
      { guard: "isLiveAndNewer", actions: "takeUpdate" },
    ],
    "order.unknown": { guard: "isLive", target: "querying" },
    "deadline.reached": { guard: "isMyDeadline", target: "cancelling" },
  },
});

const cancelling = purgeSetup.createStateConfig({
  entry: ["countAsk", "awaitAnswer", "cancel"],
  on: {
    "order.accepted": { guard: "isUnnamed", actions: "noteAccepted" },
    "order.update": [
      { guard: "isLiveAndFinal", actions: ["takeUpdate", "settle"], target: "deciding" },
      { guard: "isLiveAndNewer", actions: "takeUpdate" },
    ],
    "order.rejected": { guard: "isRefusal", actions: "takeRejection", target: "deciding" },
    "order.unknown": { guard: "isLive", target: "querying" },
    "deadline.reached": { guard: "isMyDeadline", target: "querying" },
  },
});

const querying = purgeSetup.createStateConfig({
  entry: ["countAsk", "awaitAnswer", "query"],
  on: {
    "order.accepted": [
      { guard: "isUnnamedAndEnding", actions: "noteAccepted", target: "cancelling" },
      { guard: "isUnnamed", actions: "noteAccepted", target: "resting" },
    ],
    "order.update": [
      { guard: "isLiveAndFinal", actions: ["takeUpdate", "settle"], target: "deciding" },
      { guard: "isLiveAndEnding", actions: "takeUpdate", target: "cancelling" },
      { guard: "isLive", actions: "takeUpdate", target: "resting" },
    ],
    "order.rejected": { guard: "isRefusal", actions: "takeRejection", target: "deciding" },
    "order.unknown": [
      { guard: "mayPlaceAgain", actions: "noteNotFound", target: "placing" },
      { guard: "neverArrived", actions: "giveUpOrder", target: "deciding" },
      { guard: "isFirstNotFound", actions: "noteNotFound" },
    ],
    "deadline.reached": { guard: "isMyDeadline", target: "querying", reenter: true },
  },
});

const deciding = purgeSetup.createStateConfig({
  always: [
    { guard: "isFinished", target: "done" },
    { guard: "hasOrder", target: "placing" },
    { target: "quoting" },
  ],
});

/** An order at the exchange is cancelled, and its fate awaited, before an attempt ends early. */
const endEarly = [
  { guard: "hasOrder", target: ".cancelling", actions: "windDown" },
  { target: ".deciding", actions: "windDown" },
] as const;

/** The nested attempt, the same in `purging` and `retrying`. */
const attempt = purgeSetup.createStateConfig({
  initial: "quoting",
  states: { quoting, placing, resting, cancelling, querying, deciding, done: { type: "final" } },
  on: {
    "operator.abort": endEarly,
    "operator.pause": endEarly,
    "operator.ban": endEarly,
    "symbol.poisoned": endEarly,
    "operator.resume": { guard: "isPausing", actions: "endWithoutPause" },
    "operator.reset": { guard: "hasFailures", actions: "forget" },
  },
  onDone: [
    { guard: "isSold", target: "cleared", actions: ["forget", "closeAttempt"] },
    {
      guard: "isFailure",
      target: "failed",
      actions: ["recordFailure", "closeAttempt"],
    },
    { guard: "isSuspending", target: "suspended", actions: ["suspendAfterAttempt", "closeAttempt"] },
    { guard: "wasDue", target: "#purge.backoff.due", actions: "closeAttempt" },
    { guard: "hasFailures", target: "failed", actions: "closeAttempt" },
    { target: "idle", actions: "closeAttempt" },
  ],
});

const suspending = { target: "#purge.suspended", actions: "suspend" } as const;
/** What an operator, the supervisor or an import may do where no attempt is under way. */
const atRest = {
  "operator.pause": suspending,
  "operator.ban": suspending,
  "symbol.poisoned": suspending,
  "failure.imported": { target: "#purge.failed", actions: "importFailure" },
} as const;

/** One symbol's machine. Input: the ledger that order ids are derived from, and the symbol. */
export const purgeMachine = purgeSetup.createMachine({
  id: "purge",
  context: ({ input }) => initialContext(input.ledgerId, input.symbol),
  initial: "idle",
  on: { "order.update": { guard: "provesMore", actions: "takeLateFill" } },
  states: {
    idle: {
      on: { ...atRest, "purge.requested": { target: "purging", actions: "startFirst" } },
    },
    purging: attempt,
    failed: {
      always: { guard: "mustRest", target: "backoff" },
      on: {
        ...atRest,
        "purge.requested": { target: "retrying", actions: "startRetry" },
        "operator.reset": { target: "idle", actions: "forget" },
      },
    },
    backoff: {
      initial: "waiting",
      on: { ...atRest, "operator.reset": { target: "idle", actions: "forget" } },
      states: {
        waiting: {
          entry: "awaitRetry",
          on: { "deadline.reached": { guard: "isMyDeadline", target: "due", actions: "clearDeadline" } },
        },
        due: { on: { "purge.requested": { target: "#purge.retrying", actions: "startRetry" } } },
      },
    },
    retrying: attempt,
    cleared: {
      on: { ...atRest, "position.held": "idle" },
    },
    suspended: {
      on: {
        "operator.resume": [
          { guard: "isBanned" },
          { guard: "hasFailures", target: "failed", actions: "unsuspend" },
          { target: "idle", actions: "unsuspend" },
        ],
        "operator.ban": { guard: "isNotBanned", actions: "suspend" },
        "operator.reset": { target: "idle", actions: ["unsuspend", "forget"] },
        "failure.imported": { actions: "importFailure" },
      },
    },
  },
});
