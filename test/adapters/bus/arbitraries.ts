// Random messages of every kind, valid under their schemas, for property tests.
import { Schema } from "effect";
import fc from "fast-check";
import type { Channel, ChannelBody } from "../../../actors/ports.ts";
import { CHANNEL_SCHEMAS } from "../../../adapters/bus/mod.ts";

const symbol = fc.stringMatching(/^[A-Z0-9]{1,20}-[A-Z0-9]{2,10}$/);
const clientOrderId = fc.uuid();
const decimal = fc.oneof(
  fc.constantFrom("0", "0.000000000000000000000000000001", "999999999999999999999999999999", "889587.0"),
  fc.stringMatching(/^(0|[1-9][0-9]{0,29})(\.[0-9]{1,30})?$/),
);
const at = fc
  .date({
    min: new Date("0001-01-01T00:00:00.000Z"),
    max: new Date("9999-12-31T23:59:59.999Z"),
    noInvalidDate: true,
  })
  .map((date) => date.toISOString());
const count = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(0, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1));
const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc
      .string({ unit: "binary", maxLength: maxLength / 2 })
      .map((value) => value.slice(0, maxLength).toWellFormed()),
    fc.constantFrom("", "__proto__", "€ 😀\u0000\n", "x".repeat(maxLength)),
  );
const shortText = text(500);
const orNull = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary);

const rejection = fc.record({
  class: fc.constantFrom("symbol", "requote", "venue", "account", "transport"),
  classified: fc.boolean(),
  code: shortText,
  message: shortText,
  details: orNull(shortText),
  preview_failure: orNull(shortText),
  raw_response: orNull(text(16_384)),
});
const product = fc.record({
  base_increment: decimal,
  price_increment: decimal,
  base_min_size: decimal,
  quote_min_size: decimal,
  status: fc.constantFrom("online", "limit_only", "post_only", "cancel_only", "halted", "delisted"),
});
const policy = fc.record({
  slice_usd: decimal,
  replace_ms: count,
  max_duration_ms: count,
  max_slices: count,
  max_residual_usd: decimal,
  max_consecutive_no_fill: count,
  allow_taker_fallback: fc.boolean(),
  taker_fallback_threshold_usd: decimal,
  taker_max_slippage_bps: count,
  cushion_ticks: count,
  max_cushion_ticks: count,
  min_notional_usd: decimal,
  max_quote_age_ms: count,
  backoff: fc.record({
    enabled: fc.boolean(),
    after_failures: count,
    base_ms: count,
    factor: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    max_ms: count,
    jitter_pct: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  }),
  failure_tracking: fc.boolean(),
});

type Fields = Readonly<Record<string, fc.Arbitrary<unknown>>>;
const message = (type: string, fields: Fields): fc.Arbitrary<object> =>
  fc.record({ type: fc.constant(type), ...fields });

const commandsOf = (name: string): fc.Arbitrary<object>[] => {
  const own = { symbol: fc.constant(name) };
  const order = fc.record({
    client_order_id: clientOrderId,
    ...own,
    side: fc.constant("SELL"),
    kind: fc.constantFrom("post_only", "ioc"),
    base_size: decimal,
    limit_price: decimal,
  });
  const reference = { ...own, client_order_id: clientOrderId, order_id: orNull(shortText) };
  return [
    message("market.refresh", { ...own, request_id: shortText }),
    message("order.place", { ...own, order }),
    message("order.cancel", reference),
    message("order.query", reference),
  ];
};

const resultsOf = (name: string): fc.Arbitrary<object>[] => {
  const own = { symbol: fc.constant(name), at };
  const market = { ...own, request_id: shortText };
  const order = { ...own, client_order_id: clientOrderId };
  return [
    message("market.snapshot", {
      ...market,
      quoted_at: at,
      best_bid: decimal,
      best_ask: decimal,
      available: decimal,
      product,
    }),
    message("market.unavailable", { ...market, rejection }),
    message("order.accepted", { ...order, order_id: shortText }),
    message("order.rejected", { ...order, rejection }),
    message("order.update", {
      ...order,
      order_id: shortText,
      revision: count,
      status: fc.constantFrom("open", "filled", "cancelled", "expired", "failed"),
      filled_size: decimal,
      filled_value: decimal,
      fee: decimal,
      rejection: orNull(rejection),
    }),
    message("order.unknown", {
      ...order,
      outcome: fc.constantFrom("undetermined", "not_found"),
      message: shortText,
    }),
  ];
};

