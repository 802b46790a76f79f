import { Schema } from "effect";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  adviceFor,
  classify,
  errorLine,
  lookUp,
  REJECTION_TABLE,
  type Refusal,
  Rejection,
} from "../../machines/mod.ts";
import facts from "./fixtures/coinbase_codes.json" with { type: "json" };

function refusal(code: string, over: Partial<Refusal> = {}): Refusal {
  return { code, message: "", details: null, preview_failure: null, raw_response: null, ...over };
}
const classOf = (code: string, over: Partial<Refusal> = {}) => classify(refusal(code, over)).class;

const OWN =
  `VENUE_BREAKER_OPEN TRANSPORT_TIMEOUT TRANSPORT_ERROR CONNECTION_LOST RATE_LIMITED NO_FILL MAX_DURATION
  MAX_SLICES REQUOTE_EXHAUSTED PRODUCT_HALTED STALE_QUOTE UNKNOWN_OUTCOME NO_ANSWER NOTHING_TO_SELL OPERATOR HALTED
  DELISTED CANCEL_ONLY POST_ONLY_MARKET NO_QUOTE CROSSED`.split(/\s+/);

describe("the table", () => {
  test.each([
    ["new order", facts.new_order_failure_reason],
    ["preview", facts.preview_failure_reason],
    ["cancel", facts.cancel_failure_reason],
    ["guide", facts.guide_codes],
    ["own", OWN],
  ])("knows every %s code", (_, codes) => {
    expect(codes.filter((code) => lookUp(code) === undefined)).toEqual([]);
    expect(codes.filter((code) => !classify(refusal(code)).classified)).toEqual([]);
  });

  test("has each code once", () => {
    const codes = REJECTION_TABLE.flatMap((row) => row.codes);
    expect(codes.filter((code, at) => codes.indexOf(code) !== at)).toEqual([]);
  });

  test("writes out a PREVIEW_ code only where there is none without", () => {
    const codes = new Set(REJECTION_TABLE.flatMap((row) => row.codes));
    const idle = [...codes].filter(
      (code) => code.startsWith("PREVIEW_") && codes.has(code.slice("PREVIEW_".length)),
    );
    expect(idle).toEqual([]);
  });

  test("has no order code that it spells differently from the exchange", () => {
    const said = new Set([
      ...facts.new_order_failure_reason,
      ...facts.preview_failure_reason,
      ...facts.preview_failure_reason.map((code) => code.replace("PREVIEW_", "")),
      ...facts.cancel_failure_reason,
      ...facts.guide_codes,
    ]);
    const elsewhere =
      `INVALID_ARGUMENT UNKNOWN BAD_REQUEST FAILED_PRECONDITION NOT_FOUND UNAUTHENTICATED UNAUTHORIZED
      PERMISSION_DENIED FORBIDDEN INVALID_API_KEY MISSING_SCOPE INTERNAL INTERNAL_SERVER_ERROR UNAVAILABLE
      SERVICE_UNAVAILABLE MAINTENANCE RATE_LIMIT_EXCEEDED RESOURCE_EXHAUSTED DEADLINE_EXCEEDED ABORTED`.split(
        /\s+/,
      );
    const codes = REJECTION_TABLE.filter((row) => row.source === "exchange").flatMap((row) => row.codes);
    const strange = codes.filter((code) => !said.has(code) && !code.startsWith("HTTP_"));
    expect(strange.toSorted()).toEqual(elsewhere.toSorted());
  });
});

