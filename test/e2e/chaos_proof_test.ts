// What proves that nothing was lost or doubled has to notice when something was.
import { expect, test } from "vitest";
import { encode } from "../../adapters/bus/mod.ts";
import type { PaperOrder } from "../../adapters/exchange/mod.ts";
import { ClientOrderId, type OrderResult, type PurgeEvent } from "../../machines/mod.ts";
import { BONK, rejection } from "../machines/scenario.ts";
import { prove, type Refusal, type Survivors } from "./chaos_proof.ts";
import { attemptsHeardOf } from "./chaos_report.ts";

const AT = "2025-11-11T22:00:00.000Z";
const LATER = "2025-11-11T22:00:09.000Z";
const FIRST = ClientOrderId.make("00000000-0000-5000-8000-000000000001");
const SECOND = ClientOrderId.make("00000000-0000-5000-8000-000000000002");

type Update = Extract<PurgeEvent, { readonly type: "order.update" }>;
function update(over: Partial<Update> = {}): Update {
  const fill = { filled_size: "10", filled_value: "1", fee: "0.01" };
  const order = { symbol: BONK, client_order_id: FIRST, order_id: "o1" };
  return {
    type: "order.update",
    at: AT,
    ...order,
    revision: 2,
    status: "filled",
    ...fill,
    rejection: null,
    ...over,
  };
}
const accepted: OrderResult = {
  type: "order.accepted",
  symbol: BONK,
  at: AT,
  client_order_id: FIRST,
  order_id: "o1",
};
const denied: OrderResult = {
  type: "order.unknown",
  symbol: BONK,
  at: AT,
  client_order_id: FIRST,
  outcome: "not_found",
  message: "no such order",
};

function order(over: Partial<PaperOrder> = {}): PaperOrder {
  const size = { base_size: "10", limit_price: "0.1", filled_size: "10", filled_value: "1", fee: "0.01" };
  const times = { placed_at: 1_000, updated_at: 2_000 };
  const name = { client_order_id: FIRST, order_id: "o1", symbol: BONK, kind: "post_only" as const };
  return { ...name, ...size, ...times, status: "filled", revision: 2, rejection: null, ...over };
}

/** A ledger of one order that was taken and filled; `at` in the journal is when it was heard. */
function survivors(over: Partial<Survivors> = {}): Survivors {
  return {
    events: [
      { ...accepted, at: LATER },
      { ...update(), at: LATER },
    ],
    orders: [order()],
    calls: [{ call: "place", at: 1_000, symbol: BONK, client_order_id: FIRST, answer: "open" }],
    gatewayDeaths: [],
    results: [accepted, update()].map((result) => encode("results", result)),
    dead: [],
    told: [1, 2],
    ...over,
  };
}
const resultsOf = (...results: OrderResult[]) =>
  prove(survivors({ results: results.map((result) => encode("results", result)) })).results;

test("a run without loss has each result in the journal", () => {
  expect(prove(survivors())).toEqual({
    results: { journaled: 2, repeated: 0, outdated: 0, dead: 0, lost: 0 },
    deadLetters: {},
    orders: { placed: 1, underCounted: 0, overCounted: 0 },
    openAtOnce: [],
    placedAfterRefusal: [],
    refusals: [],
    transitions: { missing: [], repeated: [] },
    records: 2,
  });
});

test("a result that says more than the journal heard is lost", () => {
  expect(resultsOf(update({ client_order_id: SECOND }))).toMatchObject({ lost: 1 });
  expect(resultsOf(update({ revision: 3 }))).toMatchObject({ lost: 1 });
  expect(resultsOf(update({ filled_size: "11" }))).toMatchObject({ lost: 1 });
  expect(resultsOf({ ...accepted, client_order_id: SECOND })).toMatchObject({ lost: 1 });
  expect(resultsOf({ ...denied, client_order_id: SECOND })).toMatchObject({ lost: 1 });
  const refused = { type: "order.rejected", symbol: BONK, at: AT, rejection: rejection() } as const;
  expect(resultsOf({ ...refused, client_order_id: FIRST })).toMatchObject({ lost: 1 });
  const unavailable = { type: "market.unavailable", symbol: BONK, at: AT, rejection: rejection() } as const;
  expect(resultsOf({ ...unavailable, request_id: "1-1" })).toMatchObject({ lost: 1 });
});

test("a result that was sent twice is in the journal once, and repeated once", () => {
  expect(resultsOf(update(), update())).toMatchObject({ journaled: 1, repeated: 1, lost: 0 });
});

test("a result that the journal was ahead of is outdated", () => {
  expect(resultsOf(update({ revision: 1, filled_size: "4", status: "open" }))).toMatchObject({ outdated: 1 });
  expect(resultsOf(denied)).toMatchObject({ outdated: 1 });
});