const eventsOf = (name: string): fc.Arbitrary<object>[] => {
  const own = { symbol: fc.constant(name), at };
  const held = { ...own, balance: decimal, value_usd: decimal };
  const operator = { ...own, by: shortText, reason: shortText };
  return [
    message("purge.requested", {
      ...held,
      reason: fc.constantFrom("ineligible", "excluded", "operator"),
      policy,
    }),
    message("position.held", held),
    message("deadline.reached", { ...own, name: shortText }),
    ...resultsOf(name),
    ...["pause", "resume", "reset", "ban", "abort"].map((what) => message(`operator.${what}`, operator)),
    message("symbol.poisoned", { ...own, reason: shortText }),
    message("failure.imported", {
      ...held,
      failure_count: count,
      last_failed_at: at,
      last_error: text(4_000),
      policy,
    }),
  ];
};

/** What JSON and MessagePack both carry without loss; minus zero is not among it. */
const json = fc
  .jsonValue({ maxDepth: 5 })
  .map((value): unknown => JSON.parse(JSON.stringify(value).replaceAll("__proto__", "proto")));

const record = symbol.chain((name) =>
  fc.record({
    ledger_id: shortText,
    seq: fc.integer({ min: 1 }),
    at,
    symbol: fc.constant(name),
    event: fc.oneof(...eventsOf(name)),
    path: fc.array(text(200), { maxLength: 5 }),
    state: text(200),
    commands: fc.array(fc.oneof(...commandsOf(name)), { maxLength: 3 }),
    snapshot: json,
  }),
);
const position = fc.record({
  currency: fc.stringMatching(/^[A-Z0-9]{1,20}$/),
  symbol: orNull(symbol),
  balance: decimal,
  available: decimal,
  price_usd: orNull(decimal),
});
const requestId = { request_id: orNull(shortText), at };
const deadLetter = fc.record({
  at,
  subject: fc.oneof(
    shortText,
    symbol.map((name) => `purge.v1.results.${name}`),
  ),
  reason: shortText,
  body_base64: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("base64")),
  headers: fc.dictionary(fc.stringMatching(/^[A-Za-z-]{1,20}$/), shortText),
});

const BODIES: { readonly [C in Channel]: fc.Arbitrary<unknown> } = {
  orders: symbol.chain((name) => fc.oneof(...commandsOf(name))),
  results: symbol.chain((name) => fc.oneof(...resultsOf(name))),
  transitions: record,
  account: message("holdings.refresh", { request_id: shortText }),
  holdings: fc.oneof(
    message("holdings.snapshot", { ...requestId, positions: fc.array(position, { maxLength: 20 }) }),
    message("holdings.unavailable", { ...requestId, rejection }),
    message("holdings.published", {
      at,
      source: fc.stringMatching(/^[A-Za-z0-9][\w.-]{0,63}$/),
      sequence: fc.nat(),
      positions: fc.array(position, { maxLength: 20 }),
      eligible: fc.option(fc.array(symbol, { maxLength: 20 })),
      excluded: fc.option(fc.array(symbol, { maxLength: 20 })),
    }),
  ),
  venue: message("venue.state", {
    at,
    state: fc.constantFrom("closed", "open", "half_open"),
    cause: orNull(fc.constantFrom("venue", "account")),
    reason: orNull(shortText),
    until: orNull(at),
  }),
  dead: deadLetter,
};

/** Bodies of a channel, every kind of message among them. */
export function bodyOf<C extends Channel>(channel: C): fc.Arbitrary<ChannelBody[C]> {
  const schema: Schema.Codec<ChannelBody[C], unknown> = CHANNEL_SCHEMAS[channel];
  return BODIES[channel].map(Schema.decodeUnknownSync(schema));
}
