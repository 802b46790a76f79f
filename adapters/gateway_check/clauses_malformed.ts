// Clauses about messages that are not what they should be: each is set aside with its bytes, and nothing else is held up.
import { randomUUID } from "node:crypto";
import { type Format, SUBJECT_PREFIX, writePlain } from "../bus/mod.ts";
import { textOf } from "./reading.ts";
import { type Clause, describe, fail, type Finding, pass, type Stage } from "./stage.ts";

interface Malformed {
  readonly bytes: Uint8Array;
  readonly format?: Format;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of the order in it, which must not be placed. */
  readonly id: string;
}
type Spoil = (stage: Stage, id: string) => Omit<Malformed, "id">;

const SPOILED: readonly (readonly [name: string, what: string, spoil: Spoil])[] = [
  ["json", "whose JSON breaks off", (stage, id) => ({ bytes: half(writePlain("json", placing(stage, id))) })],
  [
    "msgpack",
    "whose MessagePack breaks off",
    (stage, id) => ({ bytes: half(writePlain("msgpack", placing(stage, id))), format: "msgpack" }),
  ],
  [
    "type",
    "of an unknown type",
    (stage, id) => ({ bytes: json({ ...placing(stage, id), type: "order.explode" }) }),
  ],
  [
    "amount",
    "with an amount that is a number",
    (stage, id) => ({ bytes: json(placing(stage, id, { base_size: 10 })) }),
  ],
  [
    "symbol",
    "under another symbol's subject",
    (stage, id) => ({
      bytes: json({ ...placing(stage, id, { symbol: stage.symbols.take }), symbol: stage.symbols.take }),
    }),
  ],
  [
    "version",
    "of an unknown Schema-Version",
    (stage, id) => ({ bytes: json(placing(stage, id)), headers: { "Schema-Version": "999" } }),
  ],
  [
    "content_type",
    "of an unknown Content-Type",
    (stage, id) => ({ bytes: json(placing(stage, id)), headers: { "Content-Type": "application/xml" } }),
  ],
];

export const MALFORMED_CLAUSES: readonly Clause[] = [
  ...SPOILED.map(
    ([name, what, spoil]): Clause => ({
      id: `malformed.${name}`,
      sentence: `A message ${what} becomes a dead letter with its bytes and the reason, and places nothing.`,
      check: (stage) => {
        const id = randomUUID();
        return checkSetAside(stage, { ...spoil(stage, id), id });
      },
    }),
  ),
  {
    id: "malformed.question",
    sentence: "A question about the account that cannot be read becomes a dead letter as well.",
    check: (stage) => {
      const bytes = json({ type: "holdings.refresh", request_id: 7 });
      return checkSetAside(stage, { bytes, id: "" }, `${SUBJECT_PREFIX}.account`);
    },
  },
  {
    id: "malformed.goes_on",
    sentence: "After messages that it could not read the gateway answers as before.",
    async check(stage) {
      const expected = "market.snapshot";
      const quote = await stage.quote(stage.symbols.accept);
      return quote === null ? fail(expected, "the gateway does not answer any more") : pass(expected);
    },
  },
];

async function checkSetAside(
  stage: Stage,
  { bytes, format, headers, id }: Malformed,
  subject = `${SUBJECT_PREFIX}.orders.${stage.symbols.accept}`,
): Promise<Finding> {
  const expected = "a dead letter with the subject, the bytes and a reason, and no result";
  const from = await stage.raw({ subject, bytes }, format ?? "json", headers);
  const letter = await stage.deadLetter(from, bytes);
  const word = stage.ear.heard.slice(from).find(({ body }) => body["client_order_id"] === id) ?? null;
  if (word !== null) {
    stage.placed.set(id, textOf(word.body, "symbol") ?? stage.symbols.accept);
    return fail(expected, `it was carried out: ${describe(word)}`);
  }
  if (letter === null) return fail(expected, describe(letter));
  if (textOf(letter.body, "subject") !== subject)
    return fail(expected, `it names another subject: ${describe(letter)}`);
  return (textOf(letter.body, "reason") ?? "") === ""
    ? fail(expected, "the reason is empty")
    : pass(expected);
}

/** An order that would be taken, if it were read. */
function placing(
  { symbols }: Stage,
  client_order_id: string,
  over: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const symbol = symbols.accept;
  const order = {
    client_order_id,
    symbol,
    side: "SELL",
    kind: "post_only",
    base_size: "10",
    limit_price: "2",
  };
  return { type: "order.place", symbol, order: { ...order, ...over } };
}

function json(value: unknown): Uint8Array {
  return writePlain("json", value);
}

function half(bytes: Uint8Array): Uint8Array {
  return bytes.slice(0, Math.ceil(bytes.length / 2));
}
