// docs/protocol.md against the code: its examples decode, its tables are complete, its numbers are the real ones.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  addressOf,
  decode,
  encode,
  MAX_BODY_BYTES,
  MAX_DEPTH,
  SCHEMA_VERSION,
  subjectOf,
} from "../../../adapters/bus/mod.ts";
import {
  ACK_WAIT_MS,
  CONSUMERS,
  MAX_ACK_PENDING,
  MAX_DELIVER,
  STREAMS,
} from "../../../adapters/bus/streams.ts";
import { OPERATIONS, SERVICE_NAME, StatusReply } from "../../../adapters/control/mod.ts";
import { symbolOf } from "./bus_conformance.ts";
import { CHANNELS, JSON_TEXT, VECTORS } from "./vectors.ts";

const page = readFileSync(new URL("../../../docs/protocol.md", import.meta.url), "utf8");
const examples = [...page.matchAll(/^```json (\S+)\n(.*?)^```$/gms)].map(([, subject = "", body = ""]) => ({
  subject,
  body,
}));

test.each(examples)(
  "the example under $subject is a valid message, exactly as the code writes it",
  ({ subject, body }) => {
    const channel = addressOf(subject)?.channel;
    if (channel === undefined) throw new Error(`${subject} is no subject`);
    const decoded = decode(channel, { subject, bytes: Buffer.from(body), headers: JSON_TEXT });
    if (!decoded.ok) throw new Error(decoded.reason);
    expect(decoded.body).toEqual(JSON.parse(body));
    const sent = encode(channel, decoded.body, { format: "json" });
    expect(sent.subject).toBe(subject);
    expect(JSON.parse(Buffer.from(sent.bytes).toString())).toEqual(JSON.parse(body));
  },
);

test("every kind of message has one example, the one of the test vectors", () => {
  const shown = examples.map(({ subject, body }) => ({ subject, body: JSON.parse(body) }));
  expect(shown).toEqual(VECTORS.map(({ subject, body }) => ({ subject, body })));
});

test("every channel's subject is in the table, and nothing else is", () => {
  const listed = [...page.matchAll(/^\| `(purge\.v1\.[^`]+)` \|/gm)].map(([, subject]) => subject);
  const symbol = symbolOf("BONK-USD");
  const real = CHANNELS.map((channel) => {
    const hasSymbol = !["account", "holdings", "venue"].includes(channel);
    return subjectOf({ channel, symbol: hasSymbol ? symbol : null }).replace("BONK-USD", "<symbol>");
  });
  expect(listed).toEqual(real);
});

test("the ids in the table are those that the code makes", () => {
  const rows = [...page.matchAll(/^\| (.+?) \| `([^`]+\/[^`]+)` \|$/gm)];
  const forms = rows.flatMap(([, names = "", form = ""]) =>
    names.split(", ").map((name) => [name.replaceAll("`", ""), form] as const),
  );
  const named = new Map([
    ["a transition", "transition"],
    ["a dead letter", "dead_letter"],
  ]);
  const table = new Map(forms.map(([name, form]) => [named.get(name) ?? name, form]));
  for (const { name, body, message_id } of VECTORS) {
    const form = table.get(name);
    if (message_id === null || form === undefined) {
      expect(form, name).toBeUndefined();
      expect(message_id, name).toBeNull();
      continue;
    }
    const fields: Record<string, unknown> = { ...body, type: name, client_order_id: clientOrderId(body) };
    const pattern = form.replace(/<([^>]+)>/g, (_all, field: string) => {
      if (field === "ledger id") return "paper-main";
      return field.startsWith("hash") ? message_id.slice(-32) : String(fields[field]);
    });
    expect(message_id).toBe(pattern);
  }
});

function clientOrderId(body: object): unknown {
  if ("client_order_id" in body) return body.client_order_id;
  const order = "order" in body ? body.order : null;
  return typeof order === "object" && order !== null && "client_order_id" in order
    ? order.client_order_id
    : null;
}

test("every kind of message is shown in MessagePack too, byte for byte as in the test vectors", () => {
  const shown = [...page.matchAll(/^```msgpack\n(.*?)^```$/gms)].map(([, hex = ""]) =>
    hex.replaceAll("\n", ""),
  );
  expect(shown).toEqual(VECTORS.map(({ msgpack_hex }) => msgpack_hex));
});

test("its streams are those that the code makes, for as long, with the same window", () => {
  const rows = [...page.matchAll(/^\| `(PURGE_\w+)` \| `([^`]+)`.*? \| (.+?) \| (.+?) \| (.+?) \|$/gm)];
  const listed = rows.map(([, name, subject, retention = "", age, window]) => [
    name,
    subject?.replace(/…$/, ""),
    retention.replace(/:.*$/, "").replace(" ", ""),
    age,
    window,
  ]);
  const real = Object.entries(STREAMS).map(([name, { subjects, retention, maxAgeMs, duplicateWindowMs }]) => [
    name,
    subjects.length === 1 ? subjects[0] : subjects[0]?.replace(/PURGE_.*$/, ""),
    retention,
    maxAgeMs === 0 ? "ever" : inWords(maxAgeMs),
    inWords(duplicateWindowMs),
  ]);
  expect(listed).toEqual(real);
});

test("its consumers are those that the code makes", () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| `(PURGE_\w+)` \| the \w+ \|$/gm)];
  expect(rows.map(([, durable, stream]) => ({ durable, stream }))).toEqual(
    CONSUMERS.map(({ durable, stream }) => ({ durable, stream })),
  );
  expect(page).toContain(
    `\`ack_wait\` ${inWords(ACK_WAIT_MS)}, at most ${MAX_DELIVER} deliveries, at most ${MAX_ACK_PENDING.toLocaleString("en")} unanswered`,
  );
});

test("it names the operations of the control service, and the modes", () => {
  const section = /^## Operators$(.*?)^## /ms.exec(page)?.[1] ?? "";
  const named = [...section.matchAll(/`(?:purge\.v1\.control\.)?([a-z]+)`/g)].map(([, word]) => word);
  expect(named).toEqual(expect.arrayContaining([...OPERATIONS]));
  expect(section).toContain(`service \`${SERVICE_NAME}\``);
  const modes = /\| `Purge-Mode` \| \w+ \| whose money it is: (.*?)\./.exec(page)?.[1] ?? "";
  expect([...modes.matchAll(/`([\w-]+)`/g)].map(([, mode]) => mode)).toEqual(
    StatusReply.fields.mode.literals,
  );
});

function inWords(ms: number): string {
  const [size, unit] = ms >= 86_400_000 ? [86_400_000, "d"] : ms >= 60_000 ? [60_000, "min"] : [1_000, "s"];
  return `${ms / size} ${unit}`;
}

test("its numbers are the real ones", () => {
  expect(page).toContain(`at most ${MAX_BODY_BYTES / 1024 / 1024} MiB, nested at most ${MAX_DEPTH} deep`);
  expect(page).toContain(`| \`Schema-Version\` | required | \`${SCHEMA_VERSION}\` |`);
});
