// An event and a command in a few words, for tables and pictures.
import type { PurgeCommand, PurgeEvent, RecordedStep } from "../../machines/mod.ts";

/** What is shown of a step. */
export type Shown = Pick<RecordedStep, "seq" | "at" | "symbol" | "event" | "path" | "state" | "commands">;

/** `order.rejected INVALID_SIZE_PRECISION`. */
export function eventWords(event: PurgeEvent): string {
  return oneLine(`${event.type} ${detail(event)}`);
}

/** `order.place 36.2 at 0.1563 post_only`. */
export function commandWords(command: PurgeCommand): string {
  switch (command.type) {
    case "market.refresh":
      return oneLine(`${command.type} ${command.request_id}`);
    case "order.place": {
      const { base_size, limit_price, kind } = command.order;
      return oneLine(`${command.type} ${base_size} at ${limit_price} ${kind}`);
    }
    case "order.cancel":
    case "order.query":
      return oneLine(`${command.type} ${command.order_id ?? command.client_order_id}`);
  }
}

function detail(event: PurgeEvent): string {
  switch (event.type) {
    case "purge.requested":
      return `${event.reason}, ${event.balance} worth $${event.value_usd}`;
    case "position.held":
      return `${event.balance} worth $${event.value_usd}`;
    case "deadline.reached":
      return event.name;
    case "market.snapshot":
      return `${event.best_bid} / ${event.best_ask}`;
    case "market.unavailable":
    case "order.rejected":
      return event.rejection.code;
    case "order.accepted":
      return event.order_id;
    case "order.update":
      return `${event.status}, filled ${event.filled_size}`;
    case "order.unknown":
      return event.outcome;
    case "failure.imported":
      return `${event.failure_count} failures`;
    case "symbol.poisoned":
      return event.reason;
    default:
      return `by ${event.by}: ${event.reason}`;
  }
}

const WORDS_MAX = 120;

/** Words from elsewhere: on one line, and not for ever. */
function oneLine(text: string): string {
  const line = text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim();
  return line.length > WORDS_MAX ? `${line.slice(0, WORDS_MAX - 1)}…` : line;
}