describe("whose fault", () => {
  test.each([
    ["INVALID_ORDER_CONFIGURATION", "symbol"],
    ["INVALID_SIZE_PRECISION", "symbol"],
    ["PREVIEW_INVALID_BASE_SIZE_TOO_SMALL", "symbol"],
    ["PRODUCT_NOT_TRADEABLE", "symbol"],
    ["PRODUCT_TRADING_HALTED", "symbol"],
    ["NO_FILL", "symbol"],
    ["REQUOTE_EXHAUSTED", "symbol"],
    ["INVALID_LIMIT_PRICE_POST_ONLY", "requote"],
    ["STALE_QUOTE", "requote"],
    ["VENUE_BREAKER_OPEN", "venue"],
    ["HTTP_503", "venue"],
    ["HTTP_522", "venue"],
    ["UNAUTHENTICATED", "account"],
    ["INSUFFICIENT_BALANCE", "account"],
    ["PREVIEW_INSUFFICIENT_FUND", "account"],
    ["TRANSPORT_TIMEOUT", "transport"],
    ["RATE_LIMITED", "transport"],
    ["rate_limit_exceeded", "transport"],
    ["UNKNOWN_OUTCOME", "transport"],
    ["DUPLICATE_CLIENT_ORDER_ID", "transport"],
  ])("%s is the %s's", (code, fault) => {
    expect(classOf(code)).toBe(fault);
  });

  test("a refused cancellation never counts against the symbol: the order may still rest", () => {
    expect(new Set(facts.cancel_failure_reason.map((code) => classOf(code)))).toEqual(new Set(["transport"]));
  });

  test("a code that nobody knows is the symbol's, and is said to be unclassified", () => {
    for (const code of ["SOMETHING_NEW", "", "HTTP_418", "HTTP_5000", "constructor"]) {
      expect(classify(refusal(code))).toMatchObject({ class: "symbol", classified: false, code });
    }
  });

  test("a vague preview reason does not make an unknown code a known one", () => {
    const preview_failure = "UNKNOWN_PREVIEW_FAILURE_REASON";
    expect(classify(refusal("SOMETHING_NEW", { preview_failure }))).toMatchObject({ classified: false });
  });

  test("missing funds are looked for before the exchange is believed", () => {
    const codes = ["INSUFFICIENT_FUND", "INSUFFICIENT_BALANCE", "PREVIEW_INSUFFICIENT_LEDGER_BALANCE"];
    expect(codes.map((code) => lookUp(code)?.reconcile)).toEqual([true, true, true]);
    expect(lookUp("UNAUTHENTICATED")?.reconcile).toBeUndefined();
  });

  test("a halt may be the venue's, a delisted coin is only ever its own", () => {
    const codes = ["PRODUCT_TRADING_HALTED", "TRADING_DISABLED", "PREVIEW_TRADING_DISABLED", "CANCEL_ONLY"];
    expect(codes.map((code) => lookUp(code)?.halt)).toEqual([true, true, true, true]);
    const own = ["UNTRADABLE_PRODUCT", "PRODUCT_NOT_TRADEABLE", "DELISTED", "INVALID_SIZE_PRECISION"];
    expect(own.map((code) => lookUp(code)?.halt)).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe("a vague code", () => {
  test("yields to the preview's reason", () => {
    const preview_failure = "PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY";
    const told = classify(refusal("INVALID_ORDER_CONFIGURATION", { preview_failure }));
    expect(told).toMatchObject({ class: "requote", code: "INVALID_ORDER_CONFIGURATION", preview_failure });
    expect(classOf("UNKNOWN_FAILURE_REASON", { preview_failure: "PREVIEW_INSUFFICIENT_FUND" })).toBe(
      "account",
    );
  });

  test("yields to a code inside the message, the details or the body", () => {
    const inside = "preview says PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY.";
    for (const over of [
      { message: inside },
      { details: inside },
      { raw_response: `{"reason":"${inside}"}` },
    ]) {
      expect(classOf("INVALID_ORDER_CONFIGURATION", over)).toBe("requote");
    }
  });

  test("does not stop at a word that only looks like a code", () => {
    const message = "BONK_USD: NEW_RULE, see PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY";
    expect(classOf("INVALID_ORDER_CONFIGURATION", { message })).toBe("requote");
  });

  test("yields to prose", () => {
    expect(classOf("BAD_REQUEST", { message: "Missing required scopes" })).toBe("account");
    expect(classOf("UNKNOWN", { message: "Too many requests" })).toBe("transport");
    expect(classOf("", { details: "Insufficient balance in source account" })).toBe("account");
    expect(classOf("UNKNOWN", { message: "post only order would cross the book" })).toBe("requote");
    expect(classOf("UNKNOWN", { message: "Down for maintenance" })).toBe("venue");
  });

  test("stands when nothing beside it tells more", () => {
    const over = { message: "Invalid order size", raw_response: '{"error":"UNKNOWN_FAILURE_REASON"}' };
    const told = classify(refusal("INVALID_ORDER_CONFIGURATION", over));
    expect(told).toMatchObject({ class: "symbol", classified: true });
  });

  test("takes no word of this program's own from outside", () => {
    expect(classOf("INVALID_REQUEST", { message: "VENUE_BREAKER_OPEN" })).toBe("symbol");
  });

  test("takes no chance word of a body's for prose", () => {
    const raw_response = "<html>rate limit maintenance unauthorized</html>";
    expect(classOf("INVALID_REQUEST", { raw_response })).toBe("symbol");
    expect(classOf("INVALID_REQUEST", { message: "maintenance_margin is not set" })).toBe("symbol");
  });

  test("is not needed: a telling code is not overruled by what stands beside it", () => {
    const over = { preview_failure: "PREVIEW_INSUFFICIENT_FUND", message: "Too many requests" };
    expect(classOf("INVALID_SIZE_PRECISION", over)).toBe("symbol");
  });
});

describe("a rejection", () => {
  test("keeps every word", () => {
    const said = {
      code: "INVALID_SIZE_PRECISION",
      message: "Too many decimals",
      details: "size 0.123",
      preview_failure: "PREVIEW_INVALID_SIZE_PRECISION",
      raw_response: '{"success":false}',
    };
    expect(classify(said)).toEqual({ ...said, class: "symbol", classified: true });
  });

  test("is cut where it is too long, and says so", () => {
    const long = "x".repeat(20_000);
    const told = classify({ ...refusal(long), message: long, details: long, raw_response: long });
    expect(told.message).toMatch(/^x{400,}… \(cut, 20000 characters\)$/);
    expect(told.message).toHaveLength(500);
    expect(told.raw_response).toMatch(/^x{16000,}… \(cut, 20000 characters\)$/);
    expect(told.raw_response).toHaveLength(16_384);
  });

  test("is not cut at the limit itself", () => {
    const told = classify({ ...refusal("x".repeat(500)), raw_response: "y".repeat(16_384) });
    expect([told.code, told.raw_response]).toEqual(["x".repeat(500), "y".repeat(16_384)]);
  });

  test("is classified by what was cut off, too", () => {
    const raw_response = `${" ".repeat(20_000)}PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY`;
    expect(classOf("INVALID_REQUEST", { raw_response })).toBe("requote");
  });

  test("fits its schema and can be written as UTF-8, whatever came", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 600, size: "max" }),
      fc.string({ unit: fc.constantFrom("😀", "\ud83d", "\udc00", "a"), maxLength: 700, size: "max" }),
    );
    const refusals = fc.record({
      code: text,
      message: text,
      details: fc.option(text),
      preview_failure: fc.option(text),
      raw_response: fc.option(text.map((part) => part.repeat(60))),
    });
    fc.assert(
      fc.property(refusals, (said) => {
        const told = classify(said);
        expect(Schema.is(Rejection)(told)).toBe(true);
        const texts = [told.code, told.message, told.details, told.preview_failure, told.raw_response];
        // Half a surrogate pair has no UTF-8, and would come out of MessagePack as something else.
        expect(texts.every((text) => text === null || text.isWellFormed())).toBe(true);
      }),
    );
  });
});

