// `Nats-Msg-Id`: the same message sent again has the same id, so that a server which deduplicates drops it.
import { createHash } from "node:crypto";
import type { Channel, ChannelBody, DeadLetter } from "../../actors/ports.ts";
import type { OrderResult } from "../../machines/mod.ts";

/** The id of a message, made from its body alone; null for orders and questions.
 *
 * An order or a question is sent again with the same body exactly because no answer came, so the repeat must get
 * through; that it is carried out once is the gateway's part. An answer is told from an earlier, equal answer by its
 * time `at`.
 */
export function messageId<C extends Channel>(channel: C, body: ChannelBody[C]): string | null {
  const parts = PARTS[channel](body);
  return parts === null ? null : parts.map(token).join("/");
}

/** The `seq` of a transition of this ledger, from its message's id; null when the id is of something else. */
export function transitionSeq(id: string | null, ledgerId: string): number | null {
  const [kind, ledger, seq] = (id ?? "").split("/");
  if (kind !== "transition" || ledger !== token(ledgerId) || seq === undefined) return null;
  return /^[1-9]\d{0,15}$/.test(seq) ? Number(seq) : null;
}

type Parts = readonly string[] | null;
const PARTS: { readonly [C in Channel]: (body: ChannelBody[C]) => Parts } = {
  orders: () => null,
  results: (body) => [body.type, ...resultParts(body), body.at],
  transitions: (body) => ["transition", body.ledger_id, `${body.seq}`, body.symbol, body.at],
  account: () => null,
  holdings: (body) =>
    body.type === "holdings.published"
      ? [body.type, body.source, `${body.sequence}`, body.at]
      : [body.type, body.request_id ?? "", body.at],
  venue: (body) => [body.type, body.state, body.at],
  dead: (body) => ["dead", body.subject, body.at, contentOf(body)],
};

function resultParts(body: OrderResult): readonly string[] {
  switch (body.type) {
    case "market.snapshot":
    case "market.unavailable":
      return [body.symbol, body.request_id];
    case "order.accepted":
    case "order.rejected":
      return [body.client_order_id];
    case "order.update":
      return [body.client_order_id, `${body.revision}`, body.status];
    case "order.unknown":
      return [body.client_order_id, body.outcome];
  }
}

/** Text from outside as part of a header: never a line end or a slash, never long. */
function token(part: string): string {
  return /^[\w.:-]{0,100}$/.test(part) ? part : digest(part);
}

/** With the headers: two messages without ids may differ in nothing else, and neither is to be taken for the other. */
function contentOf({ reason, body_base64, headers }: DeadLetter): string {
  return digest(JSON.stringify([reason, body_base64, Object.entries(headers)]));
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
