// No secret reaches a log, wherever it hides; and nothing else is lost on the way.
import { describe, expect, test } from "vitest";
import { REDACTED, redact, redactText } from "../../../adapters/telemetry/mod.ts";

/** Made up here, in the shapes of the real ones, and put together so that no scanner takes them for real. */
const JWT = ["eyJhbGciOiJFUzI1NiJ9", "eyJzdWIiOiJub2JvZHkifQ", "c2lnbmF0dXJl"].join(".");
const PEM = [
  "-----BEGIN EC ",
  "PRIVATE KEY-----\nMHcCAQEEIHVt\nAoGCCqGSM49\n-----END EC ",
  "PRIVATE KEY-----",
].join("");
const NKEY_SEED = `SU${"A2B3".repeat(14)}`;

describe("by the name of the key", () => {
  test.each([
    "authorization",
    "Authorization",
    "api_key",
    "apiKey",
    "x-api-key",
    "CB-ACCESS-KEY",
    "CB-ACCESS-SIGN",
    "secret",
    "client_secret",
    "password",
    "passphrase",
    "token",
    "natsToken",
    "private_key",
    "jwt",
    "creds",
    "credentials",
    "nkey",
    "nkey_seed",
    "set-cookie",
  ])("%s", (key) => {
    expect(redact({ [key]: "hunter2" })).toEqual({ [key]: REDACTED });
    expect(redact({ [key]: { inner: ["hunter2"] } })).toEqual({ [key]: REDACTED });
    expect(redact({ a: [{ b: { c: { [key]: 12345 } } }] })).toEqual({
      a: [{ b: { c: { [key]: REDACTED } } }],
    });
  });

  test.each(["tokens_sold", "max_tokens", "secretary", "seed", "key", "passed", "code", "cookies_enabled"])(
    "%s is no secret",
    (key) => {
      expect(redact({ [key]: "visible" })).toEqual({ [key]: "visible" });
    },
  );

  test("whether there is one may be told", () => {
    expect(redact({ api_key: true, token: null })).toEqual({ api_key: true, token: null });
  });
});

describe("by what it looks like, in any text", () => {
  test.each([
    ["a JSON web token", `got ${JWT} back`, `got ${REDACTED} back`],
    ["a JSON web token that was cut", JWT.slice(0, 35), REDACTED],
    ["a PEM block", `key: ${PEM} end`, `key: ${REDACTED} end`],
    ["a PEM block that was cut", `${PEM.slice(0, 50)}`, REDACTED],
    ["an nkey seed", `seed ${NKEY_SEED}.`, `seed ${REDACTED}.`],
    ["a bearer header", "Bearer abcdef123456", `Bearer ${REDACTED}`],
    ["a basic header", "Authorization: Basic dXNlcjpwYXNz", `Authorization: ${REDACTED}`],
    [
      "user and password in an address",
      "nats://ana:hunter2@127.0.0.1:4222",
      `nats://${REDACTED}@127.0.0.1:4222`,
    ],
    ["a query", "GET /x?a=1&api_key=hunter2&b=2", `GET /x?a=1&api_key=${REDACTED}&b=2`],
    ["an assignment", "password=hunter2; next", `password=${REDACTED}; next`],
  ])("%s", (_, text, clean) => {
    expect(redactText(text)).toBe(clean);
  });

  test.each([
    "ORDER_REJECT BONK-USD SELL client_id=3d567b88 | error=INVALID_API_KEY | message=Invalid api key | preview_failure=",
    "wss://advanced-trade-ws-user.coinbase.com/path",
    "mail ana@example.com",
    "\u26a0\ufe0f Purge sell failed for BONK-USD",
    "basic information about the product",
  ])("%s stays as it is", (text) => {
    expect(redactText(text)).toBe(text);
  });
});

