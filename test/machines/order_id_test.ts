import * as fc from "fast-check";
import { parse, version } from "uuid";
import { describe, expect, test } from "vitest";
import { ClientOrderId, clientOrderId, ORDER_NAMESPACE, TradingSymbol } from "../../machines/mod.ts";
import { Schema } from "effect";

const BONK = TradingSymbol.make("BONK-USD");
const intent = { ledgerId: "paper", symbol: BONK, attempt: 1, slice: 1, revision: 1 };

const intents = fc.record({
  ledgerId: fc.string(),
  symbol: fc.constantFrom(BONK, TradingSymbol.make("SEI-USD"), TradingSymbol.make("SEI-USDC")),
  attempt: fc.nat(),
  slice: fc.nat(),
  revision: fc.nat(),
});

describe("a client order id", () => {
  test("is what it has always been: an order under way keeps its name from one release to the next", () => {
    expect(clientOrderId(intent)).toBe("e25d1dd6-7287-5f33-891b-99f425912615");
  });

  test("is a UUID of version 5, which the exchange and the wire take", () => {
    fc.assert(
      fc.property(intents, (each) => {
        const id = clientOrderId(each);
        expect(Schema.is(ClientOrderId)(id)).toBe(true);
        expect(version(id)).toBe(5);
      }),
    );
  });

  test("is the same for the same intent", () => {
    fc.assert(fc.property(intents, (each) => clientOrderId(each) === clientOrderId({ ...each })));
  });

  test("differs when any part differs", () => {
    const others = [
      { ledgerId: "live" },
      { symbol: TradingSymbol.make("SEI-USD") },
      { attempt: 2 },
      { slice: 2 },
      { revision: 2 },
    ].map((part) => clientOrderId({ ...intent, ...part }));
    expect(new Set([clientOrderId(intent), ...others]).size).toBe(6);
  });

  test("differs between any two intents", () => {
    fc.assert(
      fc.property(intents, intents, (one, other) => {
        const isSame = JSON.stringify(one) === JSON.stringify(other);
        expect(clientOrderId(one) === clientOrderId(other)).toBe(isSame);
      }),
    );
  });

  test("keeps neighbouring numbers apart: attempt 11 slice 1 is not attempt 1 slice 11", () => {
    expect(clientOrderId({ ...intent, attempt: 11 })).not.toBe(clientOrderId({ ...intent, slice: 11 }));
    const quoted = { ...intent, ledgerId: 'a","BONK-USD' };
    expect(clientOrderId(quoted)).not.toBe(clientOrderId({ ...intent, ledgerId: "a" }));
  });

  test("belongs to a namespace that is a UUID itself", () => {
    expect(parse(ORDER_NAMESPACE)).toHaveLength(16);
  });
});
