// What a machine asks of the gateway in each state: sent on entry, and once more after a crash.
import type { PurgeCommand } from "./events.ts";
import type { LiveOrder, PurgeContext } from "./purge_context.ts";

function live(context: PurgeContext): LiveOrder {
  const order = context.attempt?.order ?? null;
  if (order === null) throw new Error(`${context.symbol}: no order is live`);
  return order;
}

export function refreshCommand(context: PurgeContext): PurgeCommand {
  return { type: "market.refresh", symbol: context.symbol, request_id: context.attempt?.request_id ?? "" };
}

export function placeCommand(context: PurgeContext): PurgeCommand {
  return { type: "order.place", symbol: context.symbol, order: live(context).request };
}

export function cancelCommand(context: PurgeContext): PurgeCommand {
  const { request, order_id } = live(context);
  return { type: "order.cancel", symbol: context.symbol, client_order_id: request.client_order_id, order_id };
}

export function queryCommand(context: PurgeContext): PurgeCommand {
  const { request, order_id } = live(context);
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