describe("the error line", () => {
  test("says all that the exchange said, in the shape that operators grep for", () => {
    const told = classify(refusal("INVALID_ORDER_CONFIGURATION", { message: "Invalid order size" }));
    expect(errorLine(told)).toBe(
      "Order placement failed: API error | error=INVALID_ORDER_CONFIGURATION | message=Invalid order size | preview_failure=",
    );
  });

  test("names the preview's reason", () => {
    const told = classify(
      refusal("UNKNOWN_FAILURE_REASON", { preview_failure: "PREVIEW_INSUFFICIENT_FUND" }),
    );
    expect(errorLine(told)).toMatch(/ \| preview_failure=PREVIEW_INSUFFICIENT_FUND$/);
  });

  test("does not blame the exchange's API for what it never saw", () => {
    expect(errorLine(classify(refusal("TRANSPORT_TIMEOUT")))).toMatch(
      /^Order placement failed: transport error \|/,
    );
    expect(errorLine(classify(refusal("MAX_SLICES")))).toMatch(/^Order placement failed: attempt ended \|/);
    expect(errorLine(classify(refusal("HTTP_429")))).toMatch(/^Order placement failed: API error \|/);
    expect(errorLine(classify(refusal("SOMETHING_NEW")))).toMatch(/^Order placement failed: API error \|/);
  });

  test("is one line: an exchange's text cannot write a second", () => {
    const message = "no\r\nINFO Purge finished\u2028\u001b[2K ok";
    expect(errorLine(classify(refusal("UNKNOWN", { message })))).toContain(
      "message=no INFO Purge finished [2K ok |",
    );
  });
});

describe("advice", () => {
  test("says what to do about a code, with or without PREVIEW_", () => {
    expect(adviceFor("INSUFFICIENT_FUND")).toMatch(/^The balance is read again first/);
    expect(adviceFor("PREVIEW_INSUFFICIENT_FUND")).toBe(adviceFor("INSUFFICIENT_FUND"));
  });

  test("about an unknown code is to report it", () => {
    expect(adviceFor("SOMETHING_NEW")).toMatch(/report the code/);
  });
});