describe("inside the exchange's raw answer", () => {
  test("keys are found at any depth, and the rest of the body stays", () => {
    const raw = JSON.stringify({
      error: "X",
      debug: { request: { headers: { Authorization: "abc" } }, list: [{ jwt: 1 }] },
    });
    expect(JSON.parse(redactText(raw))).toEqual({
      error: "X",
      debug: { request: { headers: { Authorization: REDACTED } }, list: [{ jwt: REDACTED }] },
    });
  });

  test("JSON quoted within JSON is searched as well", () => {
    const raw = JSON.stringify({ body: JSON.stringify({ inner: JSON.stringify({ api_key: "hunter2" }) }) });
    expect(redactText(raw)).not.toContain("hunter2");
    expect(JSON.parse(JSON.parse(JSON.parse(redactText(raw)).body).inner)).toEqual({ api_key: REDACTED });
  });

  test.each([
    ["cut off in the middle of the secret", '{"error":"X","token":"hunt'],
    ["cut off after it", '{"token":"hunter2 hunter2","error":"X'],
    ["with quotes in it", '{"token":"hun\\"hunter2","error":"X'],
    ["quoted once more, with quotes in it", '{"body":"{\\"token\\":\\"hun\\\\\\"hunter2\\",\\"a\\":1'],
    ["a number", '{"token":4711,"error":"X'],
  ])("a body that is no whole JSON: %s", (_, raw) => {
    const clean = redactText(raw);
    expect(clean).toContain(REDACTED);
    expect(clean).not.toMatch(/hunter2|4711|"hunt$/);
  });

  test("a body without secrets is the same to the last byte, however it is written", () => {
    const raw =
      '{ "error" : "X",\n  "n": 1e2, "items": [' +
      Array.from({ length: 150 }, (_, n) => n).join(", ") +
      "] }";
    expect(redactText(raw)).toBe(raw);
  });

  test("a JSON web token or a PEM block under an innocent name is found", () => {
    const clean = redactText(JSON.stringify({ note: `sent ${JWT}`, file: PEM }));
    expect(JSON.parse(clean)).toEqual({ note: `sent ${REDACTED}`, file: REDACTED });
  });

  test("a nested refusal is cleaned as a field", () => {
    const rejection = { code: "X", raw_response: `{"headers":{"authorization":"Bearer ${JWT}"}}` };
    expect(redact({ rejection })).toEqual({
      rejection: { code: "X", raw_response: `{"headers":{"authorization":"${REDACTED}"}}` },
    });
  });
});

describe("whatever comes", () => {
  test("errors keep type, message, stack, code and cause", () => {
    const error = Object.assign(new TypeError(`no ${JWT}`, { cause: new Error("deeper") }), { code: "E1" });
    expect(redact(error)).toMatchObject({
      type: "TypeError",
      message: `no ${REDACTED}`,
      code: "E1",
      cause: { message: "deeper" },
    });
  });

  test("circles, depth, length, bytes and odd values are named", () => {
    const circle: Record<string, unknown> = {
      n: 10n,
      f: () => 1,
      when: new Date(0),
      never: new Date(Number.NaN),
    };
    circle["self"] = circle;
    expect(redact(circle)).toEqual({
      n: "10",
      f: undefined,
      when: "1970-01-01T00:00:00.000Z",
      never: "[invalid date]",
      self: "[circular]",
    });
    expect(redact({ bytes: new Uint8Array(7) })).toEqual({ bytes: "[7 bytes]" });
    const list = redact(Array.from({ length: 105 }, (_, n) => n));
    expect(list).toHaveLength(101);
    expect(list).toContain("[5 more]");
    let deep: unknown = "bottom";
    for (let n = 0; n < 20; n += 1) deep = { deep };
    expect(JSON.stringify(redact(deep))).toContain("[too deep]");
  });

  test("the same object twice is no circle", () => {
    const shared = { a: 1 };
    expect(redact({ one: shared, two: shared })).toEqual({ one: { a: 1 }, two: { a: 1 } });
  });

  test("a getter that throws spoils nothing but itself", () => {
    const trap = {
      get boom(): never {
        throw new Error("no");
      },
    };
    expect(redact({ trap, fine: 1 })).toEqual({ trap: "[unreadable: Error: no]", fine: 1 });
  });

  test("a key named __proto__ stays a key", () => {
    const clean = redact(JSON.parse('{"__proto__":{"polluted":true}}'));
    expect(Object.keys(Object(clean))).toEqual(["__proto__"]);
    expect(Object(clean).polluted).toBeUndefined();
  });

  test.each([
    ["letters", "a".repeat(16_384)],
    ["quotes", '"'.repeat(16_384)],
    ["backslashes", '\\"'.repeat(8_192)],
    ["PEM heads", "-----BEGIN X-----".repeat(960)],
    ["token keys", '{"token":"'.repeat(1_600)],
    ["brackets", "[".repeat(16_384)],
    ["nested arrays", "[".repeat(8_000) + "]".repeat(8_000)],
    ["dots", "eyJaaaaaa.".repeat(1_600)],
  ])("16 kB of %s take no time to speak of", (_, text) => {
    const startedAt = performance.now();
    redactText(text);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