test("a result that was set aside is counted there, with the reason", () => {
  const { subject, bytes, headers } = encode("results", update({ client_order_id: SECOND }));
  const body_base64 = Buffer.from(bytes).toString("base64");
  const letter = { at: LATER, subject, reason: "was delivered 20 times", body_base64, headers };
  const proof = prove(survivors({ results: [{ subject, bytes, headers }], dead: [letter] }));
  expect([proof.results.dead, proof.deadLetters]).toEqual([1, { "was delivered <n> times": 1 }]);
});

test("a fill is counted in full, and once", () => {
  expect(prove(survivors({ orders: [order({ filled_size: "11" })] })).orders.underCounted).toBe(1);
  expect(prove(survivors({ orders: [order({ filled_size: "9" })] })).orders.overCounted).toBe(1);
  expect(
    prove(survivors({ orders: [order(), order({ client_order_id: SECOND })] })).orders.underCounted,
  ).toBe(1);
});

test("two orders of one symbol that were open at a time are named", () => {
  const second = { client_order_id: SECOND, placed_at: 1_999, updated_at: 3_000 };
  expect(prove(survivors({ orders: [order(second), order()] })).openAtOnce).toEqual([
    `${BONK}: ${FIRST} ${SECOND}`,
  ]);
  expect(prove(survivors({ orders: [order(), order({ ...second, placed_at: 2_000 })] })).openAtOnce).toEqual(
    [],
  );
  const open = order({ status: "open", updated_at: 1_000 });
  expect(
    prove(survivors({ orders: [open, order({ ...second, placed_at: 2_000 })] })).openAtOnce,
  ).toHaveLength(1);
});

test("an order that was placed again after its refusal had been heard is named", () => {
  const refusal = { type: "order.rejected", symbol: BONK, at: LATER, rejection: rejection() } as const;
  const events = [{ ...refusal, client_order_id: FIRST }];
  const heardAt = Date.parse(LATER);
  const again = { call: "place", symbol: BONK, client_order_id: FIRST, answer: "open" } as const;
  const placedAt = (at: number) => prove(survivors({ events, calls: [{ ...again, at }] })).placedAfterRefusal;
  expect([placedAt(heardAt - 1), placedAt(heardAt + 7)]).toEqual([[], [`${FIRST}, 7 ms`]]);
});

test("a refusal that the journal does not know is lost, unless it died with its gateway and the order was denied later", () => {
  const code = "INVALID_SIZE_PRECISION";
  const call = { call: "place", symbol: BONK, client_order_id: FIRST, answer: `Refused ${code}` } as const;
  const refusal = { type: "order.rejected", symbol: BONK, at: LATER, rejection: rejection() } as const;
  const deniedAt = Date.parse(LATER);
  const heardOf = (events: Survivors["events"], ...gatewayDeaths: number[]) => {
    const calls = [{ ...call, at: deniedAt - 5_000 }];
    return prove(survivors({ events, calls, gatewayDeaths })).refusals;
  };
  const refused = (heard: string) => [{ symbol: BONK, code, heard }];
  const late = { ...denied, at: LATER };
  expect(heardOf([{ ...refusal, client_order_id: FIRST }])).toEqual(refused("heard"));
  expect(heardOf([late], deniedAt - 4_000)).toEqual(refused("unheard"));
  expect(heardOf([late], deniedAt - 6_000, deniedAt + 1)).toEqual(refused("lost"));
  expect(heardOf([], deniedAt - 4_000)).toEqual(refused("lost"));
  expect(heardOf([{ ...refusal, client_order_id: SECOND }])).toEqual(refused("lost"));
});

test("attempts are expected as they were undisturbed, without one whose refusal died with its gateway", () => {
  const undisturbed = [
    "stuck A, 1 failures",
    "stuck B, 2 failures",
    "stuck A, 3 failures",
    "sold SOLD, 0 failures",
  ];
  const refusals = (...heard: Refusal["heard"][]) => [
    { symbol: BONK, code: "INVALID_LIMIT_PRICE_POST_ONLY", heard: "unheard" as const },
    ...heard.map((one) => ({ symbol: BONK, code: "A", heard: one })),
  ];
  expect(attemptsHeardOf(undisturbed, refusals("heard", "lost", "heard"))).toEqual(undisturbed);
  expect(attemptsHeardOf(undisturbed, refusals("heard", "unheard", "heard"))).toEqual([
    "stuck A, 1 failures",
    "stuck A, 2 failures",
    "sold SOLD, 0 failures",
  ]);
});

test("a step that observers were not told of, or were told of twice, is named", () => {
  expect(prove(survivors({ told: [1] })).transitions).toEqual({ missing: [2], repeated: [] });
  expect(prove(survivors({ told: [1, 2, 1] })).transitions).toEqual({ missing: [], repeated: [1] });
});
