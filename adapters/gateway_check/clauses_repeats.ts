// Clauses about the same order twice: repeated, changed, late, before its time. There must never be a second one.
import { compare, type DecimalString } from "../../machines/mod.ts";
import { withQuote } from "./clauses_orders.ts";
import { textOf } from "./reading.ts";
import {
  type Clause,
  describe,
  fail,
  type Finding,
  isFinal,
  isOpen,
  notShown,
  pass,
  type Quote,
  type Stage,
} from "./stage.ts";
import { writePlain } from "../bus/mod.ts";

export const REPEAT_CLAUSES: readonly Clause[] = [
  {
    id: "repeat.same",
    sentence: "An order.place that is repeated with the same body is answered again, and there is one order.",
    check: (stage) => withQuote(stage, stage.symbols.accept, (quote) => checkSame(stage, quote)),
  },
  {
    id: "repeat.changed",
    sentence:
      "A client_order_id with another body is set aside or rejected, and never becomes a second order.",
    check: (stage) => withQuote(stage, stage.symbols.accept, (quote) => checkChanged(stage, quote)),
  },
  {
    id: "repeat.after_end",
    sentence: "An order.place that comes again after its order was cancelled does not place it again.",
    check: (stage) => withQuote(stage, stage.symbols.accept, (quote) => checkAfterEnd(stage, quote)),
  },
  {
    id: "repeat.after_refusal",
    sentence: "An order.place that comes again after it was refused is refused again, not tried again.",
    check: (stage) => withQuote(stage, stage.symbols.reject, (quote) => checkAfterRefusal(stage, quote)),
  },
  {
    id: "repeat.cancel_first",
    sentence:
      "An order whose order.cancel came first, and found nothing, is not placed when it comes after all.",
    check: (stage) => withQuote(stage, stage.symbols.accept, (quote) => checkCancelFirst(stage, quote)),
  },
];

async function checkSame(stage: Stage, quote: Quote): Promise<Finding> {
  const expected = "a second answer with the same order_id, and no more held than one order holds";
  const order = stage.order(quote);
  const first = await stage.wordOf(order, await stage.place(order));
  if (first?.body["type"] !== "order.accepted") return notShown(expected, describe(first));
  const held = await available(stage, quote);
  const second = await stage.wordOf(order, await stage.place(order));
  if (second === null) return fail(expected, "the repeated order was not answered");
  const id = textOf(first.body, "order_id");
  if (textOf(second.body, "order_id") !== id)
    return fail(expected, `the first order was ${id}; ${describe(second)}`);
  return unchanged(expected, held, await available(stage, quote));
}

async function checkChanged(stage: Stage, quote: Quote): Promise<Finding> {
  const expected = "a dead letter with the message, or order.rejected; and no more held than one order holds";
  const order = stage.order(quote);
  const first = await stage.wordOf(order, await stage.place(order));
  if (first?.body["type"] !== "order.accepted") return notShown(expected, describe(first));
  const held = await available(stage, quote);
  const changed = { ...order, base_size: `${order.base_size}0` };
  const command = { type: "order.place", symbol: order.symbol, order: changed } as const;
  const from = await stage.command(command, "json");
  const bytes = Buffer.from(writePlain("json", command)).toString("base64");
  const answer = await stage.ear.first(
    from,
    ({ channel, body }) =>
      (channel === "dead" && body["body_base64"] === bytes) ||
      (channel === "results" && body["client_order_id"] === order.client_order_id),
    stage.timeoutMs,
  );
  if (answer === null) return fail(expected, describe(answer));
  const isRefused = answer.channel === "dead" || answer.body["type"] === "order.rejected";
  if (!isRefused) return fail(expected, describe(answer));
  return unchanged(expected, held, await available(stage, quote));
}

async function checkAfterEnd(stage: Stage, quote: Quote): Promise<Finding> {
  const expected = "an answer, the order final as before, and nothing held";
  const order = stage.order(quote);
  await stage.wordOf(order, await stage.place(order));
  if ((await stage.update(order, await stage.cancel(order), isFinal)) === null) {
    return notShown(expected, "the order did not end; see the clause cancel.final");
  }
  const word = await stage.wordOf(order, await stage.place(order));
  if (word === null) return fail(expected, "the repeated order was not answered");
  const asked = await stage.wordOf(order, await stage.query(order));
  if (asked === null || isOpen(asked.body)) return fail(expected, `asked for the order, ${describe(asked)}`);
  return unchanged(expected, quote.available, await available(stage, quote));
}

async function checkAfterRefusal(stage: Stage, quote: Quote): Promise<Finding> {
  const expected = "order.rejected both times";
  const order = stage.order(quote);
  const first = await stage.wordOf(order, await stage.place(order));
  if (first?.body["type"] !== "order.rejected") return notShown(expected, describe(first));
  const second = await stage.wordOf(order, await stage.place(order));
  return second?.body["type"] === "order.rejected" ? pass(expected) : fail(expected, describe(second));
}

async function checkCancelFirst(stage: Stage, quote: Quote): Promise<Finding> {
  const expected = "an answer that is not order.accepted, and nothing held";
  const order = stage.order(quote);
  const cancelled = await stage.wordOf(order, await stage.cancel(order));
  if (cancelled?.body["outcome"] !== "not_found") return notShown(expected, describe(cancelled));
  const word = await stage.wordOf(order, await stage.place(order));
  if (word === null || word.body["type"] === "order.accepted") return fail(expected, describe(word));
  return unchanged(expected, quote.available, await available(stage, quote));
}

async function available(stage: Stage, { symbol }: Quote): Promise<DecimalString | null> {
  return (await stage.quote(symbol))?.available ?? null;
}

/** Orders hold what they would sell: a second one shows in what is left. */
function unchanged(expected: string, before: DecimalString | null, after: DecimalString | null): Finding {
  if (before === null || after === null) return notShown(expected, "no market.snapshot to count by");
  if (compare(before, after) === 0) return pass(expected);
  return fail(
    expected,
    `available was ${before} before and is ${after} after: there is an order too many, or too few`,
  );
}
