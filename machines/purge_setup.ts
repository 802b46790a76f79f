// The words of the purge machine: its guards and actions by name. `purge.ts` says when each of them applies.
import { assertEvent, assign, emit, setup } from "xstate";
import {
  askMarket,
  interrupt,
  giveUpQuotes,
  isQuoteUnusable,
  noteUnusableQuote,
  later,
  MAX_REQUOTES,
  REPLY_MS,
  startAttempt,
  takeMarketRefusal,
  takeQuote,
  windDown,
  withDeadline,
  working,
} from "./attempt.ts";
import { cancelCommand, placeCommand, queryCommand, refreshCommand } from "./commands.ts";
import type { PurgeCommand, PurgeEvent, PurgeEventOf } from "./events.ts";
import {
  askAgainAt,
  giveUpOrder,
  isNotFoundForLong,
  noteAccepted,
  noteNotFound,
  provesMore,
  saysMore,
  settleOrder,
  sliceDeadline,
  takeLateFill,
  takeRejection,
  takeUpdate,
} from "./live_order.ts";
import { liveOrder, present, type PurgeContext } from "./purge_context.ts";
import { closeAttempt, forget, importFailure, recordFailure, suspensionBy, suspensionOf } from "./record.ts";
import type { TradingSymbol } from "./vocabulary.ts";

/** Questions without an answer after which an attempt gives up asking for a quote. */
const MAX_QUOTE_ASKS = 3;

type At = { context: PurgeContext; event: PurgeEvent };
const order = (context: PurgeContext) => context.attempt?.order ?? null;
const isDone =
  (kind: string) =>
  ({ context }: At) =>
    context.attempt?.outcome?.kind === kind;
const isMyDeadline = ({ context, event }: At) =>
  event.type === "deadline.reached" && event.name === context.deadline?.name;
const isMyQuote = ({ context, event }: At) =>
  "request_id" in event && event.request_id === context.attempt?.request_id;
const isUnusable = (at: At) =>
  isMyQuote(at) && at.event.type === "market.snapshot" && isQuoteUnusable(working(at.context), at.event);
/** The event is about the order that this attempt has at the exchange now. */
const isLive = ({ context, event }: At) =>
  "client_order_id" in event && event.client_order_id === order(context)?.request.client_order_id;
const isNewer = ({ context, event }: At) =>
  event.type === "order.update" && saysMore(liveOrder(context), event);
const isFinal = ({ event }: At) => event.type === "order.update" && event.status !== "open";
/** The exchange has not named the live order yet, so it may still refuse it. */
const isUnnamed = (at: At) => isLive(at) && order(at.context)?.order_id === null;
const isEnding = ({ context, event }: At) =>
  working(context).attempt.wind_down !== null || event.at >= sliceDeadline(working(context));
const isNotFound = (at: At): at is At & { readonly event: PurgeEventOf<"order.unknown"> } =>
  isLive(at) && at.event.type === "order.unknown" && at.event.outcome === "not_found";
const isFirstNotFound = (at: At) => isNotFound(at) && working(at.context).attempt.not_found_at === null;
/** Says only that the order was placed before, not what became of it. */
const isDuplicateCode = ({ event }: At) =>
  event.type === "order.rejected" && event.rejection.code === "DUPLICATE_CLIENT_ORDER_ID";

