// What a machine asks of the gateway in each state: sent on entry, and once more after a crash.
import type { PurgeCommand } from "./events.ts";
import { liveOrder, present, type PurgeContext } from "./purge_context.ts";

export function refreshCommand(context: PurgeContext): PurgeCommand {
  const { symbol, attempt } = context;
  return {
    type: "market.refresh",
    symbol,
    request_id: present(attempt?.request_id, `${symbol}: the question`),
  };
}

export function placeCommand(context: PurgeContext): PurgeCommand {
  return { type: "order.place", symbol: context.symbol, order: liveOrder(context).request };
}

export function cancelCommand(context: PurgeContext): PurgeCommand {
  const { request, order_id } = liveOrder(context);
  return { type: "order.cancel", symbol: context.symbol, client_order_id: request.client_order_id, order_id };
}

export function queryCommand(context: PurgeContext): PurgeCommand {
  const { request, order_id } = liveOrder(context);
  return { type: "order.query", symbol: context.symbol, client_order_id: request.client_order_id, order_id };
}

/** What a machine at rest in `state` still waits for an answer to. A restarted actor sends it again, so that an answer
 * which was lost in a crash is given once more; every receiver is idempotent.
 *
 * @param state dotted, such as `purging.placing`
 */
export function pendingCommands(state: string, context: PurgeContext): readonly PurgeCommand[] {
  switch (state.slice(state.indexOf(".") + 1)) {
    case "quoting":
      return context.attempt?.request_id === null ? [] : [refreshCommand(context)];
    case "placing":
      return [placeCommand(context)];
    case "cancelling":
      return [cancelCommand(context)];
    case "resting":
    case "querying":
      return [queryCommand(context)];
    default:
      return [];
  }
}
