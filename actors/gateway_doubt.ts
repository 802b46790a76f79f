// How long a request may still be on its way to the exchange, and what that makes of the exchange's no.
import { Effect } from "effect";
import type { ClientOrderId, OrderResult, PurgeEventOf } from "../machines/mod.ts";
import type { Allowance } from "./gateway_requests.ts";
import type { Clock } from "./ports.ts";

/** How long a request that nobody waits for any more may still be on its way to the exchange. Longer than a request may
 * take, and short enough for a command to wait for it. */
const ON_ITS_WAY_MS = 30_000;

/** Waits until a request that was sent at `sentAt`, by the steady clock, can arrive no more; false at once when the command
 * cannot wait so long. */
export function outlast(clock: Clock, sentAt: number, { endsAt }: Allowance): Effect.Effect<boolean> {
  return Effect.gen(function* () {
    const left = (): number => sentAt + ON_ITS_WAY_MS - clock.steady();
    if (clock.now() + left() > endsAt) return false;
    // A clock that is set ahead ends a sleep before its time.
    while (left() > 0) yield* Effect.sleep(Math.ceil(left()));
    return true;
  });
}

/** Says with a denial whether the order may still be on its way. Its machine counts a minute from one denial to the next by a
 * clock that may be set; this is the word of one that is not. */
export function withDoubt(
  clock: Clock,
  sent: { lastSentAt(id: ClientOrderId): number },
  result: OrderResult,
): OrderResult {
  if (!isDenial(result)) return result;
  const sentAt = sent.lastSentAt(result.client_order_id);
  return { ...result, may_arrive: clock.steady() < sentAt + ON_ITS_WAY_MS };
}

export function isDenial(result: OrderResult): result is PurgeEventOf<"order.unknown"> {
  return result.type === "order.unknown" && result.outcome === "not_found";
}
