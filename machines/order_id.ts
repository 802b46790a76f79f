// The client order id: the same intent after a crash is the same id, so that asking twice never sells twice.
import { v5 } from "uuid";
import { ClientOrderId, type TradingSymbol } from "./vocabulary.ts";

/** The UUID namespace of this project's orders, drawn once at random. Changing it would give every order that is under
 * way a second name, and so sell it again. */
export const ORDER_NAMESPACE = "ae0c4c73-cb6f-4a4c-813d-1981ebecad62";

/** What an order is for. A changed body needs a new `revision`. */
export interface OrderIntent {
  readonly ledgerId: string;
  readonly symbol: TradingSymbol;
  readonly attempt: number;
  readonly slice: number;
  readonly revision: number;
}

/** The id of the order that serves this intent: UUID version 5 of its parts. */
export function clientOrderId({ ledgerId, symbol, attempt, slice, revision }: OrderIntent): ClientOrderId {
  // JSON keeps the parts apart whatever a ledger is called: ("a", 11, 1) and ("a", 1, 11) differ.
  const name = JSON.stringify([ledgerId, symbol, attempt, slice, revision]);
  return ClientOrderId.make(v5(name, ORDER_NAMESPACE));
}