/** Everything that the chart in `purge.ts` may name. */
export const purgeSetup = setup({
  types: {
    context: {} as PurgeContext,
    events: {} as PurgeEvent,
    input: {} as { readonly ledgerId: string; readonly symbol: TradingSymbol },
    emitted: {} as { readonly type: "command"; readonly command: PurgeCommand },
  },
  guards: {
    isSold: isDone("sold"),
    isFailure: (at) => isDone("stuck")(at) && working(at.context).attempt.policy.failure_tracking,
    isSuspending: ({ context }) => suspensionOf(context) !== null,
    wasDue: ({ context }) => context.attempt?.from === "due",
    hasFailures: ({ context }) => context.failures > 0,
    mustRest: ({ context }) => context.retry_at !== null,
    isBanned: ({ context }) => context.suspension?.kind === "ban",
    isNotBanned: ({ context }) => context.suspension?.kind !== "ban",
    isPausing: ({ context }) => context.attempt?.wind_down?.kind === "pause",
    isMyDeadline,
    mayAskAgain: (at) => isMyDeadline(at) && working(at.context).attempt.asks < MAX_QUOTE_ASKS,
    isMyQuote,
    isUnusable,
    mayRequote: (at) => isUnusable(at) && working(at.context).attempt.requotes < MAX_REQUOTES,
    isFinished: ({ context }) => context.attempt?.outcome !== null,
    hasOrder: ({ context }) => order(context) !== null,
    isLive,
    isLiveAndFinal: (at) => isLive(at) && isNewer(at) && isFinal(at),
    isLiveAndNewer: (at) => isLive(at) && isNewer(at),
    isLiveAndEnding: (at) => isLive(at) && isEnding(at),
    isUnnamed,
    isUnnamedAndEnding: (at) => isUnnamed(at) && isEnding(at),
    isRefusal: (at) => isUnnamed(at) && !isDuplicateCode(at),
    mayPlaceAgain: (at) => isFirstNotFound(at) && !isEnding(at),
    isFirstNotFound,
    neverArrived: (at) => isNotFound(at) && isNotFoundForLong(working(at.context), at.event),
    provesMore: ({ context, event }) => event.type === "order.update" && provesMore(context, event),
  },
  actions: {
    startFirst: assign(({ context, event }) => {
      assertEvent(event, "purge.requested");
      return startAttempt(context, event, "idle");
    }),
    startRetry: assign(({ context, event }) => {
      assertEvent(event, "purge.requested");
      return startAttempt(context, event, context.retry_at === null ? "failed" : "due");
    }),
    askMarket: assign(({ context, event }) => askMarket(working(context), event.at)),
    countAsk: assign(({ context }) => {
      const { attempt } = working(context);
      return { attempt: { ...attempt, asks: attempt.asks + 1 } };
    }),
    noteNotFound: assign(({ context, event }) => noteNotFound(working(context), event.at)),
    giveUpAsking: assign(({ context, event }) =>
      interrupt(working(context), event.at, "NO_ANSWER", "the market could not be read: no answer", null),
    ),
    noteUnusableQuote: assign(({ context, event }) => {
      assertEvent(event, "market.snapshot");
      return noteUnusableQuote(working(context), event);
    }),
    giveUpQuotes: assign(({ context, event }) => giveUpQuotes(working(context), event.at)),
    takeQuote: assign(({ context, event }) => {
      assertEvent(event, "market.snapshot");
      return takeQuote(working(context), event);
    }),
    takeMarketRefusal: assign(({ context, event }) => {
      assertEvent(event, "market.unavailable");
      return takeMarketRefusal(working(context), event);
    }),
    takeUpdate: assign(({ context, event }) => {
      assertEvent(event, "order.update");
      return takeUpdate(working(context), event);
    }),
    settle: assign(({ context, event }) => {
      assertEvent(event, "order.update");
      return settleOrder(working(context), event.at, event.rejection);
    }),
    giveUpOrder: assign(({ context, event }) => giveUpOrder(working(context), event.at)),
    noteAccepted: assign(({ context, event }) => {
      assertEvent(event, "order.accepted");
      return noteAccepted(working(context), event);
    }),
    takeRejection: assign(({ context, event }) => {
      assertEvent(event, "order.rejected");
      return takeRejection(working(context), event.at, event.rejection);
    }),
    windDown: assign(({ context, event }) => windDown(working(context), suspensionBy(event))),
    awaitReply: assign(({ context, event }) => withDeadline(context, "reply", later(event.at, REPLY_MS))),
    awaitAnswer: assign(({ context, event }) =>
      withDeadline(context, "answer", askAgainAt(working(context), event.at)),
    ),
    awaitFill: assign(({ context }) => withDeadline(context, "slice", sliceDeadline(working(context)))),
    clearDeadline: assign({ deadline: null }),
    awaitRetry: assign(({ context }) =>
      withDeadline(context, "retry", present(context.retry_at, "the end of the rest")),
    ),
    refreshMarket: emit(({ context }) => ({ type: "command", command: refreshCommand(context) })),
    place: emit(({ context }) => ({ type: "command", command: placeCommand(context) })),
    cancel: emit(({ context }) => ({ type: "command", command: cancelCommand(context) })),
    query: emit(({ context }) => ({ type: "command", command: queryCommand(context) })),
    closeAttempt: assign(({ context }) => closeAttempt(context)),
    recordFailure: assign(({ context }) => recordFailure(working(context))),
    forget: assign(({ context }) => forget(context)),
    suspend: assign(({ event }) => ({ suspension: suspensionBy(event), deadline: null })),
    suspendAfterAttempt: assign(({ context }) => ({ suspension: suspensionOf(context) })),
    /** A pause is taken back while the attempt is being ended for it: it ends, and nothing is suspended. */
    endWithoutPause: assign(({ context, event }) => {
      assertEvent(event, "operator.resume");
      const { by, reason, at } = event;
      return windDown(working(context), { kind: "abort", by, reason, at });
    }),
    unsuspend: assign({ suspension: null }),
    importFailure: assign(({ context, event }) => {
      assertEvent(event, "failure.imported");
      return importFailure(context, event);
    }),
    takeLateFill: assign(({ context, event }) => {
      assertEvent(event, "order.update");
      return takeLateFill(context, event);
    }),
  },
});
