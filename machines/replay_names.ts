// What an event names of a machine's own: its live order, its open question, its deadline. With other events before it the
// same machine counts them otherwise; an event can then be given under the name that they have now.
import type { PurgeEvent } from "./events.ts";
import type { PurgeContext } from "./purge_context.ts";

/** Whether the event names nothing, or what the machine has now. */
export function namesOwn(context: PurgeContext, event: PurgeEvent): boolean {
  return inOwnNames(context, event) === event;
}

/** The event as the machine would have it named; the same object where it is already. Null when the machine has no such order,
 * question or deadline. */
export function inOwnNames({ attempt, deadline }: PurgeContext, event: PurgeEvent): PurgeEvent | null {
  if (event.type === "deadline.reached") {
    if (deadline === null || kindOf(deadline.name) !== kindOf(event.name)) return null;
    return deadline.name === event.name ? event : { ...event, name: deadline.name };
  }
  if ("request_id" in event) {
    const asked = attempt?.request_id ?? null;
    if (asked === null) return null;
    return asked === event.request_id ? event : { ...event, request_id: asked };
  }
  if (!("client_order_id" in event)) return event;
  const order = attempt?.order ?? null;
  if (order === null) return null;
  const { client_order_id } = order.request;
  return client_order_id === event.client_order_id ? event : { ...event, client_order_id };
}

/** `slice` of `slice#12`. */
function kindOf(deadline: string): string {
  return deadline.split("#", 1).join();
}
