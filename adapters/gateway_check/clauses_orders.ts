// Clauses about what becomes of an order: taken, refused, filled in parts, cancelled, asked for.
import { compare } from "../../machines/mod.ts";
import { type Body, isMap, textOf } from "./reading.ts";
import {
  type Clause,
  describe,
  fail,
  filledIn,
  type Finding,
  isFinal,
  isOpen,
  notShown,
  pass,
  type Quote,
  type Stage,
} from "./stage.ts";

export const ORDER_CLAUSES: readonly Clause[] = [
  {
    id: "order.accepted",
    sentence:
      "An order that the exchange takes is answered with order.accepted, which gives the exchange's id.",
    check: (stage) =>
      withQuote(stage, stage.symbols.accept, async (quote) => {
        const expected = "order.accepted with this client_order_id and an order_id";
        const order = stage.order(quote);
        const word = await stage.wordOf(order, await stage.place(order));
        if (word?.body["type"] !== "order.accepted") return fail(expected, describe(word));
        return (textOf(word.body, "order_id") ?? "") === "" ? fail(expected, describe(word)) : pass(expected);
      }),
  },
  {
    id: "order.rests",
    sentence: "A post_only order above the market rests, unfilled, until it is cancelled.",
    check: (stage) =>
      withQuote(stage, stage.symbols.accept, async (quote) => {
        const expected = "order.update with status open and nothing filled, in answer to order.query";
        const order = stage.order(quote);
        await stage.wordOf(order, await stage.place(order));
        const update = await stage.update(order, await stage.query(order));
        const isRight = update !== null && isOpen(update.body) && compare(filledIn(update.body), "0") === 0;
        return isRight ? pass(expected) : fail(expected, describe(update));
      }),
  },
  {
    id: "order.ioc",
    sentence: "An ioc order never rests: its order.update is final without a cancellation.",
    check: (stage) =>
      withQuote(stage, stage.symbols.take, async (quote) => {
        const expected = "a final order.update, unasked";
        const order = stage.order(quote, { kind: "ioc", limit_price: quote.below });
        const update = await stage.update(order, await stage.place(order), isFinal);
        return update === null ? fail(expected, describe(null)) : pass(expected);
      }),
  },
  {
    id: "order.rejected",
    sentence: "A refusal is answered with order.rejected, whole: class, code, message and the raw response.",
    check: (stage) => withQuote(stage, stage.symbols.reject, (quote) => checkRefusal(stage, quote)),
  },
  {
    id: "order.partial",
    sentence:
      "Each fill is told unasked, and filled_size says how much was filled so far, not how much last.",
    check: (stage) => withQuote(stage, stage.symbols.partial, (quote) => checkPartial(stage, quote)),
  },
  {
    id: "cancel.final",
    sentence: "A cancelled order ends with an order.update that says so; accepted is not cancelled.",
    check: (stage) =>
      withQuote(stage, stage.symbols.accept, async (quote) => {
        const expected = "an order.update with status cancelled";
        const order = stage.order(quote);
        await stage.wordOf(order, await stage.place(order));
        const update = await stage.update(order, await stage.cancel(order), isFinal);
        return update?.body["status"] === "cancelled" ? pass(expected) : fail(expected, describe(update));
      }),
  },
  {
    id: "cancel.race",
    sentence: "What fills while an order is being cancelled counts: the final order.update has it.",
    check: (stage) => withQuote(stage, stage.symbols.race, (quote) => checkRace(stage, quote)),
  },
  {
    id: "query.final",
    sentence:
      "An order that is final is still known: order.query and order.cancel answer with its order.update.",
    check: (stage) => withQuote(stage, stage.symbols.accept, (quote) => checkFinalKnown(stage, quote)),
  },
  ...(["cancel", "query"] as const).map(
    (what): Clause => ({
      id: `${what}.unknown`,
      sentence: `An order.${what} of an order that the exchange has never heard of is answered with order.unknown, not_found.`,
      async check(stage) {
        const expected = "order.unknown with outcome not_found";
        const name = { symbol: stage.symbols.accept, client_order_id: crypto.randomUUID() };
        const word = await stage.wordOf(name, await stage[what](name));
        const isRight = word?.body["type"] === "order.unknown" && word.body["outcome"] === "not_found";
        return isRight ? pass(expected) : fail(expected, describe(word));
      },
    }),
  ),
];

