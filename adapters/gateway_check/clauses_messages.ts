// Clauses about every message that was heard, whatever it was said about. They come last.
import { Schema } from "effect";
import { compare, DecimalString, Timestamp } from "../../machines/mod.ts";
import { CHANNEL_SCHEMAS, CONTENT_TYPES, formatOf, SCHEMA_VERSION, SUBJECT_PREFIX } from "../bus/mod.ts";
import { amountOf, type Body, headerOf, type Heard, isMap, show, textOf } from "./reading.ts";
import { type Clause, fail, type Finding, isFinal, notShown, pass, type Stage } from "./stage.ts";

/** How far `at` may be from the time at which a message was heard: clocks differ, and a message may wait. */
const CLOCKS_APART_MS = 60_000;

export const MESSAGE_CLAUSES: readonly Clause[] = [
  {
    id: "message.subject",
    sentence: "A result is published under the subject of its symbol.",
    check: (stage) =>
      ofEach(stage, ["results"], "the subject that ends in the body's symbol", ({ message, body }) => {
        const subject = `${SUBJECT_PREFIX}.results.${String(body["symbol"])}`;
        return message.subject === subject ? null : `the body belongs under ${subject}`;
      }),
  },
  {
    id: "message.headers",
    sentence: "Each message says its Content-Type and its Schema-Version.",
    check: (stage) =>
      ofEach(
        stage,
        SAID,
        `${Object.values(CONTENT_TYPES).join(" or ")}; version ${SCHEMA_VERSION}`,
        ({ message }) => {
          const type = headerOf(message, "Content-Type");
          if (formatOf(type) === null) return `Content-Type is ${type ?? "missing"}`;
          const version = headerOf(message, "Schema-Version");
          return version === SCHEMA_VERSION ? null : `Schema-Version is ${version ?? "missing"}`;
        },
      ),
  },
  {
    id: "message.id",
    sentence: "Each result has a Nats-Msg-Id, and different results have different ones.",
    check: (stage) => {
      const known = new Map<string, string>();
      return ofEach(stage, ["results"], "a Nats-Msg-Id of its own", ({ message }) => {
        const id = headerOf(message, "Nats-Msg-Id") ?? "";
        if (id === "") return "Nats-Msg-Id is missing";
        const text = show(message);
        const same = known.get(id) ?? text;
        known.set(id, text);
        return same === text ? null : `Nats-Msg-Id ${id} was that of another message`;
      });
    },
  },
  {
    id: "message.amounts",
    sentence: "Amounts are text: decimals in plain notation, never numbers.",
    check: (stage) =>
      ofEach(stage, SAID, "text such as 889587.0", ({ body }) => wrongField(body, AMOUNTS, isAmount)),
  },
  {
    id: "message.times",
    sentence: "Times are text: RFC 3339 in UTC with milliseconds.",
    check: (stage) =>
      ofEach(stage, SAID, "text such as 2025-11-11T03:04:05.678Z", ({ body }) =>
        wrongField(body, TIMES, isTime),
      ),
  },
  {
    id: "message.at",
    sentence: "`at` is when the gateway learnt of what it says: within a minute of when it was heard.",
    check: (stage) =>
      ofEach(stage, ["results", "holdings"], "a time near that of the message", ({ body, at }) => {
        const said = Date.parse(textOf(body, "at") ?? "");
        if (Number.isNaN(said)) return null;
        const apart = Math.abs(at - said);
        return apart <= CLOCKS_APART_MS ? null : `at is ${apart} ms away from when it was heard`;
      }),
  },
  {
    id: "message.body",
    sentence: "Each message has the fields that the protocol gives it, and their types.",
    check: (stage) =>
      ofEach(stage, SAID, "a body that its schema takes", ({ channel, body }) => {
        if (channel !== "results" && channel !== "holdings" && channel !== "venue" && channel !== "dead")
          return null;
        const problem = PROBLEMS[channel](mended(body));
        return problem === null ? null : problem.replace(/\s*\n\s*/g, " ");
      }),
  },
  {
    id: "message.revision",
    sentence: "The revision of an order grows with each change, and what was filled never shrinks with it.",
    check: async (stage) => {
      const updates = stage.ear.heard.filter(({ body }) => body["type"] === "order.update");
      const expected = "of two updates, the one with the larger revision to be the later truth";
      if (updates.length === 0) return notShown(expected, "no order.update was heard");
      for (const later of updates) {
        for (const earlier of updates) {
          const problem = contradiction(earlier.body, later.body);
          if (problem !== null)
            return fail(expected, `${problem}: ${show(earlier.message)} and ${show(later.message)}`);
        }
      }
      return pass(expected);
    },
  },
  {
    id: "message.order_id",
    sentence: "One client_order_id goes with one order_id of the exchange.",
    check: async (stage) => {
      const expected = "the same order_id in all that is said of an order";
      const known = new Map<string, string>();
      for (const { body, message } of stage.ear.heard) {
        const [own, theirs] = [textOf(body, "client_order_id"), textOf(body, "order_id")];
        if (own === null || theirs === null) continue;
        const first = known.get(own) ?? theirs;
        if (first !== theirs) return fail(expected, `it was ${first} before ${show(message)}`);
        known.set(own, first);
      }
      return known.size === 0 ? notShown(expected, "no order was taken") : pass(expected);
    },
  },
  {
    id: "venue.published",
    sentence: "The state of the venue is on purge.v1.venue, for whoever comes later.",
    async check(stage) {
      const expected = "a venue.state, kept by the stream";
      const last = await stage.link.lastVenue();
      return last === null ? fail(expected, "nothing is kept there") : pass(expected);
    },
  },
  {
    id: "command.acknowledged",
    sentence: "Every command is acknowledged, the unreadable ones too: none is delivered again and again.",
    async check(stage) {
      const expected = "no command left unacknowledged";
      const until = performance.now() + stage.timeoutMs;
      for (;;) {
        const left = await stage.link.unacknowledged();
        if (left === null) return notShown(expected, "this user may not see the gateway's consumer");
        if (left === 0) return pass(expected);
        if (performance.now() >= until) return fail(expected, `${left} commands are not acknowledged`);
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    },
  },
];

const LOOK_MS = 50;
const SAID = ["results", "holdings", "venue", "dead"] as const;
const SHOWN_PROBLEMS = 5;

const AMOUNTS: ReadonlySet<string> = new Set([
  ...["best_bid", "best_ask", "available", "balance", "price_usd", "filled_size", "filled_value", "fee"],
  ...["base_increment", "price_increment", "base_min_size", "quote_min_size"],
]);
const TIMES: ReadonlySet<string> = new Set(["at", "quoted_at", "until"]);

const isAmount = Schema.is(Schema.NullOr(DecimalString));
const isTime = Schema.is(Schema.NullOr(Timestamp));
const PROBLEMS = {
  results: problemBy(Schema.decodeUnknownExit(CHANNEL_SCHEMAS.results)),
  holdings: problemBy(Schema.decodeUnknownExit(CHANNEL_SCHEMAS.holdings)),
  venue: problemBy(Schema.decodeUnknownExit(CHANNEL_SCHEMAS.venue)),
  dead: problemBy(Schema.decodeUnknownExit(CHANNEL_SCHEMAS.dead)),
};

function problemBy(
  decode: (
    value: unknown,
  ) => { readonly _tag: "Success" } | { readonly _tag: "Failure"; readonly cause: unknown },
): (value: unknown) => string | null {
  return (value) => {
    const exit = decode(value);
    return exit._tag === "Success" ? null : String(exit.cause).slice(0, 400);
  };
}

/** @param problemOf what is wrong with a message; null when nothing is */
async function ofEach(
  { ear }: Stage,
  channels: readonly string[],
  expected: string,
  problemOf: (heard: Heard) => string | null,
): Promise<Finding> {
  const meant = ear.heard.filter(({ channel }) => channel !== null && channels.includes(channel));
  if (meant.length === 0) return notShown(expected, "no such message was heard");
  const problems = meant.flatMap((heard) => {
    const problem = problemOf(heard);
    return problem === null ? [] : [`${problem}: ${show(heard.message)}`];
  });
  if (problems.length === 0) return pass(expected);
  const shown = problems.slice(0, SHOWN_PROBLEMS).join("\n");
  return fail(expected, `${problems.length} of ${meant.length} messages:\n${shown}`);
}

/** The first field of these names, at any depth, that is not as it should be. */
function wrongField(
  value: unknown,
  names: ReadonlySet<string>,
  fits: (value: unknown) => boolean,
): string | null {
  if (Array.isArray(value)) {
    return value.map((item) => wrongField(item, names, fits)).find((problem) => problem !== null) ?? null;
  }
  if (!isMap(value)) return null;
  for (const [name, field] of Object.entries(value)) {
    if (names.has(name) && !fits(field)) return `${name} is ${JSON.stringify(field) ?? typeof field}`;
    const inner = wrongField(field, names, fits);
    if (inner !== null) return inner;
  }
  return null;
}

/** The body with every amount and time made right, where it is there at all: those have clauses of their own. */
function mended(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mended);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      if (AMOUNTS.has(name) && !isAmount(field)) return [name, "1"];
      if (TIMES.has(name) && !isTime(field)) return [name, "2025-11-11T00:00:00.000Z"];
      return [name, mended(field)];
    }),
  );
}

function contradiction(earlier: Body, later: Body): string | null {
  if (earlier["client_order_id"] !== later["client_order_id"]) return null;
  const [from, to] = [earlier["revision"], later["revision"]];
  if (typeof from !== "number" || typeof to !== "number" || from > to) return null;
  const [before, after] = [amountOf(earlier, "filled_size"), amountOf(later, "filled_size")];
  if (before === null || after === null) return null;
  if (from === to) {
    const isSame = compare(before, after) === 0 && earlier["status"] === later["status"];
    return isSame ? null : "the same revision says two things";
  }
  if (compare(before, after) > 0) return "a larger revision has less filled";
  return isFinal(earlier) && !isFinal(later) ? "a larger revision opens what was final" : null;
}