/** @param work judges with the quote; without one there is nothing to judge */
export async function withQuote(
  stage: Stage,
  symbol: string,
  work: (quote: Quote) => Promise<Finding>,
): Promise<Finding> {
  const quote = await stage.quote(symbol);
  if (quote !== null) return work(quote);
  return notShown(
    "a market to trade in",
    `no usable market.snapshot of ${symbol}; see the clause market.answered`,
  );
}

async function checkRefusal(stage: Stage, quote: Quote): Promise<Finding> {
  const expected = "order.rejected with class, code, message and raw_response";
  const order = stage.order(quote);
  const word = await stage.wordOf(order, await stage.place(order));
  if (word?.body["type"] === "order.accepted") {
    return notShown(expected, `the exchange took an order of ${quote.symbol}, which it was to refuse`);
  }
  const rejection = word?.body["rejection"];
  if (word?.body["type"] !== "order.rejected" || !isMap(rejection)) return fail(expected, describe(word));
  const missing = ["class", "code", "message", "raw_response"].filter((field) => isEmpty(rejection, field));
  return missing.length === 0
    ? pass(expected)
    : fail(expected, `it lacks ${missing.join(", ")}: ${describe(word)}`);
}

function isEmpty(rejection: Body, field: string): boolean {
  return (textOf(rejection, field) ?? "") === "";
}

async function checkPartial(stage: Stage, quote: Quote): Promise<Finding> {
  const expected =
    "order.update with status open and a part filled, and then, unasked, with all of it filled";
  const order = stage.order(quote);
  const from = await stage.place(order);
  const isPart = (body: Body): boolean => isOpen(body) && compare(filledIn(body), "0") > 0;
  const part = await stage.update(order, from, (body) => isPart(body) || isFinal(body));
  if (part === null) {
    const asked = await stage.update(order, await stage.query(order));
    const isUntold = asked !== null && compare(filledIn(asked.body), "0") > 0;
    if (isUntold) return fail(expected, `of the fills nothing was told unasked; asked, ${describe(asked)}`);
    return notShown(
      expected,
      `the exchange filled nothing of an order of ${quote.symbol} within ${stage.timeoutMs} ms`,
    );
  }
  if (!isPart(part.body))
    return notShown(expected, `the exchange did not fill it in parts: ${describe(part)}`);
  const whole = await stage.update(order, from, isFinal);
  if (whole === null) return fail(expected, `after the first part nothing final came`);
  const isWhole = whole.body["status"] === "filled" && compare(filledIn(whole.body), order.base_size) === 0;
  return isWhole ? pass(expected) : fail(expected, `of ${order.base_size} ordered, ${describe(whole)}`);
}

async function checkRace(stage: Stage, quote: Quote): Promise<Finding> {
  const expected = "a final order.update with more than nothing filled, without a further command";
  const order = stage.order(quote);
  await stage.wordOf(order, await stage.place(order));
  const final = await stage.update(order, await stage.cancel(order), isFinal);
  const told = final ?? (await stage.update(order, await stage.query(order)));
  const isFilled = told !== null && compare(filledIn(told.body), "0") > 0;
  if (final === null && told !== null && isFinal(told.body)) {
    return fail(expected, `the end of the order was not told unasked; asked, ${describe(told)}`);
  }
  if (final === null) return fail(expected, describe(told));
  if (isFilled) return pass(expected);
  // A fill may still be on its way at the exchange.
  const isNews = (body: Body): boolean => compare(filledIn(body), "0") > 0;
  const late = await stage.update(order, stage.start, isNews);
  const news = late ?? (await stage.update(order, await stage.query(order), isNews));
  if (news !== null) return fail(expected, `first ${describe(final)}, and then ${describe(news)}`);
  return notShown(expected, `nothing of an order of ${quote.symbol} filled while it was being cancelled`);
}

async function checkFinalKnown(stage: Stage, quote: Quote): Promise<Finding> {
  const expected = "the same final order.update, to order.query and to order.cancel";
  const order = stage.order(quote);
  await stage.wordOf(order, await stage.place(order));
  if ((await stage.update(order, await stage.cancel(order), isFinal)) === null) {
    return notShown(expected, "the order did not end; see the clause cancel.final");
  }
  for (const ask of [() => stage.query(order), () => stage.cancel(order)]) {
    const word = await stage.wordOf(order, await ask());
    if (word === null || !isFinal(word.body)) return fail(expected, describe(word));
  }
  return pass(expected);
}
